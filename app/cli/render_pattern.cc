#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "app/cli/render.h"
#include "base/text.h"

namespace fleetmedic::cli {
namespace {

using Cell = TextTable::Cell;

constexpr size_t kTrendColumns = 20;
constexpr size_t kSeriesColumns = 60;
constexpr size_t kHostsShown = 10;
constexpr size_t kValuesShown = 6;
constexpr size_t kBarColumns = 20;
constexpr size_t kValueChars = 40;

std::string NumberOf(const Json& json, std::string_view key) {
  const std::optional<int64_t> number = json[key].integer();
  return number ? fmt::format("{}", *number) : "?";
}

bool Is(const Json& json, std::string_view key) { return json[key].boolean().value_or(false); }

// A line of "label  value", none for an empty value. The value is foreign.
std::string Line(std::string_view label, std::string_view value) {
  return value.empty() ? "" : fmt::format("{:<11}{}\n", label, VisibleText(value));
}

std::string HostsText(const Json& pattern) {
  return (Is(pattern, "hosts_cut") ? "≥" : "") + NumberOf(pattern, "hosts");
}

std::string NoteText(const Json& pattern) {
  std::string note;
  const auto add = [&note](std::string_view word) {
    if (!note.empty()) note += " ";
    note += word;
  };
  if (Is(pattern, "new")) add("NEW");
  if (Is(pattern, "rising")) add("rising");
  if (const std::string issue = TextOf(pattern, "issue"); !issue.empty()) add(issue);
  if (TextOf(pattern, "kind") == "template") add("no rule");
  return note;
}

std::string Title(const TextStyle& style, std::string_view text) {
  return "\n" + Paint(style, Color::kBold, text) + "\n";
}

std::string Examples(const Json& object, const TextStyle& style, WallTime now) {
  const std::span<const Json> examples = Items(object["examples"]);
  if (examples.empty()) return "";
  TextTable table({"HOST", "SOURCE", "AGO", "LINE"}, 2);
  for (const Json& one : examples) {
    table.Add({TextOf(one, "host"), TextOf(one, "source"), Age(TimeOf(one, "at"), now),
               TextOf(one, "line")});
  }
  return Title(style, "examples") + table.Text(style);
}

// "nvme0 5 (71 %), nvme1 2 (29 %), others 1".
std::string ValuesText(const Json& variable) {
  std::vector<std::pair<int64_t, std::string>> values;
  const int64_t others = variable["other_lines"].integer().value_or(0);
  int64_t all = others;
  if (variable["values"].object() != nullptr) {
    for (const auto& [value, lines] : *variable["values"].object()) {
      values.emplace_back(lines.integer().value_or(0), value);
      all += lines.integer().value_or(0);
    }
  }
  std::ranges::stable_sort(values, std::greater<>(), &std::pair<int64_t, std::string>::first);
  std::string text;
  int64_t rest = others;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i >= kValuesShown) {
      rest += values[i].first;
      continue;
    }
    text += fmt::format(
        "{}{} {} ({:.0f} %)", text.empty() ? "" : ", ", Quote(values[i].second, kValueChars),
        values[i].first,
        all == 0 ? 0.0 : 100.0 * static_cast<double>(values[i].first) / static_cast<double>(all));
  }
  if (rest > 0) text += fmt::format("{}others {}", text.empty() ? "" : ", ", rest);
  return text;
}

std::string Variables(const Json& pattern, const TextStyle& style) {
  std::string text;
  for (const Json& variable : Items(pattern["variables"])) {
    text +=
        fmt::format("  «{}»  {}\n", VisibleText(TextOf(variable, "name")), ValuesText(variable));
  }
  return text.empty() ? "" : Title(style, "values") + text;
}

// Numbers of a series' points, with none for the steps between that have no point.
std::vector<Json> Numbers(const Json& series, std::string_view time, Micros step) {
  std::vector<Json> numbers;
  WallTime next = kWallNever;
  for (const Json& point : Items(series)) {
    const WallTime at = TimeOf(point, time);
    for (; next != kWallNever && next < at && numbers.size() < 2000; next += step) {
      numbers.emplace_back(0);
    }
    numbers.push_back(point["hosts"]);
    next = at + step;
  }
  return numbers;
}

int64_t Largest(std::span<const Json> numbers) {
  int64_t largest = 0;
  for (const Json& number : numbers) largest = std::max(largest, number.integer().value_or(0));
  return largest;
}

std::string SeriesLine(std::string_view label, std::span<const Json> numbers) {
  if (numbers.empty()) return "";
  return Line(label,
              fmt::format("{} up to {}", Sparkline(numbers, kSeriesColumns), Largest(numbers)));
}

double Share(const Json& row, std::string_view part, std::string_view whole) {
  const auto all = static_cast<double>(row[whole].integer().value_or(0));
  return all <= 0 ? 0 : static_cast<double>(row[part].integer().value_or(0)) / all;
}

std::string Bar(double share) {
  const double whole = std::clamp(share, 0.0, 1.0) * static_cast<double>(kBarColumns);
  const auto full = static_cast<size_t>(std::lround(whole));
  std::string bar;
  for (size_t i = 0; i < kBarColumns; ++i) bar += i < full ? "▨" : "·";
  return bar;
}

std::string Part(const Json& row, std::string_view part, std::string_view whole) {
  return fmt::format("{} of {} {:.0f} %", NumberOf(row, part), NumberOf(row, whole),
                     100 * Share(row, part, whole));
}

std::string Joined(const Json& list) {
  std::string text;
  for (const Json& item : Items(list)) {
    if (item.string() != nullptr) text += (text.empty() ? "" : ", ") + *item.string();
  }
  return text;
}

std::string HostNames(const Json& issue) {
  std::string text;
  const std::span<const Json> hosts = Items(issue["hosts"]);
  for (const Json& host : hosts.first(std::min(hosts.size(), kHostsShown))) {
    if (host.string() != nullptr) text += (text.empty() ? "" : " ") + *host.string();
  }
  const int64_t more = issue["hosts_total"].integer().value_or(0) -
                       static_cast<int64_t>(std::min(hosts.size(), kHostsShown));
  if (more > 0) text += fmt::format(" and {} more", more);
  return text;
}

std::string Next(const TextStyle& style, std::span<const std::string> commands) {
  std::string text = Title(style, "next");
  for (const std::string& command : commands) text += "  " + VisibleText(command) + "\n";
  return text;
}

}  // namespace

std::string Sparkline(std::span<const Json> numbers, size_t columns) {
  static constexpr std::string_view kBars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const int64_t largest = Largest(numbers);
  const size_t parts = std::min(columns, numbers.size());
  std::string text;
  for (size_t part = 0; part < parts; ++part) {
    const size_t from = part * numbers.size() / parts;
    const size_t to = (part + 1) * numbers.size() / parts;
    const int64_t number = Largest(numbers.subspan(from, to - from));
    // What is there is never drawn as nothing.
    const size_t height =
        number <= 0 ? 0
                    : std::max<size_t>(
                          1, static_cast<size_t>(std::lround(7.0 * static_cast<double>(number) /
                                                             static_cast<double>(largest))));
    text += kBars[height];
  }
  return text;
}

TextTable PatternTable(std::span<const Json> patterns, const TextStyle& style, WallTime now) {
  std::vector<std::string> titles = {"HOSTS", "LINES", "TREND", "FIRST", "NOTE"};
  if (style.wide) titles.insert(titles.end(), {"NOVELTY", "10M", "LAST"});
  titles.insert(titles.end(), {"PATTERN", "TEXT"});
  TextTable table(std::move(titles));
  for (const Json& one : patterns) {
    const bool loud = Is(one, "new") || Is(one, "rising") || !TextOf(one, "issue").empty();
    std::vector<Cell> cells = {
        Cell(HostsText(one), loud ? Color::kBold : Color::kNone), NumberOf(one, "lines"),
        Sparkline(Items(one["trend"]), kTrendColumns), Age(TimeOf(one, "first_seen"), now),
        Cell(NoteText(one), loud ? Color::kYellow : Color::kNone)};
    if (style.wide) {
      cells.emplace_back(fmt::format("{:.2f}", one["novelty"].number().value_or(0)));
      cells.emplace_back(NumberOf(one, "hosts_10m"));
      cells.emplace_back(Age(TimeOf(one, "last_seen"), now));
    }
    cells.emplace_back(TextOf(one, "pattern"));
    cells.emplace_back(TextOf(one, "text"));
    table.Add(std::move(cells));
  }
  return table;
}

// "open, stale": the stream does not renew it any more.
std::string StateOf(const Json& issue) {
  const std::string state = TextOf(issue, "state");
  return (state.empty() ? "?" : state) + (Is(issue, "stale") ? ", stale" : "");
}

TextTable IssueTable(std::span<const Json> issues, const TextStyle& style, WallTime now) {
  std::vector<std::string> titles = {"ISSUE", "STATE", "FOR", "HOSTS", "SCOPE", "PATTERN"};
  if (style.wide) titles.insert(titles.end(), {"LINES", "UPDATED"});
  titles.emplace_back("WHY");
  TextTable table(std::move(titles));
  for (const Json& one : issues) {
    const bool open = TextOf(one, "state") == "open";
    std::vector<Cell> cells = {TextOf(one, "id"),
                               Cell(StateOf(one), open ? Color::kRed : Color::kDim),
                               Age(TimeOf(one, "opened_at"), now),
                               NumberOf(one, "hosts_total"),
                               TextOf(one, "scope_text"),
                               TextOf(one, "pattern")};
    if (style.wide) {
      cells.emplace_back(NumberOf(one, "lines"));
      cells.emplace_back(Age(TimeOf(one, "updated_at"), now));
    }
    cells.emplace_back(TextOf(one, "why"));
    table.Add(std::move(cells));
  }
  return table;
}

std::string PatternListNote(const Json& list) {
  const std::span<const Json> items = Items(list["items"]);
  std::string text = fmt::format("{} of {} patterns, {} lines", items.size(),
                                 NumberOf(list, "matching_total"), NumberOf(list, "lines_total"));
  if (Is(list, "reading")) text += "; the log is still being read, figures grow";
  text += "\n";
  if (!items.empty()) {
    text += "next: fleetmedic patterns show " + VisibleText(TextOf(items[0], "pattern")) + "\n";
  }
  return text;
}

std::string RenderPattern(const Json& pattern, const TextStyle& style, WallTime now) {
  const std::string name = TextOf(pattern, "pattern");
  const bool is_rule = TextOf(pattern, "kind") == "rule";
  std::string text = Line("pattern", name + (is_rule ? "" : " (no rule matches it)"));
  text += Line("text", TextOf(pattern, "text"));
  text += Line("hosts", HostsText(pattern) + ", " + NumberOf(pattern, "hosts_10m") +
                            " of them in the last 10m");
  text += Line("lines", NumberOf(pattern, "lines"));
  text += Line("seen", "first " + Age(TimeOf(pattern, "first_seen"), now) + " ago, last " +
                           Age(TimeOf(pattern, "last_seen"), now) + " ago");
  text += Line("note", NoteText(pattern));
  const Millis step(pattern["step_ms"].integer().value_or(60'000));
  text += SeriesLine("hosts/" + FormatDuration(step).substr(step == Minutes(1) ? 1 : 0),
                     Numbers(pattern["series"], "at", std::max(step, Millis(1))));
  if (Is(pattern, "reading")) text += Line("reading", "the log is still being read, figures grow");
  text += Examples(pattern, style, now) + Variables(pattern, style);
  const std::span<const Json> hosts = Items(pattern["hosts_listed"]);
  if (!hosts.empty()) {
    TextTable table({"HOST", "LAST"}, 2);
    const size_t shown = std::min(hosts.size(), kHostsShown);
    for (const Json& one : hosts.first(shown)) {
      table.Add({TextOf(one, "host"), Age(TimeOf(one, "last_seen"), now)});
    }
    text += Title(style, "hosts") + table.Text(style);
    const int64_t more = pattern["hosts"].integer().value_or(0) - static_cast<int64_t>(shown);
    if (more > 0) text += fmt::format("  and {} more\n", more);
  }
  std::vector<std::string> next = {"fleetmedic patterns diff " + name};
  next.push_back((is_rule ? "fleetmedic describe rule " : "fleetmedic rules from-template ") +
                 name);
  if (const std::string issue = TextOf(pattern, "issue"); !issue.empty()) {
    next.push_back("fleetmedic describe issue " + issue);
  }
  return text + Next(style, next);
}

std::string RenderDiff(const Json& diff, const TextStyle& style) {
  const std::string name = TextOf(diff, "pattern");
  std::string text = Line("pattern", name);
  text += Line("compared",
               NumberOf(diff, "hit") + " hosts hit with " + NumberOf(diff, "others") + " others");
  text += Line("why", TextOf(diff, "why"));
  const std::span<const Json> rows = Items(diff["rows"]);
  if (!rows.empty()) {
    TextTable table({"FACT", "VALUE", "HIT", "OF HIT", "OTHERS", "OF OTHERS"}, 2);
    for (const Json& row : rows) {
      const std::string value = TextOf(row, "value");
      const std::string lately = Is(row, "lately") ? "changed lately" : "";
      table.Add({TextOf(row, "fact"),
                 value.empty() ? lately : value + (lately.empty() ? "" : ", " + lately),
                 Cell(Bar(Share(row, "hit_with", "hit")), Color::kYellow),
                 Part(row, "hit_with", "hit"),
                 Cell(Bar(Share(row, "others_with", "others")), Color::kBlue),
                 Part(row, "others_with", "others")});
    }
    text += Title(style, "what differs") + table.Text(style);
  }
  if (const std::string same = Joined(diff["not_different"]); !same.empty()) {
    text += "\n" + Line("the same", same);
  }
  const std::string next[] = {"fleetmedic patterns show " + name};
  return text + Next(style, next);
}

std::string RenderIssue(const Json& issue, const TextStyle& style, WallTime now) {
  const std::string name = TextOf(issue, "pattern");
  std::string text = Line("issue", TextOf(issue, "id") + " " + StateOf(issue) + ", for " +
                                       Age(TimeOf(issue, "opened_at"), now));
  if (Is(issue, "stale")) {
    text += Line("stale", "not renewed for " + Age(TimeOf(issue, "updated_at"), now) +
                              ": its stream is silent, and it still holds drains");
  }
  text += Line("why", TextOf(issue, "why"));
  text +=
      Line("pattern", name + (TextOf(issue, "kind") == "template" ? " (no rule matches it)" : ""));
  text += Line("text", TextOf(issue, "text"));
  text += Line("scope", TextOf(issue, "scope_text"));
  text += Line("response", TextOf(issue, "response"));
  const Millis window(issue["window_ms"].integer().value_or(0));
  text += Line("told by", fmt::format("{} hosts in {} of {} that report; {:.3g} are expected",
                                      NumberOf(issue, "hosts_in_window"), FormatDuration(window),
                                      NumberOf(issue, "hosts_reporting"),
                                      issue["expected"].number().value_or(0)));
  text += Line("hosts", NumberOf(issue, "hosts_total") + ": " + HostNames(issue));
  text += Line("lines", NumberOf(issue, "lines"));
  text += SeriesLine("hosts/m", Numbers(issue["series"], "minute", Minutes(1)));
  if (const WallTime closed = TimeOf(issue, "closed_at"); closed != kWallNever) {
    text += Line("closed", Age(closed, now) + " ago");
  }
  const std::span<const Json> causes = Items(issue["causes"]);
  if (!causes.empty()) text += Title(style, "in common");
  for (const Json& cause : causes) {
    text += "  " + VisibleText(TextOf(cause, "sentence")) +
            (Is(cause, "likely") ? " (likely)" : "") + "\n";
    if (const std::string same = Joined(cause["same_hosts"]); !same.empty()) {
      text += "    the same hosts: " + VisibleText(same) + "\n";
    }
  }
  text += Examples(issue, style, now);
  const std::string next[] = {"fleetmedic patterns diff " + name,
                              "fleetmedic patterns show " + name};
  return text + Next(style, next);
}

}  // namespace fleetmedic::cli

#include <fmt/format.h>

#include "app/cli/render.h"
#include "base/text.h"

namespace fleetmedic::cli {
namespace {

std::string Section(const TextStyle& style, std::string_view title) {
  return "\n" + Paint(style, Color::kBold, title) + "\n";
}

std::string Line(std::string_view label, const std::string& value) {
  return value.empty() ? "" : fmt::format("{:<11}{}\n", label, VisibleText(value));
}

// "2026-01-01T00:00:00.000000Z" without the fraction: seconds are enough for people.
std::string Clock(const std::string& at) {
  return at.size() > 19 ? VisibleText(at.substr(0, 19)) + "Z" : VisibleText(at);
}

std::string Head(const Json& host, WallTime now) {
  std::string text = Line("host", TextOf(host, "host"));
  text += Line("state", HostStateText(host) + ", for " + Age(TimeOf(host, "since"), now));
  text += Line("why", TextOf(host, "why"));
  text += Line("waits for", TextOf(host, "waits_for"));
  std::string place;
  for (const char* key : {"cell", "pool", "rack", "zone"}) {
    if (const std::string value = TextOf(host, key); !value.empty()) {
      place += (place.empty() ? "" : ", ") + std::string(key) + " " + value;
    }
  }
  text += Line("where", place);
  const std::optional<int64_t> left = host["tasks_left"].integer();
  const std::optional<int64_t> total = host["tasks_total"].integer();
  if (left && total) text += Line("tasks", fmt::format("{} of {} left", *left, *total));
  const std::optional<int64_t> revision = host["revision"].integer();
  const std::optional<int64_t> attempt = host["attempt"].integer();
  if (revision && attempt) {
    text += Line("episode", fmt::format("revision {}, {} repairs tried", *revision, *attempt));
  }
  return text + Line("seen", Age(TimeOf(host, "seen_at"), now) + " ago");
}

std::string Conditions(const Json& host, const TextStyle& style, WallTime now) {
  const std::span<const Json> conditions = Items(host["conditions"]);
  if (conditions.empty()) return "";
  TextTable table({"CONDITION", "UNIT", "VERDICT", "SEVERITY", "FOR", "MESSAGE"}, 2);
  std::string evidence;
  for (const Json& one : conditions) {
    const std::string verdict = TextOf(one, "verdict");
    const Color color = verdict == "bad"  ? Color::kRed
                        : verdict == "ok" ? Color::kGreen
                                          : Color::kYellow;
    std::string message = TextOf(one, "message");
    if (message.empty()) message = TextOf(one, "reason");
    table.Add({TextOf(one, "type"), TextOf(one, "unit"), TextTable::Cell(verdict, color),
               TextOf(one, "severity"), Age(TimeOf(one, "since"), now), message});
    for (const Json& line : Items(one["evidence"])) {
      if (line.string() == nullptr) continue;
      evidence +=
          "  " + VisibleText(TextOf(one, "type")) + " | " + VisibleText(*line.string()) + "\n";
    }
  }
  std::string text = Section(style, "conditions") + table.Text(style);
  if (!evidence.empty()) text += Section(style, "evidence") + evidence;
  return text;
}

std::string Indented(const std::string& lines) {
  std::string text;
  for (const std::string_view line : Split(lines, '\n')) {
    if (!line.empty()) text += "  " + std::string(line) + "\n";
  }
  return text;
}

// Whether a hold or a protection of this scope can concern the host.
bool Concerns(const std::string& scope, const Json& host) {
  for (const char* key : {"cell", "pool", "rack", "host"}) {
    const std::string prefix = std::string(key) + ":";
    if (scope.starts_with(prefix)) return scope == prefix + TextOf(host, key);
  }
  return true;
}

std::string Lists(const Json& host, const TextStyle& style, WallTime now) {
  std::string text;
  if (const auto overrides = Items(host["overrides"]); !overrides.empty()) {
    text += Section(style, "overrides") +
            Indented(ListTable(Resource::kOverrides, overrides, style, now).Text(style));
  }
  if (const auto tasks = Items(host["tasks"]); !tasks.empty()) {
    TextTable table({"TASK", "JOB", "STATE", "FOR", "PID"}, 2);
    for (const Json& one : tasks) {
      const std::optional<int64_t> pid = one["pid"].integer();
      table.Add({TextOf(one, "task"), TextOf(one, "job"), TextOf(one, "state"),
                 Age(TimeOf(one, "since"), now), pid ? fmt::format("{}", *pid) : ""});
    }
    text += Section(style, "tasks") + table.Text(style);
  }
  return text;
}

std::string Timeline(const Json& host, const TextStyle& style) {
  const std::span<const Json> items = Items(host["timeline"]);
  if (items.empty()) return "";
  TextTable table({"AT", "LANE", "WHAT", "DETAIL"}, 2);
  for (const Json& one : items) {
    const std::string tone = TextOf(one, "tone");
    const Color color = tone == "bad" ? Color::kRed : tone == "ok" ? Color::kGreen : Color::kNone;
    table.Add({Clock(TextOf(one, "at")), TextOf(one, "lane"),
               TextTable::Cell(TextOf(one, "title"), color), TextOf(one, "detail")});
  }
  return Section(style, "timeline") + table.Text(style);
}

std::string WhyLines(std::span<const Json> lines, const TextStyle& style, int indent) {
  TextTable table({"AT", "KIND", "WHAT"}, indent);
  for (const Json& line : lines) {
    const std::string kind = TextOf(line, "kind");
    const Color color = kind == "refusal" ? Color::kYellow : Color::kNone;
    table.Add({Clock(TextOf(line, "at")), TextTable::Cell(kind, color), TextOf(line, "text")});
  }
  return table.Text(style);
}

}  // namespace

std::string RenderHost(const Json& host, const TextStyle& style, WallTime now) {
  std::string text = Head(host, now) + Conditions(host, style, now) + Lists(host, style, now) +
                     Timeline(host, style);
  if (const auto why = Items(host["why"]); !why.empty()) {
    text += Section(style, "why") + WhyLines(why, style, 2);
  }
  if (const Json::Object* facts = host["facts"].object(); facts != nullptr && !facts->empty()) {
    text += Section(style, "facts");
    for (const auto& [key, value] : *facts) {
      const std::string shown = value.string() != nullptr ? *value.string() : value.Dump();
      text += "  " + VisibleText(key) + " = " + VisibleText(shown) + "\n";
    }
  }
  return text;
}

std::string RenderWhy(const Json& why, const TextStyle& style) {
  const std::span<const Json> lines = Items(why["lines"]);
  if (lines.empty()) return VisibleText(TextOf(why, "host")) + ": nothing happened to it\n";
  return WhyLines(lines, style, 0);
}

std::string RenderWhyNot(const Json& host, const Json& state, const TextStyle& style) {
  const WallTime now = TimeOf(state, "now");
  TextTable table({"WHAT", "DETAIL"});
  const std::string mode = TextOf(state["mode"], "mode");
  if (mode != "auto") table.Add({"mode " + mode, TextOf(state["mode"], "reason")});
  for (const Json& hold : Items(state["mode"]["holds"])) {
    if (Concerns(TextOf(hold, "scope"), host)) table.Add({"hold", HoldText(hold, now)});
  }
  for (const Json& cause : Items(state["mode"]["brake"]["causes"])) {
    table.Add({"brake", TextOf(cause, "cause") + ": " + TextOf(cause, "detail")});
  }
  if (!state["freshness"]["leader"].boolean().value_or(false)) {
    table.Add({"no leader", "nobody decides"});
  }
  for (const Json& one : Items(host["overrides"])) {
    const std::string kind = TextOf(one, "kind");
    if (kind != "hold" && kind != "protect") continue;
    table.Add({"override " + kind, HoldText(one, now)});
  }
  if (host["silent"].boolean().value_or(false)) {
    table.Add({"silent", "seen " + Age(TimeOf(host, "seen_at"), now) + " ago; unknown is not bad"});
  }
  if (const std::string waits = TextOf(host, "waits_for"); !waits.empty()) {
    table.Add({"waits for", waits});
  }
  size_t bad = 0;
  for (const Json& one : Items(host["conditions"])) {
    bad += TextOf(one, "verdict") == "bad" ? 1 : 0;
  }
  if (bad == 0) table.Add({"no bad condition", "there is nothing to act on"});
  if (table.empty()) {
    return VisibleText(TextOf(host, "host")) + ": nothing is in the way; its state is " +
           VisibleText(HostStateText(host)) + "\n";
  }
  return table.Text(style);
}

}  // namespace fleetmedic::cli

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

#include "app/cli/render.h"
#include "base/text.h"

namespace fleetmedic::cli {
namespace {

using Cell = TextTable::Cell;

// Rows of one screen; the list commands have them all.
constexpr size_t kRowsMax = 15;

Color ModeColor(std::string_view mode) {
  if (mode == "auto") return Color::kGreen;
  if (mode == "shadow") return Color::kBlue;
  return mode == "degraded" ? Color::kYellow : Color::kRed;
}

std::string Upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

std::string Label(const TextStyle& style, std::string_view label) {
  return Paint(style, Color::kBold, fmt::format("{:<11}", label));
}

std::string ModeText(const Json& state, const TextStyle& style, WallTime now) {
  const Json& mode = state["mode"];
  const std::string word = TextOf(mode, "mode");
  std::string text =
      Label(style, "mode") +
      Paint(style, ModeColor(word), word.empty() ? "UNKNOWN" : Upper(VisibleText(word)));
  if (const std::string reason = TextOf(mode, "reason"); !reason.empty()) {
    text += "  " + VisibleText(reason);
  }
  text += "\n";
  const std::span<const Json> holds = Items(mode["holds"]);
  for (const Json& hold : holds) text += "  hold: " + HoldText(hold, now) + "\n";
  if (!holds.empty()) text += "  end it with: fleetmedic release --reason TEXT\n";
  if (mode["brake"]["tripped"].boolean().value_or(false)) {
    for (const Json& cause : Items(mode["brake"]["causes"])) {
      text += "  brake: " + VisibleText(TextOf(cause, "cause")) + ", " +
              VisibleText(TextOf(cause, "detail")) + ", since " + Age(TimeOf(cause, "since"), now) +
              "\n";
    }
    text += "  let it go with: fleetmedic brake release --reason TEXT\n";
  }
  if (const Json& ramp = mode["ramp"]; ramp.is_object()) {
    text += fmt::format("  ramp: {} at once, one more with each recovery, since {}: {}\n",
                        ramp["allowed"].integer().value_or(0), Age(TimeOf(ramp, "since"), now),
                        VisibleText(TextOf(ramp, "why")));
  }
  return text;
}

std::string NeedsYouText(const Json& state, const TextStyle& style, WallTime now) {
  const std::span<const Json> needs = Items(state["needs_you"]);
  std::string text = Label(style, "needs you");
  if (needs.empty()) return text + "nothing\n";
  text += Paint(style, Color::kRed, fmt::format("{}", needs.size())) + "\n";
  TextTable table({"WHAT", "HOST", "SINCE", "DETAIL"}, 2);
  for (const Json& need : needs.first(std::min(needs.size(), kRowsMax))) {
    table.Add({TextOf(need, "what"), TextOf(need, "host"), Age(TimeOf(need, "since"), now),
               TextOf(need, "detail")});
  }
  text += table.Text(style);
  if (needs.size() > kRowsMax) {
    text += fmt::format("  and {} more: fleetmedic status -o json\n", needs.size() - kRowsMax);
  }
  return text;
}

// The order of the rows: what moves first, then who waits for people, suspects, silent hosts.
size_t Rank(const Json& host) {
  static constexpr std::array<std::string_view, 7> kOrder = {
      "draining", "tainted", "drained", "repairing", "probation", "retired", "suspect"};
  return static_cast<size_t>(std::ranges::find(kOrder, TextOf(host, "state")) - kOrder.begin());
}

std::string MovingText(const Json& state, const TextStyle& style, WallTime now) {
  std::vector<const Json*> moving;
  std::map<std::string, int> counts;
  const std::span<const Json> hosts = Items(state["hosts"]);
  for (const Json& host : hosts) {
    const bool silent = host["silent"].boolean().value_or(false);
    if (TextOf(host, "state") == "healthy" && !silent) continue;
    moving.push_back(&host);
    ++counts[silent ? "silent" : TextOf(host, "state")];
  }
  std::string text = Label(style, "moving");
  if (moving.empty()) return text + fmt::format("nothing; {} hosts are healthy\n", hosts.size());
  std::ranges::stable_sort(moving, {}, [](const Json* host) { return Rank(*host); });
  text += fmt::format("{} of {} hosts:", moving.size(), hosts.size());
  std::string_view separator = " ";
  for (const auto& [word, count] : counts) {
    text += fmt::format("{}{} {}", separator, count, VisibleText(word));
    separator = ", ";
  }
  text += "\n";
  TextTable table({"HOST", "STATE", "FOR", "LEFT", "WHY"}, 2);
  for (const Json* host : std::span(moving).first(std::min(moving.size(), kRowsMax))) {
    const std::optional<int64_t> left = (*host)["tasks_left"].integer();
    table.Add({TextOf(*host, "host"), Cell(HostStateText(*host), Color::kYellow),
               Age(TimeOf(*host, "since"), now), left ? fmt::format("{}", *left) : "",
               TextOf(*host, "why")});
  }
  text += table.Text(style);
  if (moving.size() > kRowsMax) {
    text += fmt::format("  and {} more: fleetmedic get hosts\n", moving.size() - kRowsMax);
  }
  return text;
}

std::string LimitsText(const Json& state, const TextStyle& style, WallTime now) {
  TextTable table({"LIMIT", "SCOPE", "USED", "OF", "NEXT"}, 2);
  size_t full = 0;
  for (const Json& limit : Items(state["limits"])) {
    const int64_t used = limit["used"].integer().value_or(-1);
    const int64_t max = limit["max"].integer().value_or(-1);
    // A floor counts what stays in service: it bites from the other side.
    const bool floor = TextOf(limit, "kind") == "floor";
    const bool bites = floor ? used <= max : used >= max;
    full += bites ? 1 : 0;
    if (used == 0 && !bites) continue;
    const WallTime next = TimeOf(limit, "next_at");
    std::string of = fmt::format("{}{}", floor ? "at least " : "", max);
    if (const std::optional<int64_t> window = limit["window_ms"].integer(); window && *window > 0) {
      of += " in " + ShortDuration(Millis(*window));
    }
    table.Add({TextOf(limit, "name"), TextOf(limit, "scope"),
               Cell(fmt::format("{}", used), bites ? Color::kYellow : Color::kNone), of,
               next == kWallNever ? std::string() : "in " + ShortDuration(next - now)});
  }
  const size_t all = Items(state["limits"]).size();
  std::string text = Label(style, "limits");
  text += full == 0 ? fmt::format("none of {} is reached", all)
                    : fmt::format("{} of {} reached", full, all);
  text += "\n";
  if (!table.empty()) text += table.Text(style);
  return text;
}

std::string Figure(const Json& json, std::string_view key) {
  const std::optional<int64_t> number = json[key].integer();
  return number ? fmt::format("{}", *number) : "?";
}

std::string DurationOf(const Json& json, std::string_view key) {
  const std::optional<int64_t> millis = json[key].integer();
  return millis ? ShortDuration(Millis(*millis)) : "?";
}

std::string FreshnessText(const Json& state, const TextStyle& style) {
  const Json& fresh = state["freshness"];
  std::string text = Label(style, "freshness") + Figure(fresh, "hosts_reporting") + " of " +
                     Figure(fresh, "hosts_total") + " hosts report, " +
                     Figure(fresh, "hosts_silent") + " silent, oldest " +
                     DurationOf(fresh, "oldest_ms") + ", log " + DurationOf(fresh, "log_lag_ms") +
                     " behind\n";
  if (!fresh["leader"].boolean().value_or(false)) {
    text += "  " + Paint(style, Color::kRed, "no leader: nothing is decided") + "\n";
  }
  return text;
}

bool Fails(const Json& channel) { return channel["failing"].boolean().value_or(false); }

// Nothing where nobody is to be told.
std::string NotifyText(const Json& state, const TextStyle& style, WallTime now) {
  const std::span<const Json> channels = Items(state["notify"]);
  if (channels.empty()) return "";
  const auto failing = static_cast<size_t>(std::ranges::count_if(channels, Fails));
  std::string text = Label(style, "notify");
  if (failing == 0) return text + fmt::format("none of {} channels fails\n", channels.size());
  text +=
      Paint(style, Color::kRed, fmt::format("{} of {} channels failing", failing, channels.size()));
  text += "\n";
  TextTable table({"CHANNEL", "SINCE", "WAITING", "WHY"}, 2);
  for (const Json& channel : channels) {
    if (!Fails(channel)) continue;
    table.Add({TextOf(channel, "channel"), Age(TimeOf(channel, "failing_since"), now),
               Figure(channel, "queued"), TextOf(channel, "error")});
  }
  return text + table.Text(style);
}

}  // namespace

bool NeedsAttention(const Json& state) {
  const std::string mode = TextOf(state["mode"], "mode");
  return !Items(state["needs_you"]).empty() || (mode != "auto" && mode != "shadow") ||
         !state["freshness"]["leader"].boolean().value_or(false) ||
         std::ranges::any_of(Items(state["notify"]), Fails);
}

std::string RenderStatus(const Json& state, const TextStyle& style) {
  const WallTime now = TimeOf(state, "now");
  return ModeText(state, style, now) + NeedsYouText(state, style, now) +
         MovingText(state, style, now) + LimitsText(state, style, now) +
         FreshnessText(state, style) + NotifyText(state, style, now);
}

std::string RenderWaiting(const Json& state, const TextStyle& style) {
  const WallTime now = TimeOf(state, "now");
  std::string text;
  for (const Json& hold : Items(state["mode"]["holds"])) {
    text += "hold: " + HoldText(hold, now) + "\n";
  }
  TextTable table({"HOST", "STATE", "FOR", "WHY"}, 2);
  size_t waiting = 0;
  for (const Json& host : Items(state["hosts"])) {
    const std::string word = TextOf(host, "state");
    // Healthy and retired hosts go nowhere by themselves.
    if (word == "healthy" || word == "retired" || word.empty()) continue;
    if (++waiting > kRowsMax) continue;
    table.Add({TextOf(host, "host"), HostStateText(host), Age(TimeOf(host, "since"), now),
               TextOf(host, "why")});
  }
  if (waiting == 0) return text + "waits: nothing\n";
  text += fmt::format("waits: {} hosts\n", waiting) + table.Text(style);
  if (waiting > kRowsMax) text += fmt::format("  and {} more\n", waiting - kRowsMax);
  return text;
}

}  // namespace fleetmedic::cli

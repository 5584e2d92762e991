#include <fmt/format.h>

#include "app/cli/render.h"
#include "base/text.h"

namespace fleetmedic::cli {
namespace {

std::string Line(std::string_view label, const std::string& value) {
  return value.empty() ? "" : fmt::format("{:<11}{}\n", label, VisibleText(value));
}

std::string SpanOf(const Json& json, std::string_view key) {
  const std::optional<int64_t> millis = json[key].integer();
  return millis ? FormatDuration(Millis(*millis)) : "?";
}

}  // namespace

std::string RuleThreshold(const Json& rule) {
  const Json& threshold = rule["threshold"];
  const std::optional<int64_t> count = threshold["count"].integer();
  if (!count) return "?";
  if (*count <= 1) return "1";
  return fmt::format("{} in {}", *count, SpanOf(threshold, "within_ms"));
}

std::string RuleClears(const Json& rule) {
  const std::string clear = VisibleText(TextOf(rule, "clear"));
  std::string text = clear;
  if (clear == "quiet" || clear == "time") text += " " + SpanOf(rule, "clear_after_ms");
  if (clear == "probe") text += " " + VisibleText(TextOf(rule, "clear_probe"));
  if (!TextOf(rule, "cancel").empty()) text += ", cancel";
  return text;
}

std::string RenderRule(const Json& rule, const TextStyle& style, WallTime now) {
  std::string text = Line("rule", TextOf(rule, "name") + " @ " + TextOf(rule, "version"));
  text += Line("finds", TextOf(rule, "condition") + ", " + TextOf(rule, "reason"));
  text += Line("severity", TextOf(rule, "severity"));
  text += Line("kind", TextOf(rule, "kind"));
  text += Line("pattern", TextOf(rule, "pattern"));
  std::string sources;
  for (const Json& source : Items(rule["sources"])) {
    if (source.string() == nullptr) continue;
    sources += (sources.empty() ? "" : " ") + *source.string();
  }
  text += Line("sources", sources);
  text += Line("threshold", RuleThreshold(rule));
  text += Line("clears", RuleClears(rule));
  text += Line("cancel", TextOf(rule, "cancel"));
  if (rule["held"].boolean().value_or(false))
    text += Line("held", "what it finds justifies nothing");
  text += Line("help", TextOf(rule, "help"));
  const std::span<const Json> open = Items(rule["open"]);
  if (open.empty()) return text;
  text += "\n" + Paint(style, Color::kBold, "open findings") + "\n";
  TextTable table({"HOST", "UNIT", "FOR", "MESSAGE"}, 2);
  for (const Json& one : open) {
    table.Add({TextOf(one, "host"), TextOf(one, "unit"), Age(TimeOf(one, "since"), now),
               TextOf(one, "message")});
  }
  text += table.Text(style);
  const int64_t total = rule["open_total"].integer().value_or(0);
  const int64_t shown = static_cast<int64_t>(open.size());
  if (total > shown) text += fmt::format("  and {} more\n", total - shown);
  return text;
}

}  // namespace fleetmedic::cli

#include "console/rules_view.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"

namespace fleetmedic {
namespace {

constexpr std::string_view kRulePrefix = "rule:";

// What stands by a rule's finding.
struct OpenFindings {
  Json::Array items;
  size_t total = 0;
  size_t hosts = 0;
};
using OpenByRule = std::map<std::string, OpenFindings, std::less<>>;

OpenByRule OpenOf(const FleetSnapshot& snapshot) {
  OpenByRule open;
  for (const auto& [host, record] : snapshot.hosts) {
    std::vector<std::string_view> counted;
    for (const TrackedCondition& tracked : record->conditions) {
      if (!tracked.detector.starts_with(kRulePrefix)) continue;
      const std::string_view rule = std::string_view(tracked.detector).substr(kRulePrefix.size());
      OpenFindings& of_rule = open.try_emplace(std::string(rule)).first->second;
      ++of_rule.total;
      if (std::ranges::find(counted, rule) == counted.end()) {
        counted.push_back(rule);
        ++of_rule.hosts;
      }
      if (of_rule.items.size() >= kOpenFindingsMax) continue;
      Json item;
      item.Set("host", host.str());
      item.Set("unit", tracked.condition.unit);
      item.Set("message", tracked.condition.message);
      item.Set("since", tracked.condition.since);
      if (tracked.clears_at != kWallNever) item.Set("clears_at", tracked.clears_at);
      of_rule.items.push_back(std::move(item));
    }
  }
  return open;
}

Json OneRule(const Rule& rule, const FleetSnapshot& snapshot, const OpenByRule& open) {
  Json json;
  json.Set("name", rule.name);
  json.Set("version", rule.version);
  json.Set("severity", SeverityName(rule.severity));
  json.Set("condition", rule.condition);
  json.Set("reason", rule.reason);
  json.Set("pattern", rule.pattern);
  Json sources(Json::Array{});
  for (const std::string& source : rule.sources) sources.Append(source);
  json.Set("sources", std::move(sources));
  json.Set("unit", rule.unit);
  json.Set("message", rule.message);
  Json threshold;
  threshold.Set("count", rule.threshold_count);
  threshold.Set("within_ms", rule.threshold_within.count());
  json.Set("threshold", std::move(threshold));
  json.Set("kind", rule.clear == Clear::kTime ? "event" : "lasting");
  json.Set("clear", ClearName(rule.clear));
  if (rule.clear != Clear::kBoot) json.Set("clear_after_ms", rule.clear_after.count());
  if (!rule.clear_probe.empty()) json.Set("clear_probe", rule.clear_probe);
  if (!rule.cancel.empty()) json.Set("cancel", rule.cancel);
  json.Set("help", rule.help);
  json.Set("held", std::ranges::any_of(snapshot.overrides, [&rule](const Override& override) {
             return override.kind == OverrideKind::kHold &&
                    override.scope.kind == ScopeKind::kRule && override.scope.name == rule.name;
           }));
  const auto found = open.find(rule.name);
  const bool none = found == open.end();
  json.Set("hosts", uint64_t{none ? 0 : found->second.hosts});
  json.Set("open_total", uint64_t{none ? 0 : found->second.total});
  json.Set("open", Json(none ? Json::Array{} : found->second.items));
  return json;
}

}  // namespace

Json RulesJson(const RuleBook::Look& rules, const FleetSnapshot& snapshot) {
  const OpenByRule open = OpenOf(snapshot);
  Json items(Json::Array{});
  for (const Rule& rule : *rules.rules) items.Append(OneRule(rule, snapshot, open));
  Json json;
  json.Set("items", std::move(items));
  if (rules.refused.empty()) return json;
  Json refused;
  refused.Set("at", rules.refused_at);
  refused.Set("error", rules.refused);
  json.Set("refused", std::move(refused));
  return json;
}

Result<Json> RuleJson(std::span<const Rule> rules, const FleetSnapshot& snapshot,
                      std::string_view name) {
  const auto found = std::ranges::find(rules, name, &Rule::name);
  if (found != rules.end()) return OneRule(*found, snapshot, OpenOf(snapshot));
  std::vector<std::string> known;
  for (const Rule& rule : rules) known.push_back(rule.name);
  const auto meant = ClosestWord(name.substr(0, kIdCharsMax), known);
  return Fail(Code::kNotFound, fmt::format("no rule {} is in use{}", Quote(name),
                                           meant ? fmt::format("; did you mean {}?", *meant) : ""));
}

}  // namespace fleetmedic

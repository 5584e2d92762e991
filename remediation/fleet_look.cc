#include "remediation/fleet_look.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "remediation/evidence.h"

namespace fleetmedic {
namespace {

// The rules that name the host and would act on it.
void CountRules(const Policy& policy, const BrakeLimits& brake, const HostRecord& record,
                WallTime now, BrakeSample* sample) {
  constexpr std::string_view kRulePrefix = "rule:";
  std::set<std::string_view> rules;
  for (const TrackedCondition& tracked : record.conditions) {
    const std::string_view detector = tracked.detector;
    if (!detector.starts_with(kRulePrefix) || !Actionable(policy, tracked.condition)) continue;
    if (tracked.observed_at + brake.rule_window > now) {
      rules.insert(detector.substr(kRulePrefix.size()));
    }
  }
  for (const std::string_view rule : rules) ++sample->rule_hosts[std::string(rule)];
}

bool TakesWork(const HostRecord& record, const Assessment& seen) {
  return record.state == HostState::kHealthy && record.facts_known &&
         record.want == Want::kSchedulable && !record.scheduler_lost && !seen.silent;
}

bool FoundByAny(const HostRecord& record, std::span<const std::string> rules) {
  return !rules.empty() && std::ranges::any_of(RulesFound(record), [rules](const auto& rule) {
    return std::ranges::find(rules, rule) != rules.end();
  });
}

}  // namespace

bool Available(const Policy& policy, const HostRecord& record, WallTime now) {
  return TakesWork(record, Assess(policy, record, now));
}

FleetLook LookAtFleet(const RemediatorConfig& config,
                      const std::map<HostId, std::shared_ptr<const HostRecord>>& hosts,
                      std::span<const std::string> ended_rules, const std::set<HostId>& lent,
                      bool silence_counts, WallTime now) {
  FleetLook look;
  for (const auto& [host, pointer] : hosts) {
    const HostRecord& record = *pointer;
    const Policy& policy = config.PolicyOf(record.facts);
    const Assessment seen = Assess(policy, record, now);
    const bool healthy = record.state == HostState::kHealthy;
    const bool out = record.want != Want::kSchedulable || record.state == HostState::kRetired;
    ++look.sample.hosts;
    look.sample.disrupted += seen.worst != nullptr || out ? 1 : 0;
    look.sample.silent += seen.silent && silence_counts ? 1 : 0;
    CountRules(policy, config.brake, record, now, &look.sample);
    look.census.Add(record.facts, TakesWork(record, seen) && !lent.contains(host));
    look.silent += seen.silent ? 1 : 0;
    if (look.oldest_seen_at == kWallNever || record.seen_at < look.oldest_seen_at) {
      look.oldest_seen_at = record.seen_at;
    }
    const bool at_rest = healthy && !record.drain_wanted && !record.scheduler_lost &&
                         record.waits_for.empty() && seen.worst == nullptr &&
                         !FoundByAny(record, ended_rules);
    if (!at_rest) look.restless.push_back(host);
  }
  return look;
}

}  // namespace fleetmedic

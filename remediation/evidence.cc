#include "remediation/evidence.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace fleetmedic {
namespace {

constexpr std::string_view kRulePrefix = "rule:";
constexpr size_t kTrackedConditionsMax = 1024;

bool IsFinding(const TrackedCondition& tracked) {
  return tracked.detector.starts_with(kRulePrefix);
}

const ConditionPolicy* PolicyFor(const Policy& policy, const std::string& type) {
  const auto it = policy.conditions.find(type);
  return it == policy.conditions.end() ? nullptr : &it->second;
}

Millis ConfirmTime(const Policy& policy, const Condition& condition) {
  const ConditionPolicy* own = PolicyFor(policy, condition.type);
  if (own != nullptr && own->confirm) return *own->confirm;
  return condition.severity == Severity::kHard ? policy.confirm_hard : policy.confirm_soft;
}

void BeginBoot(const std::string& boot_id, WallTime booted_at, HostRecord* record) {
  record->facts.boot_id = boot_id;
  record->facts.booted_at = booted_at;
  record->conditions = {};
  record->detectors.clear();
  record->ok_since = kWallNever;
}

// Sorts an event's boot against the record's; begins the boot where it is a later one.
bool EnterBoot(const std::string& boot_id, WallTime booted_at, HostRecord* record) {
  if (record->facts.boot_id == boot_id) {
    record->facts.booted_at = std::max(record->facts.booted_at, booted_at);
    return true;
  }
  const bool nothing_known = record->facts.boot_id.empty() && record->seen_at == kWallNever;
  if (!nothing_known && booted_at <= record->facts.booted_at) return false;
  BeginBoot(boot_id, booted_at, record);
  return true;
}

// When this condition was last vouched for. A finding stands as long as its host is heard of.
WallTime VouchedAt(const HostRecord& record, const TrackedCondition& tracked) {
  if (IsFinding(tracked)) return record.seen_at;
  const auto mark = record.detectors.find(tracked.detector);
  return mark == record.detectors.end() ? tracked.observed_at : mark->second.observed_at;
}

// A detector that looks seldom is believed until it has missed a look: two intervals, and the time
// that a look and its way take.
constexpr Millis kLookMax = Seconds(10);
Millis StandsFor(const Policy& policy, const DetectorMark& mark) {
  return std::max(policy.evidence_age_max, 2 * mark.every + kLookMax);
}

// Takes back what a detector said that is not run any more: it was switched off or removed, or its
// subsystem is gone. One that spoke later than the beat was started after it.
void DropStoppedDetectors(const HealthEvent& event, HostRecord* record) {
  if (event.running.empty()) return;
  record->detectors.EraseIf([&](const auto& entry) {
    const auto& [detector, mark] = entry;
    if (event.running.contains(detector) || mark.observed_at > event.observed_at) return false;
    record->conditions.EraseIf(
        [&](const TrackedCondition& tracked) { return tracked.detector == detector; });
    return true;
  });
  for (const auto& [detector, every] : event.running) {
    const auto mark = record->detectors.find(detector);
    if (mark != record->detectors.end()) mark->second.every = every;
  }
}

// When the condition of a finding ends. `before`: the same rule and unit as it stood; or null.
void SetClearing(const Finding& finding, const TrackedCondition* before,
                 TrackedCondition* tracked) {
  switch (finding.clear) {
    case Clear::kBoot:
      return;
    case Clear::kQuiet:
      tracked->clears_at = finding.last_at + finding.clear_after;
      return;
    case Clear::kTime: {
      // An event ends when it was to end, whatever comes meanwhile; after that it is another one.
      const bool same_event = before != nullptr && finding.last_at < before->clears_at;
      tracked->clears_at = same_event ? before->clears_at : finding.last_at + finding.clear_after;
      if (before != nullptr && !same_event) tracked->verdict_since = finding.last_at;
      return;
    }
    case Clear::kProbe:
      tracked->clear_probe = finding.clear_probe;
      tracked->probe_from = finding.last_at + finding.clear_after;
      return;
  }
}

// Whether a detector says, late enough, that what the finding says is over: its probe is ok for
// the finding's unit, or for all where either names none, and bad or unknown nowhere there.
bool ProbeCleared(const HostRecord& record, const TrackedCondition& found) {
  if (found.clear_probe.empty()) return false;
  bool ok = false;
  for (const TrackedCondition& seen : record.conditions) {
    const Condition& condition = seen.condition;
    if (IsFinding(seen) || condition.type != found.clear_probe) continue;
    const bool concerns = condition.unit.empty() || found.condition.unit.empty() ||
                          condition.unit == found.condition.unit;
    if (!concerns) continue;
    if (condition.verdict != Verdict::kOk) return false;
    ok = ok || VouchedAt(record, seen) >= found.probe_from;
  }
  return ok;
}

void TakeBeat(const HealthEvent& event, HostRecord* record) {
  DropStoppedDetectors(event, record);
  for (const auto& [detector, beat] : event.beats) {
    const auto mark = record->detectors.find(detector);
    // A beat for a sequence that has not arrived says nothing about the one that has.
    if (mark == record->detectors.end() || mark->second.sequence != beat.sequence) continue;
    mark->second.observed_at = std::max(mark->second.observed_at, beat.observed_at);
  }
}

}  // namespace

bool Actionable(const Policy& policy, const Condition& condition) {
  if (condition.severity < policy.severity_min || condition.severity == Severity::kInfo) {
    return false;
  }
  const ConditionPolicy* own = PolicyFor(policy, condition.type);
  return own == nullptr || !own->ignore;
}

const std::vector<Rung>& LadderFor(const Policy& policy, std::string_view condition_type) {
  const ConditionPolicy* own = PolicyFor(policy, std::string(condition_type));
  return own == nullptr || own->ladder.empty() ? policy.default_ladder : own->ladder;
}

Taken TakeReport(const HealthEvent& event, WallTime now, HostRecord* record) {
  if (!EnterBoot(event.boot_id, event.booted_at, record)) return Taken::kOtherBoot;
  record->seen_at = std::max(record->seen_at, event.observed_at);
  if (event.kind == HealthEventKind::kBeat) {
    TakeBeat(event, record);
    return Taken::kApplied;
  }
  DetectorMark& mark = record->detectors[event.detector];
  if (event.sequence <= mark.sequence) return Taken::kDuplicate;
  mark.sequence = event.sequence;
  mark.observed_at = std::max(mark.observed_at, event.observed_at);

  // What the others said stands, before what this one says now.
  const SharedList<TrackedCondition> before = record->conditions;
  std::vector<TrackedCondition> conditions;
  conditions.reserve(before.size() + event.conditions.size());
  const auto of_others = [&](const TrackedCondition& tracked) {
    return tracked.detector != event.detector;
  };
  std::ranges::copy_if(before, std::back_inserter(conditions), of_others);
  for (const Condition& condition : event.conditions) {
    if (conditions.size() >= kTrackedConditionsMax) break;
    TrackedCondition tracked;
    tracked.condition = condition;
    tracked.detector = event.detector;
    tracked.sequence = event.sequence;
    tracked.observed_at = event.observed_at;
    tracked.verdict_since = now;
    for (const TrackedCondition& old : before) {
      if (!of_others(old) && old.condition.type == condition.type &&
          old.condition.unit == condition.unit && old.condition.verdict == condition.verdict) {
        tracked.verdict_since = old.verdict_since;
      }
    }
    conditions.push_back(std::move(tracked));
  }
  record->conditions = std::move(conditions);
  return Taken::kApplied;
}

Taken TakeFinding(const Finding& finding, WallTime now, HostRecord* record) {
  if (finding.boot_id != record->facts.boot_id) {
    const bool later =
        finding.first_at > record->seen_at && finding.first_at > record->facts.booted_at;
    if (!later) return Taken::kOtherBoot;
    BeginBoot(finding.boot_id, std::max(record->seen_at, record->facts.booted_at), record);
  }
  const std::string detector = std::string(kRulePrefix) + finding.rule;
  std::vector<TrackedCondition>& conditions = record->conditions.Edit();
  const auto same = std::ranges::find_if(conditions, [&](const TrackedCondition& tracked) {
    return tracked.detector == detector && tracked.condition.unit == finding.condition.unit;
  });
  const bool stands = same != conditions.end();
  if (finding.condition.verdict == Verdict::kOk) {
    // Lines of one frame have one time: the cancel stands behind what it cancels.
    if (!stands || finding.last_at < same->observed_at) return Taken::kDuplicate;
    conditions.erase(same);
    return Taken::kApplied;
  }
  if (stands && finding.last_at <= same->observed_at) return Taken::kDuplicate;
  TrackedCondition tracked;
  tracked.condition = finding.condition;
  tracked.detector = detector;
  tracked.observed_at = finding.last_at;
  tracked.verdict_since = stands ? same->verdict_since : now;
  tracked.origin =
      stands ? same->origin : finding.rule + "@" + finding.rule_version + " " + finding.position;
  SetClearing(finding, stands ? &*same : nullptr, &tracked);
  if (tracked.clears_at != kWallNever && tracked.clears_at <= now) return Taken::kDuplicate;
  if (stands) {
    *same = std::move(tracked);
    return Taken::kApplied;
  }
  if (conditions.size() >= kTrackedConditionsMax) return Taken::kDuplicate;
  conditions.push_back(std::move(tracked));
  return Taken::kApplied;
}

std::vector<std::string> RulesFound(const HostRecord& record) {
  std::vector<std::string> rules;
  for (const TrackedCondition& tracked : record.conditions) {
    if (!IsFinding(tracked)) continue;
    std::string rule = tracked.detector.substr(kRulePrefix.size());
    if (std::ranges::find(rules, rule) == rules.end()) rules.push_back(std::move(rule));
  }
  return rules;
}

void WithdrawRules(std::span<const std::string> rules, HostRecord* record) {
  record->conditions.EraseIf([rules](const TrackedCondition& tracked) {
    return IsFinding(tracked) &&
           std::ranges::find(rules, tracked.detector.substr(kRulePrefix.size())) != rules.end();
  });
}

Taken TakeFacts(const HostFacts& facts, WallTime, HostRecord* record) {
  if (!EnterBoot(facts.boot_id, facts.booted_at, record)) return Taken::kOtherBoot;
  const WallTime booted_at = record->facts.booted_at;
  record->facts = facts;
  record->facts.booted_at = booted_at;
  record->facts_known = true;
  return Taken::kApplied;
}

void AgeEvidence(const Policy& policy, WallTime now, HostRecord* record) {
  record->conditions.EraseIf([&](const TrackedCondition& tracked) {
    return tracked.clears_at != kWallNever && tracked.clears_at <= now;
  });
  // Which are cleared is judged before any of them goes.
  std::set<const TrackedCondition*> cleared;
  for (const TrackedCondition& tracked : record->conditions) {
    if (ProbeCleared(*record, tracked)) cleared.insert(&tracked);
  }
  if (!cleared.empty()) {
    std::vector<TrackedCondition> standing;
    for (const TrackedCondition& tracked : record->conditions) {
      if (!cleared.contains(&tracked)) standing.push_back(tracked);
    }
    record->conditions = std::move(standing);
  }
  if (!Assess(policy, *record, now).all_ok) {
    record->ok_since = kWallNever;
  } else if (record->ok_since == kWallNever) {
    record->ok_since = now;
  }
}

void ForgetClearableFindings(HostRecord* record) {
  record->conditions.EraseIf([](const TrackedCondition& tracked) {
    return IsFinding(tracked) && (tracked.clears_at != kWallNever || !tracked.clear_probe.empty());
  });
}

Assessment Assess(const Policy& policy, const HostRecord& record, WallTime now) {
  Assessment result;
  result.silent = record.seen_at == kWallNever || record.seen_at + policy.silent_after < now;
  result.unknown = result.silent || record.detectors.empty();
  for (const auto& [detector, mark] : record.detectors) {
    if (mark.observed_at + StandsFor(policy, mark) < now) result.unknown = true;
  }
  // Compared as (confirmed, severity, older first).
  using Rank = std::tuple<bool, Severity, WallTime::rep>;
  Rank best{};
  for (const TrackedCondition& tracked : record.conditions) {
    const Condition& condition = tracked.condition;
    if (condition.verdict == Verdict::kOk || !Actionable(policy, condition)) continue;
    if (condition.verdict == Verdict::kUnknown) {
      result.unknown = true;
      continue;
    }
    const WallTime confirmed_at = tracked.verdict_since + ConfirmTime(policy, condition);
    const Rank rank{confirmed_at <= now, condition.severity,
                    -tracked.verdict_since.time_since_epoch().count()};
    if (result.worst != nullptr && rank <= best) continue;
    best = rank;
    result.worst = &tracked;
    result.confirmed = confirmed_at <= now;
    result.confirmed_at = confirmed_at;
    const auto mark = record.detectors.find(tracked.detector);
    const Millis stands =
        mark == record.detectors.end() ? policy.evidence_age_max : StandsFor(policy, mark->second);
    result.fresh = VouchedAt(record, tracked) + stands >= now;
  }
  result.all_ok = !result.unknown && result.worst == nullptr;
  return result;
}

}  // namespace fleetmedic

#include "remediation/evidence.h"

#include <algorithm>
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
  record->conditions.clear();
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
  std::erase_if(record->detectors, [&](const auto& entry) {
    const auto& [detector, mark] = entry;
    if (event.running.contains(detector) || mark.observed_at > event.observed_at) return false;
    std::erase_if(record->conditions,
                  [&](const TrackedCondition& tracked) { return tracked.detector == detector; });
    return true;
  });
  for (const auto& [detector, every] : event.running) {
    const auto mark = record->detectors.find(detector);
    if (mark != record->detectors.end()) mark->second.every = every;
  }
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

  std::vector<TrackedCondition> before;
  std::erase_if(record->conditions, [&](TrackedCondition& tracked) {
    if (tracked.detector != event.detector) return false;
    before.push_back(std::move(tracked));
    return true;
  });
  for (const Condition& condition : event.conditions) {
    if (record->conditions.size() >= kTrackedConditionsMax) break;
    TrackedCondition tracked;
    tracked.condition = condition;
    tracked.detector = event.detector;
    tracked.sequence = event.sequence;
    tracked.observed_at = event.observed_at;
    tracked.verdict_since = now;
    for (const TrackedCondition& old : before) {
      if (old.condition.type == condition.type && old.condition.unit == condition.unit &&
          old.condition.verdict == condition.verdict) {
        tracked.verdict_since = old.verdict_since;
      }
    }
    record->conditions.push_back(std::move(tracked));
  }
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
  const WallTime clears_at =
      finding.clear == Clear::kBoot ? kWallNever : finding.last_at + finding.clear_after;
  if (clears_at != kWallNever && clears_at <= now) return Taken::kDuplicate;
  const auto same = std::ranges::find_if(record->conditions, [&](const TrackedCondition& tracked) {
    return tracked.detector == detector && tracked.condition.unit == finding.condition.unit;
  });
  if (same != record->conditions.end()) {
    if (finding.last_at <= same->observed_at) return Taken::kDuplicate;
    same->condition = finding.condition;
    same->observed_at = finding.last_at;
    same->clears_at = clears_at;
    return Taken::kApplied;
  }
  if (record->conditions.size() >= kTrackedConditionsMax) return Taken::kDuplicate;
  TrackedCondition tracked;
  tracked.condition = finding.condition;
  tracked.detector = detector;
  tracked.observed_at = finding.last_at;
  tracked.verdict_since = now;
  tracked.clears_at = clears_at;
  tracked.origin = finding.rule + "@" + finding.rule_version + " " + finding.position;
  record->conditions.push_back(std::move(tracked));
  return Taken::kApplied;
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
  std::erase_if(record->conditions, [&](const TrackedCondition& tracked) {
    return tracked.clears_at != kWallNever && tracked.clears_at <= now;
  });
  if (!Assess(policy, *record, now).all_ok) {
    record->ok_since = kWallNever;
  } else if (record->ok_since == kWallNever) {
    record->ok_since = now;
  }
}

void ForgetClearableFindings(HostRecord* record) {
  std::erase_if(record->conditions, [](const TrackedCondition& tracked) {
    return IsFinding(tracked) && tracked.clears_at != kWallNever;
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

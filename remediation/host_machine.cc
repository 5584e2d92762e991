#include "remediation/host_machine.h"

#include <algorithm>

#include <fmt/format.h>

#include "remediation/evidence.h"

namespace fleetmedic {
namespace {

// An executor that reads the order later than this refuses it.
constexpr Millis kRepairStartWithin = Minutes(2);

// What kind of step is about to be taken: each may be stopped by different things.
enum class StepKind : uint8_t {
  kDisrupt,  // taint, drain or repair by the machine's own decision
  kOrdered,  // the same by a person's order
  kRecover,  // probation, untaint
};

class Stepper {
 public:
  Stepper(const Policy& policy, const HostRecord& record, const Surroundings& around, WallTime now)
      : policy_(policy), around_(around), now_(now) {
    decision_.next = record;
  }

  Decision Run(const Input& in) {
    const HostState before = r_.state;
    std::visit([this](const auto& value) { On(value); }, in);
    WithdrawRules(around_.ended_rules, &r_);
    AgeEvidence(policy_, now_, &r_);
    // One transition a step, so that each has an audit entry of its own.
    if (r_.state == before) Advance();
    return std::move(decision_);
  }

 private:
  void On(const input::Facts& in) {
    if (TakeFacts(in.facts, now_, &r_) == Taken::kOtherBoot) Ignore("facts of another boot");
  }
  void On(const input::Report& in) {
    switch (TakeReport(in.event, now_, &r_)) {
      case Taken::kApplied:
        return;
      case Taken::kDuplicate:
        return Ignore("a report taken before");
      case Taken::kOtherBoot:
        return Ignore("a report of another boot");
    }
  }
  void On(const input::Found& in) {
    switch (TakeFinding(in.finding, now_, &r_)) {
      case Taken::kApplied:
        return;
      case Taken::kDuplicate:
        return Ignore("a finding taken before, or cleared");
      case Taken::kOtherBoot:
        return Ignore("a finding of another boot");
    }
  }
  void On(const input::Tick&) {}
  void On(const input::Granted& in);
  void On(const input::Refused& in);
  void On(const input::View& in);
  void On(const input::NotListed&) { r_.scheduler_lost = true; }
  void On(const input::Repaired& in);
  void On(const input::Overlay& in);
  void On(const input::Return& in);

  // What time and evidence bring about in the present state.
  void Advance();
  void AdvanceHealthy();
  void AdvanceSuspect();
  void AdvanceTainted();
  void AdvanceDraining();
  void AdvanceDrained();
  void AdvanceRepairing();
  void AdvanceProbation();
  // True where a host that is out may go on to probation: ok for `settle`, and nobody wants it
  // drained.
  bool Recovered(const Assessment& seen) const {
    return !r_.drain_wanted && seen.all_ok && r_.ok_since + policy_.settle <= now_;
  }

  void Enter(HostState state, std::string why, Millis deadline = Millis(0));
  void Direct(Want want, const std::string& reason, bool recovery = false);
  void Taint(const std::string& reason);
  void EnterProbation(const std::string& why);
  void BackInService(const std::string& why);
  void StartRepair(bool in_place);
  void RepairEnded(RepairOutcome outcome, const std::string& message);
  void ReleaseGrant();
  void Notify(std::string text, bool urgent) {
    decision_.effects.push_back(effect::Notify{r_.facts.host.str() + ": " + text, urgent});
  }
  void Ignore(std::string_view what) {
    if (decision_.why.empty()) decision_.why = fmt::format("ignored: {}", what);
  }
  // Pages once a deadline, and sets the next one: a state that waits is never silent for ever.
  bool PastDeadline(Millis again) {
    if (r_.deadline == kWallNever || now_ < r_.deadline) return false;
    r_.deadline = now_ + again;
    return true;
  }

  // Why this step must not be taken now; empty where nothing stops it.
  std::string Blocked(StepKind step) const;
  // Why there is not enough evidence to act on; empty where there is.
  std::string NotProven(const Assessment& seen) const;
  std::string Asked() const {
    return (r_.taint_only ? "taint asked for: " : "drain asked for: ") + r_.over_reason;
  }
  std::string CauseText() const {
    return r_.cause_unit.empty() ? r_.cause_type : r_.cause_type + "(" + r_.cause_unit + ")";
  }

  const Policy& policy_;
  const Surroundings& around_;
  const WallTime now_;
  Decision decision_;
  HostRecord& r_ = decision_.next;
};

std::string Stepper::Blocked(StepKind step) const {
  if (r_.protected_) return "protected: " + r_.over_reason;
  if (r_.held) return "held: " + r_.over_reason;
  if (!around_.frozen.empty()) return around_.frozen;
  bool allowed = false;
  switch (around_.mode) {
    case Mode::kAuto:
      allowed = true;
      break;
    case Mode::kShadow:
    case Mode::kDegraded:
      allowed = step != StepKind::kDisrupt;
      break;
    case Mode::kTripped:
      allowed = step == StepKind::kRecover;
      break;
    case Mode::kHold:
      break;
  }
  if (!allowed) return fmt::format("mode {}: {}", ModeName(around_.mode), around_.mode_reason);
  if (step == StepKind::kDisrupt && !around_.issue.empty()) return "fleet issue " + around_.issue;
  return "";
}

std::string Stepper::NotProven(const Assessment& seen) const {
  if (!r_.facts_known) return "facts: the host has not told what it is";
  if (seen.silent) return "evidence: the agent is silent";
  if (seen.worst == nullptr) return "evidence: nothing is known to be bad now";
  constexpr std::string_view kRulePrefix = "rule:";
  const std::string_view detector = seen.worst->detector;
  if (detector.starts_with(kRulePrefix) &&
      std::ranges::find(around_.held_rules, detector.substr(kRulePrefix.size())) !=
          around_.held_rules.end()) {
    return "held: " + seen.worst->detector;
  }
  if (!seen.fresh) {
    return fmt::format("evidence: {} was not confirmed within {}",
                       ConditionTitle(seen.worst->condition),
                       FormatDuration(policy_.evidence_age_max));
  }
  if (!seen.confirmed) {
    return fmt::format("confirmation of {} at {}", ConditionTitle(seen.worst->condition),
                       FormatWall(seen.confirmed_at));
  }
  return "";
}

void Stepper::Enter(HostState state, std::string why, Millis deadline) {
  r_.state = state;
  r_.since = now_;
  r_.deadline = deadline == Millis(0) ? kWallNever : now_ + deadline;
  r_.waits_for.clear();
  r_.why = why;
  decision_.why = std::move(why);
}

void Stepper::Direct(Want want, const std::string& reason, bool recovery) {
  r_.revision += 1;
  r_.want = want;
  if (!recovery) r_.evidence_boot_id = r_.facts.boot_id;
  r_.blocked_by.clear();
  Directive directive;
  directive.host = r_.facts.host;
  directive.revision = r_.revision;
  directive.want = want;
  directive.reason = reason;
  if (want == Want::kDrained) directive.drain_deadline = now_ + policy_.drain_deadline;
  decision_.effects.push_back(effect::Direct{std::move(directive), recovery});
}

void Stepper::Taint(const std::string& reason) {
  Direct(Want::kTainted, reason);
  Enter(HostState::kTainted, reason, policy_.acknowledge_deadline);
}

void Stepper::ReleaseGrant() {
  if (r_.grant.empty()) return;
  decision_.effects.push_back(effect::ReleaseGrant{r_.grant});
  r_.grant = GrantId();
}

void Stepper::On(const input::Granted& in) {
  r_.grant = in.grant;
  const Assessment seen = Assess(policy_, r_, now_);
  std::string unfit;
  if (r_.state != HostState::kSuspect) {
    unfit = fmt::format("ignored: granted while {}", HostStateName(r_.state));
  } else {
    unfit = Blocked(r_.drain_wanted ? StepKind::kOrdered : StepKind::kDisrupt);
    if (unfit.empty() && !r_.drain_wanted) unfit = NotProven(seen);
  }
  if (!unfit.empty()) {
    ReleaseGrant();
    decision_.why = unfit;
    return;
  }
  r_.retry_at = kWallNever;
  if (r_.drain_wanted) {
    r_.cause_type.clear();
    r_.cause_unit.clear();
    return Taint(Asked());
  }
  r_.cause_type = seen.worst->condition.type;
  r_.cause_unit = seen.worst->condition.unit;
  const auto own = policy_.conditions.find(r_.cause_type);
  const std::vector<Rung>& ladder = LadderFor(policy_, r_.cause_type);
  if (own != policy_.conditions.end() && own->second.repair_in_place && !ladder.empty() &&
      ladder.front() != Rung::kPerson) {
    return StartRepair(true);
  }
  Taint(CauseText() + ": " + seen.worst->condition.message);
}

void Stepper::On(const input::Refused& in) {
  if (r_.state != HostState::kSuspect) return Ignore("refused while not suspect");
  r_.retry_at = std::max(in.retry_at, now_ + policy_.refused_retry);
  r_.waits_for = "limit " + in.limit;
  decision_.why = r_.waits_for;
}

void Stepper::On(const input::View& in) {
  const HostView& view = in.view;
  r_.scheduler_lost = !view.connected;
  if (view.revision > r_.revision) {
    // A directive that this record never sent: its store is older than the scheduler's.
    Notify(fmt::format("the scheduler holds revision {} and we know of {}; our store is behind",
                       view.revision, r_.revision),
           true);
    r_.revision = view.revision;
    decision_.why = "difference: the scheduler's revision is newer than ours";
    return;
  }
  if (view.revision < r_.revision) {
    if (in.listed && view.revision < r_.acknowledged) {
      // It confirmed more once: it lost it, or this list is older than the answer. A repeat is
      // harmless in both.
      Directive again{r_.facts.host, r_.revision, r_.want, r_.why, r_.deadline};
      decision_.effects.push_back(effect::Direct{std::move(again), true});
      decision_.why = fmt::format("difference: the scheduler has revision {} of {}", view.revision,
                                  r_.revision);
    }
    return;
  }
  if (view.want != r_.want) return Ignore("a view of the right revision with another want");
  const bool news = r_.acknowledged < r_.revision;
  r_.acknowledged = r_.revision;
  r_.tasks_left = view.tasks_left;
  r_.tasks_total =
      r_.want == Want::kSchedulable ? view.tasks_left : std::max(r_.tasks_total, view.tasks_left);
  r_.blocked_by = view.blocked_by;
  if (r_.state == HostState::kDraining && in.listed && view.tasks_left == 0) {
    Enter(HostState::kDrained, "verified by the scheduler's list: 0 tasks left",
          policy_.drain_deadline);
  } else if (r_.state == HostState::kProbation && r_.want == Want::kSchedulable && news) {
    BackInService("the scheduler acknowledged: schedulable");
  }
}

void Stepper::On(const input::Repaired& in) {
  if (r_.state != HostState::kRepairing || in.report.id != r_.repair_id) {
    return Ignore("an outcome of a repair that is over");
  }
  RepairEnded(in.report.outcome, in.report.message);
}

void Stepper::On(const input::Overlay& in) {
  const bool same = r_.held == in.held && r_.protected_ == in.protected_ &&
                    r_.drain_wanted == in.drain_wanted && r_.taint_only == in.taint_only;
  r_.held = in.held;
  r_.protected_ = in.protected_;
  r_.drain_wanted = in.drain_wanted;
  r_.taint_only = in.taint_only;
  r_.over_reason = in.reason;
  if (same) return;
  decision_.why = in.held           ? "held: " + in.reason
                  : in.protected_   ? "protected: " + in.reason
                  : in.drain_wanted ? "asked for: " + in.reason
                                    : "nothing lies over the host any more";
  r_.waits_for.clear();
}

void Stepper::On(const input::Return& in) {
  r_.drain_wanted = false;
  r_.taint_only = false;
  const std::string why = "returned by " + in.who;
  switch (r_.state) {
    case HostState::kTainted:
    case HostState::kDrained:
    case HostState::kRetired:
      return EnterProbation(why);
    case HostState::kDraining:
      Direct(Want::kTainted, why, true);
      return EnterProbation(why);
    case HostState::kHealthy:
    case HostState::kSuspect:
    case HostState::kRepairing:
    case HostState::kProbation:
      return Ignore("a return of a host that is not out");
  }
}

void Stepper::EnterProbation(const std::string& why) {
  Enter(HostState::kProbation, why, policy_.probation_deadline);
}

void Stepper::BackInService(const std::string& why) {
  ReleaseGrant();
  r_.attempt = 0;
  r_.evidence_boot_id.clear();
  r_.repair_id.clear();
  r_.in_place = false;
  r_.blocked_by.clear();
  Enter(HostState::kHealthy, why);
}

void Stepper::StartRepair(bool in_place) {
  const std::vector<Rung>& ladder = LadderFor(policy_, r_.cause_type);
  const size_t rung = static_cast<size_t>(r_.attempt);
  if (r_.attempt >= policy_.attempts_max || rung >= ladder.size() ||
      ladder[rung] == Rung::kPerson) {
    Notify(fmt::format("{}: no repair is left to try; a person is needed", CauseText()), true);
    return Enter(HostState::kRetired, "the ladder is used up: " + CauseText());
  }
  r_.attempt += 1;
  r_.rung = ladder[rung];
  r_.evidence_boot_id = r_.facts.boot_id;
  r_.in_place = in_place;
  r_.repair_id = fmt::format("{}/{}/{}", r_.facts.host.str(), r_.episode, r_.attempt);
  Repair repair;
  repair.id = r_.repair_id;
  repair.rung = r_.rung;
  repair.unit = r_.cause_unit;
  repair.boot_id = r_.facts.boot_id;
  repair.start_before = now_ + kRepairStartWithin;
  decision_.effects.push_back(effect::RunRepair{std::move(repair)});
  Enter(HostState::kRepairing,
        fmt::format("attempt {}: {} for {}{}", r_.attempt, RungName(r_.rung), CauseText(),
                    in_place ? ", tasks stay" : ""),
        policy_.repair_deadline);
}

void Stepper::RepairEnded(RepairOutcome outcome, const std::string& message) {
  const std::string what = fmt::format("{} {}: {}", RungName(r_.rung), RepairOutcomeName(outcome),
                                       message.substr(0, 512));
  const bool in_place = r_.in_place;
  r_.repair_id.clear();
  r_.in_place = false;
  if (outcome == RepairOutcome::kDone) {
    ForgetClearableFindings(&r_);
    return EnterProbation(what);
  }
  if (in_place) return Taint("repair in place failed: " + what);
  // What failed is not tried again, and neither is what may have happened: the next rung is.
  StartRepair(false);
  decision_.why = what + "; " + decision_.why;
}

void Stepper::Advance() {
  switch (r_.state) {
    case HostState::kHealthy:
      return AdvanceHealthy();
    case HostState::kSuspect:
      return AdvanceSuspect();
    case HostState::kTainted:
      return AdvanceTainted();
    case HostState::kDraining:
      return AdvanceDraining();
    case HostState::kDrained:
      return AdvanceDrained();
    case HostState::kRepairing:
      return AdvanceRepairing();
    case HostState::kProbation:
      return AdvanceProbation();
    case HostState::kRetired:
      r_.waits_for = "a person: return the host when it is well";
      return;
  }
}

void Stepper::AdvanceHealthy() {
  const Assessment seen = Assess(policy_, r_, now_);
  std::string why;
  if (seen.worst != nullptr) {
    why = ConditionTitle(seen.worst->condition) + ": " + seen.worst->condition.message;
  } else if (r_.drain_wanted) {
    why = Asked();
  } else if (seen.silent && r_.scheduler_lost && r_.seen_at != kWallNever) {
    why = "the agent is silent and the scheduler lost the host";
    Notify(why, false);
  } else {
    r_.waits_for.clear();
    return;
  }
  r_.episode += 1;
  r_.retry_at = kWallNever;
  if (seen.worst != nullptr) {
    r_.cause_type = seen.worst->condition.type;
    r_.cause_unit = seen.worst->condition.unit;
  }
  Enter(HostState::kSuspect, why);
  AdvanceSuspect();
}

void Stepper::AdvanceSuspect() {
  const Assessment seen = Assess(policy_, r_, now_);
  if (Recovered(seen)) return BackInService("all ok for " + FormatDuration(policy_.settle));
  // A taint that a lost acknowledgement left behind is not a suspect's: see Return and View.
  std::string waits = Blocked(r_.drain_wanted ? StepKind::kOrdered : StepKind::kDisrupt);
  if (!r_.drain_wanted) {
    const std::string not_proven = NotProven(seen);
    if (!not_proven.empty()) waits = not_proven;
  }
  if (!waits.empty()) {
    r_.waits_for = waits;
    return;
  }
  if (r_.retry_at > now_) return;
  decision_.effects.push_back(
      effect::AskGrant{r_.drain_wanted ? Asked() : ConditionTitle(seen.worst->condition)});
}

void Stepper::AdvanceTainted() {
  const Assessment seen = Assess(policy_, r_, now_);
  if (Recovered(seen)) {
    return EnterProbation("all ok for " + FormatDuration(policy_.settle) + "; the taint stays");
  }
  if (r_.acknowledged < r_.revision) {
    r_.waits_for = fmt::format("the scheduler: revision {} is not acknowledged", r_.revision);
    if (PastDeadline(policy_.acknowledge_deadline)) Notify(r_.waits_for, true);
    return;
  }
  std::string waits = Blocked(r_.drain_wanted ? StepKind::kOrdered : StepKind::kDisrupt);
  if (waits.empty() && !r_.drain_wanted) waits = NotProven(seen);
  if (!waits.empty()) {
    r_.waits_for = waits;
    if (PastDeadline(policy_.acknowledge_deadline)) Notify("tainted, waits for " + waits, true);
    return;
  }
  if (r_.drain_wanted && r_.taint_only) {
    r_.waits_for = "a person: no more than the taint was asked for";
    return;
  }
  const std::string why = r_.drain_wanted ? Asked()
                                          : "the taint is acknowledged, and still bad: " +
                                                ConditionTitle(seen.worst->condition);
  Direct(Want::kDrained, why);
  Enter(HostState::kDraining, why, policy_.drain_deadline);
}

void Stepper::AdvanceDraining() {
  if (Recovered(Assess(policy_, r_, now_)) && Blocked(StepKind::kRecover).empty()) {
    const std::string why = "all ok for " + FormatDuration(policy_.settle) + "; the drain ends";
    Direct(Want::kTainted, why, true);
    return EnterProbation(why);
  }
  r_.waits_for = !r_.blocked_by.empty() ? r_.blocked_by
                 : r_.acknowledged < r_.revision
                     ? fmt::format("the scheduler: revision {} is not acknowledged", r_.revision)
                     : fmt::format("{} tasks to leave", r_.tasks_left);
  if (PastDeadline(policy_.drain_deadline)) {
    Notify("the drain is past its deadline, waits for " + r_.waits_for, true);
  }
}

void Stepper::AdvanceDrained() {
  const Assessment seen = Assess(policy_, r_, now_);
  if (Recovered(seen)) {
    return EnterProbation("all ok for " + FormatDuration(policy_.settle) + "; the taint stays");
  }
  if (r_.drain_wanted) {
    r_.waits_for = "a person: return the host when it is well";
    return;
  }
  std::string waits = Blocked(StepKind::kDisrupt);
  if (waits.empty()) waits = NotProven(seen);
  if (waits.empty()) {
    r_.cause_type = seen.worst->condition.type;
    r_.cause_unit = seen.worst->condition.unit;
    return StartRepair(false);
  }
  r_.waits_for = waits;
  if (PastDeadline(policy_.drain_deadline)) Notify("drained, waits for " + waits, true);
}

void Stepper::AdvanceRepairing() {
  if (now_ < r_.deadline) {
    r_.waits_for = fmt::format("the executor: {} {}", RungName(r_.rung), r_.repair_id);
    return;
  }
  if (around_.outcomes_behind) {
    r_.waits_for = "the log: how the repair ended may be in what is not read yet";
    return;
  }
  if (r_.held || r_.protected_ || around_.mode == Mode::kHold || !around_.frozen.empty()) {
    r_.waits_for = "held: the repair's outcome is not known";
    return;
  }
  RepairEnded(RepairOutcome::kUnknown, "no outcome before its deadline");
}

void Stepper::AdvanceProbation() {
  if (r_.want == Want::kSchedulable && r_.acknowledged < r_.revision) {
    r_.waits_for = fmt::format("the scheduler: revision {} is not acknowledged", r_.revision);
    if (PastDeadline(policy_.acknowledge_deadline)) Notify(r_.waits_for, true);
    return;
  }
  const Assessment seen = Assess(policy_, r_, now_);
  if (seen.worst != nullptr && now_ >= r_.since + policy_.relapse_grace) {
    const std::string why = "relapse: " + ConditionTitle(seen.worst->condition);
    // From here on this boot's evidence is what the directive in force rests on.
    if (r_.want != Want::kSchedulable) r_.evidence_boot_id = r_.facts.boot_id;
    if (r_.want == Want::kDrained) return Enter(HostState::kDrained, why, policy_.drain_deadline);
    if (r_.want == Want::kTainted) {
      return Enter(HostState::kTainted, why, policy_.acknowledge_deadline);
    }
    // Repaired in place, and no taint yet: that is a new disruption, under the same grant.
    const std::string waits = Blocked(StepKind::kDisrupt);
    if (waits.empty()) return Taint(why);
    r_.waits_for = waits;
    return;
  }
  const WallTime ok_from = std::max(r_.ok_since, r_.since);
  if (seen.all_ok && ok_from + policy_.settle <= now_) {
    const std::string waits = Blocked(StepKind::kRecover);
    if (!waits.empty()) {
      r_.waits_for = waits;
    } else if (r_.want == Want::kSchedulable) {
      BackInService("probation passed");
    } else {
      r_.why = "probation passed: every detector ok for " + FormatDuration(policy_.settle);
      decision_.why = r_.why;
      Direct(Want::kSchedulable, r_.why, true);
      r_.deadline = now_ + policy_.acknowledge_deadline;
    }
    return;
  }
  r_.waits_for = seen.all_ok ? "settle until " + FormatWallSecond(ok_from + policy_.settle)
                             : "every detector to be fresh and ok";
  if (PastDeadline(policy_.probation_deadline)) {
    Notify("probation is past its deadline, waits for " + r_.waits_for, true);
    Enter(HostState::kRetired, "probation did not end in time: " + r_.waits_for);
  }
}

}  // namespace

Decision Step(const Policy& policy, const HostRecord& record, const Input& input,
              const Surroundings& surroundings, WallTime now) {
  return Stepper(policy, record, surroundings, now).Run(input);
}

std::string_view InputName(const Input& input) {
  constexpr std::string_view kNames[] = {"facts",    "report",  "finding", "tick",
                                         "granted",  "refused", "view",    "not_listed",
                                         "repaired", "overlay", "return"};
  static_assert(std::size(kNames) == std::variant_size_v<Input>);
  return kNames[input.index()];
}

}  // namespace fleetmedic

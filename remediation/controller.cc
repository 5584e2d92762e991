#include "remediation/controller.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/logging.h"
#include "remediation/audit_detail.h"
#include "remediation/evidence.h"

namespace fleetmedic {
namespace {

constexpr Millis kTickEvery = Seconds(1);
// What a successor reads again at most, but for what it concludes from it.
constexpr Millis kStoreWithin = Seconds(5);
constexpr Millis kRetryLeadEvery = Seconds(1);
constexpr size_t kRequestsMax = 256;
// Sets of rules that came since the last turn; the last of them counts.
constexpr size_t kRuleChangesMax = 16;
constexpr size_t kEndedRulesMax = 1000;
// Names of rules that are not in use. Past it none is waited for.
constexpr size_t kRulesKnownMax = 20'000;
// A host with nothing known to be wrong, unknown to its scheduler and this long silent, has left.
constexpr Millis kForgetAfter = Hours(1);

// Whether a record differs from the one before in nothing but what the next beat tells again.
// `after` is lent, not copied: most records, most of the time, change by beats alone.
bool SameButForBeats(const HostRecord& before, HostRecord* after) {
  if (before.detectors.size() != after->detectors.size()) return false;
  const WallTime seen_at = std::exchange(after->seen_at, before.seen_at);
  const WallTime ok_since = std::exchange(after->ok_since, before.ok_since);
  const FlatMap<DetectorMark> detectors = after->detectors;
  for (auto& [detector, mark] : after->detectors) {
    const auto it = before.detectors.find(detector);
    if (it != before.detectors.end()) mark.observed_at = it->second.observed_at;
  }
  const bool same = *after == before;
  after->seen_at = seen_at;
  after->ok_since = ok_since;
  after->detectors = detectors;
  return same;
}

// Whether what differs is what the host says, and nothing was concluded from it.
bool SameButForWords(const HostRecord& before, HostRecord* after) {
  const auto lend = [&before, after](auto field) {
    return std::exchange(after->*field, before.*field);
  };
  const WallTime seen_at = lend(&HostRecord::seen_at);
  const WallTime ok_since = lend(&HostRecord::ok_since);
  SharedList<TrackedCondition> conditions = lend(&HostRecord::conditions);
  FlatMap<DetectorMark> detectors = lend(&HostRecord::detectors);
  const bool same = *after == before;
  after->seen_at = seen_at;
  after->ok_since = ok_since;
  after->conditions = std::move(conditions);
  after->detectors = std::move(detectors);
  return same;
}

}  // namespace

Controller::Controller(RemediatorConfig config, std::string hold_file,
                       RemediatorEnvironment environment)
    : config_(std::move(config)),
      env_(std::move(environment)),
      gate_(env_.clock, std::move(hold_file)),
      requests_(kRequestsMax, env_.wake),
      new_rules_(kRuleChangesMax, env_.wake),
      rules_(env_.rules),
      intake_(&env_.log, &env_.metrics),
      outbox_(config_,
              {env_.clock, gate_, env_.log, env_.hook, env_.workers, env_.metrics, env_.wake,
               [this](const OutboxRow& row, MonoTime mono) { return EvidenceReady(row, mono); },
               [this](const HostRecord& record) { return IssueOver(record); }}),
      audit_export_({env_.store, env_.log, env_.workers, env_.metrics, env_.wake}),
      snapshot_(std::make_shared<FleetSnapshot>()) {
  evidence_unasked_ =
      env_.metrics.Counter("fleetmedic_evidence_unasked_total",
                           "Bundles that were not asked for, by the limit for each minute.");
  turns_failed_ = env_.metrics.Counter("fleetmedic_remediator_turns_failed_total",
                                       "Passes that ended in an error and changed nothing.");
  steps_ignored_ = env_.metrics.Counter("fleetmedic_remediator_inputs_ignored_total",
                                        "Inputs that changed nothing they could have.");
  grants_given_ = env_.metrics.Counter("fleetmedic_grants_given_total", "Grants given.");
  grants_refused_ = env_.metrics.Counter("fleetmedic_grants_refused_total",
                                         "Requests for a grant that a limit refused.");
  pages_ = env_.metrics.Counter("fleetmedic_pages_total", "Messages that call a person.");
  hosts_gauge_ = env_.metrics.Gauge("fleetmedic_hosts", "Hosts that the remediator knows.");
  disrupted_gauge_ =
      env_.metrics.Gauge("fleetmedic_hosts_disrupted", "Hosts that are bad, tainted or draining.");
  open_grants_gauge_ = env_.metrics.Gauge("fleetmedic_grants_open", "Grants that are open.");
  mode_gauge_ =
      env_.metrics.Gauge("fleetmedic_mode", "0 auto, 1 shadow, 2 degraded, 3 tripped, 4 hold.");
  issues_stale_gauge_ =
      env_.metrics.Gauge("fleetmedic_fleet_issues_stale",
                         "Open fleet issues that the stream does not renew any more.");
  issues_gauge_ =
      env_.metrics.Gauge("fleetmedic_fleet_issues_open", "Fleet issues that hold drains back.");
  log_lag_gauge_ = env_.metrics.Gauge("fleetmedic_remediator_log_lag_seconds",
                                      "Age of the oldest record that is not read yet.");
}

Controller::~Controller() {
  if (lease_) (void)env_.store.Release(*lease_);
}

WallTime Controller::SteadyNow(MonoTime now) {
  if (anchor_wall_ == kWallNever) {
    anchor_wall_ = env_.clock.Wall();
    anchor_mono_ = now;
  }
  return anchor_wall_ + (now - anchor_mono_);
}

void Controller::StepDown(const Error& error) {
  turns_failed_.Add();
  trouble_ = error.message;
  LogWarning("stepping down", {{"error", error.message}});
  gate_.LeadUntil(MonoTime{});
  outbox_.Reset();
  lease_.reset();
  intake_.Close();
  for (auto& [done, answer] : answers_) {
    done(Fail(Code::kUnavailable, "the decision could not be stored: " + error.message));
  }
  answers_.clear();
  asks_.clear();
  evidence_asks_.clear();
  if (std::exchange(hold_taken_, false)) hold_unstored_ = true;
}

bool Controller::Lead(MonoTime now) {
  if (lease_ && now < lease_renew_at_) return true;
  // The deadline is taken before the call, so that a slow store shortens it and never lengthens.
  const MonoTime until = now + config_.lease_ttl;
  Result<Lease> lease = lease_ ? env_.store.Renew(*lease_, config_.lease_ttl)
                               : env_.store.Acquire(env_.owner, config_.lease_ttl);
  if (!lease) {
    if (lease.error().code == Code::kBusy) {
      trouble_ = lease.error().message;
      lease_.reset();
      return false;
    }
    StepDown(lease.error());
    return false;
  }
  const bool fresh = !lease_;
  lease_ = *lease;
  lease_renew_at_ = now + config_.lease_ttl / 3;
  gate_.LeadUntil(until);
  if (!fresh) return true;
  if (const Status started = StartLeading(); !started) {
    StepDown(started.error());
    return false;
  }
  silence_counts_from_ = kMonoForever;
  return true;
}

Status Controller::StartLeading() {
  FLEETMEDIC_RETURN_IF_ERROR(ledger_.Load(env_.store));
  // What was written last was written at a time that has passed.
  if (ledger_.written_at() > now_) {
    anchor_wall_ += ledger_.written_at() - now_;
    now_ = ledger_.written_at();
  }
  NoteAllRules();
  audited_mode_.reset();
  outbox_.Reset();
  audit_export_.Note();
  listed_ = false;
  next_list_ = MonoTime{};  // at once
  list_counts_from_ = env_.clock.Mono();
  list_error_.clear();
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<AuditEntry> of_scheduler,
                              env_.store.NewestAudit("scheduler", 1));
  list_paged_ = !of_scheduler.empty() && of_scheduler.front().action == "page";
  report_.reset();
  if (ledger_.reconcile()) gate_.Hold();
  issues_.Clear();
  FLEETMEDIC_RETURN_IF_ERROR(intake_.Open([this](Topic topic) { return ledger_.Offsets(topic); }));
  trouble_.clear();
  LogInfo("leading", {{"epoch", lease_->epoch}, {"hosts", ledger_.hosts().size()}});
  return {};
}

void Controller::Turn(MonoTime now) {
  now_ = SteadyNow(now);
  next_wake_ = now + kRetryLeadEvery;
  looked_ = false;
  TakeRules();
  if (!Lead(now)) {
    PublishSnapshot(now);
    return;
  }
  ledger_.Touch(now_);
  audit_export_.TakeOutcome(now, &ledger_);
  TakeOutcomes();
  TakeRequests();
  if (const Status read = ReadLog(now); !read) {
    StepDown(read.error());
    PublishSnapshot(now);
    return;
  }
  if (now >= next_tick_) {
    next_tick_ = now + kTickEvery;
    ExpireOverrides();
    EndWaitingRules();
    AgeList();
    UpdateBrakeAndMode();
    ChangeRamp(AfterQuiet(ledger_.ramp(), FullBudget(Budget(), look_.census), now_));
    EndLeases();
    TickHosts(now);
    ledger_.PruneGrants(now_ - LongestWindow(config_.limits) - Hours(1));
  } else if (!asks_.empty()) {
    UpdateBrakeAndMode();
  }
  AnswerAsks();
  // Frozen is stricter than any mode that is shown.
  const Mode acting = Frozen().empty() ? mode_ : Mode::kHold;
  outbox_.Revoke(acting, now_, ledger_);
  if (const Status committed = CommitPass(now); !committed) {
    StepDown(committed.error());
    PublishSnapshot(now);
    return;
  }
  outbox_.Act(acting, now_, now, &ledger_);
  audit_export_.Act(now, ledger_);
  SendEvidenceAsks();
  if (now >= next_list_) {
    next_list_ = now + config_.list_every;
    outbox_.AskList(now);
  }
  // Published first: who was answered and looks again must see what was done.
  PublishSnapshot(now);
  AnswerRequests();
  next_wake_ = std::min({next_wake_, next_tick_, next_list_, lease_renew_at_, outbox_.NextDue(),
                         audit_export_.NextDue()});
  next_wake_ = std::max(next_wake_, now + Millis(1));
}

void Controller::TakeOutcomes() {
  const MonoTime mono = env_.clock.Mono();
  for (Outcome& outcome : outbox_.TakeOutcomes()) {
    if (auto* applied = std::get_if<outcome::Applied>(&outcome)) {
      if (!applied->view) {
        trouble_ = applied->view.error().message;
        outbox_.Failed(applied->key, mono);
        continue;
      }
      outbox_.Succeeded(applied->key);
      const auto row = ledger_.outbox().find(applied->key);
      if (row != ledger_.outbox().end() &&
          row->second.directive.revision <= applied->directive.revision) {
        ledger_.EraseOutbox(applied->key);
      }
      if (BehindScheduler(*applied->view)) continue;
      StepHost(applied->directive.host, input::View{*applied->view, false});
    } else if (auto* ordered = std::get_if<outcome::Ordered>(&outcome)) {
      if (!ordered->status) {
        outbox_.Failed(ordered->key, mono);
        continue;
      }
      outbox_.Succeeded(ordered->key);
      const auto row = ledger_.outbox().find(ordered->key);
      if (row != ledger_.outbox().end() && row->second.repair.id == ordered->repair_id) {
        ledger_.EraseOutbox(ordered->key);
      }
    } else if (auto* listed = std::get_if<outcome::Listed>(&outcome)) {
      if (!listed->views) {
        list_error_ = listed->views.error().message;
        trouble_ = "scheduler: " + list_error_;
        continue;
      }
      trouble_.clear();
      TakeList(*listed->views);
    }
  }
}

Status Controller::ReadLog(MonoTime now) {
  FLEETMEDIC_ASSIGN_OR_RETURN(std::vector<HostInput> inputs, intake_.Poll(now_, &behind_));
  outcomes_behind_ = false;
  if (behind_) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const Millis lag, intake_.OutcomesLag(now_));
    outcomes_behind_ = lag > config_.policy.evidence_age_max;
  }
  // A stream in this process tells of new rules before it writes what they found.
  TakeRules();
  // Before the hosts: what is everybody's must not be begun on one of them.
  TakeIssues();
  // What is left to be read may renew them.
  if (!behind_) AgeIssues();
  for (const HostInput& in : inputs) {
    // Of a stream that ran with other rules than ours.
    if (const auto* found = std::get_if<input::Found>(&in.input)) NoteRule(found->finding.rule);
    StepHost(in.host, in.input);
    if (std::holds_alternative<input::Facts>(in.input)) LayOverrides(in.host);
  }
  FLEETMEDIC_RETURN_IF_ERROR(intake_.FlushDeadLetters());
  for (auto& [topic, positions] : intake_.Positions()) {
    ledger_.SetOffsets(topic, std::move(positions));
  }
  if (behind_) {
    next_wake_ = now;
  } else if (silence_counts_from_ == kMonoForever) {
    silence_counts_from_ = now + config_.policy.silent_after;
  }
  return {};
}

void Controller::TakeRules() {
  std::vector<std::set<std::string>> changes = new_rules_.TakeAll();
  if (changes.empty()) return;
  if (rules_) rules_before_ = *std::move(rules_);
  rules_ = std::move(changes.back());
  std::erase_if(waiting_rules_, [this](const auto& rule) { return rules_->contains(rule.first); });
  NoteAllRules();
}

void Controller::EndWaitingRules() {
  const size_t ended = std::erase_if(waiting_rules_, [this](const auto& rule) {
    if (rule.second > now_) return false;
    // From now on as one that was ours.
    rules_before_.insert(rule.first);
    return true;
  });
  if (ended > 0) NoteAllRules();
}

void Controller::NoteAllRules() {
  ended_rules_.clear();
  for (const auto& [host, record] : ledger_.hosts()) {
    for (const std::string& rule : RulesFound(*record)) NoteRule(rule);
  }
}

void Controller::NoteRule(const std::string& rule) {
  if (!rules_ || rules_->contains(rule)) return;
  if (std::ranges::find(ended_rules_, rule) != ended_rules_.end()) return;
  if (ended_rules_.size() >= kEndedRulesMax) return;
  const bool may_come = env_.rules_grace > Millis(0) && !rules_before_.contains(rule) &&
                        rules_before_.size() + waiting_rules_.size() < kRulesKnownMax;
  if (may_come) {
    waiting_rules_.try_emplace(rule, now_ + env_.rules_grace);
    return;
  }
  ended_rules_.push_back(rule);
  LogInfo("a rule is not in use any more; its findings end", {{"rule", rule}});
}

void Controller::StepHost(const HostId& host, const Input& input) {
  HostRecordPtr record = ledger_.Host(host);
  if (record == nullptr) {
    const bool introduces = std::holds_alternative<input::Facts>(input) ||
                            std::holds_alternative<input::Report>(input) ||
                            std::holds_alternative<input::Found>(input);
    if (!introduces) return;
    HostRecord fresh;
    fresh.facts.host = host;
    fresh.since = now_;
    record = std::make_shared<const HostRecord>(std::move(fresh));
  }
  HostRecordPtr asked = record;
  if (ledger_.reconcile()) {
    // While a person is waited for, deadlines do not run.
    HostRecord paused = *record;
    paused.deadline = kWallNever;
    asked = std::make_shared<const HostRecord>(std::move(paused));
  }
  Decision decision =
      Step(config_.PolicyOf(asked->facts), *asked, input, SurroundingsOf(*asked), now_);
  if (ledger_.reconcile() && decision.next.state == record->state) {
    decision.next.deadline = record->deadline;
  }
  if (decision.why.starts_with("ignored: ")) steps_ignored_.Add();
  if (decision.why.ends_with(" of another boot")) intake_.SetAsideOtherBoot({host, input});
  TakeEffects(*record, decision);
  AskEvidenceOf(*record, decision);
  AuditDecision(*record, decision, input);
  NoteOutcome(*record, decision.next);
  if (decision.next == *record) return;
  if (SameButForBeats(*record, &decision.next)) {
    ledger_.PutHostVolatile(std::move(decision.next));
  } else if (SameButForWords(*record, &decision.next) &&
             std::holds_alternative<input::Report>(input)) {
    ledger_.PutHostTold(std::move(decision.next));
  } else {
    ledger_.PutHost(std::move(decision.next));
  }
}

void Controller::TakeEffects(const HostRecord& before, const Decision& decision) {
  for (const Effect& effect : decision.effects) {
    OutboxRow row;
    row.host = before.facts.host;
    row.created_at = now_;
    if (const auto* ask = std::get_if<effect::AskGrant>(&effect)) {
      asks_.push_back({before.facts.host, ask->reason});
    } else if (const auto* release = std::get_if<effect::ReleaseGrant>(&effect)) {
      ledger_.ReleaseGrant(release->grant, now_);
    } else if (const auto* direct = std::get_if<effect::Direct>(&effect)) {
      row.kind = OutboxRow::Kind::kDirective;
      row.directive = direct->directive;
      row.recovery = direct->recovery;
      outbox_.Succeeded(row.Key());  // a new order does not wait for the old one's back-off
      ledger_.PutOutbox(std::move(row));
    } else if (const auto* repair = std::get_if<effect::RunRepair>(&effect)) {
      row.kind = OutboxRow::Kind::kRepair;
      row.repair = repair->repair;
      outbox_.Succeeded(row.Key());
      ledger_.PutOutbox(std::move(row));
    } else if (const auto* notify = std::get_if<effect::Notify>(&effect)) {
      if (notify->urgent) pages_.Add();
      AuditAct("fleetmedic", notify->urgent ? "page" : "notify", "host:" + before.facts.host.str(),
               notify->text, "", HostDetail(decision.next));
    }
  }
}

void Controller::TickHosts(MonoTime now) {
  for (const HostId& host : look_.restless) {
    const HostRecordPtr record = ledger_.Host(host);
    const bool gone = record->state == HostState::kSuspect && record->scheduler_lost &&
                      record->conditions.empty() && record->grant.empty() &&
                      record->seen_at + kForgetAfter < now_;
    if (gone && now >= silence_counts_from_) {
      AuditAct("fleetmedic", "forget", "host:" + host.str(),
               "silent for " + FormatDuration(kForgetAfter) + " and not listed", "",
               HostDetail(*record));
      ledger_.ForgetHost(host);
      continue;
    }
    StepHost(host, input::Tick{});
  }
}

Surroundings Controller::SurroundingsOf(const HostRecord& record) const {
  Surroundings around;
  around.mode = mode_;
  around.mode_reason = mode_reason_;
  around.held_rules = held_rules_;
  around.ended_rules = ended_rules_;
  around.issue = IssueOver(record);
  around.frozen = Frozen();
  around.outcomes_behind = outcomes_behind_;
  return around;
}

void Controller::LookAround() {
  const bool silence_counts = env_.clock.Mono() >= silence_counts_from_;
  std::set<HostId> lent;
  for (const auto& [id, grant] : ledger_.grants()) {
    if (grant.open() && grant.lent()) lent.insert(grant.host);
  }
  look_ = LookAtFleet(config_, ledger_.hosts(), ended_rules_, lent, silence_counts, now_);
  looked_ = true;
}

void Controller::UpdateBrakeAndMode() {
  LookAround();
  BrakeSample& sample = look_.sample;
  Result<Millis> lag = intake_.Lag(now_);
  if (lag) sample.log_lag = *lag;
  log_lag_gauge_.Set(static_cast<double>(sample.log_lag.count()) / 1000);
  hosts_gauge_.Set(sample.hosts);
  disrupted_gauge_.Set(sample.disrupted);

  const BrakeState brake = StepBrake(config_.brake, sample, ledger_.brake(), now_);
  for (const BrakeCause& cause : brake.causes) {
    const auto known = std::ranges::find(ledger_.brake().causes, cause.cause, &BrakeCause::cause);
    if (known != ledger_.brake().causes.end()) continue;
    pages_.Add();
    AuditAct("fleetmedic", "trip", "brake", cause.detail, "tripped", BrakeDetail(cause));
  }
  ledger_.SetBrake(brake);

  mode_ = config_.mode;
  mode_reason_ = mode_ == Mode::kShadow ? "configured: decides and does nothing" : "";
  if (ledger_.reconcile()) {
    mode_ = Mode::kShadow;
    mode_reason_ = Frozen() + "; `fleetmedic reconcile` shows what differs";
  }
  const auto stricter = [this](Mode mode, std::string reason) {
    if (mode <= mode_) return;
    mode_ = mode;
    mode_reason_ = std::move(reason);
  };
  if (!lag) stricter(Mode::kDegraded, "the log does not say how far behind we are");
  if (sample.log_lag > config_.policy.evidence_age_max) {
    stricter(Mode::kDegraded, "the log is " + FormatDuration(sample.log_lag) + " behind");
  }
  if (std::string old = ListIsOld(); !old.empty()) stricter(Mode::kDegraded, std::move(old));
  if (brake.tripped()) stricter(Mode::kTripped, brake.causes.front().detail);
  held_rules_.clear();
  if (gate_.HoldFilePresent()) stricter(Mode::kHold, "held by the file " + gate_.hold_file());
  bool fleet_hold = false;
  for (const auto& [id, override] : ledger_.overrides()) {
    if (override.kind != OverrideKind::kHold) continue;
    if (override.scope.kind == ScopeKind::kRule) held_rules_.push_back(override.scope.name);
    if (override.scope.kind != ScopeKind::kFleet) continue;
    fleet_hold = true;
    stricter(Mode::kHold, fmt::format("held by {}: {}", override.who, override.reason));
  }
  if (hold_unstored_) {
    stricter(Mode::kHold, "held, and the store could not take it: hold again, or release");
  }
  if (fleet_hold || hold_unstored_ || ledger_.reconcile()) {
    gate_.Hold();
  } else if (requests_.empty()) {
    gate_.Unhold();
  }
  mode_gauge_.Set(static_cast<double>(mode_));
  if (audited_mode_ && *audited_mode_ != mode_) {
    AuditAct("fleetmedic", "mode", "fleet", mode_reason_, std::string(ModeName(mode_)));
    RampUp(*audited_mode_);
  }
  audited_mode_ = mode_;
}

Status Controller::CommitPass(MonoTime now) {
  // What the log tells again is stored together while more of it waits to be read: a record that
  // changes often is then written once.
  const bool may_wait = behind_ && answers_.empty() && !ledger_.urgent();
  if (may_wait && now < store_by_) return {};
  store_by_ = now + kStoreWithin;
  if (ledger_.has_audit()) audit_export_.Note();
  FLEETMEDIC_RETURN_IF_ERROR(ledger_.Commit(&env_.store, lease_->epoch));
  // A hold that is stored speaks for one that could not be.
  if (std::exchange(hold_taken_, false)) hold_unstored_ = false;
  return {};
}

void Controller::AnswerRequests() {
  for (auto& [done, answer] : answers_) done(std::move(answer));
  answers_.clear();
}

}  // namespace fleetmedic

// The remediator's role: reads the log, steps the hosts, asks the budget, commits, acts.
//
// One pass of the leader: read → Step → brake, Decide → one store transaction with the host
// records, the grants, the outbox rows, the audit and the log offsets → only then the outbox acts.
// While more waits to be read, passes from which nothing follows are committed with the next from
// which something does, within seconds: what they read is read again where that never comes.
#ifndef FLEETMEDIC_REMEDIATION_CONTROLLER_H_
#define FLEETMEDIC_REMEDIATION_CONTROLLER_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "base/inbox.h"
#include "base/metrics.h"
#include "base/role.h"
#include "base/workers.h"
#include "config/remediator_config.h"
#include "eventlog/event_log.h"
#include "remediation/audit_export.h"
#include "remediation/fleet_look.h"
#include "remediation/gate.h"
#include "remediation/host_machine.h"
#include "remediation/intake.h"
#include "remediation/ledger.h"
#include "remediation/open_issues.h"
#include "remediation/outbox.h"
#include "remediation/query.h"
#include "scheduler-hooks/scheduler_hook.h"
#include "store/store.h"

namespace fleetmedic {

// What the controller stands on. Nothing is owned; all of it outlives the controller, and the
// workers are stopped before it is destroyed.
struct RemediatorEnvironment {
  const Clock& clock;
  EventLog& log;
  Store& store;
  SchedulerHook& hook;
  Workers& workers;
  Metrics& metrics;
  std::function<void()> wake;  // asks for a turn, from any thread; empty in the simulator
  std::string owner;           // names this process in the lease
  // The names of the rules in use; none where they are not known here. Findings of others end.
  std::optional<std::set<std::string>> rules = std::nullopt;
  const EvidenceBook* evidence = nullptr;  // null: no evidence is asked for
  // Where the stream reads the files of rules in another process: so long what a rule found that is
  // none of ours stands, for the stream may have read it before us.
  Millis rules_grace{0};
};

class Controller final : public Role, public RemediatorService {
 public:
  Controller(RemediatorConfig config, std::string hold_file, RemediatorEnvironment environment);
  ~Controller() override;

  std::string_view name() const override { return "remediator"; }
  void Turn(MonoTime now) override;
  MonoTime NextWake() const override { return next_wake_; }

  std::shared_ptr<const FleetSnapshot> Snapshot() const override;
  Status Post(Request request, std::function<void(Result<RequestAnswer>)> done) override;

  // Other rules are in use than the environment said: findings of those that are not among them end
  // with the next turn. From any thread. False where turns do not keep up.
  bool UseRules(std::set<std::string> rules) { return new_rules_.Post(std::move(rules)); }

  // For tests and the simulator, on the role's thread.
  const Ledger& ledger() const { return ledger_; }
  bool leading() const { return lease_.has_value(); }

 private:
  struct PostedRequest {
    Request request;
    std::function<void(Result<RequestAnswer>)> done;
  };
  struct EvidenceAsk {
    HostId host;
    EvidenceRequest request;
  };
  struct Ask {
    HostId host;
    std::string reason;
  };

  bool Lead(MonoTime now);
  Status StartLeading();
  void StepDown(const Error& error);
  WallTime SteadyNow(MonoTime now);

  void TakeRequests();
  Result<RequestAnswer> Handle(const request::AddOverride& request);
  Result<RequestAnswer> Handle(const request::EndOverride& request);
  Result<RequestAnswer> Handle(const request::Release& request);
  Result<RequestAnswer> Handle(const request::ReleaseBrake& request);
  Result<RequestAnswer> Handle(const request::CollectEvidence& request);
  Result<RequestAnswer> Handle(const request::AcceptReconcile& request);
  // controller_grants.cc
  void AnswerAsks();
  Grant NewGrant(const HostRecord& record, std::string reason);
  // The config's, as people's budgets have them.
  std::vector<Limit> Budget() const;
  // Those, and the ramp's.
  std::vector<Limit> LimitsInForce() const;
  void ChangeRamp(Ramp next);
  // A person let a stop go: of `before`.
  void RampUp(Mode before);
  // What a step of a host says of its repairs.
  void NoteOutcome(const HostRecord& before, const HostRecord& after);
  Result<RequestAnswer> Handle(const request::LendGrant& request);
  Result<RequestAnswer> Handle(const request::RenewGrant& request);
  Result<RequestAnswer> Handle(const request::ReleaseGrant& request);
  Result<Grant> LentGrant(const GrantId& id) const;
  void EndLent(const Grant& grant, const std::string& who, const std::string& why);
  std::string MayNotLend(const HostRecord& record) const;
  // Releases lent grants whose lease is over and whose host is back; calls a person for the others.
  void EndLeases();
  Status CheckPermit(const request::AddOverride& request) const;
  Result<RequestAnswer> ReturnHosts(const request::AddOverride& request);
  void TakeOutcomes();
  Status ReadLog(MonoTime now);
  void TakeRules();
  void NoteAllRules();
  void EndWaitingRules();
  // Notes a rule that something was found by, where it is not in use.
  void NoteRule(const std::string& rule);
  void TickHosts(MonoTime now);
  void ExpireOverrides();
  // controller_evidence.cc
  // False where so many were asked for within the minute that this one is not.
  bool AskEvidence(const HostId& host, std::string id, std::string reason,
                   size_t asks_per_minute_max);
  void AskEvidenceOf(const HostRecord& before, const Decision& decision);
  bool EvidenceReady(const OutboxRow& row, MonoTime mono);
  void SendEvidenceAsks();
  void LayOverrides(const HostId& host);
  void LayAllOverrides();
  void UpdateBrakeAndMode();
  void LookAround();
  Status CommitPass(MonoTime now);
  void AnswerRequests();
  void PublishSnapshot(MonoTime now);

  void StepHost(const HostId& host, const Input& input);
  void TakeEffects(const HostRecord& before, const Decision& decision);
  void AuditDecision(const HostRecord& before, const Decision& decision, const Input& input);
  void AuditGrant(std::string who, const std::string& reason, const HostRecord& record,
                  const GrantId& grant, std::span<const Grant> grants);
  void AuditAct(std::string who, std::string action, std::string object, std::string why,
                std::string result, Json detail = {});
  Surroundings SurroundingsOf(const HostRecord& record) const;
  // controller_reconcile.cc
  std::string Frozen() const;
  void BeginReconcile(std::string reason);
  // Whether the view is a difference that waits for a person.
  bool BehindScheduler(const HostView& view);
  void TakeList(const std::vector<HostView>& views);
  // Why no host may be newly disrupted: the scheduler has not listed its hosts for long. Empty
  // where it has.
  std::string ListIsOld() const;
  // Calls a person for a scheduler that stays silent, once.
  void AgeList();
  void Report(const std::vector<HostView>& views);
  void AdoptHost(const HostRecord& record, const HostView& view);
  // controller_issues.cc
  void TakeIssues();
  // Calls a person for those that the stream does not renew.
  void AgeIssues();
  // A person allows acts on the host although the issue covers it.
  bool Allowed(const FleetIssue& issue, const HostFacts& facts) const;
  // The open fleet issue that the host's worst condition is part of; empty for none.
  std::string IssueOver(const HostRecord& record) const;

  const RemediatorConfig config_;
  const RemediatorEnvironment env_;
  Gate gate_;
  Inbox<PostedRequest> requests_;
  Inbox<std::set<std::string>> new_rules_;
  std::optional<std::set<std::string>> rules_;  // in use
  std::set<std::string> rules_before_;          // that these took the place of
  // Rules that something was found by and that never were ours, and until when they may still come.
  std::map<std::string, WallTime> waiting_rules_;
  Ledger ledger_;
  Intake intake_;
  Outbox outbox_;
  AuditExport audit_export_;

  std::optional<Lease> lease_;
  MonoTime lease_renew_at_{};
  MonoTime next_wake_{};
  MonoTime next_tick_{};
  MonoTime store_by_{};  // what was read until now is committed by then
  MonoTime next_list_{};
  MonoTime next_snapshot_{};
  // The pass's own time: it goes on with the monotonic clock from where it was anchored, and
  // never back behind what was written, so that a jump of the wall clock opens no window.
  WallTime now_ = kWallNever;
  WallTime anchor_wall_ = kWallNever;
  MonoTime anchor_mono_{};
  // Before this, silence means that we were away.
  MonoTime silence_counts_from_ = kMonoForever;

  Mode mode_ = Mode::kShadow;
  std::string mode_reason_;
  std::optional<Mode> audited_mode_;  // none before this leader's first
  std::vector<std::string> held_rules_;
  std::vector<std::string> ended_rules_;
  OpenIssues issues_;
  // Of what executors report there is more to be read, and it is old.
  bool outcomes_behind_ = false;
  bool behind_ = false;  // the last pass did not read the log to its end
  bool listed_ = false;  // the records were compared with the scheduler's list since we lead
  MonoTime list_counts_from_{};  // the newest list, or when we began to lead
  std::string list_error_;       // of the newest ask; empty where it was answered
  bool list_paged_ = false;      // a person was called, by us or a leader before us
  // While there is something to reconcile: what the newest list says.
  std::shared_ptr<const ReconcileReport> report_;
  std::map<HostId, HostView> report_views_;
  FleetLook look_;       // of the last tick or ask
  bool looked_ = false;  // ... which was in this turn
  std::vector<Ask> asks_;
  std::vector<EvidenceAsk> evidence_asks_;  // sent after the commit
  std::vector<WallTime> evidence_asked_;    // within a minute
  // By repair: until when its bundle is waited for.
  std::map<std::string, MonoTime> evidence_waits_;
  MetricCounter evidence_unasked_;
  std::vector<std::pair<std::function<void(Result<RequestAnswer>)>, Result<RequestAnswer>>>
      answers_;
  std::string trouble_;
  // A fleet hold was taken in by this pass and is not durable yet; and one whose commit failed:
  // it holds all the same, until a hold is stored or a person releases.
  bool hold_taken_ = false;
  bool hold_unstored_ = false;

  mutable absl::Mutex snapshot_mutex_;
  std::shared_ptr<const FleetSnapshot> snapshot_ ABSL_GUARDED_BY(snapshot_mutex_);

  MetricCounter turns_failed_;
  MetricCounter steps_ignored_;
  MetricCounter grants_given_;
  MetricCounter grants_refused_;
  MetricCounter pages_;
  MetricGauge hosts_gauge_;
  MetricGauge disrupted_gauge_;
  MetricGauge open_grants_gauge_;
  MetricGauge mode_gauge_;
  MetricGauge issues_gauge_;
  MetricGauge issues_stale_gauge_;
  MetricGauge log_lag_gauge_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_REMEDIATION_CONTROLLER_H_

// What must always be true, checked against the scheduler's truth and the store, not against what
// the remediator believes. Each change is checked as it comes, by counts that are kept up to date;
// CheckAll counts everything again and finds where those have drifted.
#ifndef FLEETMEDIC_SIMULATION_INVARIANTS_H_
#define FLEETMEDIC_SIMULATION_INVARIANTS_H_

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "config/remediator_config.h"
#include "model/audit.h"
#include "model/override.h"
#include "ratelimit/brake.h"
#include "remediation/host_machine.h"
#include "remediation/query.h"
#include "simulation/fleet.h"
#include "simulation/scheduler_truth.h"
#include "store/store.h"

namespace fleetmedic::sim {

class Invariants {
 public:
  // Not owned; all of it outlives this.
  struct Parts {
    EventLoop* loop = nullptr;
    const RemediatorConfig* config = nullptr;
    const Fleet* fleet = nullptr;
    const Store* store = nullptr;
    const SchedulerTruth* scheduler = nullptr;
  };
  explicit Invariants(const Parts& parts);

  // The first that broke, with its time; empty while all hold.
  const std::string& failure() const { return failure_; }
  void Fail(const std::string& what);

  // As they happen.
  void OnRow(Table table, const std::string& key, const std::string* value);
  void OnAudit(const AuditEntry& entry);
  void OnCommitted();
  // The scheduler holds another directive than before.
  void OnDirective(const Directive& before, const Directive& now);
  // A directive reaches the scheduler. `newest`: the record as the leader knows it; may be null.
  void OnApply(const Directive& directive, const HostRecordPtr& newest);
  void OnRepairRun(const Repair& repair, int times);
  void OnTaskStarted(size_t host, const TaskId& task);
  void OnTaskEnded(size_t host, const TaskId& task);

  void CheckAll();
  // The store became another.
  void Reload();
  // While the records are known to be older than the scheduler nothing here can hold.
  void Suspend(bool suspended) { suspended_ = suspended; }

  const BrakeState& brake() const { return brake_; }
  size_t out() const { return out_.size(); }
  // The open grants as the store has them, by host.
  const std::map<HostId, Grant>& open_grants() const { return open_; }

 private:
  // What a limit counts: one cell, pool or rack, or the fleet.
  using ScopeKey = std::pair<LimitScope, std::string>;

  int MaxOf(const Limit& limit, const ScopeKey& scope) const;
  bool Applies(const Limit& limit, const ScopeKey& scope) const;
  static std::vector<ScopeKey> ScopesOf(const std::string& cell, const std::string& pool,
                                        const std::string& rack);
  void TakeGrant(const std::string& key, const std::string* value);
  void CountGrant(const Grant& grant, int by);
  void CountOut(const HostId& host, int by);
  void CheckConcurrent(const ScopeKey& scope);
  void CheckStarted(const Grant& grant);
  void CheckGranted(const HostId& host);
  bool Covered(OverrideKind kind, const HostFacts& facts) const;

  const Parts parts_;
  std::string failure_;
  bool suspended_ = false;
  std::map<ScopeKey, int> hosts_in_;
  std::map<std::string, Grant> grants_;  // by id
  std::map<HostId, Grant> open_;
  std::map<ScopeKey, int> open_in_;
  std::map<HostId, Directive> out_;  // hosts that the scheduler keeps tainted or drained
  std::map<ScopeKey, int> out_in_;
  // By limit and scope: when grants started, oldest first.
  std::map<std::pair<std::string, ScopeKey>, std::deque<WallTime>> started_;
  std::map<std::string, Override> overrides_;
  BrakeState brake_;
  std::vector<HostId> released_;  // by the commit that is under way
  std::map<TaskId, size_t> runs_on_;
};

}  // namespace fleetmedic::sim

#endif  // FLEETMEDIC_SIMULATION_INVARIANTS_H_

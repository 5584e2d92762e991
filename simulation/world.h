// One simulated world: the remediator (and a rival), the scheduler and the fleet, with the
// invariants of the design checked at every event. Who drives it (random_run.h, scenario_run.h)
// says what befalls it.
#ifndef FLEETMEDIC_SIMULATION_WORLD_H_
#define FLEETMEDIC_SIMULATION_WORLD_H_

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "eventlog/fault_event_log.h"
#include "eventlog/memory_event_log.h"
#include "remediation/controller.h"
#include "simulation/event_loop.h"
#include "simulation/figures.h"
#include "simulation/fleet.h"
#include "simulation/invariants.h"
#include "simulation/scheduler_truth.h"
#include "simulation/watched_store.h"
#include "store/fault_store.h"
#include "store/memory_store.h"

namespace fleetmedic::sim {

// What may go wrong between a process and what it calls, by chance.
struct CallFaults {
  bool store = false;
  bool log = false;
  double scheduler_unreachable_chance = 0;
  double answer_lost_chance = 0;
  double late_again_chance = 0;  // a call is delivered once more, up to late_max later
  Millis late_max = Minutes(5);
  double worker_slow_chance = 0.02;  // what is submitted waits up to worker_slow_max
  Millis worker_slow_max = Seconds(20);
  double list_lost_chance = 0;
};

struct WorldOptions {
  FleetOptions fleet;
  RemediatorConfig remediator;
  std::vector<JobShape> jobs;
  bool rival = false;  // a second remediator after the same lease
  CallFaults faults;
  // Beside what is checked as it changes: everything again so often.
  Micros check_all_every = Seconds(10);
};

class World final : private StoreWatcher, private Fleet::Watcher {
 public:
  static constexpr size_t kProcesses = 2;

  World(uint64_t seed, WorldOptions options);
  ~World() override;

  EventLoop& loop() { return loop_; }
  Fleet& fleet() { return fleet_; }
  SchedulerTruth& scheduler() { return *scheduler_; }
  const WorldOptions& options() const { return options_; }
  const Figures& figures() const { return figures_; }
  Figures& figures() { return figures_; }
  const std::string& failure() const { return invariants_.failure(); }
  void Fail(const std::string& what) { invariants_.Fail(what); }

  void Start();
  // Until then, or until an invariant breaks.
  void RunFor(Micros span);

  // What befalls the control plane. A process that is down or paused already is left alone.
  void Crash(size_t process, Micros down);
  void Pause(size_t process, Micros lasts);
  // The one that leads; none: 0.
  size_t Leader() const;
  void CutStore(bool away);
  void CutLog(bool away);
  void CutScheduler(bool away) { scheduler_away_ = away; }
  void SetFaults(const CallFaults& faults) { options_.faults = faults; }
  // No call fails any more, and nobody stands still.
  void HealCalls();

  // To whoever leads; `done` may be empty, and is not called where nobody leads.
  bool Tell(Request request, std::function<void(const Result<RequestAnswer>&)> done = {});
  // The leader's records; empty without a leader.
  const std::map<HostId, HostRecordPtr>& Records() const;
  std::shared_ptr<const FleetSnapshot> Snapshot() const;

  // restored.cc: the store as it is now is kept; and put back, as `fleetmedic restore` does it
  // where `marked`, else silently. Nothing may be done before a person accepts it.
  void SaveStore() { saved_ = store_.Copy(); }
  void PutStoreBack(bool marked);
  void AcceptReconcile();
  // Hosts whose directive the records of the store that was put back did not know.
  size_t hosts_behind() const { return hosts_behind_; }
  // A person is still to accept it, or what was accepted is not true yet.
  bool reconciling() const {
    return unaccepted_ || (accepted_at_ != kMonoForever && !true_again_after_);
  }
  // How long after the acceptance the records were true again.
  std::optional<Micros> true_again_after() const { return true_again_after_; }

  // Every host is in service, or retired and in a person's hands where `or_retired`; no taint is
  // left, and the open grants are the hosts that are out. Else `why`.
  bool AllWell(bool or_retired, std::string* why) const;

 private:
  // One process of the remediator: what a crash takes with it.
  struct Process {
    std::string name;
    std::unique_ptr<SimWorkers> workers;
    std::unique_ptr<FaultStore> store;
    std::unique_ptr<FaultEventLog> log;
    std::unique_ptr<Controller> controller;
    bool paused = false;
    uint64_t life = 0;
    MonoTime turn_at = kMonoForever;
  };
  class Hook;

  void OnRow(Table table, const std::string& key, const std::string* value) override;
  void OnAudit(const AuditEntry& entry) override;
  void OnCommitted() override;
  void OnRepairRun(size_t host, const Repair& repair, int times) override;
  void OnTaskStarted(size_t host, const TaskId& task) override;
  void OnTaskEnded(size_t host, const TaskId& task) override;

  void StartProcess(Process* process);
  void CutProcess(Process* process);
  void PlanTurn(Process* process, Micros delay);
  const Controller* Leading() const;
  // As the present leader knows it, beats included; null without a leader.
  HostRecordPtr NewestRecord(const HostId& host) const;
  // restored.cc
  void CheckUnaccepted();
  void CheckTrueAgain();
  std::string RecordsDiffer() const;
  int RepairsOrdered();

  EventLoop loop_;
  WorldOptions options_;
  MemoryEventLog log_;
  MemoryStore store_;
  WatchedStore watched_store_;
  Fleet fleet_;
  std::unique_ptr<SchedulerTruth> scheduler_;
  Invariants invariants_;
  Figures figures_;
  std::unique_ptr<Hook> hook_;
  Metrics metrics_;
  std::array<Process, kProcesses> processes_;
  bool store_away_ = false;
  bool log_away_ = false;
  bool scheduler_away_ = false;
  // Of restored.cc.
  MemoryStore::Content saved_;
  bool unaccepted_ = false;
  std::map<HostId, Directive> directives_then_;
  int repairs_ordered_then_ = 0;
  size_t hosts_behind_ = 0;
  MonoTime accepted_at_ = kMonoForever;
  std::optional<Micros> true_again_after_;
};

}  // namespace fleetmedic::sim

#endif  // FLEETMEDIC_SIMULATION_WORLD_H_

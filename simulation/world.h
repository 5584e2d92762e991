// One simulated run: the remediator (and a rival, at times), the scheduler, the fleet, people and
// faults, and the invariants of the design checked at every event.
#ifndef FLEETMEDIC_SIMULATION_WORLD_H_
#define FLEETMEDIC_SIMULATION_WORLD_H_

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "eventlog/fault_event_log.h"
#include "eventlog/memory_event_log.h"
#include "remediation/controller.h"
#include "simulation/event_loop.h"
#include "simulation/fleet.h"
#include "simulation/scheduler_truth.h"
#include "store/fault_store.h"
#include "store/memory_store.h"

namespace fleetmedic::sim {

// What a run is made of; drawn from the seed by RandomOptions, or set by a test.
struct WorldOptions {
  FleetOptions fleet;
  RemediatorConfig remediator;
  Micros lasts = Minutes(20);        // faults and people, then quiet
  Micros settles_within = Hours(4);  // after which everything must be well
  double break_per_minute = 0.5;
  double mass_break_chance = 0.3;  // once in the run, a third of the fleet at once
  double crash_per_minute = 0.1;
  double person_per_minute = 0.3;
  bool rival = false;  // a second remediator after the same lease
  bool store_faults = false;
  bool log_faults = false;
  bool hook_faults = false;
  // The remediator's store is put back then, to what it was so long before; 0: never.
  Micros restore_at{0};
  Micros restore_age{0};
  bool restore_marked = false;  // as `fleetmedic restore` does it; else silently
};

WorldOptions RandomOptions(uint64_t seed);

class World {
 public:
  World(uint64_t seed, WorldOptions options);
  ~World();

  // Runs all of it. The first broken invariant ends the run and is in `failure`.
  void Run();

  const std::string& failure() const { return failure_; }
  uint64_t trace_hash() const { return loop_.trace_hash(); }
  std::string TraceTail() const { return loop_.TraceTail(); }
  int grants_given() const { return grants_given_; }
  size_t evidence_came() const { return fleet_.evidence().size(); }
  uint64_t events_run() const { return loop_.events_run(); }
  // Of a store that was put back: hosts whose directive the records did not know; and how long
  // after a person accepted the records were true again, where they were older.
  size_t hosts_behind() const { return hosts_behind_; }
  std::optional<Micros> true_again_after() const { return true_again_after_; }

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

  void StartProcess(Process* process);
  void CrashProcess(Process* process, Micros down);
  void PlanTurn(Process* process, Micros delay);
  void ScheduleChaos();
  void Chaos();
  void PersonActs();
  void Tell(Request request);
  void EndChaos();
  // restored.cc: the store is put back, and nothing is done before a person accepts it.
  void PlanRestore();
  void PutStoreBack();
  void AcceptReconcile();
  void CheckUnaccepted();
  void CheckTrueAgain();
  std::string RecordsDiffer() const;
  int RepairsOrdered();
  bool AllWell(std::string* why) const;

  void Check();
  void CheckLimits();
  void CheckGrants();
  void CheckRecords();
  // Called at the instant a directive reaches the scheduler.
  void CheckApply(const Directive& directive);
  // As the present leader knows it, beats included; null without a leader.
  HostRecordPtr NewestRecord(const HostId& host) const;
  void Fail(const std::string& what);

  EventLoop loop_;
  WorldOptions options_;
  MemoryEventLog log_;
  MemoryStore store_;
  Fleet fleet_;
  std::unique_ptr<SchedulerTruth> scheduler_;
  std::unique_ptr<Hook> hook_;
  Metrics metrics_;
  std::array<Process, 2> processes_;
  bool chaos_ = true;
  bool dirty_ = false;
  std::string failure_;
  std::set<std::string> grants_checked_;
  uint64_t audit_seen_ = 0;
  int grants_given_ = 0;
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

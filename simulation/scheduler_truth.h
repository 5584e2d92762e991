// The scheduler in a simulated run: the truth that the invariants are checked against.
#ifndef FLEETMEDIC_SIMULATION_SCHEDULER_TRUTH_H_
#define FLEETMEDIC_SIMULATION_SCHEDULER_TRUTH_H_

#include <map>
#include <memory>
#include <vector>

#include "model/directive.h"
#include "simulation/fleet.h"

namespace fleetmedic::sim {

class SchedulerTruth {
 public:
  virtual ~SchedulerTruth() = default;
  virtual void Start() = 0;
  virtual Result<HostView> Apply(const Directive& directive) = 0;
  virtual std::vector<HostView> List() = 0;
  // The newest directive of each host that ever had one.
  virtual std::map<HostId, Directive> Directives() const = 0;
  // A task id that two hosts run: never. Empty when sound.
  virtual std::string Unsound() const = 0;
  // When all is quiet: each job runs as many tasks as it wants. Empty when so.
  virtual std::string Unsettled() const = 0;
  // Its process dies and starts again from what it had committed.
  virtual void Crash() = 0;
};

// The bundled scheduler's core, turned on the simulation's loop, its store a crash away.
std::unique_ptr<SchedulerTruth> MakeBundledScheduler(EventLoop* loop, EventLog* log, Fleet* fleet);

}  // namespace fleetmedic::sim

#endif  // FLEETMEDIC_SIMULATION_SCHEDULER_TRUTH_H_

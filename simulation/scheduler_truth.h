// The scheduler in a simulated run: the truth that the invariants are checked against.
#ifndef FLEETMEDIC_SIMULATION_SCHEDULER_TRUTH_H_
#define FLEETMEDIC_SIMULATION_SCHEDULER_TRUTH_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/directive.h"
#include "model/job.h"
#include "simulation/fleet.h"

namespace fleetmedic::sim {

// A service of the fleet.
struct JobShape {
  std::string name;
  int tasks = 0;              // in all; or
  double tasks_per_host = 0;  // of the hosts of its pool
  std::string pool;           // empty: any
  // Tasks that may be away at once: a number, or a share of the tasks; at least one where both are
  // 0. `never`: none may ever be.
  int away_max = 0;
  double away_share = 0;
  bool never_away = false;
  int cpu_milli = 100;  // of one task; a host has 16,000
};

class SchedulerTruth {
 public:
  // The newest directive of a host that the scheduler keeps is another than before.
  using OnDirective = std::function<void(const Directive& before, const Directive& now)>;

  virtual ~SchedulerTruth() = default;
  virtual void Start(OnDirective on_directive) = 0;
  virtual Result<HostView> Apply(const Directive& directive) = 0;
  virtual std::vector<HostView> List() = 0;
  // The newest directive of each host that ever had one.
  virtual const std::map<HostId, Directive>& Directives() const = 0;
  // A task id that two hosts run: never. Empty when sound.
  virtual std::string Unsound() const = 0;
  // When all is quiet: each job runs as many tasks as it wants. Empty when so.
  virtual std::string Unsettled() const = 0;
  // Its process dies and starts again from what it had committed.
  virtual void Crash() = 0;
  // The job is to run so many tasks from now on.
  virtual void Resize(const std::string& job, int tasks) = 0;
};

// The bundled scheduler's core, turned on the simulation's loop, its store a crash away.
std::unique_ptr<SchedulerTruth> MakeBundledScheduler(EventLoop* loop, EventLog* log, Fleet* fleet,
                                                     std::vector<JobShape> jobs);

}  // namespace fleetmedic::sim

#endif  // FLEETMEDIC_SIMULATION_SCHEDULER_TRUTH_H_

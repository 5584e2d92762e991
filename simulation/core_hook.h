// The scheduler's core as a hook, with no role, store or socket between: for the simulator.
#ifndef FLEETMEDIC_SIMULATION_CORE_HOOK_H_
#define FLEETMEDIC_SIMULATION_CORE_HOOK_H_

#include <vector>

#include "base/clock.h"
#include "scheduler-hooks/scheduler_hook.h"
#include "scheduler/scheduler_core.h"

namespace fleetmedic {

// On the simulator's one thread. A directive is taken at once; whoever turns the core commits its
// changes.
class CoreHook final : public SchedulerHook {
 public:
  // Not owned.
  CoreHook(SchedulerCore* core, const Clock* clock) : core_(*core), clock_(*clock) {}

  Result<HostView> Apply(const Directive& directive, MonoTime deadline) override {
    const MonoTime now = clock_.Mono();
    if (now >= deadline) return Fail(Code::kDeadlineExceeded, "the deadline is past");
    return core_.cluster().ApplyDirective(directive, now);
  }

  Result<std::vector<HostView>> List(MonoTime deadline) override {
    const MonoTime now = clock_.Mono();
    if (now >= deadline) return Fail(Code::kDeadlineExceeded, "the deadline is past");
    return ListHosts(core_.cluster(), now);
  }

 private:
  SchedulerCore& core_;
  const Clock& clock_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_SIMULATION_CORE_HOOK_H_

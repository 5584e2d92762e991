// A hook that records and applies nothing: what a remediator would have done, against the real
// views of another hook.
#ifndef FLEETMEDIC_SCHEDULER_HOOKS_DRY_RUN_HOOK_H_
#define FLEETMEDIC_SCHEDULER_HOOKS_DRY_RUN_HOOK_H_

#include <deque>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "scheduler-hooks/scheduler_hook.h"

namespace fleetmedic {

// Thread-safe. Apply answers the host as the wrapped List says it is, so its revision is not the
// directive's: nothing was taken. kNotFound where that list does not have it.
class DryRunHook final : public SchedulerHook {
 public:
  // The newest are kept.
  static constexpr size_t kRecordedMax = 10'000;

  // Not owned. Apply of the wrapped hook is never called.
  explicit DryRunHook(SchedulerHook* wrapped) : wrapped_(*wrapped) {}

  Result<HostView> Apply(const Directive& directive, MonoTime deadline) override;
  Result<std::vector<HostView>> List(MonoTime deadline) override;

  // Oldest first.
  std::vector<Directive> recorded() const;

 private:
  SchedulerHook& wrapped_;
  mutable absl::Mutex mutex_;
  std::deque<Directive> recorded_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_SCHEDULER_HOOKS_DRY_RUN_HOOK_H_

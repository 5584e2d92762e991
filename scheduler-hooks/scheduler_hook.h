// The one way in which Fleetmedic speaks to a scheduler, whichever it is.
#ifndef FLEETMEDIC_SCHEDULER_HOOKS_SCHEDULER_HOOK_H_
#define FLEETMEDIC_SCHEDULER_HOOKS_SCHEDULER_HOOK_H_

#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/directive.h"

namespace fleetmedic {

// Thread-safe. Calls may block until their deadline, so they are made on workers.
class SchedulerHook {
 public:
  virtual ~SchedulerHook() = default;

  // Tells the wanted state of one host, and returns the host as the scheduler sees it with the
  // directive durably taken. Repeat freely: the same revision again answers the present view.
  // kConflict: the scheduler holds a newer revision; nothing changed, the view is List's to tell.
  // kNotFound: it does not know the host. kDeadlineExceeded: it may or may not have been taken.
  virtual Result<HostView> Apply(const Directive& directive, MonoTime deadline) = 0;

  // Every host that the scheduler knows. An error is no list: nothing follows from it.
  virtual Result<std::vector<HostView>> List(MonoTime deadline) = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_SCHEDULER_HOOKS_SCHEDULER_HOOK_H_

// The hook of the bundled scheduler: its HTTP API over its Unix socket
// (scheduler/scheduler_server.h).
#ifndef FLEETMEDIC_SCHEDULER_HOOKS_BUNDLED_HOOK_H_
#define FLEETMEDIC_SCHEDULER_HOOKS_BUNDLED_HOOK_H_

#include <string>

#include "base/http_client.h"
#include "scheduler-hooks/scheduler_hook.h"

namespace fleetmedic {

// Thread-safe; each call has a connection of its own. Besides the interface's errors:
// kUnavailable where nobody listens on the socket or the scheduler is not the leader, and nothing
// happened; kPermissionDenied; kCorrupt where the answer cannot be read. A connection that breaks
// (kIo) is told as kDeadlineExceeded, for the directive may have been taken.
class BundledHook final : public SchedulerHook {
 public:
  // `clock` and `cancel` (may be null) are not owned.
  BundledHook(std::string socket_path, const Clock* clock, const HttpCancel* cancel = nullptr)
      : client_(HttpAddress::Unix(std::move(socket_path)), clock, cancel) {}

  Result<HostView> Apply(const Directive& directive, MonoTime deadline) override;
  Result<std::vector<HostView>> List(MonoTime deadline) override;

 private:
  Result<Json> Send(HttpCall call, MonoTime deadline) const;

  const HttpClient client_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_SCHEDULER_HOOKS_BUNDLED_HOOK_H_

#include "scheduler-hooks/dry_run_hook.h"

#include <fmt/format.h>

namespace fleetmedic {

Result<HostView> DryRunHook::Apply(const Directive& directive, MonoTime deadline) {
  {
    absl::MutexLock lock(&mutex_);
    recorded_.push_back(directive);
    if (recorded_.size() > kRecordedMax) recorded_.pop_front();
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(std::vector<HostView> views, wrapped_.List(deadline));
  for (HostView& view : views) {
    if (view.host == directive.host) return std::move(view);
  }
  return Fail(Code::kNotFound, fmt::format("host {} is not known", directive.host.str()));
}

Result<std::vector<HostView>> DryRunHook::List(MonoTime deadline) {
  return wrapped_.List(deadline);
}

std::vector<Directive> DryRunHook::recorded() const {
  absl::MutexLock lock(&mutex_);
  return {recorded_.begin(), recorded_.end()};
}

}  // namespace fleetmedic

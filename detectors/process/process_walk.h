// One walk of /proc, and what is looked up of single processes.
#ifndef FLEETMEDIC_DETECTORS_PROCESS_PROCESS_WALK_H_
#define FLEETMEDIC_DETECTORS_PROCESS_PROCESS_WALK_H_

#include <string>

#include "base/clock.h"
#include "base/file.h"
#include "detectors/pid_cgroups.h"
#include "detectors/process/process_evaluate.h"

namespace fleetmedic {

// Nothing here touches a process's memory (cmdline, environ, maps): these wait for a lock that a
// process in uninterruptible sleep may hold for ever.
class ProcessWalker {
 public:
  static constexpr size_t kProcessesMax = 65'536;

  // The clock is not owned; neither is what learns of the cgroups, which may be null. /proc holds
  // some sixty files beside the processes.
  ProcessWalker(const Clock* clock, std::string root, PidCgroups* cgroups = nullptr,
                size_t entries_max = kProcessesMax + 256)
      : clock_(clock), root_(std::move(root)), cgroups_(cgroups), entries_max_(entries_max) {}

  // Always a walk: of what could not be seen it says why.
  ProcessWalk Walk(MonoTime deadline) const;

  BlockedDetail DetailOf(int pid) const;
  // Empty where it is gone.
  std::string NameOf(int pid) const;

 private:
  void Look(const std::string& folder, ProcessWalk* walk, size_t* denied) const;
  void LookAtOpenFiles(const std::string& folder, const ProcessStat& stat, ProcessWalk* walk) const;

  const Clock* const clock_;
  const FsRoot root_;
  PidCgroups* const cgroups_;
  const size_t entries_max_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_PROCESS_PROCESS_WALK_H_

// Which cgroup a process is or was of: by it a crash that the kernel tells names the task, when the
// process may be gone already.
#ifndef FLEETMEDIC_DETECTORS_PID_CGROUPS_H_
#define FLEETMEDIC_DETECTORS_PID_CGROUPS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/file.h"

namespace fleetmedic {

// Of the kernel's line about a process that it ends for what it did.
struct CrashLine {
  int pid = 0;            // of the thread that did it
  std::string_view name;  // the thread's

  bool operator==(const CrashLine&) const = default;
};
// Of "NAME[PID]: segfault at ..." and "traps: NAME[PID] general protection fault ..." (x86,
// arch/x86/mm/fault.c and kernel/traps.c), "NAME[PID]: unhandled exception: ..." (arm64,
// arch/arm64/kernel/traps.c). None for any other line. Pure.
std::optional<CrashLine> ParseCrashLine(std::string_view line);

// Thread-safe. The walk of /proc teaches it, the reader of the kernel's log asks.
class PidCgroups {
 public:
  // Processes that are remembered; of more, those with the lowest numbers.
  static constexpr size_t kPidsMax = 16'384;

  // /proc of the host.
  explicit PidCgroups(FsRoot root) : root_(std::move(root)) {}

  // Of one walk: each process of user space, then the end of the walk, at which those that were not
  // seen are forgotten, unless they were seen in the walk before: a crash may be told late. The
  // cgroup is read for a process that is new, and once more at the next walk, since whoever starts
  // a container moves its first process after it was made.
  void Saw(int pid, uint64_t start_ticks, std::string_view name);
  void EndWalk();

  // The path of the cgroup of the process or thread; looked for in /proc first. Empty where it
  // cannot be told, and where what has the number is of another name: it was given again.
  std::string Of(int pid, std::string_view name) const;

 private:
  struct Known {
    uint64_t start_ticks = 0;
    std::string name;
    std::string cgroup;
    int looks = 0;
    uint64_t walk = 0;  // that saw it last
  };
  std::string Read(int pid) const;

  const FsRoot root_;
  mutable absl::Mutex mutex_;
  std::map<int, Known> known_ ABSL_GUARDED_BY(mutex_);
  uint64_t walk_ ABSL_GUARDED_BY(mutex_) = 1;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_PID_CGROUPS_H_

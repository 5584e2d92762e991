#include "detectors/pid_cgroups.h"

#include <fmt/format.h>

#include "base/text.h"
#include "detectors/proc_text.h"

namespace fleetmedic {
namespace {

constexpr size_t kFileBytesMax = 64 * 1024;
constexpr size_t kNameBytesMax = 15;  // TASK_COMM_LEN - 1
constexpr size_t kHeadBytesMax = 64;  // a name, a number, and what happened
// At the walk after the first look, the second and last.
constexpr int kLooks = 2;

}  // namespace

std::optional<CrashLine> ParseCrashLine(std::string_view line) {
  constexpr std::string_view kTraps = "traps: ";
  if (line.starts_with(kTraps)) line.remove_prefix(kTraps.size());
  constexpr std::string_view kCrashes[] = {"]: segfault at ", "] general protection", "] trap ",
                                           "]: unhandled "};
  for (const std::string_view what : kCrashes) {
    // A name may hold anything, and is short.
    const size_t close = line.substr(0, kHeadBytesMax).find(what);
    if (close == std::string_view::npos) continue;
    const size_t open = line.substr(0, close).rfind('[');
    if (open == std::string_view::npos || open == 0 || open > kNameBytesMax) continue;
    const std::optional<uint64_t> pid = ParseCount(line.substr(open + 1, close - open - 1));
    if (!pid || *pid == 0 || *pid > INT32_MAX) continue;
    return CrashLine{static_cast<int>(*pid), line.substr(0, open)};
  }
  return std::nullopt;
}

std::string PidCgroups::Read(int pid) const {
  const std::string text =
      root_.ReadFile(fmt::format("/proc/{}/cgroup", pid), kFileBytesMax).value_or("");
  return std::string(CgroupPath(text));
}

void PidCgroups::Saw(int pid, uint64_t start_ticks, std::string_view name) {
  bool look = true;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = known_.find(pid);
    if (found == known_.end() && known_.size() >= kPidsMax) return;
    Known& known = known_[pid];
    if (known.start_ticks != start_ticks) known = Known{};
    known.start_ticks = start_ticks;
    known.name = name;
    known.walk = walk_;
    look = known.looks < kLooks;
  }
  if (!look) return;
  std::string cgroup = Read(pid);
  absl::MutexLock lock(&mutex_);
  Known& known = known_[pid];
  ++known.looks;
  if (!cgroup.empty()) known.cgroup = std::move(cgroup);
}

void PidCgroups::EndWalk() {
  absl::MutexLock lock(&mutex_);
  const uint64_t walk = walk_++;
  std::erase_if(known_, [walk](const auto& entry) { return entry.second.walk + 1 < walk; });
}

std::string PidCgroups::Of(int pid, std::string_view name) const {
  const std::string comm =
      root_.ReadFile(fmt::format("/proc/{}/comm", pid), kFileBytesMax).value_or("");
  if (std::string_view(comm).substr(0, comm.find('\n')) == name) {
    const std::string cgroup = Read(pid);
    // With v1 a process that is ending is in the root already (proc_cgroup_show of the kernel).
    if (!cgroup.empty() && cgroup != "/") return cgroup;
  }
  absl::MutexLock lock(&mutex_);
  const auto found = known_.find(pid);
  return found != known_.end() && found->second.name == name ? found->second.cgroup : "";
}

}  // namespace fleetmedic

// What /proc/PID/stat says of a process (proc_pid_stat(5)). Pure.
#ifndef FLEETMEDIC_BASE_PROCESS_STAT_H_
#define FLEETMEDIC_BASE_PROCESS_STAT_H_

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fleetmedic {

// A process by its number and start: the number alone is given again.
struct ProcessKey {
  int pid = 0;
  uint64_t start_ticks = 0;  // since the boot

  auto operator<=>(const ProcessKey&) const = default;
};

// Of a process, which is its first thread.
struct ProcessStat {
  ProcessKey key;
  int parent = 0;
  int group = 0;
  char state = '?';  // 'D' uninterruptible, 'Z' a zombie, 'X' dead
  bool kernel_thread = false;
  std::string name;        // as the process has it: anything
  uint64_t cpu_ticks = 0;  // in user space and the kernel
  int64_t resident_pages = 0;

  // Only remains are left of it.
  bool ended() const { return state == 'Z' || state == 'X'; }
  bool operator==(const ProcessStat&) const = default;
};

// None for a text of another form. The name may hold spaces and parentheses.
std::optional<ProcessStat> ParseProcessStat(std::string_view text);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_PROCESS_STAT_H_

// Processes by their number and start, so that a number that was given again is never taken for the
// process it once meant.
#ifndef FLEETMEDIC_EXECUTOR_PROCESS_INFO_H_
#define FLEETMEDIC_EXECUTOR_PROCESS_INFO_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace fleetmedic {

struct ProcessName {
  int pid = 0;               // 0: none
  uint64_t start_ticks = 0;  // of /proc/PID/stat, since the boot
  std::string boot_id;       // of the kernel

  bool operator==(const ProcessName&) const = default;
};

// The machine's own boot id; empty where the kernel does not tell.
std::string KernelBootId();

// kNotFound: there is no such process, or only its remains (a zombie).
Result<ProcessName> NameProcess(int pid);

// Still the process that was named; true also when it cannot be told.
bool ProcessAlive(const ProcessName& name);

// To that process and no other: by a pidfd, compared before the signal. kNotFound: it is gone.
Status SignalProcess(const ProcessName& name, int signal);

// Sends it SIGKILL until it is gone; true also when it was before. Bounded: false when it does not
// die.
bool KillProcess(const ProcessName& name);

// Whether a process of the group has not ended; remains (zombies) do not count. False when it
// cannot be told.
bool GroupLives(int group);

// The direct children of a process with one thread.
std::vector<int> ChildrenOf(int pid);

// Every process whose environment holds the entry "NAME=value".
std::vector<int> ProcessesWithMark(std::string_view mark);
// Sends SIGKILL to each of them until there is none; they are not waited for. Bounded rounds: false
// when some do not die.
bool KillProcessesWithMark(std::string_view mark);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_EXECUTOR_PROCESS_INFO_H_

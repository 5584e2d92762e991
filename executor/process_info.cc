#include "executor/process_info.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "base/file.h"
#include "base/process_stat.h"
#include "base/text.h"

namespace fleetmedic {
namespace {

constexpr size_t kStatBytesMax = 4096;
constexpr size_t kEnvironBytesMax = 4 << 20;
constexpr size_t kProcEntriesMax = 4 << 20;
constexpr int kKillRoundsMax = 50;
constexpr int kKillWaitMillis = 100;

template <typename T>
std::optional<T> Number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

UniqueFd OpenPidFd(int pid) {
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

Result<ProcessStat> StatOf(int pid) {
  const std::string path = fmt::format("/proc/{}/stat", pid);
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kStatBytesMax));
  std::optional<ProcessStat> stat = ParseProcessStat(text);
  if (!stat) return Fail(Code::kCorrupt, path + " is not as proc_pid_stat(5) says");
  return *std::move(stat);
}

// A whole entry: the mark of task web/1 is the beginning of that of web/10.
bool HasMark(int pid, std::string_view mark) {
  const Result<std::string> environ =
      ReadFile(fmt::format("/proc/{}/environ", pid), kEnvironBytesMax);
  if (!environ) return false;
  const std::vector<std::string_view> entries = Split(*environ, '\0');
  return std::ranges::find(entries, mark) != entries.end();
}

}  // namespace

std::string KernelBootId() {
  static const std::string boot_id = [] {
    const Result<std::string> text = ReadFile("/proc/sys/kernel/random/boot_id", 256);
    return text ? std::string(Trim(*text)) : std::string();
  }();
  return boot_id;
}

Result<ProcessName> NameProcess(int pid) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const ProcessStat stat, StatOf(pid));
  if (stat.ended()) return Fail(Code::kNotFound, fmt::format("process {} has ended", pid));
  return ProcessName{.pid = pid, .start_ticks = stat.key.start_ticks, .boot_id = KernelBootId()};
}

bool ProcessAlive(const ProcessName& name) {
  if (name.pid <= 0) return false;
  const Result<ProcessName> present = NameProcess(name.pid);
  // Without a descriptor or memory to look with it is not known to be gone.
  if (!present) return present.error().code != Code::kNotFound;
  return *present == name;
}

Status SignalProcess(const ProcessName& name, int signal) {
  // Opened first and compared then: what the descriptor means cannot change between the two.
  const UniqueFd pidfd = OpenPidFd(name.pid);
  if (!pidfd.ok() || !ProcessAlive(name)) {
    return Fail(Code::kNotFound, fmt::format("process {} is gone", name.pid));
  }
  if (::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) != 0) {
    return FailErrno(fmt::format("cannot signal process {}", name.pid), errno);
  }
  return {};
}

bool KillProcess(const ProcessName& name) {
  for (int round = 0; round < kKillRoundsMax; ++round) {
    if (!ProcessAlive(name)) return true;
    const UniqueFd pidfd = OpenPidFd(name.pid);
    if (!pidfd.ok() || !ProcessAlive(name)) continue;
    ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
    pollfd ended{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
    ::poll(&ended, 1, kKillWaitMillis);
  }
  return false;
}

bool GroupLives(int group) {
  const Result<std::vector<std::string>> names = FsRoot().List("/proc", kProcEntriesMax);
  if (!names) return false;
  return std::ranges::any_of(*names, [&](const std::string& name) {
    const std::optional<int> pid = Number<int>(name);
    if (!pid) return false;
    const Result<ProcessStat> stat = StatOf(*pid);
    return stat && !stat->ended() && stat->group == group;
  });
}

std::vector<int> ChildrenOf(int pid) {
  std::vector<int> children;
  const Result<std::string> text =
      ReadFile(fmt::format("/proc/{}/task/{}/children", pid, pid), kEnvironBytesMax);
  if (!text) return children;
  for (const std::string_view part : Split(*text, ' ')) {
    if (const std::optional<int> child = Number<int>(part)) children.push_back(*child);
  }
  return children;
}

std::vector<int> ProcessesWithMark(std::string_view mark) {
  std::vector<int> found;
  const Result<std::vector<std::string>> names = FsRoot().List("/proc", kProcEntriesMax);
  if (!names) return found;
  for (const std::string& name : *names) {
    const std::optional<int> pid = Number<int>(name);
    if (!pid || *pid == ::getpid()) continue;
    if (HasMark(*pid, mark)) found.push_back(*pid);
  }
  return found;
}

bool KillProcessesWithMark(std::string_view mark) {
  for (int round = 0; round < kKillRoundsMax; ++round) {
    const std::vector<int> pids = ProcessesWithMark(mark);
    if (pids.empty()) return true;
    for (const int pid : pids) {
      const UniqueFd pidfd = OpenPidFd(pid);
      if (!pidfd.ok()) continue;
      // Looked at again behind the descriptor: the number may have been given to another.
      if (!HasMark(pid, mark)) continue;
      ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
      pollfd ended{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
      ::poll(&ended, 1, kKillWaitMillis);
    }
  }
  return false;
}

}  // namespace fleetmedic

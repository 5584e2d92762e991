// The process behind a daemon, and how often it was replaced by another.
#ifndef FLEETMEDIC_DETECTORS_DAEMON_PROCESS_H_
#define FLEETMEDIC_DETECTORS_DAEMON_PROCESS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/time.h"

namespace fleetmedic {

struct DaemonProcess {
  int64_t pid = 0;
  uint64_t start_ticks = 0;  // since the boot; a process id can come again, the two together not
  std::string name;          // the kernel's, at most 15 characters
  char state = '?';          // R, S, D, T, Z ... of proc(5)

  bool SameAs(const DaemonProcess& other) const {
    return pid == other.pid && start_ticks == other.start_ticks;
  }
};

// Of /proc/PID/stat below the root. kNotFound where there is no such process.
Result<DaemonProcess> ReadProcess(const FsRoot& root, int64_t pid);
// Of the process that a file with its number names.
Result<DaemonProcess> ReadPidFileProcess(const FsRoot& root, std::string_view path);

// Who listens at a Unix socket: the process that called listen(2) (SO_PEERCRED of unix(7)). Does
// not wait. kNotFound where that is not told, or is systemd on behalf of another.
Result<int64_t> PeerPid(const std::string& socket_path);
// The same of a connected socket.
Result<int64_t> PeerPid(int fd);

// By how many others one daemon was replaced within a window of time. Pure; owned by one thread.
class RestartWindow {
 public:
  static constexpr size_t kRestartsMax = 64;

  explicit RestartWindow(Millis window) : window_(window) {}

  // What runs now. The first is where the count starts.
  void Add(const DaemonProcess& process, MonoTime now);
  size_t Count(MonoTime now) const;
  const DaemonProcess* last() const { return last_.has_value() ? &*last_ : nullptr; }

 private:
  const Millis window_;
  std::optional<DaemonProcess> last_;
  std::deque<MonoTime> restarts_;
};

// Since when each of a bounded number of named things holds without a break. Pure.
class HeldSince {
 public:
  static constexpr size_t kNamesMax = 4096;

  // All that hold now; what is not among them is forgotten.
  void Replace(const std::set<std::string>& names, MonoTime now);
  // Zero for what does not hold.
  Micros For(std::string_view name, MonoTime now) const;
  const std::map<std::string, MonoTime, std::less<>>& all() const { return since_; }

 private:
  std::map<std::string, MonoTime, std::less<>> since_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_DAEMON_PROCESS_H_

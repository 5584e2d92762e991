#include "detectors/daemon_process.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/process_stat.h"
#include "base/text.h"
#include "detectors/proc_text.h"

namespace fleetmedic {
namespace {

constexpr size_t kStatBytesMax = 4096;

}  // namespace

Result<DaemonProcess> ReadProcess(const FsRoot& root, int64_t pid) {
  const std::string path = fmt::format("/proc/{}/stat", pid);
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::string text, root.ReadFile(path, kStatBytesMax));
  std::optional<ProcessStat> stat = ParseProcessStat(text);
  if (!stat) return Fail(Code::kCorrupt, path + " is not as proc_pid_stat(5) says");
  return DaemonProcess{.pid = stat->key.pid,
                       .start_ticks = stat->key.start_ticks,
                       .name = std::move(stat->name),
                       .state = stat->state};
}

Result<DaemonProcess> ReadPidFileProcess(const FsRoot& root, std::string_view path) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::string text, root.ReadFile(path, 64));
  const std::optional<uint64_t> pid = ParseCount(Trim(text));
  if (!pid.has_value() || *pid == 0 || *pid > INT32_MAX) {
    return Fail(Code::kCorrupt, std::string(path) + " holds no process id");
  }
  return ReadProcess(root, static_cast<int64_t>(*pid));
}

Result<int64_t> PeerPid(const std::string& socket_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof(address.sun_path)) {
    return Fail(Code::kInvalidArgument, "too long for a socket: " + socket_path);
  }
  std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.ok()) return FailErrno("socket", errno);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return FailErrno("connect " + socket_path, errno);
  }
  return PeerPid(fd.get());
}

Result<int64_t> PeerPid(int fd) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return FailErrno("SO_PEERCRED", errno);
  }
  // 0: in a PID namespace that is not below ours.
  if (peer.pid <= 1) return Fail(Code::kNotFound, "the listener is not told");
  return int64_t{peer.pid};
}

void RestartWindow::Add(const DaemonProcess& process, MonoTime now) {
  if (last_.has_value() && !last_->SameAs(process)) {
    restarts_.push_back(now);
    if (restarts_.size() > kRestartsMax) restarts_.pop_front();
  }
  last_ = process;
}

size_t RestartWindow::Count(MonoTime now) const {
  return static_cast<size_t>(
      std::ranges::count_if(restarts_, [&](MonoTime at) { return now - at <= window_; }));
}

void HeldSince::Replace(const std::set<std::string>& names, MonoTime now) {
  std::map<std::string, MonoTime, std::less<>> held;
  for (const std::string& name : names) {
    if (held.size() >= kNamesMax) break;
    const auto found = since_.find(name);
    held.emplace(name, found == since_.end() ? now : found->second);
  }
  since_ = std::move(held);
}

Micros HeldSince::For(std::string_view name, MonoTime now) const {
  const auto found = since_.find(name);
  return found == since_.end() ? Micros(0) : now - found->second;
}

}  // namespace fleetmedic

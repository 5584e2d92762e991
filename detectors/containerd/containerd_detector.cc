#include "detectors/containerd/containerd_detector.h"

#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/poll.h"
#include "detectors/condition_types.h"
#include "detectors/containerd/grpc_health.h"
#include "detectors/filesystem/filesystem_evaluate.h"

namespace fleetmedic {
namespace {

using Kind = ContainerdAnswer::Kind;

Kind KindOf(int error) {
  switch (error) {
    case ENOENT:
      return Kind::kMissing;
    case ECONNREFUSED:
      return Kind::kRefused;
    case EACCES:
    case EPERM:
      return Kind::kNoRight;
    case EAGAIN:  // its queue of connections is full: nobody has taken one off for long
      return Kind::kTimedOut;
    default:
      return Kind::kBroken;
  }
}

ContainerdAnswer& Ended(ContainerdAnswer* answer, int error, std::string_view what) {
  answer->kind = KindOf(error);
  answer->error = std::string(what) + ": " + std::strerror(error);
  return *answer;
}

// Sends the request and feeds what comes until there is an answer or the deadline.
void Exchange(int fd, const Clock& clock, MonoTime deadline, ContainerdAnswer* answer) {
  const std::string request = GrpcHealthRequest();
  GrpcHealthReply reply;
  // Far below what an empty socket takes at once.
  if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    Ended(answer, errno, "send");
    return;
  }
  char buffer[4096];
  while (reply.state() == GrpcHealthReply::State::kMore) {
    pollfd wait{.fd = fd, .events = POLLIN, .revents = 0};
    if (PollUntil({&wait, 1}, clock, deadline) <= 0) {
      answer->kind = Kind::kTimedOut;
      return;
    }
    const ssize_t size = ::recv(fd, buffer, sizeof(buffer), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (size < 0) {
      Ended(answer, errno, "receive");
      return;
    }
    if (size == 0) {
      reply.End();
    } else {
      reply.Feed({buffer, static_cast<size_t>(size)});
    }
  }
  answer->error = reply.error();
  answer->kind = reply.state() == GrpcHealthReply::State::kServing      ? Kind::kServing
                 : reply.state() == GrpcHealthReply::State::kNotServing ? Kind::kNotServing
                 : reply.state() == GrpcHealthReply::State::kNoHealth   ? Kind::kNoHealth
                                                                        : Kind::kBroken;
}

}  // namespace

ContainerdDetector::ContainerdDetector(const Clock* clock, const HostConfig& host,
                                       const ContainerdConfig& config)
    : clock_(clock), root_(host.root), config_(config) {}

std::vector<std::string> ContainerdDetector::types() const {
  return ConditionTypesOf("containerd");
}

bool ContainerdDetector::Supported() const {
  return !known_.empty() || std::ranges::any_of(config_.sockets, [&](const std::string& socket) {
    return root_.Exists(socket);
  });
}

ContainerdAnswer ContainerdDetector::Ask(const std::string& socket, MonoTime deadline) const {
  ContainerdAnswer answer;
  answer.socket = socket;
  answer.limit = config_.answer_max;
  const std::string path = root_.Path(socket);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return Ended(&answer, ENAMETOOLONG, path);
  std::memcpy(address.sun_path, path.data(), path.size());
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.ok()) return Ended(&answer, errno, "socket");
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return Ended(&answer, errno, "connect");
  }
  answer.pid = PeerPid(fd.get()).value_or(0);
  Exchange(fd.get(), *clock_, deadline, &answer);
  return answer;
}

void ContainerdDetector::NoteProcess(ContainerdAnswer* answer, MonoTime now) {
  const bool answered = answer->kind == Kind::kServing || answer->kind == Kind::kNotServing ||
                        answer->kind == Kind::kNoHealth;
  if (answered) known_.try_emplace(answer->socket, config_.restarts_within);
  const auto known = known_.find(answer->socket);
  if (known == known_.end()) return;
  answer->seen = true;
  RestartWindow& restarts = known->second.restarts;
  if (answer->pid > 0) {
    restarts.Add(ReadProcess(root_, answer->pid).value_or(DaemonProcess{.pid = answer->pid}), now);
  }
  if (restarts.last() == nullptr) return;
  answer->pid = restarts.last()->pid;
  answer->restarts = restarts.Count(now);
}

ContainerdFolder ContainerdDetector::Look(const std::string& folder) const {
  ContainerdFolder look;
  look.path = folder;
  struct statvfs result {};
  // Its own disk: when it hangs, so does containerd, and the runner tells of this detector.
  if (::statvfs(root_.Path(folder).c_str(), &result) != 0) {
    look.error = "statvfs: " + std::string(std::strerror(errno));
    return look;
  }
  look.answered = true;
  look.bytes_used_share = UsedShare(result.f_blocks, result.f_bfree, result.f_bavail);
  look.bytes_available = result.f_bavail * uint64_t{result.f_frsize};
  look.read_only = (result.f_flag & ST_RDONLY) != 0;
  if (result.f_files > 0) {
    look.inodes_used_share = UsedShare(result.f_files, result.f_ffree, result.f_favail);
  }
  return look;
}

Result<std::vector<Condition>> ContainerdDetector::Probe(MonoTime deadline) {
  ContainerdSample sample;
  for (const std::string& socket : config_.sockets) {
    if (!known_.contains(socket) && !root_.Exists(socket)) continue;
    const MonoTime now = clock_->Mono();
    sample.answers.push_back(Ask(socket, std::min<MonoTime>(deadline, now + config_.answer_max)));
    NoteProcess(&sample.answers.back(), now);
  }
  if (const MonoTime now = clock_->Mono(); now >= folders_due_) {
    folders_due_ = now + config_.folders_every;
    folders_.clear();
    for (const std::string& folder : config_.folders) {
      if (root_.Exists(folder)) folders_.push_back(Look(folder));
    }
  }
  sample.folders = folders_;
  return EvaluateContainerd(sample, {config_.restarts_count, config_.full_share});
}

}  // namespace fleetmedic

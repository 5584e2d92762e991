#include "detectors/network/rtnetlink_socket.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "base/poll.h"

namespace fleetmedic {
namespace {

// The kernel fills up to 32 KiB at once when the reader offers that much (netlink_dump).
constexpr size_t kReadBytes = 32 * 1024;
constexpr size_t kDumpBytesMax = size_t{64} << 20;
constexpr int kAttempts = 3;
// Of one drain: a storm that goes on is looked at again at the next.
constexpr int kNoticesMax = 4096;

Result<UniqueFd> OpenSocket() {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  if (!fd.ok()) return FailErrno("socket(AF_NETLINK)", errno);
  return fd;
}

// One datagram of the kernel's into the buffer; 0 where there is none. Anybody may send to a
// netlink socket: what is not from the kernel (port 0) is dropped.
Result<size_t> ReadDatagram(int fd, std::string* buffer) {
  buffer->resize(kReadBytes);
  while (true) {
    sockaddr_nl from{};
    iovec part{buffer->data(), buffer->size()};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof(from);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    const ssize_t got = ::recvmsg(fd, &message, MSG_TRUNC);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return 0;
    if (got < 0) return FailErrno("recvmsg(AF_NETLINK)", errno);
    if (from.nl_pid != 0) continue;
    if (static_cast<size_t>(got) > buffer->size()) {
      return Fail(Code::kFull, "rtnetlink: a datagram of more than 32 KiB");
    }
    return static_cast<size_t>(got);
  }
}

// True when the answer was whole, false when it changed meanwhile.
Result<bool> Dump(const Clock& clock, MonoTime deadline, int fd, std::string_view request,
                  uint32_t sequence, NetworkTables* tables) {
  if (::send(fd, request.data(), request.size(), 0) < 0) {
    return FailErrno("send(AF_NETLINK)", errno);
  }
  std::string buffer;
  size_t bytes = 0;
  bool interrupted = false;
  while (true) {
    std::array<pollfd, 1> fds = {pollfd{fd, POLLIN, 0}};
    if (PollUntil(fds, clock, deadline) == 0) {
      return Fail(Code::kDeadlineExceeded, "rtnetlink: the kernel does not answer");
    }
    FLEETMEDIC_ASSIGN_OR_RETURN(const size_t got, ReadDatagram(fd, &buffer));
    bytes += got;
    if (bytes > kDumpBytesMax) return Fail(Code::kFull, "rtnetlink: more than 64 MiB in a list");
    FLEETMEDIC_ASSIGN_OR_RETURN(
        const RtnetlinkProgress progress,
        ParseRtnetlink(std::string_view(buffer).substr(0, got), sequence, tables));
    interrupted = interrupted || progress.interrupted;
    if (!progress.done) continue;
    if (progress.error_number == EOPNOTSUPP || progress.error_number == EAFNOSUPPORT) return true;
    if (progress.error_number != 0) return FailErrno("rtnetlink", progress.error_number);
    return !interrupted;
  }
}

Result<bool> DumpAll(const Clock& clock, MonoTime deadline, NetworkParts parts,
                     NetworkTables* tables) {
  struct Question {
    bool asked;
    uint16_t type;
    uint8_t family;
  };
  // Routes of AF_UNSPEC would bring those of other families, too.
  const Question questions[] = {
      {true, RTM_GETLINK, AF_UNSPEC},        {true, RTM_GETADDR, AF_UNSPEC},
      {parts.routes, RTM_GETROUTE, AF_INET}, {parts.routes, RTM_GETROUTE, AF_INET6},
      {parts.rules, RTM_GETRULE, AF_INET},   {parts.rules, RTM_GETRULE, AF_INET6}};
  FLEETMEDIC_ASSIGN_OR_RETURN(const UniqueFd fd, OpenSocket());
  uint32_t sequence = 0;
  bool whole = true;
  for (const Question& question : questions) {
    if (!question.asked) continue;
    ++sequence;
    const std::string request = RtnetlinkDumpRequest(question.type, question.family, sequence);
    FLEETMEDIC_ASSIGN_OR_RETURN(const bool answer,
                                Dump(clock, deadline, fd.get(), request, sequence, tables));
    whole = whole && answer;
  }
  return whole;
}

}  // namespace

Result<NetworkTables> ReadNetworkTables(const Clock& clock, MonoTime deadline, NetworkParts parts) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    NetworkTables tables;
    FLEETMEDIC_ASSIGN_OR_RETURN(const bool whole, DumpAll(clock, deadline, parts, &tables));
    if (whole) return tables;
  }
  return Fail(Code::kBusy, "rtnetlink: the lists changed while they were read, every time");
}

Status NetworkWatch::Open(bool rules) {
  FLEETMEDIC_ASSIGN_OR_RETURN(UniqueFd fd, OpenSocket());
  sockaddr_nl self{};
  self.nl_family = AF_NETLINK;
  self.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
                   RTMGRP_IPV6_ROUTE | (rules ? uint32_t{RTMGRP_IPV4_RULE} : 0);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&self), sizeof(self)) != 0) {
    return FailErrno("bind(AF_NETLINK)", errno);
  }
  socket_ = std::move(fd);
  return {};
}

Result<bool> NetworkWatch::Changed(const WatchedLinks& watched, bool rules) {
  if (!socket_.ok()) {
    FLEETMEDIC_RETURN_IF_ERROR(Open(rules));
    return true;
  }
  bool changed = false;
  for (int i = 0; i < kNoticesMax; ++i) {
    const ssize_t ready = ::recv(socket_.get(), nullptr, 0, MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC);
    if (ready < 0 && errno == EAGAIN) break;
    if (ready < 0 && errno == ENOBUFS) {
      changed = true;  // notices were lost; the error is told once
      continue;
    }
    if (ready < 0 && errno == EINTR) continue;
    const Result<size_t> got = ReadDatagram(socket_.get(), &buffer_);
    if (!got) changed = true;
    if (got.value_or(0) == 0) break;
    changed = changed || RtnetlinkNoticeMatters(std::string_view(buffer_).substr(0, *got), watched);
  }
  buffer_ = std::string();  // not kept: nearly every drain finds nothing
  return changed;
}

}  // namespace fleetmedic

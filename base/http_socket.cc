#include "base/http_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/poll.h"
#include "base/text.h"

namespace fleetmedic {
namespace {

constexpr size_t kLingerBytesMax = size_t{8} << 20;
constexpr Seconds kLingerMax{2};
// Between two attempts to connect to a Unix socket whose backlog is full: there is no event for it.
constexpr Millis kBacklogRetry{10};

struct SocketName {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

// What a name was looked up as may be one; HttpAddress::Parse takes none.
bool IsV6(const HttpAddress& address) {
  return address.unix_path.empty() && address.host.find(':') != std::string::npos;
}

Result<SocketName> NameOf(const HttpAddress& address) {
  SocketName name;
  if (IsV6(address)) {
    sockaddr_in6 in6{};
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(address.port);
    if (inet_pton(AF_INET6, address.host.c_str(), &in6.sin6_addr) != 1) {
      return Fail(Code::kInvalidArgument, Quote(address.host) + " is no IPv6 address");
    }
    std::memcpy(&name.storage, &in6, sizeof in6);
    name.size = sizeof in6;
    return name;
  }
  if (address.unix_path.empty()) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(address.port);
    if (inet_pton(AF_INET, address.host.c_str(), &in.sin_addr) != 1) {
      return Fail(Code::kInvalidArgument, Quote(address.host) + " is no IPv4 address");
    }
    std::memcpy(&name.storage, &in, sizeof in);
    name.size = sizeof in;
    return name;
  }
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  if (address.unix_path.size() >= sizeof un.sun_path) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} is too long for a Unix socket: at most {} bytes",
                            Quote(address.unix_path, 256), sizeof un.sun_path - 1));
  }
  std::memcpy(un.sun_path, address.unix_path.data(), address.unix_path.size());
  std::memcpy(&name.storage, &un, sizeof un);
  name.size = sizeof un;
  return name;
}

Result<UniqueFd> NewSocket(const HttpAddress& address) {
  const int inet = IsV6(address) ? AF_INET6 : AF_INET;
  const int family = address.unix_path.empty() ? inet : AF_UNIX;
  UniqueFd fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.ok()) return FailErrno("cannot make a socket", errno);
  const int on = 1;
  if (family != AF_UNIX) setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

tl::unexpected<Error> FailConnect(const HttpAddress& address, int error_number) {
  const std::string where = "cannot connect to " + address.Text();
  if (error_number == ECONNREFUSED) {
    return Fail(Code::kUnavailable, where + ": nobody listens there; is the server running?");
  }
  if (error_number == ENOENT) {
    return Fail(Code::kNotFound, where + ": there is no such socket; is the server running?");
  }
  if (error_number == EACCES || error_number == EPERM) {
    return Fail(Code::kPermissionDenied,
                where + ": no right to write to the socket; become its owner or root");
  }
  return FailErrno(where, error_number);
}

tl::unexpected<Error> FailListen(const HttpAddress& address, int error_number) {
  const std::string where = "cannot listen on " + address.Text();
  if (error_number == EADDRINUSE) {
    return Fail(Code::kBusy, where +
                                 ": another process listens there; stop it, or choose another "
                                 "address (port 0 takes a free one)");
  }
  return FailErrno(where, error_number);
}

// True when somebody accepts there, or may: only a refusal proves that a socket is left over.
bool IsLeftOver(const HttpAddress& address) {
  struct stat info {};
  // A file that is no socket refuses a connection too, and is somebody's.
  if (lstat(address.unix_path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)) return false;
  auto name = NameOf(address);
  const auto fd = NewSocket(address);
  if (!name || !fd) return false;
  return connect(fd->get(), name->get(), name->size) != 0 && errno == ECONNREFUSED;
}

}  // namespace

ssize_t HttpSocket::Broken(Trouble trouble) {
  if (trouble_ == Trouble::kNone) trouble_ = trouble;
  return -1;
}

bool HttpSocket::Await(short events, MonoTime deadline) {
  if (patience != Micros::max()) deadline = std::min(deadline, clock_->Mono() + patience);
  pollfd fds[] = {{fd_.get(), events, 0}, {cancel_fd_, POLLIN, 0}};
  const bool ready = PollUntil(fds, *clock_, deadline) > 0;
  if (ready && fds[1].revents == 0) return true;
  Broken(ready ? Trouble::kCancelled : Trouble::kDeadline);
  return false;
}

bool HttpSocket::AwaitReadable() {
  return buffer_begin_ < buffer_end_ || Await(POLLIN, read_deadline);
}

HttpStep HttpSocket::TryRead(char* buffer, size_t bytes) {
  if (cipher_ != nullptr) return cipher_->Read(buffer, bytes);
  while (true) {
    const ssize_t count = recv(fd_.get(), buffer, bytes, 0);
    if (count >= 0) return {count, 0};
    if (errno == EAGAIN) return {-1, POLLIN};
    if (errno != EINTR) return {-1, 0};
  }
}

HttpStep HttpSocket::TryWrite(const char* bytes, size_t size) {
  if (cipher_ != nullptr) return cipher_->Write(bytes, size);
  while (true) {
    const ssize_t count = send(fd_.get(), bytes, size, MSG_NOSIGNAL);
    if (count >= 0) return {count, 0};
    if (errno == EAGAIN) return {-1, POLLOUT};
    if (errno != EINTR) return {-1, 0};
  }
}

ssize_t HttpSocket::Read(char* buffer, size_t bytes) {
  if (trouble_ != Trouble::kNone) return -1;
  // Lines are read byte by byte: from here, not from the kernel.
  while (buffer_begin_ == buffer_end_) {
    // A peer that never pauses must meet the deadline too.
    if (clock_->Mono() >= read_deadline) return Broken(Trouble::kDeadline);
    const HttpStep step = TryRead(buffer_, sizeof buffer_);
    if (step.count == 0) return 0;
    if (step.count > 0) {
      buffer_begin_ = 0;
      buffer_end_ = static_cast<size_t>(step.count);
    } else if (step.wants == 0) {
      return Broken(Trouble::kBroken);
    } else if (!Await(step.wants, read_deadline)) {
      return -1;
    }
  }
  const size_t count = std::min({bytes, buffer_end_ - buffer_begin_, read_bytes_left});
  if (count == 0) return Broken(Trouble::kTooMuch);
  std::memcpy(buffer, buffer_ + buffer_begin_, count);
  buffer_begin_ += count;
  read_bytes_left -= count;
  return static_cast<ssize_t>(count);
}

ssize_t HttpSocket::Write(const char* bytes, size_t size) {
  if (trouble_ != Trouble::kNone) return -1;
  while (true) {
    if (clock_->Mono() >= write_deadline) return Broken(Trouble::kDeadline);
    const HttpStep step = TryWrite(bytes, size);
    if (step.count >= 0) return step.count;
    if (step.wants == 0) return Broken(Trouble::kBroken);
    if (!Await(step.wants, write_deadline)) return -1;
  }
}

void HttpSocket::Shutdown() const { (void)shutdown(fd_.get(), SHUT_RDWR); }

void HttpSocket::Linger() {
  (void)shutdown(fd_.get(), SHUT_WR);
  trouble_ = Trouble::kNone;
  read_deadline = clock_->Mono() + kLingerMax;
  read_bytes_left = kLingerBytesMax;
  char dropped[4096];
  while (Read(dropped, sizeof dropped) > 0) {
  }
}

Result<UniqueFd> ConnectSocket(const HttpAddress& address, const Clock& clock, MonoTime deadline,
                               int cancel_fd) {
  FLEETMEDIC_ASSIGN_OR_RETURN(SocketName name, NameOf(address));
  FLEETMEDIC_ASSIGN_OR_RETURN(UniqueFd fd, NewSocket(address));
  while (connect(fd.get(), name.get(), name.size) != 0) {
    const bool full = errno == EAGAIN;
    if (!full && errno != EINPROGRESS && errno != EINTR) return FailConnect(address, errno);
    pollfd fds[] = {{cancel_fd, POLLIN, 0}, {full ? -1 : fd.get(), POLLOUT, 0}};
    PollUntil(fds, clock, full ? std::min(deadline, clock.Mono() + kBacklogRetry) : deadline);
    if (fds[0].revents != 0) {
      return Fail(Code::kUnavailable, "stopped while connecting to " + address.Text());
    }
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return FailConnect(address, error);
    if (fds[1].revents != 0) return fd;
    if (clock.Mono() >= deadline) {
      return Fail(Code::kDeadlineExceeded, "no answer in time from " + address.Text());
    }
  }
  return fd;
}

Result<UniqueFd> ListenSocket(const HttpAddress& address, int backlog_max, uint16_t* port) {
  FLEETMEDIC_ASSIGN_OR_RETURN(SocketName name, NameOf(address));
  FLEETMEDIC_ASSIGN_OR_RETURN(UniqueFd fd, NewSocket(address));
  *port = address.port;
  if (address.unix_path.empty()) {
    const int on = 1;
    setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  } else {
    // Before bind: the file is made with this mode, there is no moment in which it is open to all.
    if (fchmod(fd.get(), 0600) != 0) return FailListen(address, errno);
  }
  int bound = bind(fd.get(), name.get(), name.size);
  if (bound != 0 && errno == EADDRINUSE && !address.unix_path.empty() && IsLeftOver(address)) {
    unlink(address.unix_path.c_str());
    bound = bind(fd.get(), name.get(), name.size);
  }
  if (bound != 0 || listen(fd.get(), backlog_max) != 0) return FailListen(address, errno);
  if (address.unix_path.empty()) {
    sockaddr_in in{};
    socklen_t size = sizeof in;
    FLEETMEDIC_CHECK(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&in), &size) == 0);
    *port = ntohs(in.sin_port);
  }
  return fd;
}

}  // namespace fleetmedic

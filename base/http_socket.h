// The bytes under one HTTP exchange, with deadlines. Internal to the HTTP files of base/.
#ifndef FLEETMEDIC_BASE_HTTP_SOCKET_H_
#define FLEETMEDIC_BASE_HTTP_SOCKET_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/http.h"
#include "base/unique_fd.h"

namespace fleetmedic {

// One try at reading or writing that never waits.
struct HttpStep {
  ssize_t count = -1;  // as read(2) and write(2)
  // Where count is -1: what to poll for before the next try; 0: the connection is broken.
  short wants = 0;
};

// What turns the bytes of an HttpSocket into those on the wire and back: TLS. One thread.
class HttpCipher {
 public:
  virtual ~HttpCipher() = default;
  virtual HttpStep Read(char* buffer, size_t bytes) = 0;
  virtual HttpStep Write(const char* bytes, size_t size) = 0;
};

// A connected, non-blocking stream socket. One thread, except Shutdown.
class HttpSocket {
 public:
  // Why the first call that failed did so.
  enum class Trouble : uint8_t { kNone, kDeadline, kCancelled, kTooMuch, kBroken };

  // `cancel_fd`, when not -1, is not owned; once it is readable every call fails.
  HttpSocket(UniqueFd fd, const Clock* clock, int cancel_fd = -1)
      : fd_(std::move(fd)), clock_(clock), cancel_fd_(cancel_fd) {}

  // From here on bytes go through it. Before the first Read and Write.
  void Use(std::unique_ptr<HttpCipher> cipher) { cipher_ = std::move(cipher); }

  // As read(2) and write(2), within the limits below: -1 is trouble, 0 from Read the end.
  ssize_t Read(char* buffer, size_t bytes);
  ssize_t Write(const char* bytes, size_t size);
  // True when there is something to read, or the end, before the read deadline.
  bool AwaitReadable();

  MonoTime read_deadline = kMonoForever;
  MonoTime write_deadline = kMonoForever;
  // For one call to get on with it, within the deadline.
  Micros patience = Micros::max();
  // How much more may be read before Read is kTooMuch.
  size_t read_bytes_left = std::numeric_limits<size_t>::max();

  // Ends both directions: every later or waiting call fails or meets the end. Thread-safe.
  void Shutdown() const;
  // Says that no more comes, and reads what the client still sends, for a little: closing with
  // bytes unread would reset the connection and take the response from the client.
  void Linger();

  int fd() const { return fd_.get(); }
  const Clock& clock() const { return *clock_; }
  Trouble trouble() const { return trouble_; }

 private:
  bool Await(short events, MonoTime deadline);
  ssize_t Broken(Trouble trouble);
  HttpStep TryRead(char* buffer, size_t bytes);
  HttpStep TryWrite(const char* bytes, size_t size);

  UniqueFd fd_;
  std::unique_ptr<HttpCipher> cipher_;
  const Clock* const clock_;
  const int cancel_fd_;
  Trouble trouble_ = Trouble::kNone;
  char buffer_[4096];
  size_t buffer_begin_ = 0;
  size_t buffer_end_ = 0;
};

// Errors: kUnavailable (refused, no route), kNotFound (no such socket), kPermissionDenied,
// kDeadlineExceeded, kInvalidArgument (a path too long for a socket).
Result<UniqueFd> ConnectSocket(const HttpAddress& address, const Clock& clock, MonoTime deadline,
                               int cancel_fd);

// A listening socket; a Unix one has mode 0600, and one left behind by a server that is gone is
// replaced. *port is the one that was taken where address.port is 0. Errors: kBusy (another server
// listens there; the message says what to do), kPermissionDenied, kNotFound (the folder),
// kInvalidArgument.
Result<UniqueFd> ListenSocket(const HttpAddress& address, int backlog_max, uint16_t* port);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_HTTP_SOCKET_H_

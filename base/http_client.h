// Asking HTTP/1.1 servers on numeric addresses and Unix sockets, with one deadline for the whole.
#ifndef FLEETMEDIC_BASE_HTTP_CLIENT_H_
#define FLEETMEDIC_BASE_HTTP_CLIENT_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "base/clock.h"
#include "base/http.h"
#include "base/unique_fd.h"

namespace fleetmedic {

struct HttpCall {
  std::string method = "GET";
  std::string target = "/";  // path and query, encoded
  HttpHeaders headers;
  std::string body;
  // Of the reply's body; a longer one is kFull.
  size_t reply_bytes_max = size_t{16} << 20;
};

struct HttpReply {
  int status = 0;
  HttpHeaders headers;
  std::string body;

  bool ok() const { return status >= 200 && status < 300; }
  // Of a reply that is not ok: its problem+json turned back into an error, or what its status says
  // with the start of its body.
  Error ToError() const;
};

// Stops calls from elsewhere: a signal handler, another thread. Cannot be undone.
class HttpCancel {
 public:
  HttpCancel();
  // Thread-safe, and safe in a signal handler.
  void Cancel() const;
  int fd() const { return fd_.get(); }

 private:
  const UniqueFd fd_;
};

// Thread-safe; each call has a connection of its own. Any status is a reply, not an error. Errors:
//   kUnavailable       nobody listens, or the call was cancelled
//   kNotFound          there is no such socket
//   kPermissionDenied  no right to write to it
//   kDeadlineExceeded  no whole reply in time; whether the request was done is not known
//   kIo                the connection broke, or the reply is no HTTP; not known either
//   kFull              the reply is larger than reply_bytes_max
//   kInvalidArgument   what was to be sent is no request
class HttpClient {
 public:
  // `clock` and `cancel` (may be null) are not owned.
  HttpClient(HttpAddress address, const Clock* clock, const HttpCancel* cancel = nullptr);

  Result<HttpReply> Send(const HttpCall& call, MonoTime deadline) const;

  // For replies that come in pieces: `piece` gets those of a reply that is ok, as they come, and
  // returns false when it has enough, which is no error. The body of any other reply is in the
  // result, as from Send. When nothing comes for `silence_max`, that is kDeadlineExceeded: a server
  // of events sends a beat.
  Result<HttpReply> Stream(const HttpCall& call, MonoTime deadline, Micros silence_max,
                           absl::FunctionRef<bool(std::string_view)> piece) const;

  const HttpAddress& address() const { return address_; }

 private:
  const HttpAddress address_;
  const Clock* const clock_;
  const HttpCancel* const cancel_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_HTTP_CLIENT_H_

// Asking HTTP and HTTPS servers by name, for what leaves the machine. What is on the machine is
// asked by base/http_client.h.
#ifndef FLEETMEDIC_BASE_WEB_CLIENT_H_
#define FLEETMEDIC_BASE_WEB_CLIENT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/http_client.h"

namespace fleetmedic {

class TlsTrust;

// Where a call goes. A URL can be a secret as a whole: only its origin may be shown.
struct WebUrl {
  // "https://hooks.example.com/T0/B0/x?y=1"; http, a port and a numeric address ([::1] too) are
  // fine, a user, a password and a fragment are not. kInvalidArgument; the message does not quote
  // the text.
  static Result<WebUrl> Parse(std::string_view text);

  // "https://hooks.example.com", with a port that is not the scheme's own.
  std::string Origin() const;
  // Whether its host is this machine by its very text: 127.0.0.1, localhost, [::1].
  bool IsLoopback() const;

  bool tls = true;
  std::string host;  // a name or a numeric address, without brackets
  uint16_t port = 443;
  std::string target = "/";

  bool operator==(const WebUrl&) const = default;
};

// Thread-safe; each call has a connection of its own, and redirects are replies as others are.
// A name is looked up by the C library, which may take as long as its resolv.conf allows, past the
// deadline. No error and no log line holds more of the URL than its origin.
class WebClient {
 public:
  // With https the certificate must hold: by the authorities of `ca_file` (PEM), or the machine's
  // where it is empty. `clock` and `cancel` (may be null) are not owned. kInvalidArgument for a
  // file that cannot be used.
  static Result<WebClient> Make(const std::string& ca_file, const Clock* clock,
                                const HttpCancel* cancel = nullptr);

  // The call's target is the URL's. A body that is longer than the call's reply_bytes_max is cut
  // there: the status says what became of the call, whatever follows. Errors: those of HttpClient,
  // and
  //   kUnavailable       the name cannot be looked up
  //   kPermissionDenied  the certificate does not hold
  Result<HttpReply> Send(const WebUrl& url, HttpCall call, MonoTime deadline) const;

 private:
  WebClient(std::shared_ptr<const TlsTrust> trust, const Clock* clock, const HttpCancel* cancel)
      : trust_(std::move(trust)), clock_(clock), cancel_(cancel) {}

  std::shared_ptr<const TlsTrust> trust_;
  const Clock* clock_;
  const HttpCancel* cancel_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_WEB_CLIENT_H_

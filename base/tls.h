// The client's side of TLS, by OpenSSL, under an HttpSocket. Internal to the HTTP files of base/.
#ifndef FLEETMEDIC_BASE_TLS_H_
#define FLEETMEDIC_BASE_TLS_H_

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/http_socket.h"

namespace fleetmedic {

// Whom a client believes. Thread-safe, and shared by its connections.
class TlsTrust {
 public:
  // The certificates of `ca_file` (PEM) and no others; empty: those of the machine. TLS 1.2 and
  // later, and a certificate that does not hold always ends the connection. kInvalidArgument where
  // the file cannot be used.
  static Result<std::shared_ptr<const TlsTrust>> Make(const std::string& ca_file);
  virtual ~TlsTrust() = default;

  // Shakes hands over a connected, non-blocking socket, which is not owned and stays as long as the
  // cipher. The certificate must be one of `host`, a name or a numeric address. Errors:
  // kPermissionDenied where it is not, kDeadlineExceeded, kIo, kUnavailable (cancelled).
  virtual Result<std::unique_ptr<HttpCipher>> ShakeHands(int fd, const std::string& host,
                                                         const Clock& clock, MonoTime deadline,
                                                         int cancel_fd) const = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_TLS_H_

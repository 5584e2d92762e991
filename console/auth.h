// Who asks, and whether they may.
#ifndef FLEETMEDIC_CONSOLE_AUTH_H_
#define FLEETMEDIC_CONSOLE_AUTH_H_

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "base/http.h"

namespace fleetmedic {

constexpr size_t kTokenBytes = 32;
constexpr Hours kSessionLasts{12};
// The oldest session ends when one more is opened.
constexpr size_t kSessionsMax = 256;
constexpr size_t kClaimedNameBytesMax = 64;
constexpr std::string_view kSessionCookie = "fleetmedic_session";

// Reads the token of the file; where there is no file, makes one (mode 0600, 32 random bytes as
// hexadecimal). Errors: kInvalidArgument for a file that holds no token of at least 32 characters,
// kPermissionDenied for one that others than its owner may read, and those of the file system.
Result<std::string> LoadOrMakeToken(const std::string& path);

// kRefused, with what to do, unless the address is a numeric one of 127.0.0.0/8: there is no TLS
// here, and a token must not travel in the clear.
Status CheckLoopback(std::string_view address);

// How long it takes depends on the lengths alone.
bool SameSecret(std::string_view a, std::string_view b);

// Thread-safe.
class Auth {
 public:
  // `own_uid` beside root may use the control socket. The clock is not owned.
  Auth(std::string token, uint32_t own_uid, const Clock& clock);

  struct Answer {
    // The name for the audit; empty where the request is refused.
    std::string who;
    // What is answered instead.
    std::optional<HttpResponse> refusal;
  };
  // By the peer's uid on a Unix socket ("uid:0"), else by token ("token"), else by cookie
  // ("token"). With the header X-Fleetmedic-Who the name is what it claims, with how it was
  // let in: "ana (token)", "ana (uid 0)".
  Answer Check(const HttpRequest& request);

  // The Set-Cookie value of a new session; nothing where the token is wrong.
  std::optional<std::string> OpenSession(std::string_view token);

 private:
  bool HasSession(std::string_view cookie_header);

  const std::string token_;
  const uint32_t own_uid_;
  const Clock& clock_;
  absl::Mutex mutex_;
  // By the digest of the cookie: looking one up tells nothing about another.
  std::map<std::string, MonoTime> sessions_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONSOLE_AUTH_H_

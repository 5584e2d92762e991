#include "console/auth.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <algorithm>

#include <fmt/format.h>

#include "base/file.h"
#include "base/logging.h"
#include "base/random.h"
#include "base/sha256.h"
#include "base/text.h"

namespace fleetmedic {
namespace {

constexpr size_t kTokenFileBytesMax = 4096;
constexpr size_t kTokenCharsMin = 32;
constexpr size_t kSessionBytes = 32;
constexpr std::string_view kBearer = "Bearer ";

HttpResponse Unauthenticated(std::string_view detail) {
  HttpResponse response = HttpResponse::Problem(401, CodeName(Code::kPermissionDenied), detail);
  response.headers["www-authenticate"] = "Bearer realm=\"fleetmedic\"";
  return response;
}

// A claimed name goes into the audit beside others: no control characters, and no parenthesis, so
// that it cannot claim how it was let in.
bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kClaimedNameBytesMax && Trim(name) == name &&
         VisibleText(name) == name && name.find_first_of("()\"\\") == std::string_view::npos;
}

bool ReadsOnly(std::string_view method) { return method == "GET" || method == "HEAD"; }

}  // namespace

Result<std::string> LoadOrMakeToken(const std::string& path) {
  const Result<std::string> text = ReadFile(path, kTokenFileBytesMax);
  if (!text && text.error().code == Code::kNotFound) {
    std::string token = EntropyHex(kTokenBytes);
    FLEETMEDIC_RETURN_IF_ERROR(WriteFileAtomic(path, token + "\n", 0600));
    LogInfo("made a token for the API", {{"path", path}});
    return token;
  }
  if (!text) return Fail("the API's token", text.error());
  struct stat info {};
  if (stat(path.c_str(), &info) == 0 && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return Fail(Code::kPermissionDenied,
                fmt::format("{} can be read by others than its owner: chmod 600 it, or remove it "
                            "and a new one is made",
                            path));
  }
  std::string token(Trim(*text));
  const bool fine = token.size() >= kTokenCharsMin &&
                    std::ranges::all_of(token, [](char c) { return c > ' ' && c < 0x7f; });
  if (!fine) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} holds no token (one line of at least {} printable characters): "
                            "remove it and a new one is made",
                            path, kTokenCharsMin));
  }
  return token;
}

Status CheckLoopback(std::string_view address) {
  const Result<HttpAddress> parsed = HttpAddress::Parse(std::string(address) + ":0");
  if (parsed && parsed->unix_path.empty() && parsed->host.starts_with("127.")) return {};
  return Fail(Code::kRefused,
              fmt::format("the API does not listen on {}: it speaks without TLS, so only on "
                          "127.0.0.1; reach it from elsewhere by ssh -L or a TLS proxy",
                          Quote(address)));
}

bool SameSecret(std::string_view a, std::string_view b) {
  // volatile keeps the compiler from ending the loop at the first difference.
  volatile unsigned char different = a.size() == b.size() ? 0 : 1;
  const size_t size = std::min(a.size(), b.size());
  for (size_t i = 0; i < size; ++i) {
    different = static_cast<unsigned char>(different | (a[i] ^ b[i]));
  }
  return different == 0;
}

Auth::Auth(std::string token, uint32_t own_uid, const Clock& clock)
    : token_(std::move(token)), own_uid_(own_uid), clock_(clock) {
  FLEETMEDIC_CHECK(!token_.empty());
}

Auth::Answer Auth::Check(const HttpRequest& request) {
  const std::string_view claimed = request.header("x-fleetmedic-who");
  if (!claimed.empty() && !IsName(claimed)) {
    return {"", HttpResponse::Problem(
                    {Code::kInvalidArgument,
                     fmt::format("X-Fleetmedic-Who: {} is no name: at most {} bytes, no control "
                                 "characters, quotes or parentheses",
                                 Quote(claimed), kClaimedNameBytesMax)})};
  }
  const auto named = [&](std::string_view plain, std::string_view by) {
    return Answer{claimed.empty() ? std::string(plain) : fmt::format("{} ({})", claimed, by), {}};
  };
  if (request.peer_uid) {
    const uint32_t uid = *request.peer_uid;
    if (uid == 0 || uid == own_uid_) {
      return named(fmt::format("uid:{}", uid), fmt::format("uid {}", uid));
    }
    return {"", HttpResponse::Problem({Code::kPermissionDenied,
                                       fmt::format("uid {} may not use this socket; run as root "
                                                   "or as uid {}",
                                                   uid, own_uid_)})};
  }
  const std::string_view authorization = request.header("authorization");
  if (!authorization.empty()) {
    if (authorization.starts_with(kBearer) &&
        SameSecret(authorization.substr(kBearer.size()), token_)) {
      return named("token", "token");
    }
    return {"", Unauthenticated("the token is wrong; it is in the API's token file on the host of "
                                "the remediator")};
  }
  if (!HasSession(request.header("cookie"))) {
    return {"", Unauthenticated("send Authorization: Bearer TOKEN, or open the address that "
                                "`fleetmedic up` prints")};
  }
  if (!ReadsOnly(request.method) && request.header("x-fleetmedic-csrf") != "1") {
    return {"", HttpResponse::Problem(
                    {Code::kPermissionDenied, "the header X-Fleetmedic-CSRF: 1 is missing"})};
  }
  return named("token", "token");
}

std::optional<std::string> Auth::OpenSession(std::string_view token) {
  if (!SameSecret(token, token_)) return std::nullopt;
  const std::string secret = EntropyHex(kSessionBytes);
  const MonoTime now = clock_.Mono();
  absl::MutexLock lock(&mutex_);
  std::erase_if(sessions_, [now](const auto& session) { return session.second <= now; });
  if (sessions_.size() >= kSessionsMax) {
    sessions_.erase(std::ranges::min_element(sessions_, {},
                                             [](const auto& session) { return session.second; }));
  }
  sessions_[Sha256Hex(secret)] = now + kSessionLasts;
  return fmt::format("{}={}; HttpOnly; SameSite=Strict; Path=/; Max-Age={}", kSessionCookie, secret,
                     Seconds(kSessionLasts).count());
}

bool Auth::HasSession(std::string_view cookie_header) {
  for (const std::string_view part : Split(cookie_header, ';')) {
    const std::string_view pair = Trim(part);
    const size_t sign = pair.find('=');
    if (sign == std::string_view::npos || pair.substr(0, sign) != kSessionCookie) continue;
    const std::string digest = Sha256Hex(pair.substr(sign + 1));
    absl::MutexLock lock(&mutex_);
    const auto session = sessions_.find(digest);
    if (session != sessions_.end() && session->second > clock_.Mono()) return true;
  }
  return false;
}

}  // namespace fleetmedic

#include "base/web_client.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include <fmt/format.h>

#include "base/http_exchange.h"
#include "base/http_socket.h"
#include "base/tls.h"

namespace fleetmedic {
namespace {

constexpr size_t kAddressesMax = 8;
constexpr size_t kUrlBytesMax = 4096;

bool IsHostSign(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_';
}

tl::unexpected<Error> NoUrl(std::string_view why) {
  return Fail(Code::kInvalidArgument,
              fmt::format("the URL {}: write https://HOST/PATH or https://HOST:PORT/PATH", why));
}

// "name:port", "1.2.3.4", "[::1]:80".
Status ParseAuthority(std::string_view text, WebUrl* url) {
  if (text.find('@') != std::string_view::npos) return NoUrl("has a user or a password in it");
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return NoUrl("has no ] in its host");
    url->host = std::string(text.substr(1, end - 1));
    in6_addr unused{};
    if (inet_pton(AF_INET6, url->host.c_str(), &unused) != 1) return NoUrl("has no IPv6 host");
    text.remove_prefix(end + 1);
  } else {
    const size_t colon = std::min(text.find(':'), text.size());
    url->host = std::string(text.substr(0, colon));
    if (url->host.empty() || !std::ranges::all_of(url->host, IsHostSign)) {
      return NoUrl("has no host");
    }
    text.remove_prefix(colon);
  }
  if (text.empty()) return {};
  const auto [end, error] = std::from_chars(text.begin() + 1, text.end(), url->port);
  if (text[0] != ':' || error != std::errc() || end != text.end() || url->port == 0) {
    return NoUrl("has no port from 1 to 65535 behind its host");
  }
  return {};
}

Result<std::vector<HttpAddress>> LookUp(const WebUrl& url) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(url.host.c_str(), nullptr, &hints, &found);
  if (error != 0) {
    return Fail(Code::kUnavailable,
                fmt::format("the name {} cannot be looked up: {}", url.host, gai_strerror(error)));
  }
  std::vector<HttpAddress> addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    char text[INET6_ADDRSTRLEN] = {};
    if (each->ai_family != AF_INET && each->ai_family != AF_INET6) continue;
    if (addresses.size() == kAddressesMax) break;
    if (getnameinfo(each->ai_addr, each->ai_addrlen, text, sizeof text, nullptr, 0,
                    NI_NUMERICHOST) == 0) {
      addresses.push_back({text, url.port, ""});
    }
  }
  freeaddrinfo(found);
  return addresses;
}

// Of the addresses the first that takes the connection; one that never answers leaves time for the
// others.
Result<UniqueFd> Connect(const WebUrl& url, const Clock& clock, MonoTime deadline, int cancel_fd) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<HttpAddress> addresses, LookUp(url));
  Error last{Code::kUnavailable, "the name " + url.host + " has no address"};
  for (size_t i = 0; i < addresses.size(); ++i) {
    const MonoTime now = clock.Mono();
    if (now >= deadline) {
      return Fail(Code::kDeadlineExceeded, "no connection in time to " + url.Origin());
    }
    const auto share = (deadline - now) / static_cast<int64_t>(addresses.size() - i);
    Result<UniqueFd> fd = ConnectSocket(addresses[i], clock, now + share, cancel_fd);
    if (fd) return fd;
    last = std::move(fd.error());
  }
  return tl::unexpected<Error>(std::move(last));
}

}  // namespace

Result<WebUrl> WebUrl::Parse(std::string_view text) {
  if (text.size() > kUrlBytesMax) return NoUrl("is longer than 4096 bytes");
  WebUrl url;
  if (text.starts_with("https://")) {
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
    url.tls = false;
    url.port = 80;
  } else {
    return NoUrl("does not begin with https:// (or http://)");
  }
  const size_t end = std::min(text.find_first_of("/?#"), text.size());
  FLEETMEDIC_RETURN_IF_ERROR(ParseAuthority(text.substr(0, end), &url));
  text.remove_prefix(end);
  url.target = text.starts_with('/') ? std::string(text) : "/" + std::string(text);
  const bool plain = std::ranges::all_of(
      url.target, [](char c) { return c > ' ' && c < 0x7f && c != '#' && c != '"'; });
  if (!plain) return NoUrl("has a fragment, or characters that must be encoded as %XX");
  return url;
}

std::string WebUrl::Origin() const {
  const bool own_port = port == (tls ? 443 : 80);
  const bool v6 = host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}", tls ? "https" : "http", v6 ? "[" + host + "]" : host,
                     own_port ? "" : fmt::format(":{}", port));
}

bool WebUrl::IsLoopback() const {
  in_addr address{};
  const bool v4 = inet_pton(AF_INET, host.c_str(), &address) == 1;
  return host == "localhost" || host == "::1" || (v4 && ntohl(address.s_addr) >> 24 == 127);
}

Result<WebClient> WebClient::Make(const std::string& ca_file, const Clock* clock,
                                  const HttpCancel* cancel) {
  FLEETMEDIC_ASSIGN_OR_RETURN(std::shared_ptr<const TlsTrust> trust, TlsTrust::Make(ca_file));
  return WebClient(std::move(trust), clock, cancel);
}

Result<HttpReply> WebClient::Send(const WebUrl& url, HttpCall call, MonoTime deadline) const {
  call.target = url.target;
  FLEETMEDIC_RETURN_IF_ERROR(CheckHttpCall(call, false));
  const int cancel_fd = cancel_ == nullptr ? -1 : cancel_->fd();
  FLEETMEDIC_ASSIGN_OR_RETURN(UniqueFd fd, Connect(url, *clock_, deadline, cancel_fd));
  const int number = fd.get();
  HttpSocket socket(std::move(fd), clock_, cancel_fd);
  if (url.tls) {
    FLEETMEDIC_ASSIGN_OR_RETURN(std::unique_ptr<HttpCipher> cipher,
                                trust_->ShakeHands(number, url.host, *clock_, deadline, cancel_fd));
    socket.Use(std::move(cipher));
  }
  socket.read_deadline = deadline;
  socket.write_deadline = deadline;
  std::string body;
  const std::string origin = url.Origin();
  const std::string what = call.method + " " + origin;
  Result<HttpReply> reply = ExchangeHttp(&socket, origin.substr(origin.find("//") + 2), call, what,
                                         LongReply::kIsCut, [&](std::string_view piece) {
                                           const size_t room = call.reply_bytes_max - body.size();
                                           body += piece.substr(0, room);
                                           return piece.size() < room;
                                         });
  if (reply && reply->ok()) reply->body = std::move(body);
  return reply;
}

}  // namespace fleetmedic

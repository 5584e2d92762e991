// Asking the server, by the first way that is open: the address that was named; or else the
// control socket and then loopback HTTP.
#ifndef FLEETMEDIC_APP_CLI_API_CLIENT_H_
#define FLEETMEDIC_APP_CLI_API_CLIENT_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/cli/command.h"
#include "base/http_client.h"
#include "base/json.h"

namespace fleetmedic::cli {

// Why a command ends early.
struct Failure {
  int exit_code = kExitFailed;
  std::string message;  // what and where; may hold foreign text
  std::string hint;     // what to do; our own words
};
template <typename T>
using Answer = tl::expected<T, Failure>;

struct ApiReply {
  int status = 0;
  Json json;            // null for an empty body
  std::string address;  // who answered
};

// %-encodes all but the unreserved characters of RFC 3986.
std::string EncodePercent(std::string_view text);

// Where the daemon's socket, HOLD file and token are.
std::string RunDir(const CliEnvironment& env);
std::string StateDir(const CliEnvironment& env);

// One thread. `call` must outlive it.
class ApiClient {
 public:
  static constexpr Seconds kTimeout{10};

  // Reads the flags and the token. Fails on an address that is none. A token that cannot be read is
  // told when a server asks for it: the control socket does not.
  static Answer<ApiClient> Open(const Invocation& call);

  // Tries the addresses in order until one takes the request. A reply that is not ok is a failure
  // with its exit code.
  Answer<ApiReply> Send(std::string_view method, std::string_view target,
                        const std::optional<Json>& body = std::nullopt) const;
  Answer<ApiReply> Get(std::string_view target) const { return Send("GET", target); }
  // At this address alone.
  Answer<ApiReply> SendTo(const HttpAddress& address, std::string_view method,
                          std::string_view target, const std::optional<Json>& body,
                          Micros timeout) const;

  // Server-sent events, from the first address that takes the request, until `piece` returns
  // false (no value), the stream ends, or `deadline`. 503 is a failure with kExitUnreachable.
  Answer<void> Stream(std::string_view target, MonoTime deadline,
                      absl::FunctionRef<bool(std::string_view)> piece) const;

  const std::vector<HttpAddress>& addresses() const { return addresses_; }
  // The server was named by flag or variable: it may be on another machine.
  bool named() const { return named_; }
  Micros timeout() const { return timeout_; }
  bool Cancelled() const;

 private:
  explicit ApiClient(const Invocation& call) : call_(&call) {}
  HttpCall MakeCall(std::string_view method, std::string_view target,
                    const std::optional<Json>& body) const;
  Failure FailureOf(const HttpAddress& address, std::string_view method,
                    const HttpReply& reply) const;
  Failure FailureOf(const HttpAddress& address, std::string_view method, const Error& error) const;
  Answer<ApiReply> AnswerOf(const HttpAddress& address, std::string_view method,
                            const Result<HttpReply>& reply) const;
  template <typename Value, typename Try>
  Answer<Value> FirstOpen(Try attempt) const;

  const Invocation* call_;
  std::vector<HttpAddress> addresses_;
  bool named_ = false;
  Micros timeout_ = kTimeout;
  std::string token_;
  std::string token_path_;
  std::string token_problem_;  // empty: there is a token
};

}  // namespace fleetmedic::cli

#endif  // FLEETMEDIC_APP_CLI_API_CLIENT_H_

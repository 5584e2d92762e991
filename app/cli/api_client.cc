#include "app/cli/api_client.h"

#include <fmt/format.h>

#include "base/file.h"
#include "base/long_json.h"
#include "base/poll.h"
#include "base/text.h"

namespace fleetmedic::cli {
namespace {

constexpr size_t kTokenBytesMax = 4096;
// All hosts of a fleet of 100,000.
constexpr size_t kReplyBytesMax = size_t{128} << 20;
// The server sends a beat every 10 s.
constexpr Seconds kStreamSilenceMax{30};
constexpr std::string_view kHowToReach =
    "start one with `fleetmedic up`, or name one with -s ADDRESS or FLEETMEDIC_SERVER";

std::string Variable(const CliEnvironment& env, std::string_view name, std::string fallback) {
  const auto found = env.variables.find(name);
  return found == env.variables.end() || found->second.empty() ? fallback : found->second;
}

int ExitCodeOf(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return kExitUsage;
    case Code::kNotFound:
      return kExitNotFound;
    case Code::kAlreadyExists:
    case Code::kConflict:
    case Code::kFenced:
      return kExitConflict;
    case Code::kRefused:
      return kExitRefused;
    case Code::kUnavailable:
      return kExitUnreachable;
    case Code::kDeadlineExceeded:
      return kExitTimedOut;
    case Code::kPermissionDenied:
      return kExitNotAllowed;
    case Code::kBusy:
    case Code::kFull:
    case Code::kCorrupt:
    case Code::kUnsupported:
    case Code::kIo:
      return kExitFailed;
  }
  return kExitFailed;
}

// What leaves the server untouched for sure, so that the next address may be tried.
bool NothingHappened(Code code) {
  return code == Code::kUnavailable || code == Code::kNotFound || code == Code::kPermissionDenied;
}

}  // namespace

std::string EncodePercent(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

std::string RunDir(const CliEnvironment& env) {
  return Variable(env, "FLEETMEDIC_RUN_DIR", "/run/fleetmedic");
}
std::string StateDir(const CliEnvironment& env) {
  return Variable(env, "FLEETMEDIC_STATE_DIR", "/var/lib/fleetmedic");
}

Answer<ApiClient> ApiClient::Open(const Invocation& call) {
  ApiClient client(call);
  const std::string flag = call.args.Text("server");
  const std::string named = flag.empty() ? Variable(call.env, "FLEETMEDIC_SERVER", "") : flag;
  if (!named.empty()) {
    client.named_ = true;
    const Result<HttpAddress> address = HttpAddress::Parse(named);
    if (!address) {
      return tl::unexpected(
          Failure{flag.empty() ? kExitBadConfig : kExitUsage,
                  (flag.empty() ? "FLEETMEDIC_SERVER: " : "--server: ") + address.error().message,
                  "write http://127.0.0.1:7480 or unix:/run/fleetmedic/control.sock; names are not "
                  "looked up"});
    }
    client.addresses_ = {*address};
  } else {
    client.addresses_ = {HttpAddress::Unix(RunDir(call.env) + "/control.sock"),
                         call.env.default_server};
  }
  if (call.args.Has("timeout")) client.timeout_ = call.args.Duration("timeout");

  const std::string named_token =
      call.args.Text("token-file", Variable(call.env, "FLEETMEDIC_TOKEN_FILE", ""));
  client.token_path_ = named_token.empty() ? StateDir(call.env) + "/api-token" : named_token;
  const Result<std::string> token = ReadFile(client.token_path_, kTokenBytesMax);
  if (!token) {
    client.token_problem_ = token.error().message;
  } else if (client.token_ = std::string(Trim(*token));
             client.token_.empty() || !IsHeader("authorization", client.token_)) {
    client.token_.clear();
    client.token_problem_ = client.token_path_ + " holds no token";
  }
  return client;
}

HttpCall ApiClient::MakeCall(std::string_view method, std::string_view target,
                             const std::optional<Json>& body) const {
  HttpCall call;
  call.method = method;
  call.target = target;
  call.reply_bytes_max = kReplyBytesMax;
  if (!token_.empty()) call.headers["authorization"] = "Bearer " + token_;
  if (body) {
    call.headers["content-type"] = "application/json";
    call.body = body->Dump();
  }
  return call;
}

bool ApiClient::Cancelled() const {
  if (call_->env.cancel == nullptr) return false;
  pollfd cancelled{call_->env.cancel->fd(), POLLIN, 0};
  return PollUntil(std::span(&cancelled, 1), *call_->env.clock, MonoTime{}) > 0;
}

Failure ApiClient::FailureOf(const HttpAddress& address, std::string_view method,
                             const HttpReply& reply) const {
  const Error error = reply.ToError();
  const std::string at = " (" + address.Text() + ")";
  if (reply.status == 401) {
    const std::string why = token_problem_.empty() ? "the token of " + token_path_ + " is refused"
                                                   : "there is no token: " + token_problem_;
    return {kExitNotAllowed, "not authenticated" + at + ": " + why,
            "name the server's STATE_DIR/api-token with --token-file or FLEETMEDIC_TOKEN_FILE"};
  }
  if (reply.status == 403) return {kExitNotAllowed, error.message + at, ""};
  // A server that is late itself has not lost a question, only an act.
  const bool late_look = error.code == Code::kDeadlineExceeded && method == "GET";
  return {late_look ? kExitUnreachable : ExitCodeOf(error.code), error.message + at, ""};
}

Failure ApiClient::FailureOf(const HttpAddress& address, std::string_view method,
                             const Error& error) const {
  if (Cancelled()) {
    return {kExitDetached, "detached; what was asked for goes on",
            "look with `fleetmedic status`, stop it with `fleetmedic hold`"};
  }
  const std::string what = address.Text() + ": " + error.message;
  const bool unknown = error.code == Code::kDeadlineExceeded || error.code == Code::kIo;
  if (unknown && method != "GET") {
    return {error.code == Code::kIo ? kExitFailed : kExitTimedOut,
            what + "; whether it was done is not known",
            "look with `fleetmedic get overrides` before you repeat it"};
  }
  if (unknown) return {kExitUnreachable, "no answer from " + what, std::string(kHowToReach)};
  if (error.code == Code::kPermissionDenied) {
    return {kExitNotAllowed, what, "run it as the server's user, or name another way with -s"};
  }
  const bool unreachable = error.code == Code::kUnavailable || error.code == Code::kNotFound;
  return {unreachable ? kExitUnreachable : ExitCodeOf(error.code),
          unreachable ? "cannot reach the server: " + error.message : what,
          unreachable ? std::string(kHowToReach) : ""};
}

Answer<ApiReply> ApiClient::AnswerOf(const HttpAddress& address, std::string_view method,
                                     const Result<HttpReply>& reply) const {
  if (!reply) return tl::unexpected(FailureOf(address, method, reply.error()));
  if (!reply->ok()) return tl::unexpected(FailureOf(address, method, *reply));
  ApiReply answer{reply->status, Json(), address.Text()};
  if (Trim(reply->body).empty()) return answer;
  Result<Json> json = ParseLongJson(reply->body, kReplyBytesMax);
  if (!json) {
    return tl::unexpected(Failure{kExitFailed,
                                  address.Text() + " answered no JSON: " + json.error().message,
                                  "is it a Fleetmedic server? -s names another"});
  }
  answer.json = *std::move(json);
  return answer;
}

Answer<ApiReply> ApiClient::SendTo(const HttpAddress& address, std::string_view method,
                                   std::string_view target, const std::optional<Json>& body,
                                   Micros timeout) const {
  const HttpClient client(address, call_->env.clock, call_->env.cancel);
  return AnswerOf(address, method,
                  client.Send(MakeCall(method, target, body), call_->env.clock->Mono() + timeout));
}

// `attempt` is Result<Answer<Value>>(address): an error where the request was not taken.
template <typename Value, typename Try>
Answer<Value> ApiClient::FirstOpen(Try attempt) const {
  std::vector<std::pair<const HttpAddress*, Error>> tried;
  for (const HttpAddress& address : addresses_) {
    Result<Answer<Value>> answer = attempt(address);
    if (answer) return *std::move(answer);
    tried.emplace_back(&address, answer.error());
    if (Cancelled()) break;
  }
  FLEETMEDIC_CHECK(!tried.empty());
  if (tried.size() == 1 || Cancelled()) {
    return tl::unexpected(FailureOf(*tried[0].first, "GET", tried[0].second));
  }
  std::string message = "cannot reach the server: ";
  // The errors name the addresses.
  for (const auto& [address, error] : tried) {
    message += (address == tried[0].first ? "" : "; then ") + error.message;
  }
  return tl::unexpected(Failure{kExitUnreachable, message, std::string(kHowToReach)});
}

Answer<ApiReply> ApiClient::Send(std::string_view method, std::string_view target,
                                 const std::optional<Json>& body) const {
  return FirstOpen<ApiReply>([&](const HttpAddress& address) -> Result<Answer<ApiReply>> {
    const HttpClient client(address, call_->env.clock, call_->env.cancel);
    const Result<HttpReply> reply =
        client.Send(MakeCall(method, target, body), call_->env.clock->Mono() + timeout_);
    if (!reply && NothingHappened(reply.error().code)) return tl::unexpected(reply.error());
    return AnswerOf(address, method, reply);
  });
}

Answer<void> ApiClient::Stream(std::string_view target, MonoTime deadline,
                               absl::FunctionRef<bool(std::string_view)> piece) const {
  return FirstOpen<void>([&](const HttpAddress& address) -> Result<Answer<void>> {
    const HttpClient client(address, call_->env.clock, call_->env.cancel);
    HttpCall call = MakeCall("GET", target, std::nullopt);
    call.headers["accept"] = "text/event-stream";
    const Result<HttpReply> reply = client.Stream(call, deadline, kStreamSilenceMax, piece);
    if (!reply && NothingHappened(reply.error().code)) return tl::unexpected(reply.error());
    if (!reply) return Answer<void>(tl::unexpected(FailureOf(address, "GET", reply.error())));
    if (!reply->ok()) return Answer<void>(tl::unexpected(FailureOf(address, "GET", *reply)));
    return Answer<void>();
  });
}

}  // namespace fleetmedic::cli

#include "app/cli/requests.h"

#include "base/text.h"
#include "model/override.h"

namespace fleetmedic::cli {

Answer<ApiReply> Ask(const Invocation& call, std::string_view target) {
  const Answer<ApiClient> client = ApiClient::Open(call);
  if (!client) return tl::unexpected(client.error());
  return client->Get(target);
}

int Report(const Terminal& terminal, const Failure& failure) {
  terminal.Error(failure.message, failure.hint);
  return failure.exit_code;
}

Status CheckSelector(std::string_view selector) {
  for (const std::string_view part : Split(selector, ',')) {
    const size_t equals = part.find('=');
    std::string_view key = Trim(part.substr(0, equals));
    if (key.ends_with('!')) key.remove_suffix(1);
    if (equals == std::string_view::npos || Trim(key).empty()) {
      return Fail(Code::kInvalidArgument,
                  "--selector: " + Quote(selector) +
                      " is none; write key=value,key!=value, such as pool=web");
    }
  }
  return {};
}

Result<std::string> ScopeArgument(std::string_view text) {
  std::string scope(text);
  if (const size_t equals = scope.find('=');
      scope.find(':') == std::string::npos && equals != std::string::npos) {
    scope[equals] = ':';
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(const Scope parsed, ParseScope(scope));
  return ScopeText(parsed);
}

Result<std::string> RequiredReason(const Invocation& call) {
  if (call.args.Has("reason")) return call.args.Text("reason");
  return Fail(Code::kInvalidArgument,
              std::string(call.command.name) + ": --reason is missing: say why, for the audit");
}

Answer<ApiReply> PostReason(const Invocation& call, const Terminal& terminal,
                            std::string_view target) {
  const Result<std::string> reason = RequiredReason(call);
  if (!reason) return tl::unexpected(Failure{kExitUsage, reason.error().message, ""});
  const Answer<ApiClient> client = ApiClient::Open(call);
  if (!client) return tl::unexpected(client.error());
  Json body;
  body.Set("reason", *reason);
  Answer<ApiReply> reply = client->Send("POST", target, body);
  if (reply && terminal.Format() == "json") terminal.PrintJson(reply->json);
  return reply;
}

int AcceptedCode(const ApiReply& reply) {
  constexpr int kAccepted = 202;
  return reply.status == kAccepted ? kExitWaitsForApproval : kExitDone;
}

}  // namespace fleetmedic::cli

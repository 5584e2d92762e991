// Stopping and letting go: hold, release, brake release.
#include <fcntl.h>

#include <algorithm>

#include "app/cli/api_client.h"
#include "app/cli/handlers.h"
#include "app/cli/render.h"
#include "app/cli/requests.h"
#include "app/cli/terminal.h"
#include "base/file.h"
#include "base/text.h"

namespace fleetmedic::cli {
namespace {

// A hold that hangs is none: each way gets this long, unless --timeout says otherwise.
constexpr Seconds kHoldTimeout{3};

// The last way: the file that the remediator looks for before each side effect. It holds the whole
// fleet of the remediator on this machine.
Answer<Json> TouchHoldFile(const Invocation& call, const std::string& reason) {
  const std::string folder = RunDir(call.env);
  const std::string path = folder + "/HOLD";
  const FsRoot root;
  // A folder made for it would look like a hold and be none: no remediator reads there.
  if (const Result<UniqueFd> there = root.Open(folder, O_PATH | O_DIRECTORY); !there) {
    return tl::unexpected(Failure{kExitUnreachable, there.error().message,
                                  "no remediator runs with this run_dir; FLEETMEDIC_RUN_DIR "
                                  "names another"});
  }
  if (!root.Exists(path)) {
    if (const Status written = WriteFileAtomic(path, reason + "\n"); !written) {
      const bool forbidden = written.error().code == Code::kPermissionDenied;
      return tl::unexpected(Failure{forbidden ? kExitNotAllowed : kExitFailed,
                                    written.error().message, "as root: touch " + path});
    }
  }
  Json hold;
  hold.Set("source", "file");
  hold.Set("scope", "fleet");
  hold.Set("reason", reason);
  hold.Set("path", path);
  return hold;
}

int HoldIsSet(const Terminal& terminal, const std::string& scope, const std::string& way,
              const Json& hold) {
  terminal.Say("held: " + scope + ", by way of " + way + "\n");
  if (terminal.Format() == "json") terminal.PrintJson(hold);
  return kExitDone;
}

}  // namespace

int RunHold(const Invocation& call) {
  const Terminal terminal(call);
  const Result<std::string> scope = ScopeArgument(call.args.Text("scope"));
  if (!scope) return Report(terminal, Failure{kExitUsage, scope.error().message, ""});
  const std::string reason = call.args.Text("reason", "held by hand");
  Json body;
  body.Set("scope", *scope);
  body.Set("reason", reason);

  Failure failure;
  const Answer<ApiClient> client = ApiClient::Open(call);
  if (client) {
    const Micros timeout = call.args.Has("timeout") ? client->timeout() : Micros(kHoldTimeout);
    for (const HttpAddress& address : client->addresses()) {
      const Answer<ApiReply> held = client->SendTo(address, "POST", "/api/v1/hold", body, timeout);
      if (held) return HoldIsSet(terminal, *scope, held->address, held->json);
      terminal.Say("not by " + address.Text() + ": " + VisibleText(held.error().message) + "\n");
      // The first way that somebody answered on says most; a socket that is missing says least.
      if (failure.message.empty() || failure.exit_code == kExitUnreachable) {
        failure = held.error();
      }
    }
  } else {
    failure = client.error();
    terminal.Say("not by the API: " + VisibleText(failure.message) + "\n");
  }
  const std::string file = RunDir(call.env) + "/HOLD";
  if (call.args.Has("server") || (client && client->named())) {
    return Report(terminal, Failure{failure.exit_code, "NOT HELD: " + failure.message,
                                    "on the remediator's own machine: touch " + file});
  }
  if (*scope != "fleet") {
    return Report(terminal, Failure{failure.exit_code, "NOT HELD: " + failure.message,
                                    "the file " + file +
                                        " would hold the whole fleet: `fleetmedic hold` without "
                                        "a scope does that"});
  }
  const Answer<Json> touched = TouchHoldFile(call, reason);
  if (touched) return HoldIsSet(terminal, "fleet", "the file " + file, *touched);
  terminal.Error("NOT HELD: " + touched.error().message, touched.error().hint);
  return touched.error().exit_code;
}

int RunRelease(const Invocation& call) {
  const Terminal terminal(call);
  const Result<std::string> reason = RequiredReason(call);
  if (!reason) return Report(terminal, Failure{kExitUsage, reason.error().message, ""});
  const Answer<ApiClient> client = ApiClient::Open(call);
  if (!client) return Report(terminal, client.error());
  const Answer<ApiReply> state = client->Get("/api/v1/state");
  if (!state) return Report(terminal, state.error());
  terminal.Say(RenderWaiting(state->json, TextStyle{}));

  Json body;
  body.Set("reason", *reason);
  const Answer<ApiReply> released = client->Send("POST", "/api/v1/release", body);
  if (!released) return Report(terminal, released.error());
  if (terminal.Format() == "json") terminal.PrintJson(released->json);
  const WallTime now = call.env.clock->Wall();
  const std::span<const Json> ended = Items(released->json["released"]);
  for (const Json& hold : ended) terminal.Say("released: " + HoldText(hold, now) + "\n");
  const std::span<const Json> still = Items(released->json["still"]);
  for (const Json& hold : still) {
    const bool file = TextOf(hold, "source") == "file";
    terminal.Error("still held: " + HoldText(hold, now),
                   file ? "on the remediator's machine: rm " + RunDir(call.env) + "/HOLD" : "");
  }
  if (!still.empty()) return kExitRefused;
  if (ended.empty()) terminal.Say("nothing was held\n");
  return AcceptedCode(*released);
}

int RunBrakeRelease(const Invocation& call) {
  const Terminal terminal(call);
  const Answer<ApiReply> released = PostReason(call, terminal, "/api/v1/brake/release");
  if (!released) return Report(terminal, released.error());
  const Json& brake = released->json["brake"];
  if (!brake["tripped"].boolean().value_or(false)) {
    terminal.Say("the brake is released\n");
    return AcceptedCode(*released);
  }
  for (const Json& cause : Items(brake["causes"])) {
    terminal.Error("still tripped: " + TextOf(cause, "cause") + ", " + TextOf(cause, "detail"));
  }
  return kExitRefused;
}

}  // namespace fleetmedic::cli

// grant: other automation asks the budget before it disrupts a host.
#include <algorithm>
#include <csignal>

#include <fmt/format.h>

#include "app/cli/api_client.h"
#include "app/cli/handlers.h"
#include "app/cli/render.h"
#include "app/cli/requests.h"
#include "app/cli/terminal.h"
#include "base/child_process.h"
#include "base/poll.h"
#include "base/text.h"

namespace fleetmedic::cli {
namespace {

constexpr Millis kAskEvery = Seconds(2);
constexpr Millis kLookEvery{100};
// What a shell says of a program that was ended by a signal.
constexpr int kSignalExit = 128;

std::string TargetOf(const std::string& id) { return "/api/v1/grants/" + EncodePercent(id); }

// False where the caller gave up meanwhile.
bool Pause(const Invocation& call, const ApiClient& client, Millis span) {
  const MonoTime end = call.env.clock->Mono() + span;
  while (call.env.clock->Mono() < end) {
    if (client.Cancelled()) return false;
    (void)PollUntil({}, *call.env.clock, std::min(end, call.env.clock->Mono() + kLookEvery));
  }
  return !client.Cancelled();
}

// Asks until it is granted, refused for longer than --wait, or fails.
Answer<Json> Take(const Invocation& call, const ApiClient& client, const Terminal& terminal) {
  if (!call.args.Has("act")) {
    return tl::unexpected(
        Failure{kExitUsage, "--act is missing: say what will be done", "--act reboot"});
  }
  const Result<std::string> reason = RequiredReason(call);
  if (!reason) return tl::unexpected(Failure{kExitUsage, reason.error().message, ""});
  Json body;
  body.Set("host", call.args.positionals[0]);
  body.Set("act", call.args.Text("act"));
  body.Set("reason", *reason);
  body.Set("lease_ms", int64_t{call.args.Duration("lease").count()});
  const Millis wait = call.args.Has("wait") ? call.args.Duration("wait") : Millis(0);
  const MonoTime end = call.env.clock->Mono() + wait;
  std::string told;
  while (true) {
    const Answer<ApiReply> reply = client.Send("POST", "/api/v1/grants", body);
    if (reply) return reply->json;
    const bool again =
        reply.error().exit_code == kExitRefused && call.env.clock->Mono() + kAskEvery <= end;
    if (!again) return tl::unexpected(reply.error());
    if (std::exchange(told, reply.error().message) != reply.error().message) {
      terminal.Say("waiting: " + VisibleText(reply.error().message) + "\n");
    }
    if (!Pause(call, client, kAskEvery)) {
      return tl::unexpected(Failure{kExitDetached, "given up; nothing is held", ""});
    }
  }
}

Answer<ApiReply> Renew(const Invocation& call, const ApiClient& client, const std::string& id) {
  Json body;
  body.Set("lease_ms", int64_t{call.args.Duration("lease").count()});
  return client.Send("POST", TargetOf(id) + "/renew", body);
}

std::string LeaseText(const Json& grant) {
  return fmt::format("{} may be disrupted until {}", VisibleText(TextOf(grant, "host")),
                     VisibleText(TextOf(grant, "ends_at")));
}

// Runs the command to its end, renewing the grant every third of its lease. An interrupt is handed
// to the command, and it is waited for all the same.
Result<ExitStatus> RunUnder(const Invocation& call, const ApiClient& client,
                            const Terminal& terminal, const std::string& id) {
  ChildOptions options;
  options.argv.assign(call.args.positionals.begin() + 1, call.args.positionals.end());
  options.env.clear();
  for (const auto& [name, value] : call.env.variables) options.env.push_back(name + "=" + value);
  options.cwd = ".";
  for (ChildStream* stream :
       {&options.standard_input, &options.standard_output, &options.standard_error}) {
    stream->kind = ChildStream::Kind::kInherit;
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(const Child child, Child::Start(options));
  const Clock& clock = *call.env.clock;
  const Millis renew_every = call.args.Duration("lease") / 3;
  MonoTime renew_at = clock.Mono() + renew_every;
  bool interrupted = false;
  while (true) {
    const Result<ExitStatus> ended = child.Wait(clock, clock.Mono() + kLookEvery);
    if (ended || ended.error().code != Code::kDeadlineExceeded) return ended;
    if (client.Cancelled() && !std::exchange(interrupted, true)) child.Kill(SIGINT);
    if (clock.Mono() < renew_at || interrupted) continue;
    renew_at = clock.Mono() + renew_every;
    if (const Answer<ApiReply> renewed = Renew(call, client, id); !renewed) {
      terminal.Error("not renewed: " + renewed.error().message, "the command goes on");
    }
  }
}

}  // namespace

int RunGrantTake(const Invocation& call) {
  const Terminal terminal(call);
  const Answer<ApiClient> client = ApiClient::Open(call);
  if (!client) return Report(terminal, client.error());
  const Answer<Json> grant = Take(call, *client, terminal);
  if (!grant) return Report(terminal, grant.error());
  if (terminal.Format() == "json") {
    terminal.PrintJson(*grant);
  } else {
    terminal.Print(VisibleText(TextOf(*grant, "id")) + "\n");
  }
  terminal.Say(LeaseText(*grant) + "; then: fleetmedic grant release " +
               VisibleText(TextOf(*grant, "id")) + "\n");
  return kExitDone;
}

int RunGrantRenew(const Invocation& call) {
  const Terminal terminal(call);
  const Answer<ApiClient> client = ApiClient::Open(call);
  if (!client) return Report(terminal, client.error());
  const Answer<ApiReply> renewed = Renew(call, *client, call.args.positionals[0]);
  if (!renewed) return Report(terminal, renewed.error());
  if (terminal.Format() == "json") terminal.PrintJson(renewed->json);
  terminal.Say(LeaseText(renewed->json) + "\n");
  return kExitDone;
}

int RunGrantRelease(const Invocation& call) {
  const Terminal terminal(call);
  const Answer<ApiClient> client = ApiClient::Open(call);
  if (!client) return Report(terminal, client.error());
  Json body;
  if (call.args.Has("reason")) body.Set("reason", call.args.Text("reason"));
  const Answer<ApiReply> released =
      client->Send("DELETE", TargetOf(call.args.positionals[0]), body);
  if (!released) return Report(terminal, released.error());
  terminal.Say("released\n");
  return kExitDone;
}

int RunGrantRun(const Invocation& call) {
  const Terminal terminal(call);
  const Answer<ApiClient> client = ApiClient::Open(call);
  if (!client) return Report(terminal, client.error());
  const Answer<Json> grant = Take(call, *client, terminal);
  if (!grant) return Report(terminal, grant.error());
  const std::string id = TextOf(*grant, "id");
  terminal.Say(VisibleText(id) + ": " + LeaseText(*grant) + "\n");
  const Result<ExitStatus> ended = RunUnder(call, *client, terminal, id);
  const bool started = ended.has_value();
  if (started && !ended->ok()) {
    terminal.Error(ended->Text() + ": the grant is left to its lease, for the host may not be well",
                   "when it is: fleetmedic grant release " + VisibleText(id));
    return ended->signal != 0 ? kSignalExit + ended->signal : ended->exit_code;
  }
  // A command that never began has disrupted nothing.
  const Answer<ApiReply> released = client->Send("DELETE", TargetOf(id), Json(Json::Object{}));
  if (!started) return Report(terminal, Failure{kExitFailed, ended.error().message, ""});
  return released ? kExitDone : Report(terminal, released.error());
}

}  // namespace fleetmedic::cli

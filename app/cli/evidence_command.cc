// evidence: has a host's agent collect a bundle, and prints it; or shows what is kept.
#include <fmt/format.h>

#include "app/cli/api_client.h"
#include "app/cli/handlers.h"
#include "app/cli/render.h"
#include "app/cli/requests.h"
#include "app/cli/terminal.h"
#include "base/poll.h"
#include "base/text.h"

namespace fleetmedic::cli {
namespace {

constexpr Millis kLookEvery{250};
constexpr Seconds kBundleMax{30};

std::string TargetOf(const Invocation& call) {
  return "/api/v1/hosts/" + EncodePercent(call.args.positionals[0]) + "/evidence";
}

std::string RenderBundle(const Json& bundle) {
  std::string text =
      fmt::format("evidence {} of {}, {}, boot {}\n{}\n", VisibleText(TextOf(bundle, "id")),
                  VisibleText(TextOf(bundle, "host")), VisibleText(TextOf(bundle, "collected_at")),
                  VisibleText(TextOf(bundle, "boot_id")), VisibleText(TextOf(bundle, "reason")));
  for (const Json& part : Items(bundle["parts"])) {
    const std::string message = TextOf(part, "message");
    text += fmt::format("\n=== {} {}{}{}\n", VisibleText(TextOf(part, "name")),
                        VisibleText(TextOf(part, "state")), message.empty() ? "" : ": ",
                        VisibleText(message));
    if (const int64_t cut = part["bytes_cut"].integer().value_or(0); cut > 0) {
      text += fmt::format("({} earlier bytes were cut)\n", cut);
    }
    const std::string body = TextOf(part, "text");
    for (const std::string_view line : Split(Trim(body), '\n')) text += VisibleText(line) + "\n";
  }
  return text;
}

int PrintBundle(const Terminal& terminal, const Json& bundle) {
  if (terminal.Format() == "json") {
    terminal.PrintJson(bundle);
  } else {
    terminal.Print(RenderBundle(bundle));
  }
  return kExitDone;
}

int PrintKept(const Terminal& terminal, const Json& answer) {
  if (terminal.Format() == "json") {
    terminal.PrintJson(answer);
    return kExitDone;
  }
  std::string text;
  for (const Json& item : Items(answer["items"])) {
    text += fmt::format("{}  {}  {}\n", VisibleText(TextOf(item, "collected_at")),
                        VisibleText(TextOf(item, "id")), VisibleText(TextOf(item, "reason")));
  }
  terminal.Print(text.empty() ? "no evidence is kept\n" : text);
  return kExitDone;
}

}  // namespace

int RunEvidence(const Invocation& call) {
  const Terminal terminal(call);
  const Answer<ApiClient> client = ApiClient::Open(call);
  if (!client) return Report(terminal, client.error());
  const std::string target = TargetOf(call);
  if (call.args.Has("list")) {
    const Answer<ApiReply> kept = client->Get(target);
    return kept ? PrintKept(terminal, kept->json) : Report(terminal, kept.error());
  }
  std::string id = call.args.Text("id");
  const bool collect = id.empty();
  if (collect) {
    Json body;
    body.Set("reason", call.args.Text("reason", "asked for by hand"));
    const Answer<ApiReply> asked = client->Send("POST", target, body);
    if (!asked) return Report(terminal, asked.error());
    id = TextOf(asked->json, "id");
    terminal.Say(fmt::format("asked for {}\n", VisibleText(id)));
  }
  const MonoTime end = call.env.clock->Mono() + kBundleMax;
  while (true) {
    const Answer<ApiReply> bundle = client->Get(target + "/" + EncodePercent(id));
    if (bundle) return PrintBundle(terminal, bundle->json);
    const bool may_come = collect && bundle.error().exit_code == kExitNotFound;
    if (!may_come) return Report(terminal, bundle.error());
    if (call.env.clock->Mono() >= end || client->Cancelled()) {
      return Report(
          terminal,
          {kExitTimedOut, "the agent has not sent the bundle",
           "fleetmedic evidence --list shows what is kept; why says whether it is silent"});
    }
    (void)PollUntil({}, *call.env.clock, call.env.clock->Mono() + kLookEvery);
  }
}

}  // namespace fleetmedic::cli

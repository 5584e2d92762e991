// Looking: status, get, describe, why.
#include <algorithm>

#include <fmt/format.h>

#include "app/cli/api_client.h"
#include "app/cli/handlers.h"
#include "app/cli/pattern_commands.h"
#include "app/cli/render.h"
#include "app/cli/requests.h"
#include "app/cli/terminal.h"
#include "app/cli/watch.h"
#include "base/text.h"

namespace fleetmedic::cli {
namespace {

constexpr size_t kRefusedLinesMax = 20;

// What `get NOUN` lists: "override ls" is "get overrides".
Resource ResourceOf(const Command& command) {
  if (command.name.starts_with("patterns ")) return Resource::kPatterns;
  const std::optional<Resource> resource =
      ParseResource(command.name.substr(command.name.find(' ') + 1));
  return resource.value_or(Resource::kOverrides);
}

std::string ListTarget(Resource resource, const Invocation& call) {
  const std::string name = call.args.positionals.empty() ? "" : call.args.positionals[0];
  switch (resource) {
    case Resource::kHosts:
      if (!call.args.Has("selector")) return "/api/v1/hosts";
      return "/api/v1/hosts?l=" + EncodePercent(call.args.Text("selector"));
    case Resource::kOverrides:
      return "/api/v1/overrides";
    case Resource::kGrants:
      return "/api/v1/grants";
    case Resource::kRules:
      return "/api/v1/rules";
    case Resource::kJobs:
      return "/api/v1/jobs";
    case Resource::kTasks:
      return "/api/v1/tasks";
    case Resource::kAudit: {
      std::string target = fmt::format("/api/v1/audit?limit={}", call.args.Integer("limit"));
      if (!name.empty()) target += "&host=" + EncodePercent(name);
      for (const std::string_view part : {"object", "who"}) {
        if (!call.args.Has(part)) continue;
        target += fmt::format("&{}={}", part, EncodePercent(call.args.Text(part)));
      }
      if (call.args.Has("since")) {
        const WallTime since = call.env.clock->Wall() - call.args.Duration("since");
        target += "&since=" + EncodePercent(FormatWall(since));
      }
      return target;
    }
    case Resource::kIssues:
      return fmt::format("/api/v1/issues?limit=1000&state={}", call.args.Text("state"));
    case Resource::kPatterns:
      return PatternListTarget(call);
  }
  return "";
}

// The items of the answer that were asked for.
std::vector<Json> ChosenItems(Resource resource, const Json& answer, const std::string& name) {
  std::vector<Json> items;
  const auto take = [&](const Json& item) {
    // The server has chosen the audit's entries by host.
    const bool wanted =
        name.empty() || resource == Resource::kAudit || TextOf(item, NameMember(resource)) == name;
    if (wanted) items.push_back(item);
  };
  for (const Json& item : Items(answer["items"])) take(item);
  return items;
}

void PrintList(const Terminal& terminal, Resource resource, const Json& answer,
               std::span<const Json> items, bool one, WallTime now) {
  const std::string format = terminal.Format();
  if (format == "json") {
    if (one && items.size() == 1) return terminal.PrintJson(items[0]);
    if (!one) return terminal.PrintJson(answer);
    Json list;
    list.Set("items", Json(Json::Array(items.begin(), items.end())));
    return terminal.PrintJson(list);
  }
  if (format == "jsonl") {
    for (const Json& item : items) terminal.PrintJsonLine(item);
    return;
  }
  if (format == "name") {
    for (const Json& item : items) {
      const Json& name = item[NameMember(resource)];
      terminal.Print(VisibleText(name.string() != nullptr ? *name.string() : name.Dump()) + "\n");
    }
    return;
  }
  if (items.empty()) return terminal.Say("nothing to list\n");
  terminal.Print(ListTable(resource, items, terminal.style(), now).Text(terminal.style()));
}

// That the files of rules are not what is in use, and where they are wrong.
void SayRefused(const Terminal& terminal, const Json& answer, WallTime now) {
  const Json& refused = answer["refused"];
  if (refused.object() == nullptr) return;
  terminal.Say(
      fmt::format("the files of rules have had errors for {}; those from before are in "
                  "use:\n",
                  Age(TimeOf(refused, "at"), now)));
  const std::string error = TextOf(refused, "error");
  std::string_view rest = error;
  for (size_t lines = 0; !rest.empty() && lines < kRefusedLinesMax; ++lines) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    terminal.Say("  " + VisibleText(rest.substr(0, end)) + "\n");
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

// The chain of audit entries is what makes them proof.
int CheckChain(const Terminal& terminal, const Json& answer) {
  const Json& chain = answer["chain"];
  if (chain["ok"].boolean().value_or(true)) return kExitDone;
  terminal.Error(fmt::format("the audit chain is broken after entry {}",
                             chain["to_seq"].integer().value_or(0)),
                 "entries after it may have been changed: compare them with a copy of the log");
  return kExitFailed;
}

}  // namespace

int RunStatus(const Invocation& call) {
  const Terminal terminal(call);
  const Answer<ApiReply> state = Ask(call, "/api/v1/state");
  if (!state) return Report(terminal, state.error());
  if (terminal.Format() == "json") {
    terminal.PrintJson(state->json);
  } else {
    terminal.Print(RenderStatus(state->json, terminal.style()));
  }
  return NeedsAttention(state->json) ? kExitAttention : kExitDone;
}

int RunGet(const Invocation& call) {
  const Terminal terminal(call);
  const Resource resource = ResourceOf(call.command);
  const std::string name = call.args.positionals.empty() ? "" : call.args.positionals[0];
  const std::string selector = call.args.Text("selector");
  if (call.args.Has("selector")) {
    if (const Status fine = CheckSelector(selector); !fine) {
      return Report(terminal, Failure{kExitUsage, fine.error().message, ""});
    }
    if (!name.empty()) {
      return Report(terminal, Failure{kExitUsage, "a name or -l, not both", ""});
    }
  }
  const Answer<ApiClient> client = ApiClient::Open(call);
  if (!client) return Report(terminal, client.error());
  const Answer<ApiReply> answer = client->Get(ListTarget(resource, call));
  if (!answer) return Report(terminal, answer.error());
  const std::vector<Json> items = ChosenItems(resource, answer->json, name);
  const bool watch = call.args.Has("watch");
  if (!name.empty() && items.empty() && resource != Resource::kAudit) {
    return Report(terminal,
                  Failure{kExitNotFound, "no such item: " + Quote(name),
                          "fleetmedic " + std::string(call.command.name) + " lists what there is"});
  }
  PrintList(terminal, resource, answer->json, items, !name.empty() && !watch,
            call.env.clock->Wall());
  if (resource == Resource::kRules) SayRefused(terminal, answer->json, call.env.clock->Wall());
  if (resource == Resource::kPatterns) {
    if (terminal.Format() == "table") terminal.Say(PatternListNote(answer->json));
    return watch ? RunPatternWatch(call, *client, terminal) : kExitDone;
  }
  const int chain = resource == Resource::kAudit ? CheckChain(terminal, answer->json) : kExitDone;
  if (!watch || chain != kExitDone) return chain;
  return Watch(resource, name, selector, call, &*client, &terminal).Run(items);
}

int RunDescribeHost(const Invocation& call) {
  const Terminal terminal(call);
  const Answer<ApiReply> host =
      Ask(call, "/api/v1/hosts/" + EncodePercent(call.args.positionals[0]));
  if (!host) return Report(terminal, host.error());
  if (terminal.Format() == "json") {
    terminal.PrintJson(host->json);
  } else {
    terminal.Print(RenderHost(host->json, terminal.style(), call.env.clock->Wall()));
  }
  return kExitDone;
}

int RunDescribeRule(const Invocation& call) {
  const Terminal terminal(call);
  const Answer<ApiReply> rule =
      Ask(call, "/api/v1/rules/" + EncodePercent(call.args.positionals[0]));
  if (!rule) return Report(terminal, rule.error());
  if (terminal.Format() == "json") {
    terminal.PrintJson(rule->json);
  } else {
    terminal.Print(RenderRule(rule->json, terminal.style(), call.env.clock->Wall()));
  }
  return kExitDone;
}

int RunWhy(const Invocation& call) {
  constexpr std::string_view kIssuePrefix = "I-";  // as the stream names them
  if (call.args.positionals[0].starts_with(kIssuePrefix)) return RunWhyIssue(call);
  const Terminal terminal(call);
  const Answer<ApiReply> why =
      Ask(call, "/api/v1/hosts/" + EncodePercent(call.args.positionals[0]) + "/why");
  if (!why) return Report(terminal, why.error());
  if (terminal.Format() == "json") {
    terminal.PrintJson(why->json);
  } else {
    terminal.Print(RenderWhy(why->json, terminal.style()));
  }
  return kExitDone;
}

int RunWhyNot(const Invocation& call) {
  const Terminal terminal(call);
  const Answer<ApiReply> host =
      Ask(call, "/api/v1/hosts/" + EncodePercent(call.args.positionals[0]));
  if (!host) return Report(terminal, host.error());
  const Answer<ApiReply> state = Ask(call, "/api/v1/state");
  if (!state) return Report(terminal, state.error());
  if (terminal.Format() == "json") {
    Json both;
    both.Set("host", host->json);
    both.Set("mode", state->json["mode"]);
    both.Set("limits", state->json["limits"]);
    terminal.PrintJson(both);
  } else {
    terminal.Print(RenderWhyNot(host->json, state->json, terminal.style()));
  }
  return kExitDone;
}

}  // namespace fleetmedic::cli

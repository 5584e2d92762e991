// Overrides on hosts and scopes.
#include <algorithm>

#include <fmt/format.h>

#include "app/cli/api_client.h"
#include "app/cli/handlers.h"
#include "app/cli/render.h"
#include "app/cli/requests.h"
#include "app/cli/terminal.h"
#include "base/text.h"
#include "model/override.h"

namespace fleetmedic::cli {
namespace {

Failure Usage(std::string message, std::string hint = "") {
  return {kExitUsage, std::move(message), std::move(hint)};
}

// The hosts that were named or selected, as the server knows them; none of them is missing.
Answer<std::vector<Json>> ChosenHosts(const Invocation& call, const ApiClient& client) {
  const std::vector<std::string>& names = call.args.positionals;
  if (call.args.Has("selector") != names.empty()) {
    return tl::unexpected(Usage("name hosts, or select them with -l; not both, and never neither"));
  }
  std::vector<Json> hosts;
  if (call.args.Has("selector")) {
    const std::string selector = call.args.Text("selector");
    if (const Status fine = CheckSelector(selector); !fine) {
      return tl::unexpected(Usage(fine.error().message));
    }
    const Answer<ApiReply> answer = client.Get("/api/v1/hosts?l=" + EncodePercent(selector));
    if (!answer) return tl::unexpected(answer.error());
    const std::span<const Json> items = Items(answer->json["items"]);
    hosts.assign(items.begin(), items.end());
    if (hosts.empty()) {
      return tl::unexpected(Failure{kExitNotFound, "no host has the labels " + Quote(selector),
                                    "fleetmedic get hosts -o wide shows them"});
    }
    return hosts;
  }
  std::vector<std::string> seen;
  for (const std::string& name : names) {
    if (std::ranges::find(seen, name) != seen.end()) continue;
    seen.push_back(name);
    if (!ParseScope("host:" + name)) return tl::unexpected(Usage("not a host: " + Quote(name)));
    const Answer<ApiReply> host = client.Get("/api/v1/hosts/" + EncodePercent(name));
    if (!host) return tl::unexpected(host.error());
    hosts.push_back(host->json);
  }
  return hosts;
}

void Preview(const Terminal& terminal, const Invocation& call, std::span<const Json> hosts) {
  const WallTime now = call.env.clock->Wall();
  if (!call.args.Has("dry-run")) {
    terminal.Say(ListTable(Resource::kHosts, hosts, TextStyle{}, now).Text(TextStyle{}));
    return;
  }
  if (terminal.Format() == "json") {
    Json list;
    list.Set("items", Json(Json::Array(hosts.begin(), hosts.end())));
    return terminal.PrintJson(list);
  }
  terminal.Print(ListTable(Resource::kHosts, hosts, terminal.style(), now).Text(terminal.style()));
  terminal.Say(
      fmt::format("would {} {} hosts; nothing was asked for\n", call.command.name, hosts.size()));
}

// Posts one override; prints it where it was made.
Answer<ApiReply> AddOverride(const Invocation& call, const ApiClient& client, std::string_view kind,
                             const std::string& scope, const std::string& reason) {
  Json body;
  body.Set("kind", kind);
  body.Set("scope", scope);
  body.Set("reason", reason);
  if (call.args.Has("for")) body.Set("for_ms", int64_t{call.args.Duration("for").count()});
  if (call.args.Has("value")) body.Set("value", call.args.Integer("value"));
  return client.Send("POST", "/api/v1/overrides", body);
}

// A failure after which the others cannot succeed either.
bool EndsAll(int exit_code) {
  return exit_code == kExitUnreachable || exit_code == kExitNotAllowed ||
         exit_code == kExitDetached || exit_code == kExitUsage;
}

// One override for each host, and what came of all of them.
int AddForEach(const Invocation& call, const ApiClient& client, const Terminal& terminal,
               std::span<const Json> hosts) {
  // A host is untainted by giving it back.
  const std::string kind =
      call.command.name == "untaint" ? "return" : std::string(call.command.name);
  const std::string reason =
      call.args.Text("reason", "by hand: fleetmedic " + std::string(call.command.name));
  Json::Array added;
  size_t tried = 0;
  int waits = kExitDone;
  int first_failure = kExitDone;
  for (const Json& host : hosts) {
    const std::string name = TextOf(host, "host");
    const Answer<ApiReply> reply = AddOverride(call, client, kind, "host:" + name, reason);
    ++tried;
    if (reply) {
      added.push_back(reply->json);
      waits = std::max(waits, AcceptedCode(*reply));
      terminal.Say(VisibleText(name) + ": " + kind + " asked for\n");
      continue;
    }
    terminal.Error(name + ": " + reply.error().message, reply.error().hint);
    if (first_failure == kExitDone) first_failure = reply.error().exit_code;
    if (EndsAll(reply.error().exit_code)) break;
  }
  const size_t done = added.size();
  if (terminal.Format() == "json") {
    Json list;
    list.Set("items", Json(std::move(added)));
    terminal.PrintJson(list);
  }
  if (first_failure == kExitDone) return waits;
  if (done == 0) return first_failure;
  terminal.Error(
      fmt::format("{} of {} hosts; {} were not tried", done, hosts.size(), hosts.size() - tried));
  return kExitPartlyDone;
}

int AddOne(const Invocation& call, std::string_view kind, std::string_view scope_text) {
  const Terminal terminal(call);
  const Result<std::string> scope = ScopeArgument(scope_text);
  if (!scope) return Report(terminal, Usage(scope.error().message));
  const Result<std::string> reason = RequiredReason(call);
  if (!reason) return Report(terminal, Usage(reason.error().message));
  const Answer<ApiClient> client = ApiClient::Open(call);
  if (!client) return Report(terminal, client.error());
  const Answer<ApiReply> added = AddOverride(call, *client, kind, *scope, *reason);
  if (!added) return Report(terminal, added.error());
  if (terminal.Format() == "json") terminal.PrintJson(added->json);
  terminal.Say(std::string(kind) + " " + *scope + ": override " +
               VisibleText(TextOf(added->json, "id")) + "\n");
  return AcceptedCode(*added);
}

}  // namespace

int RunHostOverride(const Invocation& call) {
  const Terminal terminal(call);
  const Answer<ApiClient> client = ApiClient::Open(call);
  if (!client) return Report(terminal, client.error());
  const Answer<std::vector<Json>> hosts = ChosenHosts(call, *client);
  if (!hosts) return Report(terminal, hosts.error());
  Preview(terminal, call, *hosts);
  if (call.args.Has("dry-run")) return kExitDone;
  if (!terminal.Confirm(hosts->size(), std::string(call.command.name) + " these hosts")) {
    return kExitUsage;
  }
  return AddForEach(call, *client, terminal, *hosts);
}

int RunProtect(const Invocation& call) { return AddOne(call, "protect", call.args.positionals[0]); }

int RunOverrideAdd(const Invocation& call) {
  const std::string& kind = call.args.positionals[0];
  if (!ParseOverrideKind(kind)) {
    static constexpr std::string_view kKinds[] = {"hold",   "protect", "drain", "taint",
                                                  "return", "allow",   "budget"};
    const std::optional<std::string_view> meant = ClosestWord(kind, std::span(kKinds));
    return Report(Terminal(call),
                  Usage("unknown kind: " + Quote(kind) +
                        (meant ? "; did you mean " + std::string(*meant) + "?"
                               : "; it is hold, protect, drain, taint, return, allow or budget")));
  }
  return AddOne(call, kind, call.args.positionals[1]);
}

int RunOverrideEnd(const Invocation& call) {
  const Terminal terminal(call);
  const Result<std::string> reason = RequiredReason(call);
  if (!reason) return Report(terminal, Usage(reason.error().message));
  const Answer<ApiClient> client = ApiClient::Open(call);
  if (!client) return Report(terminal, client.error());
  Json body;
  body.Set("reason", *reason);
  const std::string& id = call.args.positionals[0];
  const Answer<ApiReply> ended =
      client->Send("DELETE", "/api/v1/overrides/" + EncodePercent(id), body);
  if (!ended) return Report(terminal, ended.error());
  terminal.Say("ended: override " + VisibleText(id) + "\n");
  return AcceptedCode(*ended);
}

}  // namespace fleetmedic::cli

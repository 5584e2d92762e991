#include "app/demo/demo_commands.h"

#include <ostream>

#include <fmt/format.h>

#include "app/cli/api_client.h"
#include "app/cli/command.h"
#include "app/cli/exit_codes.h"
#include "app/daemons.h"
#include "app/demo/demo_host.h"
#include "app/demo/demo_play.h"

namespace fleetmedic {

using namespace cli;  // NOLINT(build/namespaces): the handlers are the command line's
namespace {

int Failed(const Invocation& invocation, const Error& error) {
  *invocation.env.err << "fleetmedic demo: " << error.message << "\n";
  return error.code == Code::kNotFound ? kExitNotFound : kExitFailed;
}

int Usage(const Invocation& invocation) {
  *invocation.env.err << "fleetmedic demo: faults | inject FAULT HOST... | heal FAULT HOST... | "
                         "--play\n";
  return kExitUsage;
}

// The folder of a demo host, as its agent tells it in the label demo_root.
Result<DemoHost> FindHost(const ApiClient& api, const std::string& name) {
  const auto reply = api.Get("/api/v1/hosts/" + EncodePercent(name));
  if (!reply) return Fail(Code::kUnavailable, reply.error().message + "\n" + reply.error().hint);
  const Json& facts = reply->json["facts"];
  const std::string* root = facts["labels"]["demo_root"].string();
  if (root == nullptr) root = facts["demo_root"].string();
  if (root == nullptr) {
    return Fail(Code::kRefused, name + " is not a demo host: nothing is broken on a real one");
  }
  return DemoHost(*root);
}

int Change(const Invocation& invocation, bool inject) {
  const std::vector<std::string>& words = invocation.args.positionals;
  if (words.size() < 3) return Usage(invocation);
  const auto api = ApiClient::Open(invocation);
  if (!api) {
    *invocation.env.err << "fleetmedic demo: " << api.error().message << "\n";
    return api.error().exit_code;
  }
  for (size_t i = 2; i < words.size(); ++i) {
    Result<DemoHost> host = FindHost(*api, words[i]);
    if (!host) return Failed(invocation, host.error());
    const WallTime now = invocation.env.clock->Wall();
    const Status done = inject ? host->Inject(words[1], now) : host->Heal(words[1], now);
    if (!done) return Failed(invocation, done.error());
    *invocation.env.err << fmt::format("{} {} {}\n", words[i], inject ? "has" : "is rid of",
                                       words[1]);
  }
  return kExitDone;
}

int ListFaults(const Invocation& invocation) {
  for (const DemoFault& fault : DemoFaults()) {
    *invocation.env.out << fmt::format("{:<14} {}\n", fault.name, fault.help);
  }
  return kExitDone;
}

int PlayStory(const Invocation& invocation) {
  PlayOptions options;
  options.self = SelfPath();
  options.state_dir = invocation.args.Text("state-dir");
  options.hosts = static_cast<int>(invocation.args.Integer("hosts"));
  options.talk = invocation.env.err;
  options.clock = invocation.env.clock;
  if (options.hosts < kDemoPlayHostsMin || options.hosts > 64) {
    *invocation.env.err << "fleetmedic demo: the story needs 9 to 64 hosts\n";
    return kExitUsage;
  }
  const Result<PlayReport> report = PlayDemo(options);
  if (!report) return Failed(invocation, report.error());
  *invocation.env.out << (invocation.args.Text("output") == "json"
                              ? ToJson(*report).DumpPretty() + "\n"
                              : PlayText(*report));
  return report->ok() ? kExitDone : kExitFailed;
}

// What an executor runs as the repair commands of a demo host.
int RepairRoot(const Invocation& invocation) {
  const std::vector<std::string>& words = invocation.args.positionals;
  const WallTime now = invocation.env.clock->Wall();
  Status done;
  if (words[0] == "reboot-root" && words.size() == 2) {
    done = DemoHost(words[1]).Reboot(now);
  } else if (words[0] == "restart-unit-root" && words.size() == 3) {
    done = DemoHost(words[1]).RestartUnit(words[2], now);
  } else {
    return Usage(invocation);
  }
  return done ? kExitDone : Failed(invocation, done.error());
}

}  // namespace

int RunDemo(const Invocation& invocation) {
  if (invocation.args.Has("play")) return PlayStory(invocation);
  const std::vector<std::string>& words = invocation.args.positionals;
  if (words.empty()) return Usage(invocation);
  if (words[0] == "faults") return ListFaults(invocation);
  if (words[0] == "inject") return Change(invocation, true);
  if (words[0] == "heal") return Change(invocation, false);
  return RepairRoot(invocation);
}

}  // namespace fleetmedic

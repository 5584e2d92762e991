#include "app/daemons.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <ostream>

#include <fmt/format.h>

#include "app/assembly.h"
#include "app/cli/command.h"
#include "app/cli/exit_codes.h"
#include "app/cli/input.h"
#include "app/demo/demo_fleet.h"
#include "app/notify_command.h"
#include "app/settings.h"
#include "base/logging.h"
#include "base/process_memory.h"
#include "base/text.h"
#include "config/show.h"
#include "detectors/facts.h"
#include "detectors/gpu/gpu_child.h"
#include "executor/task_shim.h"
#include "stream/rule_check.h"
#include "stream/rule_watch.h"

namespace fleetmedic {

using namespace cli;  // NOLINT(build/namespaces): the handlers are the command line's
namespace {

struct RoleSet {
  bool stream = false;
  bool remediator = false;
  bool scheduler = false;
  bool agent = false;
  bool executor = false;
};

int Failed(const Invocation& invocation, const Error& error) {
  *invocation.env.err << "fleetmedic " << invocation.command.name << ": " << error.message << "\n";
  return error.code == Code::kInvalidArgument ? kExitBadConfig : kExitFailed;
}

// SIGINT and SIGTERM, blocked from the making of this on, in every thread that starts after it.
class EndSignals {
 public:
  EndSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    FLEETMEDIC_CHECK(pthread_sigmask(SIG_BLOCK, &set_, nullptr) == 0);
  }
  // Blocks until one comes, and says which.
  int Wait() const {
    int signal_number = 0;
    while (sigwait(&set_, &signal_number) != 0) {
    }
    return signal_number;
  }

 private:
  sigset_t set_;
};

Result<std::shared_ptr<const RuleSet>> LoadRuleSet(const Invocation& invocation,
                                                   const Config& config,
                                                   std::shared_ptr<RuleWatch>* watch) {
  Diagnostics diagnostics;
  const CandidateCache cache(config.state_dir + "/rules-cache");
  const std::vector<std::string>& paths = config.stream.rules;
  // Before they are read: what changes in between is read again.
  if (!paths.empty()) *watch = std::make_shared<RuleWatch>(paths, cache);
  std::shared_ptr<const RuleSet> rules = paths.empty()
                                             ? CheckRules(ShippedRules(), &diagnostics, &cache)
                                             : CheckRuleFiles(paths, &diagnostics, &cache);
  if (!diagnostics.ok()) *invocation.env.err << diagnostics.Text();
  if (rules == nullptr) return Fail(Code::kInvalidArgument, "the rules have errors; see above");
  return rules;
}

// This machine as a host.
HostSetup ThisHost(const Config& config, const RoleSet& roles) {
  HostSetup setup;
  setup.host = config.host;
  setup.agent = config.agent;
  setup.detectors = config.detectors;
  setup.executor = config.executor;
  setup.senses = roles.agent;
  setup.executes = roles.executor;
  setup.state_dir = config.state_dir + "/host";
  return setup;
}

Result<AssemblyOptions> OptionsFor(const Invocation& invocation, const RoleSet& roles,
                                   const Config& config) {
  AssemblyOptions options;
  options.config = config;
  options.stream = roles.stream;
  options.remediator = roles.remediator;
  options.scheduler = roles.scheduler;
  options.self = SelfPath();
  if (roles.agent || roles.executor) options.hosts.push_back(ThisHost(config, roles));
  if (roles.stream || roles.remediator) {
    FLEETMEDIC_ASSIGN_OR_RETURN(options.rules,
                                LoadRuleSet(invocation, config, &options.rule_watch));
  }
  return options;
}

int RunRoles(const Invocation& invocation, const RoleSet& roles) {
  const EndSignals ends;
  const Result<Config> config = LoadSettings(invocation);
  if (!config) return Failed(invocation, config.error());
  Result<AssemblyOptions> options = OptionsFor(invocation, roles, *config);
  if (!options) return Failed(invocation, options.error());
  Result<std::unique_ptr<Assembly>> assembly = Assembly::Make(*std::move(options));
  if (!assembly) return Failed(invocation, assembly.error());
  if (const Status started = (*assembly)->Start(); !started) {
    return Failed(invocation, started.error());
  }
  LogInfo("started", {{"role", invocation.command.name}});
  if (!(*assembly)->sign_in_url().empty()) {
    *invocation.env.err << "console: " << (*assembly)->sign_in_url() << "\n";
  }
  const int signal_number = ends.Wait();
  LogInfo("stopping", {{"signal", signal_number}});
  (*assembly)->Stop();
  return kExitDone;
}

// The name under which this machine's agent will report.
std::string ThisHostName(const HostConfig& config) {
  const Result<HostFacts> facts = ReadFacts(FsRoot(config.root), config, "");
  return facts ? facts->host.str() : "";
}

int RunDemoFleet(const Invocation& invocation, int hosts) {
  const EndSignals ends;
  Result<Config> config = LoadDemoSettings(invocation);
  if (!config) return Failed(invocation, config.error());
  RoleSet roles{.stream = true, .remediator = true, .scheduler = true, .agent = true};
  roles.executor = invocation.args.Has("act-here");
  if (!roles.executor) config->remediator.watch_only = {ThisHostName(config->host)};
  config->host.pool = "machines";
  Result<AssemblyOptions> options = OptionsFor(invocation, roles, *config);
  if (!options) return Failed(invocation, options.error());
  Result<std::unique_ptr<DemoFleet>> fleet = DemoFleet::Make(*std::move(options), hosts);
  if (!fleet) return Failed(invocation, fleet.error());
  if (const Status started = (*fleet)->Start(); !started) {
    return Failed(invocation, started.error());
  }
  *invocation.env.err << (*fleet)->Welcome() << std::flush;
  (void)ends.Wait();
  *invocation.env.err << "stopping; the demo hosts' tasks are ended too\n" << std::flush;
  (*fleet)->Stop();
  return kExitDone;
}

int PrintDiagnostics(const Invocation& invocation, const Diagnostics& diagnostics) {
  *invocation.env.err << diagnostics.Text();
  return diagnostics.ok() ? kExitDone : kExitBadConfig;
}

}  // namespace

std::string SelfPath() {
  std::array<char, 4096> path{};
  const ssize_t length = readlink("/proc/self/exe", path.data(), path.size());
  return length > 0 ? std::string(path.data(), static_cast<size_t>(length)) : "fleetmedic";
}

int RunUp(const Invocation& invocation) {
  if (invocation.args.Has("demo-hosts")) {
    return RunDemoFleet(invocation, static_cast<int>(invocation.args.Integer("demo-hosts")));
  }
  return RunRoles(invocation, {true, true, true, true, true});
}
int RunAgent(const Invocation& invocation) {
  ShareHeaps();
  return RunRoles(invocation, {.agent = true});
}
int RunStream(const Invocation& invocation) { return RunRoles(invocation, {.stream = true}); }
int RunRemediator(const Invocation& invocation) {
  return RunRoles(invocation, {.remediator = true});
}
int RunScheduler(const Invocation& invocation) { return RunRoles(invocation, {.scheduler = true}); }
int RunExecutor(const Invocation& invocation) { return RunRoles(invocation, {.executor = true}); }

int RunTaskShim(const Invocation& invocation) {
  if (invocation.args.raw.size() != 1) return kExitUsage;
  return TaskShimMain(invocation.args.raw.front());
}

int RunGpuProbe(const Invocation& invocation) {
  const std::vector<std::string>& words = invocation.args.raw;
  if (words.size() == 2 && words.back() == kGpuPingWord) GpuPingMain(words.front());
  if (words.size() != 1) return kExitUsage;
  GpuChildMain(invocation.args.raw.front());
}

int RunRulesCheck(const Invocation& invocation) {
  Diagnostics diagnostics;
  if (invocation.args.positionals.empty()) {
    CheckRules(ShippedRules(), &diagnostics);
  } else {
    CheckRuleFiles(invocation.args.positionals, &diagnostics);
  }
  return PrintDiagnostics(invocation, diagnostics);
}

int RunRulesMatch(const Invocation& invocation) {
  Diagnostics diagnostics;
  const std::string rules_path = invocation.args.Text("rules");
  const std::vector<std::string> paths = {rules_path};
  const std::shared_ptr<const RuleSet> rules = rules_path.empty()
                                                   ? CheckRules(ShippedRules(), &diagnostics)
                                                   : CheckRuleFiles(paths, &diagnostics);
  if (rules == nullptr) return PrintDiagnostics(invocation, diagnostics);
  const std::string& file = invocation.args.positionals.front();
  constexpr size_t kMatchedBytesMax = size_t{256} << 20;
  const Result<std::string> text = ReadInput(invocation, file, kMatchedBytesMax);
  if (!text) return Failed(invocation, text.error());
  std::optional<std::string> source;
  if (invocation.args.Has("source")) source = invocation.args.Text("source");
  const std::vector<LineMatch> matches = MatchLines(rules, *text, source);
  if (invocation.args.Text("output") == "json") {
    Json list(Json::Array{});
    for (const LineMatch& match : matches) list.Append(ToJson(match));
    *invocation.env.out << list.DumpPretty() << "\n";
    return kExitDone;
  }
  for (const LineMatch& match : matches) {
    *invocation.env.out << fmt::format("{}: {} {} {}\n", match.line_number, match.rule,
                                       match.condition, VisibleText(match.message));
  }
  return kExitDone;
}

int RunConfigCheck(const Invocation& invocation) {
  Diagnostics diagnostics;
  const Result<Config> config = ReadConfig(invocation, &diagnostics, nullptr);
  if (config) CheckChannelFiles(config->notify, invocation.args.Text("config"), &diagnostics);
  return PrintDiagnostics(invocation, diagnostics);
}

int RunConfigShow(const Invocation& invocation) {
  Diagnostics diagnostics;
  ConfigOrigins origins;
  const Result<Config> config = ReadConfig(invocation, &diagnostics, &origins);
  if (!config) return PrintDiagnostics(invocation, diagnostics);
  *invocation.env.out << ShowConfig(*config,
                                    invocation.args.Has("origin") ? origins : ConfigOrigins());
  return kExitDone;
}

}  // namespace fleetmedic

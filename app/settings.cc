#include "app/settings.h"

#include <unistd.h>

#include <ostream>

#include <fmt/format.h>

#include "app/demo/demo_host.h"
#include "base/file.h"
#include "base/logging.h"
#include "base/text.h"
#include "detectors/condition_types.h"

namespace fleetmedic {

using namespace cli;  // NOLINT(build/namespaces): the handlers are the command line's
namespace {

constexpr std::string_view kSystemConfig = "/etc/fleetmedic/fleetmedic.toml";

Environment VariablesOf(const Invocation& invocation) {
  Environment environment;
  for (const auto& [name, value] : invocation.env.variables) environment[name] = value;
  return environment;
}

std::string Variable(const Invocation& invocation, std::string_view name) {
  const auto it = invocation.env.variables.find(name);
  return it == invocation.env.variables.end() ? "" : it->second;
}

Status ApplyListen(const std::string& listen, ApiConfig* api) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const HttpAddress address, HttpAddress::Parse(listen));
  if (!address.unix_path.empty()) {
    return Fail(Code::kInvalidArgument, "--listen takes ADDRESS:PORT; the socket is always there");
  }
  api->listen_address = address.host;
  api->port = address.port;
  return {};
}

Status ApplyFlags(const Invocation& invocation, Config* config) {
  const Arguments& args = invocation.args;
  if (args.Has("state-dir")) config->state_dir = args.Text("state-dir");
  if (args.Has("run-dir")) config->run_dir = args.Text("run-dir");
  if (args.Has("listen")) {
    FLEETMEDIC_RETURN_IF_ERROR(ApplyListen(args.Text("listen"), &config->api));
  }
  if (args.Has("mode")) {
    const std::optional<Mode> mode = ParseMode(args.Text("mode"));
    if (!mode || (*mode != Mode::kAuto && *mode != Mode::kShadow)) {
      return Fail(Code::kInvalidArgument, "--mode is auto or shadow");
    }
    config->remediator.mode = *mode;
  }
  if (args.Has("log-level")) config->log_level = args.Text("log-level");
  const std::optional<LogLevel> level = ParseLogLevel(config->log_level);
  if (!level) {
    return Fail(Code::kInvalidArgument,
                "log_level is debug, info, warning or error, not \"" + config->log_level + "\"");
  }
  SetLogLevel(*level);
  return {};
}

// Where somebody without rights keeps a demo's folders.
void UseFoldersOf(const Invocation& invocation, Config* config) {
  if (geteuid() == 0) {
    config->state_dir = "/var/lib/fleetmedic-demo";
    return;
  }
  const std::string home = Variable(invocation, "HOME");
  const std::string state = Variable(invocation, "XDG_STATE_HOME");
  const std::string run = Variable(invocation, "XDG_RUNTIME_DIR");
  config->state_dir = (state.empty() ? home + "/.local/state" : state) + "/fleetmedic-demo";
  config->run_dir = run.empty() ? config->state_dir + "/run" : run + "/fleetmedic";
}

// What the config's own folder cannot know: which types the detectors have.
Status CheckTypes(const Config& config, const std::string& path, Diagnostics* diagnostics) {
  const size_t before = diagnostics->errors();
  for (const CheckConfig& check : config.detectors.checks.list) {
    const ConditionType* const taken = FindConditionType(check.type);
    if (taken == nullptr) continue;
    diagnostics->Error({path, 0, 0}, 1,
                       fmt::format("checks.type: {} of the check {} is a condition of the {} "
                                   "detector; a check needs a type of its own",
                                   check.type, Quote(check.name), taken->detector));
  }
  if (diagnostics->errors() == before) return {};
  return Fail(Code::kInvalidArgument, "the config " + Quote(path) + " has checks of taken types");
}

}  // namespace

Result<Config> ReadConfig(const Invocation& invocation, Diagnostics* diagnostics,
                          ConfigOrigins* origins) {
  std::string path = invocation.args.Text("config");
  if (path.empty() && FsRoot("/").Exists(kSystemConfig)) path = kSystemConfig;
  Result<Config> config = LoadConfig(path, VariablesOf(invocation), diagnostics, origins);
  if (config) FLEETMEDIC_RETURN_IF_ERROR(CheckTypes(*config, path, diagnostics));
  return config;
}

namespace {

// The config that is named, with what is wrong with it on stderr.
Result<Config> ReadAndTell(const Invocation& invocation) {
  Diagnostics diagnostics;
  Result<Config> config = ReadConfig(invocation, &diagnostics, nullptr);
  if (diagnostics.errors() + diagnostics.warnings() > 0) {
    *invocation.env.err << diagnostics.Text();
  }
  return config;
}

}  // namespace

Result<Config> LoadSettings(const Invocation& invocation) {
  Result<Config> config = ReadAndTell(invocation);
  if (!config) return config;
  FLEETMEDIC_RETURN_IF_ERROR(ApplyFlags(invocation, &*config));
  return config;
}

Result<Config> LoadDemoSettings(const Invocation& invocation) {
  Config config;
  UseFoldersOf(invocation, &config);
  config.remediator = DemoRemediatorConfig();
  config.log_level = "warning";
  config.scheduler.executor_silent_after = Seconds(15);
  // A look around on a machine sends nothing to anybody outside it.
  config.detectors.imds.interval = Millis(0);
  config.detectors.dns.interval = Millis(0);
  // Of a config that is named, a demo takes whom to tell and nothing else.
  if (invocation.args.Has("config")) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const Config named, ReadAndTell(invocation));
    config.notify = named.notify;
  }
  FLEETMEDIC_RETURN_IF_ERROR(ApplyFlags(invocation, &config));
  return config;
}

}  // namespace fleetmedic

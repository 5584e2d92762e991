#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <iostream>
#include <string_view>
#include <vector>

#include "app/audit_verify.h"
#include "app/backup_commands.h"
#include "app/cli/cli.h"
#include "app/daemons.h"
#include "app/demo/demo_commands.h"
#include "app/notify_command.h"
#include "app/rules_backtest.h"
#include "app/rules_from_template.h"
#include "app/rules_import.h"
#include "app/simulate_command.h"
#include "app/version.h"

namespace fleetmedic {

using namespace cli;  // NOLINT(build/namespaces): the handlers are the command line's
namespace {

HttpCancel* g_cancel = nullptr;

// SIGINT ends a client's wait; the daemons take it, and SIGTERM, from sigwait instead.
void OnInterrupt(int) {
  if (g_cancel != nullptr) g_cancel->Cancel();
}

RoleHandlers Handlers() {
  RoleHandlers handlers;
  handlers.up = RunUp;
  handlers.demo = RunDemo;
  handlers.agent = RunAgent;
  handlers.stream = RunStream;
  handlers.remediator = RunRemediator;
  handlers.scheduler = RunScheduler;
  handlers.executor = RunExecutor;
  handlers.task_shim = RunTaskShim;
  handlers.gpu_probe = RunGpuProbe;
  handlers.rules_check = RunRulesCheck;
  handlers.rules_match = RunRulesMatch;
  handlers.rules_import = RunRulesImport;
  handlers.rules_backtest = RunRulesBacktest;
  handlers.rules_from_template = RunRulesFromTemplate;
  handlers.audit_verify = RunAuditVerify;
  handlers.backup = RunBackup;
  handlers.restore = RunRestore;
  handlers.config_check = RunConfigCheck;
  handlers.config_show = RunConfigShow;
  handlers.notify_test = RunNotifyTest;
  handlers.simulate = RunSimulate;
  return handlers;
}

int Main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  HttpCancel cancel;
  g_cancel = &cancel;
  // Without SA_RESTART: a wait for a pipe or for an answer ends as well.
  struct sigaction on_interrupt {};
  on_interrupt.sa_handler = OnInterrupt;
  sigaction(SIGINT, &on_interrupt, nullptr);

  const SystemClock clock;
  CliEnvironment env;
  env.in = &std::cin;
  env.out = &std::cout;
  env.err = &std::cerr;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    env.variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  env.clock = &clock;
  env.cancel = &cancel;
  env.in_is_terminal = isatty(STDIN_FILENO) == 1;
  env.out_is_terminal = isatty(STDOUT_FILENO) == 1;
  env.err_is_terminal = isatty(STDERR_FILENO) == 1;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) env.columns = size.ws_col;
  env.version = kVersion;
  env.roles = Handlers();
  const std::vector<std::string_view> args(argv + 1, argv + argc);
  const int exit_code = RunCli(args, env);
  g_cancel = nullptr;
  return exit_code;
}

}  // namespace
}  // namespace fleetmedic

int main(int argc, char** argv) { return fleetmedic::Main(argc, argv); }

// The command line: everything between main's argv and the server. One process runs one command.
#ifndef FLEETMEDIC_APP_CLI_CLI_H_
#define FLEETMEDIC_APP_CLI_CLI_H_

#include <iosfwd>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/http_client.h"

namespace fleetmedic::cli {

struct Invocation;

// Does one command and returns its exit code. Never throws.
using Handler = int (*)(const Invocation&);

// The commands that are the program itself and not a client of it: main supplies them, so that
// this library needs no role. One that is null answers "this build has no ...", exit code 1.
//
// A handler reads its flags and arguments from the Invocation, whose values were checked against
// the command table; it writes data to env.out and everything else to env.err, and returns one of
// the codes of exit_codes.h.
struct RoleHandlers {
  Handler up = nullptr;
  Handler demo = nullptr;
  Handler agent = nullptr;
  Handler stream = nullptr;
  Handler remediator = nullptr;
  Handler scheduler = nullptr;
  Handler executor = nullptr;
  // Its arguments are handed over as they are, in Arguments::raw.
  Handler task_shim = nullptr;
  // As that one.
  Handler gpu_probe = nullptr;
  Handler rules_check = nullptr;
  Handler rules_match = nullptr;
  Handler rules_import = nullptr;
  Handler rules_backtest = nullptr;
  Handler rules_from_template = nullptr;
  Handler audit_verify = nullptr;
  Handler backup = nullptr;
  Handler restore = nullptr;
  Handler config_check = nullptr;
  Handler notify_test = nullptr;
  Handler simulate = nullptr;
  Handler config_show = nullptr;
};

// All that a command can reach. Nothing is owned; everything must outlive RunCli.
struct CliEnvironment {
  std::istream* in = nullptr;
  std::ostream* out = nullptr;  // data
  std::ostream* err = nullptr;  // talk: progress, questions, errors
  // The process's environment variables, read by main.
  std::map<std::string, std::string, std::less<>> variables;
  const Clock* clock = nullptr;
  // Ends calls and watches: main's SIGINT handler calls Cancel. May be null.
  const HttpCancel* cancel = nullptr;
  bool in_is_terminal = false;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  // Asked where no server is named and the control socket is not there.
  HttpAddress default_server = HttpAddress::Loopback(7480);
  int columns = 0;  // of the terminal; 0: unknown, lines are not cut
  std::string version = "unknown";
  RoleHandlers roles;
};

// Runs `args`, the command line without the program's name, and returns the process's exit code.
// Never throws. One thread.
//
// Variables that are read: FLEETMEDIC_SERVER, FLEETMEDIC_TOKEN_FILE, FLEETMEDIC_RUN_DIR,
// FLEETMEDIC_STATE_DIR, NO_COLOR, TERM. A flag wins over a variable.
int RunCli(std::span<const std::string_view> args, const CliEnvironment& env);

}  // namespace fleetmedic::cli

#endif  // FLEETMEDIC_APP_CLI_CLI_H_

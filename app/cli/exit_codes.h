// What the process's exit code says. Stable: scripts decide by them.
#ifndef FLEETMEDIC_APP_CLI_EXIT_CODES_H_
#define FLEETMEDIC_APP_CLI_EXIT_CODES_H_

#include <span>
#include <string_view>

namespace fleetmedic::cli {

enum ExitCode : int {
  kExitDone = 0,
  kExitFailed = 1,
  kExitUsage = 2,
  kExitNotFound = 3,
  kExitNotAllowed = 4,
  kExitConflict = 5,
  kExitRefused = 6,
  kExitWaitsForApproval = 7,
  kExitTimedOut = 8,
  kExitPartlyDone = 9,
  kExitAttention = 10,
  kExitUnreachable = 69,  // EX_UNAVAILABLE of sysexits.h
  kExitBadConfig = 78,    // EX_CONFIG
  kExitDetached = 130,    // 128 + SIGINT
};

struct ExitCodeHelp {
  ExitCode code;
  std::string_view text;
};

// All of them, in order, for help and manual.
std::span<const ExitCodeHelp> ExitCodes();

}  // namespace fleetmedic::cli

#endif  // FLEETMEDIC_APP_CLI_EXIT_CODES_H_

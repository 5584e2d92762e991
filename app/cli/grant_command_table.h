// Rows of the table in commands.cc: grants that other automation asks for.
#ifndef FLEETMEDIC_APP_CLI_GRANT_COMMAND_TABLE_H_
#define FLEETMEDIC_APP_CLI_GRANT_COMMAND_TABLE_H_

#include <array>

#include "app/cli/command_flags.h"
#include "app/cli/handlers.h"

namespace fleetmedic::cli {

inline constexpr Flag kAct = {"act",  0,  FlagType::kText,
                              "WORD", "", "what will be done to the host: reboot; required"};
inline constexpr Flag kLease = {"lease",    0,     FlagType::kDuration,
                                "DURATION", "15m", "how long, unless it is renewed; 10s to 24h"};
inline constexpr Flag kWait = {"wait",     0,  FlagType::kDuration,
                               "DURATION", "", "while it is refused, ask again for so long"};

inline constexpr std::array kOneGrant = {
    Positional{"GRANT", true, false, Completion::kNothing, "as `get grants` prints it"}};
inline constexpr std::array kGrantRunWords = {
    Positional{"HOST", true, false, Completion::kHost, "the host that will be disrupted"},
    Positional{"ARGV", true, true, Completion::kNothing, "after --: what to run"}};

inline constexpr std::array kGrantTakeFlags = {kAct, kReason, kLease, kWait, kObjectFormat};
inline constexpr std::array kGrantRenewFlags = {kLease, kObjectFormat};
inline constexpr std::array kGrantReleaseFlags = {kReasonOptional};
inline constexpr std::array kGrantRunFlags = {kAct, kReason, kLease, kWait};

inline constexpr std::array kGrantTakeExamples = {
    Example{"id=$(fleetmedic grant take web-3 --act reboot --reason 'kernel update' --wait 1h)",
            "in a script"}};
inline constexpr std::array kGrantRunExamples = {
    Example{"fleetmedic grant run web-3 --act reboot --reason 'kernel update' -- ./reboot-and-wait "
            "web-3",
            "asks, runs it, renews meanwhile, releases"}};

inline constexpr std::array kGrantExits = {kExitNotFound, kExitNotAllowed, kExitConflict,
                                           kExitRefused,  kExitTimedOut,   kExitUnreachable};
inline constexpr std::array kGrantRunExits = {kExitNotFound, kExitNotAllowed,  kExitConflict,
                                              kExitRefused,  kExitUnreachable, kExitDetached};

inline constexpr std::string_view kGrantTakeDetails =
    "Reboot daemons, deploys and scripts ask the same budget before they disrupt a host, so that\n"
    "all disruption together stays within the limits. Prints the grant's name. Exit code 6 names\n"
    "the limit, hold or brake that refused. A lease that is over ends by itself where the host is\n"
    "back in service; where it is not, the grant goes on counting and a person is called.";
inline constexpr std::string_view kGrantRunDetails =
    "The command's exit code is this one's. After 0 the grant is released; after anything else it\n"
    "is left to its lease, for the host may not be well.";

inline constexpr Command kGrantTake = {
    "grant take",       Group::kChange,  "Ask the budget before you disrupt a host",
    kGrantTakeDetails,  kGrantTakeFlags, kOneHost,
    kGrantTakeExamples, kGrantExits,     RunGrantTake};
inline constexpr Command kGrantRenew = {"grant renew",
                                        Group::kChange,
                                        "Begin a grant's lease anew",
                                        "",
                                        kGrantRenewFlags,
                                        kOneGrant,
                                        {},
                                        kGrantExits,
                                        RunGrantRenew};
inline constexpr Command kGrantRelease = {"grant release",
                                          Group::kChange,
                                          "Give a grant back: the host is in service again",
                                          "",
                                          kGrantReleaseFlags,
                                          kOneGrant,
                                          {},
                                          kGrantExits,
                                          RunGrantRelease};
inline constexpr Command kGrantRun = {
    "grant run",       Group::kChange, "Run a command that disrupts a host, under a grant",
    kGrantRunDetails,  kGrantRunFlags, kGrantRunWords,
    kGrantRunExamples, kGrantRunExits, RunGrantRun};

}  // namespace fleetmedic::cli

#endif  // FLEETMEDIC_APP_CLI_GRANT_COMMAND_TABLE_H_

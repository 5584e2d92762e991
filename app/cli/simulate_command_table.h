// A row of the table in commands.cc: what is tried on a fleet that is not there.
#ifndef FLEETMEDIC_APP_CLI_SIMULATE_COMMAND_TABLE_H_
#define FLEETMEDIC_APP_CLI_SIMULATE_COMMAND_TABLE_H_

#include <array>

#include "app/cli/command_flags.h"

namespace fleetmedic::cli {

inline constexpr std::array kSimulateFlags = {
    Flag{"hosts", 0, FlagType::kInteger, "N", "", "in place of the scenario's fleet.hosts"},
    Flag{"seeds", 0, FlagType::kText, "A..B", "1", "one run for each; N is one"},
    Flag{"config", 'c', FlagType::kFile, "FILE", "",
         "policy, limits and brake of this config in place of the scenario's; acts, whatever its "
         "mode"},
    Flag{"output", 'o', FlagType::kWord, "FORMAT", "table", "table, json or markdown",
         "table json markdown"}};
inline constexpr std::array kScenarios = {
    Positional{"SCENARIO", true, true, Completion::kFile, "a TOML file: docs/simulation.md"}};
inline constexpr std::array kSimulateExamples = {
    Example{"fleetmedic simulate mine.toml --config /etc/fleetmedic/fleetmedic.toml --seeds 1..20",
            "your policy, twenty times"},
    Example{"fleetmedic simulate mine.toml --hosts 5000 -o json", "for a script"}};
inline constexpr std::array kSimulateExits = {kExitFailed, kExitBadConfig};
inline constexpr Command kSimulate = {
    "simulate",
    Group::kCheck,
    "Try a policy on a simulated fleet",
    "Runs the real remediator and scheduler over a fleet, faults and people that SCENARIO\n"
    "describes, all on one thread and simulated time; nothing outside is touched. The safety\n"
    "invariants are checked at every event. The same seed is the same run. Exit code 1 where an\n"
    "invariant broke or something of [expect] was not seen: the seed, the end of the trace and\n"
    "the command that replays it follow the table. Ctrl-C prints what there is so far.",
    kSimulateFlags,
    kScenarios,
    kSimulateExamples,
    kSimulateExits,
    nullptr,
    &RoleHandlers::simulate};

}  // namespace fleetmedic::cli

#endif  // FLEETMEDIC_APP_CLI_SIMULATE_COMMAND_TABLE_H_

// The command table: the one place that says which commands, flags, arguments and exit codes there
// are.
#ifndef FLEETMEDIC_APP_CLI_COMMANDS_H_
#define FLEETMEDIC_APP_CLI_COMMANDS_H_

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "app/cli/command.h"

namespace fleetmedic::cli {

// In the order of help: by group, the most wanted first.
std::span<const Command> Commands();

// Flags that every command takes.
std::span<const Flag> CommonFlags();

std::string_view GroupTitle(Group group);

// The command of exactly this name; null where there is none.
const Command* FindCommand(std::string_view name);

// Whether commands of two words begin with this one: "get".
bool IsCommandPrefix(std::string_view word);

// "fleetmedic drain HOST... [flags]".
std::string Synopsis(const Command& command);

}  // namespace fleetmedic::cli

#endif  // FLEETMEDIC_APP_CLI_COMMANDS_H_

// What `patterns top` needs beside other lists.
#ifndef FLEETMEDIC_APP_CLI_PATTERN_COMMANDS_H_
#define FLEETMEDIC_APP_CLI_PATTERN_COMMANDS_H_

#include <string>

#include "app/cli/api_client.h"
#include "app/cli/terminal.h"

namespace fleetmedic::cli {

constexpr Seconds kPatternsAgainAfter{5};

// What it asks the server for.
std::string PatternListTarget(const Invocation& call);

// The list again every kPatternsAgainAfter, until cancelled (130) or --timeout (8). A server that
// is away for a while is waited for. The first list was printed already.
int RunPatternWatch(const Invocation& call, const ApiClient& client, const Terminal& terminal);

}  // namespace fleetmedic::cli

#endif  // FLEETMEDIC_APP_CLI_PATTERN_COMMANDS_H_

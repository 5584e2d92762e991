// Completion scripts made from the command table. Hosts are asked of the fleet while one types;
// when it does not answer at once, nothing is offered. Pure.
#ifndef FLEETMEDIC_APP_CLI_COMPLETION_H_
#define FLEETMEDIC_APP_CLI_COMPLETION_H_

#include <string>

namespace fleetmedic::cli {

std::string BashCompletion();
// bash's script under zsh's own emulation of bash's completion, so that one script is kept right.
std::string ZshCompletion();

}  // namespace fleetmedic::cli

#endif  // FLEETMEDIC_APP_CLI_COMPLETION_H_

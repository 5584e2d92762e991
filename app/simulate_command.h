// fleetmedic simulate.
#ifndef FLEETMEDIC_APP_SIMULATE_COMMAND_H_
#define FLEETMEDIC_APP_SIMULATE_COMMAND_H_

#include "app/cli/command.h"

namespace fleetmedic {

int RunSimulate(const cli::Invocation& invocation);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_APP_SIMULATE_COMMAND_H_

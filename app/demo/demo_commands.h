// fleetmedic demo: faults for the demo fleet, and the story that plays by itself.
#ifndef FLEETMEDIC_APP_DEMO_DEMO_COMMANDS_H_
#define FLEETMEDIC_APP_DEMO_DEMO_COMMANDS_H_

#include "app/cli/cli.h"

namespace fleetmedic {

// demo faults | inject FAULT HOST... | heal FAULT HOST... | --play
int RunDemo(const cli::Invocation& invocation);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_APP_DEMO_DEMO_COMMANDS_H_

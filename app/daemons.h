// The commands that are the program itself: `up` and the five roles.
#ifndef FLEETMEDIC_APP_DAEMONS_H_
#define FLEETMEDIC_APP_DAEMONS_H_

#include "app/cli/cli.h"

namespace fleetmedic {

int RunUp(const Invocation& invocation);
int RunAgent(const Invocation& invocation);
int RunStream(const Invocation& invocation);
int RunRemediator(const Invocation& invocation);
int RunScheduler(const Invocation& invocation);
int RunExecutor(const Invocation& invocation);
int RunTaskShim(const Invocation& invocation);

int RunRulesCheck(const Invocation& invocation);
int RunRulesMatch(const Invocation& invocation);
int RunConfigCheck(const Invocation& invocation);
int RunConfigShow(const Invocation& invocation);

// The absolute path of this program.
std::string SelfPath();

}  // namespace fleetmedic

#endif  // FLEETMEDIC_APP_DAEMONS_H_

// The commands that are the program itself: `up` and the five roles.
#ifndef FLEETMEDIC_APP_DAEMONS_H_
#define FLEETMEDIC_APP_DAEMONS_H_

#include "app/cli/cli.h"

namespace fleetmedic {

int RunUp(const cli::Invocation& invocation);
int RunAgent(const cli::Invocation& invocation);
int RunStream(const cli::Invocation& invocation);
int RunRemediator(const cli::Invocation& invocation);
int RunScheduler(const cli::Invocation& invocation);
int RunExecutor(const cli::Invocation& invocation);
int RunTaskShim(const cli::Invocation& invocation);
int RunGpuProbe(const cli::Invocation& invocation);

int RunRulesCheck(const cli::Invocation& invocation);
int RunRulesMatch(const cli::Invocation& invocation);
int RunConfigCheck(const cli::Invocation& invocation);
int RunConfigShow(const cli::Invocation& invocation);

// The absolute path of this program.
std::string SelfPath();

}  // namespace fleetmedic

#endif  // FLEETMEDIC_APP_DAEMONS_H_

// fleetmedic rules import.
#ifndef FLEETMEDIC_APP_RULES_IMPORT_H_
#define FLEETMEDIC_APP_RULES_IMPORT_H_

#include "app/cli/command.h"

namespace fleetmedic {

int RunRulesImport(const cli::Invocation& invocation);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_APP_RULES_IMPORT_H_

// fleetmedic rules from-template.
#ifndef FLEETMEDIC_APP_RULES_FROM_TEMPLATE_H_
#define FLEETMEDIC_APP_RULES_FROM_TEMPLATE_H_

#include "app/cli/command.h"

namespace fleetmedic {

int RunRulesFromTemplate(const cli::Invocation& invocation);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_APP_RULES_FROM_TEMPLATE_H_

// fleetmedic rules backtest.
#ifndef FLEETMEDIC_APP_RULES_BACKTEST_H_
#define FLEETMEDIC_APP_RULES_BACKTEST_H_

#include "app/cli/command.h"

namespace fleetmedic {

int RunRulesBacktest(const cli::Invocation& invocation);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_APP_RULES_BACKTEST_H_

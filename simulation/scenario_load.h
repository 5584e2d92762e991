// Text to a scenario: each value checked, all mistakes told at once with file, line and column.
#ifndef FLEETMEDIC_SIMULATION_SCENARIO_LOAD_H_
#define FLEETMEDIC_SIMULATION_SCENARIO_LOAD_H_

#include <string>
#include <string_view>

#include "config/diagnostics.h"
#include "simulation/scenario.h"

namespace fleetmedic::sim {

// An unknown key is an error: what is asked for and not understood would be a check that passes.
// With errors the answer is kInvalidArgument and `diagnostics` has them all.
Result<Scenario> ParseScenario(std::string_view text, const std::string& file,
                               Diagnostics* diagnostics);
Result<Scenario> LoadScenario(const std::string& file, Diagnostics* diagnostics);

}  // namespace fleetmedic::sim

#endif  // FLEETMEDIC_SIMULATION_SCENARIO_LOAD_H_

// The table of every key of a scenario: what the loader is driven by, and docs/simulation.md is
// checked against.
#ifndef FLEETMEDIC_SIMULATION_SCENARIO_KEYS_H_
#define FLEETMEDIC_SIMULATION_SCENARIO_KEYS_H_

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "config/keys.h"
#include "simulation/scenario.h"

namespace fleetmedic::sim {

// Each has the path of its table as its section: "faults", "fleet.pools".
std::span<const ConfigKeyOf<Scenario>> RunKeys();
std::span<const ConfigKeyOf<FleetOptions>> FleetKeys();
std::span<const ConfigKeyOf<PoolShape>> PoolKeys();
std::span<const ConfigKeyOf<FactShape>> FactKeys();
std::span<const ConfigKeyOf<JobShape>> JobKeys();
std::span<const ConfigKeyOf<FaultSpec>> FaultKeys();
std::span<const ConfigKeyOf<PersonSpec>> PersonKeys();
std::span<const ConfigKeyOf<Selector>> SelectorKeys();
std::span<const ConfigKeyOf<Expectation>> ExpectationKeys();

std::string_view FaultKindName(FaultKind kind);
std::optional<FaultKind> ParseFaultKind(std::string_view word);
std::vector<std::string_view> FaultKindWords();
std::string_view ActKindName(ActKind kind);
std::optional<ActKind> ParseActKind(std::string_view word);
std::vector<std::string_view> ActKindWords();

struct ScenarioKeyHelp {
  std::string_view section;
  std::string_view key;
  std::string_view help;
};
// All of them, in the order of the tables.
std::vector<ScenarioKeyHelp> ScenarioKeys();

}  // namespace fleetmedic::sim

#endif  // FLEETMEDIC_SIMULATION_SCENARIO_KEYS_H_

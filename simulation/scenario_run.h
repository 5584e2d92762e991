// Plays one scenario from one seed, and says what of it was not seen.
#ifndef FLEETMEDIC_SIMULATION_SCENARIO_RUN_H_
#define FLEETMEDIC_SIMULATION_SCENARIO_RUN_H_

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "simulation/scenario.h"
#include "simulation/world.h"

namespace fleetmedic::sim {

// What one run came to.
struct RunResult {
  uint64_t seed = 0;
  int hosts = 0;
  Micros simulated{0};
  // The invariant that broke; empty where none did.
  std::string broken;
  // Expectations that did not hold, each with its figure.
  std::vector<std::string> missed;
  std::string trace_tail;  // only where something did not hold
  uint64_t trace_hash = 0;
  uint64_t events = 0;
  FigureCounts counts;
  int out_max = 0;
  std::set<size_t> acted_on;
  std::optional<Micros> brake_after;
  std::vector<Micros> to_taint;
  std::vector<Micros> to_give_back;

  bool ok() const { return broken.empty() && missed.empty(); }
};

class ScenarioRun {
 public:
  // The scenario is not owned. `progress` is called now and then with the share that is done; a
  // false answer ends the run. May be empty.
  using Progress = std::function<bool(double share)>;
  ScenarioRun(const Scenario& scenario, uint64_t seed);

  // False: `progress` ended it, and the result is worth nothing.
  bool Run(const Progress& progress);
  RunResult TakeResult();

 private:
  void Plan(Millis at, Millis every, Millis until, std::function<void()> act);
  std::vector<size_t> Select(const Selector& on);
  void Begin(const FaultSpec& spec);
  void BeginOnHost(const FaultSpec& spec, uint64_t cause, size_t host);
  void EndOnHost(const FaultSpec& spec, uint64_t cause, size_t host);
  void BeginOnHosts(const FaultSpec& spec);
  void BeginOnControl(const FaultSpec& spec);
  void EndOnControl(const FaultSpec& spec);
  void Sicken(const FaultSpec& spec, uint64_t cause);
  void Act(const PersonSpec& spec);
  void Override(OverrideKind kind, const Scope& scope, Millis lasts);

  const Scenario& scenario_;
  const uint64_t seed_;
  World world_;
  // On its own: who is drawn does not hang on what the control plane did before.
  Random draw_;
  uint64_t causes_ = 0;
};

// One run, and what it came to; nothing where `progress` ended it.
std::optional<RunResult> PlayScenario(const Scenario& scenario, uint64_t seed,
                                      const ScenarioRun::Progress& progress = {});

// The options of the world that a scenario asks for.
WorldOptions WorldOf(const Scenario& scenario);

// expect.cc: what of the scenario's [expect] the run did not show.
std::vector<std::string> Missed(const Expectation& expect, const World& world);

}  // namespace fleetmedic::sim

#endif  // FLEETMEDIC_SIMULATION_SCENARIO_RUN_H_

// A run whose fleet, faults and people are all drawn from one seed: what the tests do thousands of.
#ifndef FLEETMEDIC_SIMULATION_RANDOM_RUN_H_
#define FLEETMEDIC_SIMULATION_RANDOM_RUN_H_

#include <string>

#include "simulation/world.h"

namespace fleetmedic::sim {

struct RandomRunOptions {
  WorldOptions world;
  Micros lasts = Minutes(20);        // faults and people, then quiet
  Micros settles_within = Hours(4);  // after which everything must be well
  double break_per_minute = 0.5;
  double mass_break_chance = 0.3;  // once in the run, a third of the fleet at once
  double crash_per_minute = 0.1;
  double person_per_minute = 0.3;
  // The remediator's store is put back then, to what it was so long before; 0: never.
  Micros restore_at{0};
  Micros restore_age{0};
  bool restore_marked = false;
};

RandomRunOptions RandomOptions(uint64_t seed);

class RandomRun {
 public:
  RandomRun(uint64_t seed, RandomRunOptions options)
      : options_(std::move(options)), world_(seed, options_.world) {}

  // Runs all of it. The first broken invariant ends the run and is in `failure`.
  void Run();

  World& world() { return world_; }
  const std::string& failure() const { return world_.failure(); }
  // What a failure prints.
  std::string TraceTail() { return world_.loop().TraceTail(); }

 private:
  void Schedule();
  void Chaos();
  void BreakOne();
  void PersonActs();
  void EndChaos();

  const RandomRunOptions options_;
  World world_;
  bool chaos_ = true;
};

}  // namespace fleetmedic::sim

#endif  // FLEETMEDIC_SIMULATION_RANDOM_RUN_H_

// Replays one simulated run by its seed: sim_replay SEED
#include <cstdio>
#include <cstdlib>

#include "base/logging.h"
#include "simulation/world.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: sim_replay SEED\n");
    return 2;
  }
  fleetmedic::SetLogLevel(fleetmedic::LogLevel::kError);
  const uint64_t seed = std::strtoull(argv[1], nullptr, 10);
  fleetmedic::sim::World world(seed, fleetmedic::sim::RandomOptions(seed));
  world.Run();
  std::printf("%s\nseed %llu: %llu events, %d grants, trace %016llx\n", world.TraceTail().c_str(),
              static_cast<unsigned long long>(seed),
              static_cast<unsigned long long>(world.events_run()), world.grants_given(),
              static_cast<unsigned long long>(world.trace_hash()));
  if (world.failure().empty()) return 0;
  std::printf("FAILED %s\n", world.failure().c_str());
  return 1;
}

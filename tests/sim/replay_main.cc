// Replays one simulated run by its seed: sim_replay SEED
#include <cstdio>
#include <cstdlib>

#include "base/logging.h"
#include "simulation/random_run.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: sim_replay SEED\n");
    return 2;
  }
  fleetmedic::SetLogLevel(fleetmedic::LogLevel::kError);
  const uint64_t seed = std::strtoull(argv[1], nullptr, 10);
  fleetmedic::sim::RandomRun run(seed, fleetmedic::sim::RandomOptions(seed));
  run.Run();
  std::printf("%s\nseed %llu: %llu events, %lld grants, trace %016llx\n", run.TraceTail().c_str(),
              static_cast<unsigned long long>(seed),
              static_cast<unsigned long long>(run.world().loop().events_run()),
              static_cast<long long>(run.world().figures().counts().grants),
              static_cast<unsigned long long>(run.world().loop().trace_hash()));
  if (run.failure().empty()) return 0;
  std::printf("FAILED %s\n", run.failure().c_str());
  return 1;
}

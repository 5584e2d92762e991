#include <gtest/gtest.h>

#include "base/logging.h"
#include "simulation/random_run.h"

namespace fleetmedic::sim {
namespace {

// Set by the build: fewer under a sanitizer.
constexpr uint64_t kSeeds = FLEETMEDIC_SIM_SEEDS;
constexpr uint64_t kSeedsPerTest = 10;

class Seeds : public ::testing::TestWithParam<uint64_t> {
 protected:
  void SetUp() override { SetLogLevel(LogLevel::kError); }
};

TEST_P(Seeds, KeepEveryInvariantAndEndWell) {
  int64_t grants = 0;
  size_t evidence = 0;
  for (uint64_t seed = GetParam(); seed < GetParam() + kSeedsPerTest; ++seed) {
    RandomRun run(seed, RandomOptions(seed));
    run.Run();
    grants += run.world().figures().counts().grants;
    evidence += run.world().fleet().evidence().size();
    ASSERT_EQ(run.failure(), "") << run.TraceTail() << "replay: build/release/tests/sim_replay "
                                 << seed;
  }
  // A run in which nothing was ever decided shows nothing.
  EXPECT_GT(grants, 0);
  EXPECT_GT(evidence, 0u);
}

INSTANTIATE_TEST_SUITE_P(From, Seeds, ::testing::Range(uint64_t{1}, kSeeds + 1, kSeedsPerTest),
                         ::testing::PrintToStringParamName());

TEST(Simulation, TheSameSeedGivesTheSameTrace) {
  SetLogLevel(LogLevel::kError);
  for (const uint64_t seed : {uint64_t{7}, uint64_t{42}}) {
    RandomRun first(seed, RandomOptions(seed));
    RandomRun second(seed, RandomOptions(seed));
    first.Run();
    second.Run();
    EXPECT_EQ(first.world().loop().trace_hash(), second.world().loop().trace_hash()) << seed;
    EXPECT_GT(first.world().loop().events_run(), 1000u);
  }
}

}  // namespace
}  // namespace fleetmedic::sim

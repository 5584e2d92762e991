#include <gtest/gtest.h>

#include "base/logging.h"
#include "simulation/world.h"

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
  int grants = 0;
  size_t evidence = 0;
  for (uint64_t seed = GetParam(); seed < GetParam() + kSeedsPerTest; ++seed) {
    World world(seed, RandomOptions(seed));
    world.Run();
    grants += world.grants_given();
    evidence += world.evidence_came();
    ASSERT_EQ(world.failure(), "")
        << world.TraceTail() << "replay: build/release/tests/sim_replay " << seed;
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
    World first(seed, RandomOptions(seed));
    World second(seed, RandomOptions(seed));
    first.Run();
    second.Run();
    EXPECT_EQ(first.trace_hash(), second.trace_hash()) << seed;
    EXPECT_GT(first.events_run(), 1000u);
  }
}

}  // namespace
}  // namespace fleetmedic::sim

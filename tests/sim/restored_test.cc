// Scenario 12: the store restored from a backup.
#include <gtest/gtest.h>

#include "base/logging.h"
#include "simulation/random_run.h"

namespace fleetmedic::sim {
namespace {

constexpr uint64_t kSeeds = FLEETMEDIC_SIM_SEEDS / 5;
// Enough that some of them had something out when the store was put back.
constexpr uint64_t kSeedsPerTest = 10;

// Marked by `fleetmedic restore`, or put back behind everybody's back.
class Restored : public ::testing::TestWithParam<std::tuple<bool, uint64_t>> {};

TEST_P(Restored, NothingIsActedOnBeforeAPersonAcceptsAndThenAllIsTrueAgain) {
  SetLogLevel(LogLevel::kError);
  const auto [marked, first] = GetParam();
  size_t behind = 0;
  for (uint64_t seed = first; seed < first + kSeedsPerTest; ++seed) {
    RandomRunOptions options = RandomOptions(seed);
    options.break_per_minute = 1;
    options.restore_at = Minutes(14);
    options.restore_age = Minutes(2 + static_cast<int>(seed % 10));
    options.restore_marked = marked;
    RandomRun run(seed, options);
    run.Run();
    ASSERT_EQ(run.failure(), "") << run.TraceTail() << "seed " << seed;
    behind += run.world().hosts_behind();
    if (marked || run.world().hosts_behind() > 0) {
      ASSERT_TRUE(run.world().true_again_after()) << "never accepted, seed " << seed;
      EXPECT_LE(*run.world().true_again_after(), Minutes(5)) << seed;
    }
  }
  EXPECT_GT(behind, 0u) << "no run had anything to reconcile";
}

INSTANTIATE_TEST_SUITE_P(
    From, Restored,
    ::testing::Combine(::testing::Bool(), ::testing::Range(uint64_t{1}, kSeeds + 1, kSeedsPerTest)),
    [](const auto& run) {
      return std::string(std::get<0>(run.param) ? "Marked" : "Silent") +
             std::to_string(std::get<1>(run.param));
    });

}  // namespace
}  // namespace fleetmedic::sim

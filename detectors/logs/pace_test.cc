#include "detectors/logs/pace.h"

#include <gtest/gtest.h>

#include "base/clock.h"

namespace fleetmedic {
namespace {

constexpr Millis kRest{200};

TEST(PaceTest, ReadsTheFirstLinesAfterAQuietTimeInARow) {
  SimulatedClock clock;
  Pace pace(kRest);
  for (int i = 0; i < Pace::kBurst; ++i) {
    EXPECT_LE(pace.due(), clock.Mono()) << i;
    pace.Read(1, clock.Mono());
    clock.Advance(Millis(1));
  }
  EXPECT_GT(pace.due(), clock.Mono()) << "busy";
  EXPECT_LE(pace.due(), clock.Mono() + kRest);
  clock.Advance(Pace::kBurst * kRest);
  EXPECT_LE(pace.due(), clock.Mono());
}

TEST(PaceTest, ABusySourceIsReadOnceInARest) {
  SimulatedClock clock;
  Pace pace(kRest);
  int reads = 0;
  for (int millis = 0; millis < 10'000; ++millis) {
    if (pace.due() <= clock.Mono()) {
      pace.Read(200, clock.Mono());
      ++reads;
    }
    clock.Advance(Millis(1));
  }
  EXPECT_GE(reads, 50);
  EXPECT_LE(reads, 50 + Pace::kBurst);
}

TEST(PaceTest, ALoneLineNowAndThenNeverWaits) {
  SimulatedClock clock;
  Pace pace(kRest);
  for (int i = 0; i < 100; ++i) {
    EXPECT_LE(pace.due(), clock.Mono()) << i;
    pace.Read(1, clock.Mono());
    clock.Advance(kRest);
  }
}

TEST(PaceTest, ReadsThatFindNothingCostNothing) {
  SimulatedClock clock;
  Pace pace(kRest);
  for (int i = 0; i < 100; ++i) pace.Read(0, clock.Mono());
  EXPECT_LE(pace.due(), clock.Mono());
}

TEST(PaceTest, AStormIsReadSoonerAndTheRestIsNeverLongerThanItsLimit) {
  SimulatedClock clock;
  Pace pace(kRest);
  for (int i = 0; i < 1000; ++i) pace.Read(4 * Pace::kLinesPerRest, clock.Mono());
  EXPECT_EQ(pace.due(), clock.Mono() + kRest / 4);
  for (int i = 0; i < 1000; ++i) pace.Read(1, clock.Mono());
  EXPECT_EQ(pace.due(), clock.Mono() + kRest);
}

}  // namespace
}  // namespace fleetmedic

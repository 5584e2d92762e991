#include "stream/baseline.h"

#include <limits>

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

constexpr int kDay = 24 * 60;

TEST(Baseline, LearnsMeanAndDispersion) {
  Baseline baseline;
  // 2 and 6 by turns: mean 4, variance 4, Poisson. 0 and 8: mean 4, variance 16, 1/k = 0.75.
  for (int i = 0; i < 40 * kDay; ++i) baseline.Observe(i % 2 == 0 ? 2 : 6, 1000);
  EXPECT_NEAR(baseline.Expect(1000, 1).mean, 4, 0.01);
  EXPECT_NEAR(baseline.Expect(1000, 1).dispersion, 0, 0.001);
  for (int i = 0; i < 40 * kDay; ++i) baseline.Observe(i % 2 == 0 ? 0 : 8, 1000);
  EXPECT_NEAR(baseline.Expect(1000, 1).mean, 4, 0.01);
  EXPECT_NEAR(baseline.Expect(1000, 1).dispersion, 0.75, 0.08) << "and how sure that is";
}

TEST(Baseline, HalvesWhatItKnewInTwoDays) {
  Baseline baseline;
  for (int i = 0; i < 40 * kDay; ++i) baseline.Observe(100, 1000);
  for (int i = 0; i < 2 * kDay + 60; ++i) baseline.Observe(0, 1000);
  EXPECT_NEAR(baseline.Expect(1000, 1).mean, 50, 0.1);
}

TEST(Baseline, AFleetThatDoublesIsExpectedToSeeTwiceAsMuch) {
  Baseline baseline;
  for (int i = 0; i < 40 * kDay; ++i) baseline.Observe(i % 2 == 0 ? 0 : 8, 1000);
  const Expectation before = baseline.Expect(1000, 1);
  const Expectation after = baseline.Expect(2000, 1);
  EXPECT_NEAR(after.mean / before.mean, 2, 1e-3);
  EXPECT_NEAR(after.dispersion, before.dispersion, 1e-3) << "thinning keeps 1/k";
}

TEST(Baseline, AWindowOfAnHourHoldsSixtyTimesAsMuchAndKnowsNoMore) {
  Baseline minute;
  Baseline hour;
  for (int i = 0; i < kDay; ++i) {
    minute.Observe(i % 120 == 0 ? 1 : 0, 1000);
    hour.Observe(i % 120 < 60 ? 1 : 0, 1000);
  }
  EXPECT_NEAR(hour.Expect(1000, 60).mean / minute.Expect(1000, 1).mean, 60, 1);
  // Twelve hosts were seen, however many windows hold them.
  EXPECT_GT(hour.Expect(1000, 60).dispersion, 1 / 12.6);
}

TEST(Baseline, TwoPatternsThatAreOneAreExpectedTogether) {
  Baseline one;
  Baseline other;
  Baseline both;
  // Half an hour into a block of the lag, so that all that is held back counts, too.
  for (int i = 0; i < 10 * kDay + 90; ++i) {
    one.Observe(3, 1000);
    other.Observe(2, 1000);
    both.Observe(5, 1000);
  }
  one.Take(other);
  EXPECT_NEAR(one.state().weight, both.state().weight, 1e-6);
  EXPECT_NEAR(one.state().rate, both.state().rate, 1e-9);
  EXPECT_NEAR(one.state().pairs, both.state().pairs, 1e-9);
  for (int i = 0; i < 300; ++i) {
    one.Observe(5, 1000);
    both.Observe(5, 1000);
  }
  EXPECT_NEAR(one.state().rate, both.state().rate, 1e-9);
  EXPECT_NEAR(one.state().pairs, both.state().pairs, 1e-9);
}

TEST(Baseline, WhatIsKnownForShorterCountsAsLong) {
  Baseline old;
  old.ObserveNone(20 * kDay);
  Baseline young;
  for (int i = 0; i < 600; ++i) young.Observe(4, 1000);
  old.Take(young);
  EXPECT_NEAR(old.Expect(1000, 1).mean, 4, 0.1);
  Baseline nothing;
  nothing.Take(Baseline());
  EXPECT_FALSE(nothing.known());
}

TEST(Baseline, ASilentPatternHasAFloorThatFallsWithTheDays) {
  Baseline baseline;
  EXPECT_FALSE(baseline.known());
  baseline.ObserveNone(119);
  EXPECT_FALSE(baseline.known()) << "the last hour is not learnt yet";
  baseline.ObserveNone(1);
  EXPECT_NEAR(baseline.Expect(1000, 1).mean, 0.5 / 60, 0.001);
  baseline.ObserveNone(30 * kDay);
  EXPECT_NEAR(baseline.Expect(1000, 60).mean, 0.0072, 0.0001);
  // Five hosts in an hour are then too many for any number of patterns that is allowed.
  EXPECT_LT(CountTail(baseline.Expect(1000, 60), 5), 0.1 / (3 * 60'000 * 1440.0));
}

TEST(Baseline, WhatWasWatchedForMinutesIsExpectedToVary) {
  Baseline baseline;
  for (int i = 0; i < 120; ++i) baseline.Observe(300, 1000);
  const Expectation expected = baseline.Expect(1000, 1);
  EXPECT_NEAR(expected.mean, 300, 0.1);
  EXPECT_GT(expected.dispersion, 3) << "what the hours do to it is not known yet";
  for (int i = 0; i < 30 * kDay; ++i) baseline.Observe(300, 1000);
  EXPECT_LT(baseline.Expect(1000, 1).dispersion, 0.001) << "it never varied";
}

TEST(Baseline, SilentMinutesTogetherAreTheSameAsOneByOne) {
  for (const int silent : {1, 59, 60, 61, 120, 179, 180, 181, 240, 777, 5000}) {
    Baseline together;
    Baseline one_by_one;
    for (int i = 0; i < 100; ++i) {
      together.Observe(5, 1000);
      one_by_one.Observe(5, 1000);
    }
    together.ObserveNone(silent);
    for (int i = 0; i < silent; ++i) one_by_one.ObserveNone(1);
    EXPECT_NEAR(together.state().weight, one_by_one.state().weight, 1e-6) << silent;
    EXPECT_NEAR(together.state().rate, one_by_one.state().rate, 1e-12) << silent;
    EXPECT_NEAR(together.state().pairs, one_by_one.state().pairs, 1e-12) << silent;
  }
}

TEST(Baseline, LearnsAnHourLaterAndNotWhatWasDropped) {
  Baseline baseline;
  baseline.ObserveNone(3 * kDay);
  const Expectation before = baseline.Expect(1000, 1);
  for (int i = 0; i < 60; ++i) baseline.Observe(4, 1000);
  EXPECT_NEAR(baseline.Expect(1000, 1).mean, before.mean, 1e-5);
  Baseline dropped = baseline;
  dropped.Drop();
  for (Baseline* each : {&baseline, &dropped}) each->ObserveNone(120);
  EXPECT_GT(baseline.Expect(1000, 1).mean, 0.05);
  EXPECT_NEAR(dropped.Expect(1000, 1).mean, before.mean, 1e-5);
}

TEST(Baseline, AStateThatCannotBeIsTakenForNone) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const BaselineState& state :
       {BaselineState{nan, 0, 0}, BaselineState{-1, 0, 0},
        BaselineState{1, std::numeric_limits<double>::infinity(), 0}, BaselineState{1, 0, -3}}) {
    EXPECT_FALSE(Baseline(state).known());
  }
  EXPECT_LE(Baseline(BaselineState{1e9, 1, 0}).state().weight, 4186);
}

}  // namespace
}  // namespace fleetmedic

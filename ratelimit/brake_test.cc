#include "ratelimit/brake.h"

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

constexpr WallTime kNow = WallFromMillis(1'800'000'000'000);
const BrakeLimits kLimits;

BrakeSample Fleet(int hosts) {
  BrakeSample sample;
  sample.hosts = hosts;
  return sample;
}

TEST(Brake, TripsAboveItsLimitAndNotAtIt) {
  struct Case {
    int hosts;
    int disrupted;
    bool tripped;
  };
  for (const Case& c : std::vector<Case>{
           {13, 3, false}, {13, 4, true}, {0, 0, false}, {7000, 140, false}, {7000, 141, true}}) {
    BrakeSample sample = Fleet(c.hosts);
    sample.disrupted = c.disrupted;
    EXPECT_EQ(StepBrake(kLimits, sample, {}, kNow).tripped(), c.tripped)
        << c.disrupted << " of " << c.hosts;
  }
}

TEST(Brake, NamesEachCause) {
  BrakeSample sample = Fleet(100);
  sample.silent = 11;
  sample.rule_hosts["kernel.oops"] = 5;
  sample.log_lag = Seconds(61);
  const BrakeState state = StepBrake(kLimits, sample, {}, kNow);
  ASSERT_EQ(state.causes.size(), 3u);
  EXPECT_EQ(state.causes[0].cause, "rule:kernel.oops");
  EXPECT_EQ(state.causes[0].detail,
            "rule kernel.oops names 5 of 100 hosts within 10m; the limit is 3");
  EXPECT_EQ(state.causes[1].cause, "silent");
  EXPECT_EQ(state.causes[2].cause, "log_lag");
  EXPECT_EQ(state.causes[2].since, kNow);
}

TEST(Brake, StaysWhenItsCauseIsGone) {
  BrakeSample sample = Fleet(100);
  sample.disrupted = 10;
  const BrakeState tripped = StepBrake(kLimits, sample, {}, kNow);
  sample.disrupted = 0;
  EXPECT_TRUE(StepBrake(kLimits, sample, tripped, kNow + Hours(1)).tripped());
}

TEST(Brake, AfterAReleaseTripsOnlyWhenItGetsWorse) {
  BrakeSample sample = Fleet(100);
  sample.disrupted = 10;
  BrakeState state = ReleaseBrake(StepBrake(kLimits, sample, {}, kNow));
  EXPECT_FALSE(state.tripped());
  EXPECT_FALSE(StepBrake(kLimits, sample, state, kNow).tripped());
  sample.disrupted = 11;
  EXPECT_TRUE(StepBrake(kLimits, sample, state, kNow).tripped());
}

TEST(Brake, AReleaseIsForgottenWhenTheLevelFalls) {
  BrakeSample sample = Fleet(100);
  sample.disrupted = 10;
  BrakeState state = ReleaseBrake(StepBrake(kLimits, sample, {}, kNow));
  sample.disrupted = 5;
  state = StepBrake(kLimits, sample, state, kNow);
  EXPECT_FALSE(state.tripped());
  sample.disrupted = 8;
  EXPECT_TRUE(StepBrake(kLimits, sample, state, kNow).tripped());
}

TEST(Brake, AReleaseOfOneCauseDoesNotCoverAnother) {
  BrakeSample sample = Fleet(100);
  sample.disrupted = 10;
  BrakeState state = ReleaseBrake(StepBrake(kLimits, sample, {}, kNow));
  sample.rule_hosts["docker.panic"] = 4;
  EXPECT_TRUE(StepBrake(kLimits, sample, state, kNow).tripped());
}

TEST(Brake, IsReadBackAsItWasWritten) {
  BrakeSample sample = Fleet(100);
  sample.disrupted = 10;
  BrakeState state = StepBrake(kLimits, sample, {}, kNow);
  state.acknowledged["silent"] = 12;
  EXPECT_EQ(BrakeStateFromJson(ToJson(state)), state);
}

}  // namespace
}  // namespace fleetmedic

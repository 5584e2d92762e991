#include "ratelimit/ramp.h"

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

constexpr WallTime kNow = WallFromMillis(1'800'000'000'000);

TEST(Ramp, AReleaseLeavesAQuarterOfTheBudget) {
  struct Case {
    int full;
    int allowed;
  };
  for (const Case& c : std::vector<Case>{{0, 0}, {1, 0}, {2, 1}, {4, 1}, {8, 2}, {70, 17}}) {
    const Ramp ramp = AfterRelease({}, c.full, "ana", kNow);
    EXPECT_EQ(ramp.allowed, c.allowed) << c.full;
    EXPECT_EQ(ramp.on(), c.allowed > 0) << c.full;
  }
  EXPECT_EQ(AfterRelease({}, 70, "ana", kNow).why, "ana");
  const Ramp slower = AfterRelease({.allowed = 3}, 70, "ben", kNow);
  EXPECT_EQ(slower.allowed, 3) << "a release never makes it faster";
}

TEST(Ramp, ASetbackHalvesWhatIsAllowedAndNeverStopsAll) {
  Ramp ramp;
  std::vector<int> allowed;
  for (int i = 0; i < 8; ++i) {
    ramp = AfterSetback(ramp, 70, "web-3 relapsed", kNow);
    allowed.push_back(ramp.allowed);
  }
  EXPECT_EQ(allowed, (std::vector<int>{35, 17, 8, 4, 2, 1, 1, 1}));
}

TEST(Ramp, EachRecoveryGivesOneMoreUntilTheLimitsAloneCount) {
  Ramp ramp = AfterRelease({}, 8, "ana", kNow);
  for (const int allowed : {3, 4, 5, 6, 7}) {
    ramp = AfterRecovery(ramp, 8, kNow);
    EXPECT_EQ(ramp.allowed, allowed);
    EXPECT_EQ(ramp.why, "ana");
  }
  EXPECT_FALSE(AfterRecovery(ramp, 8, kNow).on());
  EXPECT_FALSE(AfterRecovery({}, 8, kNow).on());
}

TEST(Ramp, QuietTimeGrowsItSlowly) {
  const Ramp ramp = AfterRelease({}, 70, "ana", kNow);
  EXPECT_EQ(AfterQuiet(ramp, 70, kNow + Ramp::kGrowEvery - Millis(1)), ramp);
  const Ramp grown = AfterQuiet(ramp, 70, kNow + Ramp::kGrowEvery);
  EXPECT_EQ(grown.allowed, 18);
  EXPECT_EQ(AfterQuiet(grown, 70, kNow + Ramp::kGrowEvery + Seconds(1)), grown);
  EXPECT_EQ(AfterQuiet(ramp, 70, kNow - Hours(1)), ramp) << "a clock that went back";
}

TEST(Ramp, AFleetThatShrankEndsIt) {
  const Ramp ramp = AfterRelease({}, 70, "ana", kNow);
  EXPECT_FALSE(AfterQuiet(ramp, 17, kNow + Ramp::kGrowEvery).on());
  EXPECT_EQ(AfterSetback(ramp, 10, "x", kNow).allowed, 5);
}

TEST(Ramp, TheFullBudgetIsTheStrictestConcurrentLimitOfTheFleet) {
  Census census;
  HostFacts facts;
  facts.pool = "web";
  for (int i = 0; i < 300; ++i) census.Add(facts, true);
  EXPECT_EQ(FullBudget({}, census), 300);
  const std::vector<Limit> limits = {{.name = "a", .share = 0.1, .at_least = 1},
                                     {.name = "b", .share = 0.05, .at_least = 1},
                                     {.name = "w", .kind = LimitKind::kWindow, .at_least = 1},
                                     {.name = "p", .scope = LimitScope::kPool, .at_least = 2}};
  EXPECT_EQ(FullBudget(limits, census), 15);
  EXPECT_EQ(FullBudget(std::vector<Limit>{{.name = "never"}}, census), 0);
}

TEST(Ramp, IsALimitThatTheBudgetCounts) {
  EXPECT_FALSE(LimitOf(Ramp()).has_value());
  const Ramp ramp = AfterRelease({}, 8, "ana", kNow);
  const std::vector<Limit> limits = {LimitOf(ramp).value()};
  Census census;
  HostFacts facts;
  facts.host = HostId("c");
  facts.pool = "web";
  for (int i = 0; i < 800; ++i) census.Add(facts, true);
  std::vector<Grant> grants(2);
  grants[0].host = HostId("a");
  EXPECT_FALSE(Decide(limits, grants, census, facts, true, kNow).granted);
  grants[1].released_at = kNow;
  EXPECT_TRUE(Decide(limits, grants, census, facts, true, kNow).granted);
}

TEST(Ramp, IsReadBackAsItWasWritten) {
  const Ramp ramp = AfterRelease({}, 70, "ana: \"go\"", kNow);
  EXPECT_EQ(RampFromJson(ToJson(ramp)), ramp);
  EXPECT_FALSE(RampFromJson(Json(Json::Object{})));
}

}  // namespace
}  // namespace fleetmedic

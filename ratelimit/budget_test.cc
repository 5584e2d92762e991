#include "ratelimit/budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

using ::testing::HasSubstr;

constexpr WallTime kNow = WallFromMillis(1'800'000'000'000);

HostFacts Host(const std::string& name, const std::string& pool = "web",
               const std::string& rack = "r1") {
  HostFacts facts;
  facts.host = HostId(name);
  facts.pool = pool;
  facts.rack = rack;
  return facts;
}

Census FleetOf(int hosts, int available) {
  Census census;
  for (int i = 0; i < hosts; ++i) census.Add(Host("h" + std::to_string(i)), i < available);
  return census;
}

Grant GrantOf(const std::string& host, WallTime granted_at, WallTime released_at = kWallNever) {
  Grant grant;
  grant.id = GrantId("g-" + host);
  grant.host = HostId(host);
  grant.cell = "default";
  grant.pool = "web";
  grant.rack = "r1";
  grant.granted_at = granted_at;
  grant.released_at = released_at;
  return grant;
}

Limit Concurrent(double share, int at_least) {
  return {.name = "c",
          .scope = LimitScope::kFleet,
          .kind = LimitKind::kConcurrent,
          .share = share,
          .at_least = at_least};
}

Limit Window(int at_least, Millis window) {
  return {.name = "w",
          .scope = LimitScope::kFleet,
          .kind = LimitKind::kWindow,
          .share = 0,
          .at_least = at_least,
          .window = window};
}

TEST(Budget, AFleetOfTwelveMayHaveOneHostDisruptedAtATime) {
  const std::vector<Limit> limits = ShippedLimits();
  const Census census = FleetOf(12, 11);
  EXPECT_TRUE(Decide(limits, {}, census, Host("h11"), false, kNow).granted);
  const std::vector<Grant> one = {GrantOf("h1", kNow - Hours(1))};
  const Answer answer = Decide(limits, one, census, Host("h11"), false, kNow);
  EXPECT_FALSE(answer.granted);
  EXPECT_EQ(answer.limit, "fleet_concurrent: 1 of 1 at once");
}

TEST(Budget, SharesAreFlooredAndExactOnes) {
  for (const auto& [hosts, max] : std::vector<std::pair<int, int>>{
           {99, 0}, {100, 1}, {199, 1}, {300, 3}, {700, 7}, {7000, 70}}) {
    const std::vector<Limit> limits = {Concurrent(0.01, 0)};
    const Census census = FleetOf(hosts, hosts);
    EXPECT_EQ(Uses(limits, {}, census, kNow).front().max, max) << hosts;
  }
}

TEST(Budget, ZeroMeansNever) {
  const std::vector<Limit> concurrent = {Concurrent(0, 0)};
  const std::vector<Limit> window = {Window(0, Minutes(10))};
  EXPECT_FALSE(Decide(concurrent, {}, FleetOf(100, 100), Host("h1"), true, kNow).granted);
  EXPECT_FALSE(Decide(window, {}, FleetOf(100, 100), Host("h1"), true, kNow).granted);
}

TEST(Budget, AWindowForgetsAGrantExactlyOneWindowLater) {
  const std::vector<Limit> limits = {Window(1, Minutes(10))};
  const std::vector<Grant> grants = {GrantOf("h1", kNow, kNow + Seconds(1))};
  const Census census = FleetOf(5, 5);
  const auto at = [&](Micros after) {
    return Decide(limits, grants, census, Host("h2"), true, kNow + after);
  };
  EXPECT_FALSE(at(Micros(0)).granted);
  EXPECT_FALSE(at(Minutes(10) - Micros(1)).granted);
  EXPECT_TRUE(at(Minutes(10)).granted);
  EXPECT_EQ(at(Minutes(3)).retry_at, kNow + Minutes(10));
}

TEST(Budget, RetryTimeIsWhenEnoughGrantsHaveLeftTheWindow) {
  const std::vector<Limit> limits = {Window(2, Minutes(10))};
  const std::vector<Grant> grants = {GrantOf("h1", kNow - Minutes(9), kNow),
                                     GrantOf("h2", kNow - Minutes(5), kNow),
                                     GrantOf("h3", kNow - Minutes(1), kNow)};
  const Answer answer = Decide(limits, grants, FleetOf(9, 9), Host("h4"), true, kNow);
  EXPECT_EQ(answer.retry_at, kNow + Minutes(5));
}

TEST(Budget, AClockThatWentBackFreesNothing) {
  const std::vector<Limit> limits = {Window(1, Minutes(10))};
  const std::vector<Grant> grants = {GrantOf("h1", kNow + Hours(24), kNow + Hours(25))};
  EXPECT_FALSE(Decide(limits, grants, FleetOf(5, 5), Host("h2"), true, kNow).granted);
}

TEST(Budget, AFloorKeepsTheLastHostsOfAPool) {
  const std::vector<Limit> limits = {{.name = "floor",
                                      .scope = LimitScope::kPool,
                                      .kind = LimitKind::kFloor,
                                      .share = 0.5,
                                      .at_least = 1}};
  struct Case {
    int hosts;
    int available;
    bool host_is_available;
    bool granted;
  };
  for (const Case& c : std::vector<Case>{{1, 1, true, false},
                                         {1, 0, false, false},
                                         {2, 2, true, true},
                                         {2, 1, false, true},
                                         {3, 3, true, true},
                                         {3, 2, true, false},
                                         {12, 6, false, true},
                                         {12, 6, true, false},
                                         {12, 5, false, false}}) {
    const Answer answer =
        Decide(limits, {}, FleetOf(c.hosts, c.available), Host("h0"), c.host_is_available, kNow);
    EXPECT_EQ(answer.granted, c.granted) << c.hosts << " hosts, " << c.available << " available";
  }
}

TEST(Budget, ALimitForOnePoolDoesNotBindAnother) {
  std::vector<Limit> limits = {Concurrent(0, 0)};
  limits[0].scope = LimitScope::kPool;
  limits[0].only = "db";
  Census census = FleetOf(4, 4);
  census.Add(Host("d1", "db"), true);
  EXPECT_TRUE(Decide(limits, {}, census, Host("h1"), true, kNow).granted);
  EXPECT_THAT(Decide(limits, {}, census, Host("d1", "db"), true, kNow).limit, HasSubstr("pool:db"));
}

TEST(Budget, AHostWithoutARackIsBoundByEverythingElse) {
  std::vector<Limit> limits = {Concurrent(0, 1), Concurrent(0, 0)};
  limits[1].scope = LimitScope::kRack;
  Census census;
  census.Add(Host("h1", "web", ""), true);
  EXPECT_TRUE(Decide(limits, {}, census, Host("h1", "web", ""), true, kNow).granted);
}

TEST(Budget, TellsOfOneHostTheLimitsThatCountForIt) {
  std::vector<Limit> limits = {Concurrent(0, 2), Concurrent(0, 1), Concurrent(0, 1)};
  limits[0].scope = LimitScope::kPool;
  limits[1].scope = LimitScope::kRack;
  limits[2].only = "another";
  limits[2].scope = LimitScope::kPool;
  Census census;
  census.Add(Host("h1", "web", ""), true);
  census.Add(Host("d1", "db"), true);
  const std::vector<Grant> grants = {GrantOf("h2", kNow)};
  const std::vector<LimitUse> uses = UsesFor(limits, grants, census, Host("h1", "web", ""), kNow);
  ASSERT_EQ(uses.size(), 1U);
  EXPECT_EQ(uses[0].scope, "pool:web");
  EXPECT_EQ(uses[0].used, 1);
  EXPECT_EQ(uses[0].max, 2);
}

TEST(Budget, AHostNeverHoldsTwoGrants) {
  const std::vector<Limit> limits = {Concurrent(0, 10)};
  const std::vector<Grant> grants = {GrantOf("h1", kNow)};
  EXPECT_EQ(Decide(limits, grants, FleetOf(5, 5), Host("h1"), true, kNow).limit,
            "the host holds grant g-h1");
}

TEST(Budget, AHostThatNobodyCountedIsRefused) {
  const std::vector<Limit> limits = {Concurrent(0, 10)};
  EXPECT_FALSE(Decide(limits, {}, Census(), Host("h1"), true, kNow).granted);
}

}  // namespace
}  // namespace fleetmedic

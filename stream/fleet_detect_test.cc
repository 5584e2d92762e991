#include "stream/fleet_detect.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/random.h"

namespace fleetmedic {
namespace {

constexpr int64_t kStart = 29'454'000;  // minutes since the epoch
constexpr int kDay = 24 * 60;
using Before = FleetDetect::Before;

// 2,000 hosts in racks of 20, every hundredth with kernel 2.
class Fleet {
 public:
  static constexpr uint32_t kHosts = 2000;
  static constexpr uint32_t kRackHosts = 20;

  explicit Fleet(FleetDetectOptions options = {}) : detect(options, kStart) {
    for (uint32_t host = 0; host < kHosts; ++host) {
      racks.push_back(1 + host / kRackHosts);
      kernels.push_back(host % 100 == 0 ? 2 : 1);
    }
  }

  FleetFacts Facts() const {
    return {.hosts_end = kHosts,
            .hosts_reporting = reporting,
            .reporting = reporting == kHosts ? std::span<const uint64_t>() : bits,
            .rack = {"rack", racks, 1 + kHosts / kRackHosts},
            .cohorts = {{"kernel", kernels, 3}}};
  }
  PatternIndex Rule(std::string_view id, Before before = Before::kUnknown) {
    return *detect.Intern(id, PatternKind::kRule, before);
  }
  void Hit(PatternIndex pattern, uint32_t host) { detect.Hit(pattern, host, detect.present()); }
  // `count` hosts, each of another rack.
  void HitSpread(PatternIndex pattern, uint32_t count, uint32_t from = 0) {
    for (uint32_t i = 0; i < count; ++i) {
      Hit(pattern, ((from + i) * kRackHosts + i / 100) % kHosts);
    }
  }
  std::vector<FleetEvent> Judge() {
    std::vector<FleetEvent> events;
    detect.Judge(Facts(), &events);
    return events;
  }
  std::vector<FleetEvent> EndOfMinute() {
    std::vector<FleetEvent> events;
    detect.EndOfMinute(detect.present(), Facts(), &events);
    return events;
  }
  // Quiet minutes; what they told.
  std::vector<FleetEvent> Quiet(int minutes) {
    std::vector<FleetEvent> all;
    for (int i = 0; i < minutes; ++i) {
      for (FleetEvent& event : EndOfMinute()) all.push_back(std::move(event));
    }
    return all;
  }

  // Those with the lowest numbers, a multiple of 64.
  void SetReporting(uint32_t hosts) {
    reporting = hosts;
    bits.assign(hosts / 64, ~uint64_t{0});
  }

  FleetDetect detect;
  std::vector<uint64_t> bits;
  std::vector<uint32_t> racks;
  std::vector<uint32_t> kernels;
  uint32_t reporting = kHosts;
};

TEST(FleetDetect, FlagsFiveHostsOfAPatternThatWasSilentForDays) {
  Fleet fleet;
  const PatternIndex rule = fleet.Rule("k.r");
  EXPECT_TRUE(fleet.Quiet(3 * kDay).empty());
  fleet.HitSpread(rule, 4);
  EXPECT_TRUE(fleet.Judge().empty());
  fleet.HitSpread(rule, 1, 50);
  const std::vector<FleetEvent> events = fleet.Judge();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].change, FleetChange::kOpened);
  EXPECT_EQ(events[0].reach, FleetReach::kFleet);
  EXPECT_EQ(events[0].hosts, 5u);
  EXPECT_EQ(events[0].threshold, 5u);
  EXPECT_EQ(events[0].window, 0u) << "of the minute it is the least likely";
  EXPECT_LT(events[0].probability, 1e-8);
  EXPECT_EQ(events[0].affected, (std::vector<uint32_t>{0, 20, 40, 60, 1000}));
  fleet.HitSpread(rule, 30);
  EXPECT_TRUE(fleet.Judge().empty()) << "it is told once";
}

TEST(FleetDetect, AFleetThatJustBeganToBeWatchedFlagsNothing) {
  Fleet fleet;
  Random random(1);
  const PatternIndex chatty = fleet.Rule("chatty");
  const PatternIndex rare = fleet.Rule("rare");
  fleet.HitSpread(chatty, 90);
  EXPECT_TRUE(fleet.Judge().empty());
  for (int minute = 0; minute < kDay; ++minute) {
    for (int i = 0; i < 40; ++i) fleet.Hit(chatty, static_cast<uint32_t>(random.Below(2000)));
    if (random.Chance(0.2)) fleet.Hit(rare, static_cast<uint32_t>(random.Below(2000)));
    ASSERT_TRUE(fleet.EndOfMinute().empty()) << minute;
  }
}

TEST(FleetDetect, FlagsASlowOutbreakThoughItsBeginningWasInTheWindowBefore) {
  Fleet fleet;
  const PatternIndex rule = fleet.Rule("k.r");
  fleet.Quiet(3 * kDay);
  std::vector<FleetEvent> events;
  for (uint32_t host = 0; host < 5; ++host) {
    EXPECT_TRUE(events.empty());
    fleet.HitSpread(rule, 1, host);
    events = fleet.Quiet(14);
  }
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(kWindowMinutes[events[0].window], 60);
}

TEST(FleetDetect, ATemplateThatNobodySawBeforeIsSilentAndARuleThatWasAddedIsNot) {
  Fleet fleet;
  fleet.Quiet(3 * kDay);
  const PatternIndex fresh = *fleet.detect.Intern("t1", PatternKind::kTemplate, Before::kSilent);
  const PatternIndex rule = fleet.Rule("added");
  fleet.HitSpread(fresh, 6);
  fleet.HitSpread(rule, 6);
  const std::vector<FleetEvent> events = fleet.Judge();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].pattern, fresh);
}

TEST(FleetDetect, OneRackIsARackIssueAndSpreadsIntoAFleetIssue) {
  Fleet fleet;
  const PatternIndex rule = fleet.Rule("k.r");
  fleet.Quiet(3 * kDay);
  for (uint32_t host = 100; host < 112; ++host) fleet.Hit(rule, host);
  fleet.Hit(rule, 1500);  // one that is hit anyway does not make a rack a fleet
  std::vector<FleetEvent> events = fleet.Judge();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].change, FleetChange::kOpened);
  EXPECT_EQ(events[0].reach, FleetReach::kRack);
  EXPECT_EQ(events[0].cohort.value, fleet.racks[100]);
  EXPECT_EQ(events[0].hosts, 13u);
  EXPECT_EQ(events[0].affected.size(), 12u);
  fleet.HitSpread(rule, 6, 30);
  events = fleet.Judge();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].change, FleetChange::kWidened);
  EXPECT_EQ(events[0].reach, FleetReach::kFleet);
  EXPECT_EQ(events[0].affected.size(), 19u);
}

TEST(FleetDetect, NoRackIsBlamedForHostsThatLieHereAndThere) {
  Fleet fleet;
  const PatternIndex rule = fleet.Rule("k.r");
  Random random(4);
  for (int minute = 0; minute < 5 * kDay; ++minute) {
    if (random.Chance(0.02)) fleet.Hit(rule, static_cast<uint32_t>(random.Below(2000)));
    ASSERT_TRUE(fleet.EndOfMinute().empty()) << minute;
  }
  std::vector<FleetEvent> events;
  for (uint32_t i = 0; i < 30 && events.empty(); ++i) {
    fleet.HitSpread(rule, 1, i * 3);
    events = fleet.EndOfMinute();
  }
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].reach, FleetReach::kFleet);
}

TEST(FleetDetect, WhereHostsTellNoRackItIsNotAskedFor) {
  Fleet fleet;
  std::ranges::fill(fleet.racks, 0U);
  const PatternIndex rule = fleet.Rule("k.r");
  fleet.Quiet(3 * kDay);
  fleet.HitSpread(rule, 5);
  std::vector<FleetEvent> events = fleet.Judge();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].reach, FleetReach::kFleet);
}

TEST(FleetDetect, HostsWithoutARackAreOneRackWhereTheOthersTell) {
  Fleet fleet;
  for (uint32_t host = 0; host < 400; ++host) fleet.racks[host] = 0;
  const PatternIndex rule = fleet.Rule("k.r");
  fleet.Quiet(3 * kDay);
  fleet.HitSpread(rule, 8);
  const std::vector<FleetEvent> events = fleet.Judge();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].reach, FleetReach::kRack);
  EXPECT_EQ(events[0].cohort.value, 0u);
}

TEST(FleetDetect, ClosesWhenEveryWindowWasCalmAndCanOpenAgain) {
  Fleet fleet;
  const PatternIndex rule = fleet.Rule("k.r");
  fleet.Quiet(3 * kDay);
  fleet.HitSpread(rule, 30);
  ASSERT_EQ(fleet.Judge().size(), 1u);
  // The hour's window holds them for 60 minutes, then ten must pass.
  EXPECT_TRUE(fleet.Quiet(69).empty());
  const std::vector<FleetEvent> events = fleet.Quiet(1);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].change, FleetChange::kClosed);
  EXPECT_EQ(events[0].reach, FleetReach::kFleet);
  fleet.HitSpread(rule, 30);
  EXPECT_EQ(fleet.Judge().size(), 1u) << "the baseline did not learn from the issue";
}

TEST(FleetDetect, AnIssueThatGoesOnStaysOpenAndBecomesTheUsualAfterAWeek) {
  Fleet fleet;
  const PatternIndex rule = fleet.Rule("k.r");
  fleet.Quiet(3 * kDay);
  Random random(3);
  std::vector<FleetEvent> events;
  int minutes = 0;
  while (minutes < 30 * kDay && (events.empty() || events.back().change != FleetChange::kClosed)) {
    for (int i = 0; i < 8; ++i) fleet.Hit(rule, static_cast<uint32_t>(random.Below(2000)));
    for (FleetEvent& event : fleet.EndOfMinute()) events.push_back(std::move(event));
    ++minutes;
  }
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].change, FleetChange::kClosed);
  EXPECT_GT(minutes, 7 * kDay);
  EXPECT_LT(minutes, 12 * kDay);
}

TEST(FleetDetect, AFleetThatDoublesIsNoIssue) {
  Fleet fleet;
  fleet.SetReporting(512);
  const PatternIndex rule = fleet.Rule("k.r");
  Random random(5);
  for (int minute = 0; minute < 4 * kDay; ++minute) {
    if (minute == 3 * kDay) fleet.SetReporting(2000);
    for (uint32_t i = 0; i < fleet.reporting / 50; ++i) {
      fleet.Hit(rule, static_cast<uint32_t>(random.Below(fleet.reporting)));
    }
    // Within the minute in which they come the fleet is not known to have grown.
    ASSERT_TRUE(fleet.EndOfMinute().empty()) << minute;
  }
}

TEST(FleetDetect, ASnapshotKeepsTheIssueAndClosesItOnlyAfterAWholeWindow) {
  Fleet before;
  const PatternIndex rule = before.Rule("k.r");
  before.Rule("quiet");
  before.Quiet(3 * kDay);
  before.HitSpread(rule, 30);
  ASSERT_EQ(before.Judge().size(), 1u);
  before.EndOfMinute();

  Fleet after;
  after.Quiet(1);
  after.detect.RestoreSilent(before.detect.Silent());
  for (const PatternIndex index : before.detect.Patterns()) {
    ASSERT_TRUE(after.detect.Restore(before.detect.State(index)));
  }
  const PatternIndex again = *after.detect.Find("k.r");
  EXPECT_EQ(after.detect.State(again), before.detect.State(rule));
  EXPECT_EQ(after.detect.State(again).reach, FleetReach::kFleet);
  after.HitSpread(again, 30);
  EXPECT_TRUE(after.Judge().empty()) << "it is open already";
  EXPECT_TRUE(after.Quiet(60).empty());
  EXPECT_EQ(after.Quiet(20).size(), 1u);
  // The other pattern's silence was kept too: it needs no learning.
  after.HitSpread(*after.detect.Find("quiet"), 5);
  EXPECT_EQ(after.Judge().size(), 1u);
}

TEST(FleetDetect, MinutesThatWereLeftOutTeachNothing) {
  Fleet fleet;
  const PatternIndex rule = fleet.Rule("k.r");
  for (int minute = 0; minute < kDay; ++minute) {
    fleet.HitSpread(rule, 10, static_cast<uint32_t>(minute % 50));
    fleet.EndOfMinute();
  }
  const double mean = fleet.detect.ExpectedIn(rule, 2)->mean;
  std::vector<FleetEvent> events;
  fleet.detect.EndOfMinute(fleet.detect.present() + 500, fleet.Facts(), &events);
  for (int minute = 0; minute < 59; ++minute) {
    fleet.HitSpread(rule, 10, static_cast<uint32_t>(minute % 50));
    fleet.EndOfMinute();
    EXPECT_DOUBLE_EQ(fleet.detect.ExpectedIn(rule, 2)->mean, mean) << "windows fill again";
  }
  fleet.detect.EndOfMinute(kStart, fleet.Facts(), &events);
  EXPECT_TRUE(events.empty());
}

TEST(FleetDetect, FindsACohortThatDrownsInAChattyPattern) {
  Fleet fleet;
  for (uint32_t host = 0; host < Fleet::kHosts; ++host)
    fleet.kernels[host] = host % 50 == 0 ? 2 : 1;
  const PatternIndex rule = fleet.Rule("chatty");
  Random random(9);
  std::vector<FleetEvent> events;
  for (int minute = 0; minute < 5 * kDay; ++minute) {
    for (int i = 0; i < 2; ++i) fleet.Hit(rule, static_cast<uint32_t>(random.Below(2000)));
    // On the fifth day the 40 hosts of kernel 2 begin to tell of it once an hour.
    if (minute >= 4 * kDay && random.Chance(2.0 / 3)) {
      fleet.Hit(rule, static_cast<uint32_t>(random.Below(40)) * 50);
    }
    for (FleetEvent& event : fleet.EndOfMinute()) events.push_back(std::move(event));
    if (minute < 4 * kDay) {
      ASSERT_TRUE(events.empty()) << minute;
    }
  }
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events[0].reach, FleetReach::kCohort);
  EXPECT_EQ(events[0].cohort, (CohortRef{0, 2}));
  EXPECT_LT(events[0].minute, kStart + 4 * kDay + 65);
  EXPECT_EQ(events.size(), 1u) << "and it stays open";
  for (const uint32_t host : events[0].affected) EXPECT_EQ(host % 50, 0u);
  // It closes when the hosts of the kernel are as they were.
  for (int minute = 0; minute < 90; ++minute) {
    for (int i = 0; i < 2; ++i) fleet.Hit(rule, static_cast<uint32_t>(random.Below(2000)));
    for (FleetEvent& event : fleet.EndOfMinute()) events.push_back(std::move(event));
  }
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].change, FleetChange::kClosed);
}

TEST(FleetDetect, TemplatesGiveRoomAndRulesDoNot) {
  Fleet fleet({.patterns_max = 3});
  fleet.Rule("rule");
  const PatternIndex first = *fleet.detect.Intern("t1", PatternKind::kTemplate, Before::kSilent);
  fleet.detect.Intern("t2", PatternKind::kTemplate, Before::kSilent);
  fleet.Hit(first, 7);
  fleet.EndOfMinute();
  fleet.detect.Intern("t3", PatternKind::kTemplate, Before::kSilent);
  EXPECT_FALSE(fleet.detect.Find("t2").has_value()) << "it was longest without a hit";
  EXPECT_TRUE(fleet.detect.Find("t1").has_value());
  EXPECT_TRUE(fleet.detect.Find("rule").has_value());
  EXPECT_EQ(fleet.detect.dropped().templates, 1u);
  fleet.Rule("r2");
  fleet.Rule("r3");
  EXPECT_FALSE(fleet.detect.Intern("r4", PatternKind::kRule, Before::kUnknown).has_value());
  EXPECT_EQ(fleet.detect.dropped().patterns, 1u);
  EXPECT_EQ(fleet.detect.patterns(), 3u);
}

TEST(FleetDetect, AFlaggedTemplateGivesNoRoom) {
  Fleet fleet({.patterns_max = 2});
  fleet.Quiet(3 * kDay);
  const PatternIndex hit = *fleet.detect.Intern("t1", PatternKind::kTemplate, Before::kSilent);
  fleet.HitSpread(hit, 9);
  ASSERT_EQ(fleet.Judge().size(), 1u);
  for (int i = 0; i < 100; ++i) {
    fleet.detect.Intern("x" + std::to_string(i), PatternKind::kTemplate, Before::kSilent);
  }
  EXPECT_TRUE(fleet.detect.Find("t1").has_value());
  EXPECT_EQ(fleet.detect.dropped().templates, 99u);
  fleet.detect.Remove(hit);
  EXPECT_EQ(fleet.detect.patterns(), 1u);
  EXPECT_TRUE(fleet.Quiet(200).empty()) << "its issue went with it";
}

TEST(FleetDetect, HitsPastLimitsAreCountedAndChangeNothing) {
  Fleet fleet({.hosts_max = 2000});
  const PatternIndex rule = fleet.Rule("k.r");
  fleet.Hit(rule, 2000);
  fleet.detect.Hit(rule, 1, kStart - 60);
  EXPECT_EQ(fleet.detect.dropped().host_hits, 1u);
  EXPECT_EQ(fleet.detect.dropped().late_hits, 1u);
  EXPECT_EQ(fleet.detect.HostsIn(rule, 2), 0u);
  EXPECT_EQ(fleet.detect.active_patterns(), 0u);
}

TEST(FleetDetect, PastTheMemoryOfWindowsACrowdGrowsNoMoreAndOthersDo) {
  Fleet fleet({.window_bytes_max = 3000});
  const PatternIndex crowd = fleet.Rule("crowd");
  const PatternIndex other = fleet.Rule("other");
  for (uint32_t host = 0; host < 2000; ++host) fleet.Hit(crowd, host);
  fleet.HitSpread(other, 90);
  EXPECT_EQ(fleet.detect.HostsIn(crowd, 2) + fleet.detect.dropped().window_hits, 2000u);
  EXPECT_GT(fleet.detect.dropped().window_hits, 0u);
  EXPECT_GE(fleet.detect.HostsIn(crowd, 2), 1000u);
  EXPECT_EQ(fleet.detect.HostsIn(other, 2), 90u);
}

TEST(FleetDetect, AHostThatIsForgottenCountsNoMore) {
  Fleet fleet;
  const PatternIndex rule = fleet.Rule("k.r");
  fleet.HitSpread(rule, 4);
  const std::vector<uint32_t> gone = {20};
  fleet.detect.Forget(gone);
  EXPECT_EQ(fleet.detect.HostListIn(rule, 0), (std::vector<uint32_t>{0, 40, 60}));
  EXPECT_EQ(fleet.detect.Series(rule).back(), 4u) << "the past stays";
}

}  // namespace
}  // namespace fleetmedic

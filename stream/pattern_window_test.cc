#include "stream/pattern_window.h"

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "base/random.h"

namespace fleetmedic {
namespace {

constexpr int64_t kStart = 29'454'000;  // minutes since the epoch, in 2026
using Seen = PatternWindow::Seen;

// The definition: all hits that were ever seen.
class PlainWindow {
 public:
  void Add(uint32_t host, int64_t minute) { minutes_of_[host].insert(minute); }
  void Forget(uint32_t host) { minutes_of_.erase(host); }
  std::vector<uint32_t> HostsIn(int64_t present, int window) const {
    std::vector<uint32_t> hosts;
    for (const auto& [host, minutes] : minutes_of_) {
      const auto first = minutes.upper_bound(present - window);
      if (first != minutes.end() && *first <= present) hosts.push_back(host);
    }
    return hosts;
  }

 private:
  std::map<uint32_t, std::set<int64_t>> minutes_of_;
};

TEST(PatternWindow, CountsDistinctHostsOfEachWindow) {
  PatternWindow window;
  window.AdvanceTo(kStart);
  EXPECT_EQ(window.Add(7, kStart, 100), Seen::kNew);
  EXPECT_EQ(window.Add(7, kStart, 100), Seen::kKnown) << "a duplicate changes nothing";
  EXPECT_EQ(window.Add(3, kStart + 5, 100), Seen::kNew) << "the future is the present";
  EXPECT_EQ(window.hosts(0), 2u);
  window.AdvanceTo(kStart + 1);
  EXPECT_EQ(window.hosts(0), 0u);
  EXPECT_EQ(window.hosts(1), 2u);
  EXPECT_EQ(window.Add(7, kStart + 1, 100), Seen::kNew);
  EXPECT_EQ(window.hosts(0), 1u);
  EXPECT_EQ(window.hosts(2), 2u) << "the same host again";
  EXPECT_EQ(window.HostsIn(2), (std::vector<uint32_t>{3, 7}));
  window.AdvanceTo(kStart + 60);
  EXPECT_EQ(window.HostsIn(2), std::vector<uint32_t>{7});
  window.AdvanceTo(kStart + 61);
  EXPECT_EQ(window.hosts(2), 0u);
}

TEST(PatternWindow, LateHitsCountAsIfTheyHadComeInTime) {
  PatternWindow window;
  window.AdvanceTo(kStart);
  EXPECT_EQ(window.Add(1, kStart - 12, 100), Seen::kNew);
  EXPECT_EQ(window.hosts(1), 0u);
  EXPECT_EQ(window.hosts(2), 1u);
  EXPECT_EQ(window.Add(1, kStart - 5, 100), Seen::kNew);
  EXPECT_EQ(window.hosts(1), 1u);
  EXPECT_EQ(window.Add(1, kStart - 30, 100), Seen::kKnown);
  EXPECT_EQ(window.Add(2, kStart - 60, 100), Seen::kLate);
  EXPECT_EQ(window.Add(2, INT64_MIN, 100), Seen::kLate);
  EXPECT_EQ(window.hosts(2), 1u);
  const std::vector<uint32_t> series = window.Series();
  ASSERT_EQ(series.size(), 120u);
  EXPECT_EQ(series[119 - 5], 1u);
  EXPECT_EQ(series[119 - 12], 1u);
  EXPECT_EQ(series[119], 0u);
}

TEST(PatternWindow, TheSeriesLastsTwoHoursAndThenNothingIsHeld) {
  PatternWindow window;
  window.AdvanceTo(kStart);
  EXPECT_TRUE(window.blank());
  for (uint32_t host = 0; host < 500; ++host) window.Add(host, kStart, 1000);
  window.AdvanceTo(kStart + 119);
  EXPECT_EQ(window.Series().front(), 500u);
  EXPECT_FALSE(window.blank());
  window.AdvanceTo(kStart + 120);
  EXPECT_TRUE(window.blank());
  EXPECT_EQ(window.MemoryBytes(), sizeof window);
}

TEST(PatternWindow, ManyHostsCostOneByteEachAndFewHostsFourBytes) {
  constexpr uint32_t kHosts = 100'000;
  PatternWindow few;
  few.AdvanceTo(kStart);
  for (uint32_t host = 0; host < 50; ++host) few.Add(host * 1999, kStart, kHosts);
  EXPECT_LE(few.MemoryBytes(), 2000u);
  PatternWindow many;
  many.AdvanceTo(kStart);
  for (uint32_t host = 0; host < kHosts; ++host) many.Add(host, kStart, kHosts);
  EXPECT_EQ(many.hosts(0), kHosts);
  EXPECT_LE(many.MemoryBytes(), kHosts + 2000u);
}

// Fleets small and large, hits in order, late, doubled and of the future, hosts forgotten, gaps of
// minutes to hours: after each step all three windows are what the definition says.
TEST(PatternWindow, IsTheDefinitionAfterAnyHits) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Random random(seed);
    const auto hosts = static_cast<uint32_t>(1 + random.Below(seed % 2 == 0 ? 40 : 3000));
    const uint64_t hits_a_minute = 1 + random.Below(hosts);
    PatternWindow window;
    PlainWindow plain;
    int64_t present = kStart;
    window.AdvanceTo(present);
    for (int step = 0; step < 120; ++step) {
      const uint64_t hits = random.Chance(0.3) ? 0 : random.Below(hits_a_minute);
      for (uint64_t i = 0; i < hits; ++i) {
        const auto host = static_cast<uint32_t>(random.Below(hosts));
        int64_t minute = present;
        if (random.Chance(0.2)) minute -= static_cast<int64_t>(random.Below(70));
        if (random.Chance(0.05)) minute += 3;
        const Seen seen = window.Add(host, minute, hosts);
        EXPECT_EQ(seen == Seen::kLate, minute <= present - 60);
        if (seen != Seen::kLate) plain.Add(host, std::min(minute, present));
        if (random.Chance(0.01)) {
          window.Forget(host);
          plain.Forget(host);
        }
      }
      for (size_t w = 0; w < kWindows; ++w) {
        const std::vector<uint32_t> expected = plain.HostsIn(present, kWindowMinutes[w]);
        ASSERT_EQ(window.HostsIn(w), expected) << "seed " << seed << " step " << step;
        ASSERT_EQ(window.hosts(w), expected.size()) << "seed " << seed << " step " << step;
      }
      present += random.Chance(0.05) ? static_cast<int64_t>(random.Below(150)) : 1;
      window.AdvanceTo(present);
    }
  }
}

// The last minute of a host is one byte: what is older than it can tell must have been swept.
TEST(PatternWindow, AHostThatFellSilentForHoursIsNotTakenForOneJustSeen) {
  PatternWindow window;
  window.AdvanceTo(kStart);
  for (uint32_t host = 0; host < 20; ++host) window.Add(host, kStart, 50'000);
  for (int64_t minute = kStart + 1; minute <= kStart + 1000; ++minute) {
    window.AdvanceTo(minute);
    window.Add(49'000, minute, 50'000);
    const int64_t age = minute - kStart;
    ASSERT_EQ(window.hosts(2), age < 60 ? 21u : 1u) << age;
    ASSERT_EQ(window.HostsIn(2).size(), window.hosts(2)) << age;
  }
}

}  // namespace
}  // namespace fleetmedic

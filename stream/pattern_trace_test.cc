#include "stream/pattern_trace.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace fleetmedic {
namespace {

constexpr Minute kStart = 29'453'760;  // 2026-01-01T00:00:00Z

TEST(HostMarks, AMinuteIsFirstOnce) {
  HostMarks marks;
  EXPECT_TRUE(marks.Mark(kStart).in_minute);
  EXPECT_FALSE(marks.Mark(kStart).in_minute);
  const HostMarks::First next = marks.Mark(kStart + 1);
  EXPECT_TRUE(next.in_minute);
  EXPECT_FALSE(next.in_ten);
  EXPECT_TRUE(marks.Mark(kStart + 10).in_ten);
}

TEST(HostMarks, ALateMinuteIsFirstOnceToo) {
  HostMarks marks;
  marks.Mark(kStart + 20);
  EXPECT_TRUE(marks.Mark(kStart + 3).in_minute);
  EXPECT_FALSE(marks.Mark(kStart + 3).in_minute);
  EXPECT_EQ(marks.last(), kStart + 20);
}

TEST(HostMarks, WhatIsTooOldToKnowIsNotCountedTwice) {
  HostMarks marks;
  marks.Mark(kStart);
  marks.Mark(kStart + 1000);
  const HostMarks::First first = marks.Mark(kStart);
  EXPECT_FALSE(first.in_minute);
  EXPECT_FALSE(first.in_ten);
}

// Against a plain set of minutes.
TEST(HostMarks, WithinSaysWhatASetOfMinutesSays) {
  std::minstd_rand random(7);  // NOLINT: fixed
  for (int round = 0; round < 300; ++round) {
    HostMarks marks;
    std::set<Minute> minutes;
    Minute at = kStart;
    for (int i = 0; i < 12; ++i) {
      at += random() % 9;
      marks.Mark(at);
      minutes.insert(at);
    }
    for (int i = 0; i < 30; ++i) {
      const Minute from = kStart + random() % 100;
      const Minute to = from + random() % 40;
      const auto next = minutes.lower_bound(from);
      const bool has = next != minutes.end() && *next <= to;
      if (from + 31 >= marks.last()) {
        EXPECT_EQ(marks.Within(from, to), has) << round << " " << from - kStart;
      } else if (has) {
        EXPECT_TRUE(marks.Within(from, to)) << "one that was there is never missed";
      } else if (marks.Within(from, to)) {
        // To ten minutes before: the host was there in one of the same ten.
        const auto near = minutes.lower_bound(from - from % 10);
        EXPECT_TRUE(near != minutes.end() && *near <= to - to % 10 + 9);
      }
    }
  }
}

class PatternTraceTest : public testing::Test {
 protected:
  PatternTrace::Taken Take(Minute minute, std::vector<HostIndex> hosts, uint64_t lines,
                           int64_t first, int64_t last, size_t free = 1000) {
    return trace_.Take(minute, 0, first, last, lines, hosts, free);
  }
  PatternTrace trace_;
};

TEST_F(PatternTraceTest, HostsOfAMinuteAreDistinctAndLinesAdd) {
  Take(kStart, {1, 2}, 5, 0, 9);
  Take(kStart, {2, 3}, 4, 10, 19);
  ASSERT_EQ(trace_.minutes().size(), 1u);
  EXPECT_EQ(trace_.minutes()[0].hosts, 3u);
  EXPECT_EQ(trace_.minutes()[0].lines, 9u);
  Take(kStart + 1, {1}, 1, 20, 29);
  ASSERT_EQ(trace_.minutes().size(), 2u);
  ASSERT_EQ(trace_.tens().size(), 1u);
  EXPECT_EQ(trace_.tens()[0].hosts, 3u);
  EXPECT_EQ(trace_.tens()[0].lines, 10u);
  EXPECT_EQ(trace_.LinesSince(kStart + 1), 1u);
}

TEST_F(PatternTraceTest, ARecordThatComesTwiceChangesNothing) {
  Take(kStart, {1, 2}, 5, 0, 9);
  EXPECT_EQ(Take(kStart, {1, 2}, 5, 0, 9).lines, 0u);
  EXPECT_EQ(trace_.minutes()[0].hosts, 2u);
  EXPECT_EQ(trace_.minutes()[0].lines, 5u);
  // Counted again from an older place, and further.
  EXPECT_EQ(Take(kStart, {1, 2, 3}, 20, 0, 19).lines, 10u);
  EXPECT_EQ(trace_.minutes()[0].hosts, 3u);
  // The same offsets with lines of the minute before are no duplicate.
  EXPECT_EQ(Take(kStart - 1, {1}, 2, 0, 9).lines, 2u);
  EXPECT_EQ(trace_.minutes().front().at, kStart - 1);
}

TEST_F(PatternTraceTest, HostsPastTheRoomAreCountedByTheMinuteAlone) {
  const PatternTrace::Taken taken = Take(kStart, {1, 2, 3, 4}, 4, 0, 9, 2);
  EXPECT_EQ(taken.marks, 2u);
  EXPECT_EQ(taken.unmarked, 2u);
  EXPECT_EQ(trace_.minutes()[0].hosts, 4u);
  EXPECT_EQ(trace_.hosts().size(), 2u);
  EXPECT_TRUE(trace_.hosts_cut(kStart));
  EXPECT_FALSE(trace_.hosts_cut(kStart + 1));
}

TEST_F(PatternTraceTest, ADayOfEveryMinuteIsBounded) {
  for (Minute minute = 0; minute < 3000; ++minute) {
    Take(kStart + minute, {1, minute % 50}, 3, minute, minute);
    trace_.Prune(kStart + minute, kStart + minute - kDayMinutes);
  }
  EXPECT_LE(trace_.minutes().size(), 132u);
  EXPECT_LE(trace_.tens().size(), 147u);
  EXPECT_LT(trace_.MemoryBytes(), 20'000u);
  EXPECT_EQ(trace_.LinesSince(kStart + 2940), 180u);
  EXPECT_EQ(trace_.hosts().size(), 50u);
  EXPECT_EQ(trace_.Prune(kStart + 3000, kStart + 2999), 48u);
}

}  // namespace
}  // namespace fleetmedic

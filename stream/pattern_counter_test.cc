#include "stream/pattern_counter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

const WallTime kNow = WallTime{} + Hours(1000) + Seconds(30);
const WallTime kMinute = WallTime{} + Hours(1000);

class PatternCounterTest : public testing::Test {
 protected:
  void Line(const std::string& host, WallTime at = kNow, std::string_view line = "oops",
            PatternCounter::Values values = {}) {
    counter_.Begin(0, ++offset_, HostId(host), "kernel", at, kNow);
    counter_.Add(pattern_, line, 1, values);
  }
  PatternCount TakeOne() {
    std::vector<PatternCount> counts = counter_.Take();
    EXPECT_THAT(counts, SizeIs(1));
    return counts.empty() ? PatternCount() : counts[0];
  }

  PatternCounter counter_;
  PatternNumber pattern_ = *counter_.NumberOf({"k.oops", PatternKind::kRule, "v1", "oops", {}});
  int64_t offset_ = 100;
};

TEST_F(PatternCounterTest, TellsHostsAndLinesAndWhereTheyStood) {
  Line("b");
  Line("a");
  Line("b");
  const PatternCount count = TakeOne();
  EXPECT_EQ(count.pattern, "k.oops");
  EXPECT_EQ(count.version, "v1");
  EXPECT_EQ(count.minute, kMinute);
  EXPECT_EQ(count.first_seen, kNow);
  EXPECT_EQ(count.lines, 3);
  EXPECT_EQ(count.first_offset, 101);
  EXPECT_EQ(count.last_offset, 103);
  EXPECT_THAT(count.hosts, ElementsAre(HostId("a"), HostId("b")));
  EXPECT_THAT(count.examples, SizeIs(2)) << "one of each host";
  EXPECT_TRUE(counter_.empty());
  EXPECT_THAT(counter_.Take(), IsEmpty());
}

TEST_F(PatternCounterTest, TellsAHostOnceInAMinute) {
  Line("a");
  TakeOne();
  Line("a");
  Line("b");
  const PatternCount again = TakeOne();
  EXPECT_THAT(again.hosts, ElementsAre(HostId("b")));
  EXPECT_EQ(again.lines, 2);
  EXPECT_EQ(again.first_offset, 102);
  Line("a");
  EXPECT_THAT(TakeOne().hosts, IsEmpty());
}

TEST_F(PatternCounterTest, CountsALateLineInItsOwnMinute) {
  Line("a", kNow - Minutes(2));
  Line("a");
  const std::vector<PatternCount> counts = counter_.Take();
  ASSERT_THAT(counts, SizeIs(2));
  EXPECT_EQ(counts[0].minute, kMinute - Minutes(2));
  EXPECT_EQ(counts[1].minute, kMinute);
  EXPECT_THAT(counts[1].hosts, ElementsAre(HostId("a")));
}

TEST_F(PatternCounterTest, TakesAHostThatIsAheadOfUsAtOurTime) {
  Line("a", kNow + Hours(5));
  EXPECT_EQ(TakeOne().minute, kMinute);
}

TEST_F(PatternCounterTest, AHostsClockOfYearsAgoMakesNoPatternOld) {
  Line("a", WallTime{} + Hours(1));
  EXPECT_EQ(TakeOne().first_seen, kNow - Hours(1));
}

TEST_F(PatternCounterTest, KeepsPartitionsApart) {
  counter_.Begin(0, 7, HostId("a"), "kernel", kNow, kNow);
  counter_.Add(pattern_, "x", 1, {});
  counter_.Begin(3, 900, HostId("b"), "kernel", kNow, kNow);
  counter_.Add(pattern_, "x", 1, {});
  const std::vector<PatternCount> counts = counter_.Take();
  ASSERT_THAT(counts, SizeIs(2));
  EXPECT_EQ(counts[0].last_offset, 7);
  EXPECT_EQ(counts[1].partition, 3);
  EXPECT_EQ(counts[1].first_offset, 900);
}

TEST_F(PatternCounterTest, TellsTheMostFrequentValuesAndHowManyLinesHadOthers) {
  for (int i = 0; i < 100; ++i) {
    const std::string value = i % 2 == 0 ? "sda" : "sd" + std::to_string(i);
    const std::pair<std::string_view, std::string_view> values[] = {{"device", value}};
    Line("a", kNow, "x", values);
  }
  const PatternCount count = TakeOne();
  ASSERT_THAT(count.variables, SizeIs(1));
  EXPECT_EQ(count.variables[0].name, "device");
  EXPECT_THAT(count.variables[0].values, SizeIs(PatternVariable::kValuesMax));
  EXPECT_EQ(count.variables[0].values.at("sda"), 50);
  uint64_t told = count.variables[0].other_lines;
  for (const auto& [value, lines] : count.variables[0].values) told += lines;
  EXPECT_EQ(told, 100);
}

TEST_F(PatternCounterTest, SplitsMoreHostsThanARecordHoldsAndCountsTheirLinesOnce) {
  for (size_t i = 0; i < PatternCount::kHostsMax + 1; ++i) Line("h" + std::to_string(i));
  const std::vector<PatternCount> counts = counter_.Take();
  ASSERT_THAT(counts, SizeIs(2));
  EXPECT_THAT(counts[0].hosts, SizeIs(PatternCount::kHostsMax));
  EXPECT_THAT(counts[1].hosts, SizeIs(1));
  EXPECT_EQ(counts[0].lines, PatternCount::kHostsMax + 1);
  EXPECT_EQ(counts[1].lines, 0);
  EXPECT_THAT(counts[1].examples, IsEmpty());
}

TEST_F(PatternCounterTest, AnswersWhatItsReaderTakes) {
  const std::string hostile(5000, '\x1b');
  const std::pair<std::string_view, std::string_view> values[] = {{"v", hostile}};
  Line("a", kNow, hostile, values);
  const PatternCount count = TakeOne();
  const Result<PatternCount> again = PatternCountFromJson(ToJson(count));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, count);
}

TEST(PatternCounterLimits, CountWhatTheyLeaveOut) {
  PatternCounter counter({.patterns_max = 1, .hosts_max = 1, .values_max = 1});
  const PatternNumber one = *counter.NumberOf({"k.a", PatternKind::kRule, "", "", {}});
  EXPECT_FALSE(counter.NumberOf({"k.b", PatternKind::kRule, "", "", {}}));
  EXPECT_EQ(counter.dropped(), 1);
  counter.Begin(0, 1, HostId("a"), "kernel", kNow, kNow);
  counter.Add(one, "x", 1, {});
  counter.Begin(0, 2, HostId("b"), "kernel", kNow, kNow);
  counter.Add(one, "x", 5, {});
  EXPECT_EQ(counter.dropped(), 6);
  EXPECT_THAT(counter.Take(), SizeIs(1));
}

TEST(PatternCounterReload, TellsTheVersionOfTheRuleThatIsInUse) {
  PatternCounter counter;
  const auto before = counter.NumberOf({"k.a", PatternKind::kRule, "v1", "one", {}});
  const auto after = counter.NumberOf({"k.a", PatternKind::kRule, "v2", "two", {}});
  EXPECT_EQ(before, after);
  counter.Begin(0, 1, HostId("a"), "kernel", kNow, kNow);
  counter.Add(*after, "x", 1, {});
  const std::vector<PatternCount> counts = counter.Take();
  ASSERT_THAT(counts, SizeIs(1));
  EXPECT_EQ(counts[0].version, "v2");
  EXPECT_EQ(counts[0].text, "two");
}

}  // namespace
}  // namespace fleetmedic

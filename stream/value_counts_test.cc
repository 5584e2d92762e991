#include "stream/value_counts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

TEST(ValueCounts, AreExactForFewValues) {
  ValueCounts counts;
  for (int i = 0; i < 100; ++i) counts.Add(i % 10 == 0 ? "rare" : "usual", 2);
  EXPECT_EQ(counts.total(), 200u);
  EXPECT_EQ(counts.Distinct(), 2u);
  EXPECT_THAT(counts.Values(), ElementsAre(ValueCount{"usual", 180, 0}, ValueCount{"rare", 20, 0}));
}

TEST(ValueCounts, KeepTheFrequentOnesAmongManyThatComeOnce) {
  ValueCounts counts;
  Random random(1);
  for (int i = 0; i < 100'000; ++i) {
    counts.Add(random.Chance(0.3) ? "a" : random.Chance(0.2) ? "b" : std::to_string(i), 1);
  }
  const std::vector<ValueCount> values = counts.Values();
  ASSERT_THAT(values, SizeIs(ValueCounts::kValuesMax));
  EXPECT_EQ(values[0].value, "a");
  EXPECT_EQ(values[1].value, "b");
  // The count is never less than what is true, and what it may be too much is told.
  EXPECT_GE(values[0].count, 29'000u);
  EXPECT_LE(values[0].count - values[0].over, 31'000u);
  EXPECT_EQ(counts.total(), 100'000u);
}

TEST(ValueCounts, EstimateHowManyValuesThereAre) {
  for (const uint64_t truth : {9u, 20u, 100u, 1000u, 100'000u}) {
    ValueCounts counts;
    for (uint64_t i = 0; i < 3 * truth; ++i) counts.Add("value " + std::to_string(i % truth), 1);
    EXPECT_NEAR(static_cast<double>(counts.Distinct()), static_cast<double>(truth),
                0.45 * static_cast<double>(truth))
        << truth;
  }
}

TEST(ValueCounts, AValueThatIsCountedLaterIsThereBefore) {
  ValueCounts counts;
  counts.Add("a", 0);
  counts.Add("b", 0);
  EXPECT_EQ(counts.Distinct(), 2u);
  EXPECT_EQ(counts.total(), 0u);
  for (int i = 0; i < 10; ++i) counts.Add("n" + std::to_string(i), 5);
  const std::vector<ValueCount> before = counts.Values();
  counts.Add("late", 0);
  EXPECT_EQ(counts.Values(), before) << "it puts out nobody";
}

TEST(ValueCounts, LongValuesAreKeptByTheirBeginning) {
  ValueCounts counts;
  counts.Add(std::string(1000, 'x'), 1);
  counts.Add(std::string(2000, 'x'), 1);
  EXPECT_THAT(counts.Values(),
              ElementsAre(ValueCount{std::string(ValueCounts::kValueBytesMax, 'x'), 2, 0}));
}

TEST(ValueCounts, AreKeptAndComeBack) {
  for (const int many : {0, 1, 3, 8, 9, 1000}) {
    ValueCounts counts;
    for (int i = 0; i < 2 * many; ++i) counts.Add("v" + std::to_string(i % many), 1);
    ValueCounts again;
    ASSERT_TRUE(ValueCounts::Restore(counts.total(), counts.Values(), counts.Registers(), &again));
    EXPECT_EQ(again, counts) << many;
    EXPECT_EQ(again.Distinct(), counts.Distinct()) << many;
  }
  ValueCounts counts;
  EXPECT_FALSE(ValueCounts::Restore(1, {}, "", &counts));
  EXPECT_FALSE(ValueCounts::Restore(1, {}, std::string(64, 'g'), &counts));
  EXPECT_FALSE(ValueCounts::Restore(1, {}, std::string(64, 'f'), &counts)) << "no such rank";
  EXPECT_FALSE(ValueCounts::Restore(9, std::vector<ValueCount>(9, {"x", 1, 0}),
                                    std::string(64, '0'), &counts));
  EXPECT_FALSE(ValueCounts::Restore(1, {{"x", 1, 2}}, std::string(64, '0'), &counts));
}

TEST(ValueCounts, TheSumOfTwoIsThatOfBothStreams) {
  ValueCounts one;
  ValueCounts two;
  ValueCounts both;
  for (int i = 0; i < 6; ++i) {
    const std::string value = "v" + std::to_string(i % 4);
    (i % 2 == 0 ? one : two).Add(value, static_cast<uint64_t>(i) + 1);
    both.Add(value, static_cast<uint64_t>(i) + 1);
  }
  one.Add(two);
  EXPECT_EQ(one, both);
  // And past the limit no count is too small.
  for (int i = 0; i < 100; ++i) {
    one.Add("w" + std::to_string(i), 1);
    two.Add("w" + std::to_string(i % 20), 3);
  }
  one.Add(two);
  EXPECT_THAT(one.Values(), SizeIs(ValueCounts::kValuesMax));
  EXPECT_EQ(one.total(), both.total() + 100 + two.total());
}

}  // namespace
}  // namespace fleetmedic

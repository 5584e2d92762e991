#include "detectors/proc_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detectors/counter_window.h"

namespace fleetmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(ProcText, TakesLinesAndFieldsApart) {
  EXPECT_THAT(Lines("a b\n\nc\n"), ElementsAre("a b", "c"));
  EXPECT_THAT(Fields("  8 \t 0 sda\r\n"), ElementsAre("8", "0", "sda"));
  EXPECT_THAT(Fields(" \t"), IsEmpty());
}

TEST(ProcText, ReadsNumbersWholeOrNotAtAll) {
  EXPECT_EQ(ParseCount("18446744073709551615\n"), 18446744073709551615u);
  EXPECT_EQ(ParseCount("18446744073709551616"), std::nullopt);
  EXPECT_EQ(ParseCount("-1"), std::nullopt);
  EXPECT_EQ(ParseCount("1 2"), std::nullopt);
  EXPECT_EQ(ParseCount(""), std::nullopt);
  EXPECT_EQ(ParseSigned("-1"), -1);
  EXPECT_EQ(ParseDecimal("0.25"), 0.25);
}

TEST(ProcText, ReadsNamedCountsAndLeavesOutTheRest) {
  EXPECT_THAT(NamedCounts("MemTotal:  1024 kB\noom_kill 3\nmax max\nalone\n"),
              ElementsAre(Pair("MemTotal", 1024), Pair("oom_kill", 3)));
}

MonoTime At(int seconds) { return MonoTime{} + Seconds(seconds); }

TEST(CounterWindowTest, CountsFromTheFirstLookAndForgetsWhatIsOlderThanTheWindow) {
  CounterWindow window(Seconds(60));
  EXPECT_EQ(window.Growth("drops"), 0u);
  window.Add("drops", 1000, At(0));
  EXPECT_EQ(window.Growth("drops"), 0u);
  window.Add("drops", 1030, At(30));
  EXPECT_EQ(window.Growth("drops"), 30u);
  EXPECT_DOUBLE_EQ(window.PerSecond("drops"), 1.0);
  window.Add("drops", 1030, At(60));
  EXPECT_EQ(window.Growth("drops"), 30u);
  window.Add("drops", 1030, At(90));
  EXPECT_EQ(window.Growth("drops"), 0u);
}

TEST(CounterWindowTest, StartsAgainWhereACounterFell) {
  CounterWindow window(Seconds(60));
  window.Add("drops", 1000, At(0));
  window.Add("drops", 5, At(10));
  EXPECT_EQ(window.Growth("drops"), 0u);
  window.Add("drops", 7, At(20));
  EXPECT_EQ(window.Growth("drops"), 2u);
}

TEST(CounterWindowTest, KeepsToItsLimits) {
  CounterWindow window(Hours(1));
  for (int i = 0; i < 1000; ++i) window.Add("drops", static_cast<uint64_t>(i), At(i));
  EXPECT_EQ(window.Growth("drops"), CounterWindow::kLooksMax - 1);
  for (size_t i = 0; i < 2 * CounterWindow::kCountersMax; ++i) {
    window.Add(std::to_string(i), 0, At(1000));
    window.Add(std::to_string(i), 1, At(1001));
  }
  EXPECT_EQ(window.Growth(std::to_string(2 * CounterWindow::kCountersMax - 1)), 0u);
  window.ForgetOlderThan(At(1002));
  EXPECT_EQ(window.Growth("1"), 0u);
}

}  // namespace
}  // namespace fleetmedic

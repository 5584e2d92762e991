// Duplicates and storms in FrameBuilder.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "detectors/logs/frame_builder.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class FrameRepeats : public ::testing::Test {
 protected:
  FrameRepeats() : builder_(Options()) {}
  static FrameBuilder::Options Options() {
    FrameBuilder::Options options;
    options.host = HostId("h");
    options.lines_per_second_max = 2000;
    return options;
  }
  void Add(const std::string& line, int times = 1) {
    for (int i = 0; i < times; ++i) {
      EXPECT_TRUE(builder_.Add("kernel", line, clock_.Mono(), clock_.Wall()));
    }
  }

  SimulatedClock clock_;
  FrameBuilder builder_;
};

TEST_F(FrameRepeats, ARunInOneFrameIsOneLineWithACount) {
  Add("a");
  Add("b", 3);
  Add("a", 2);
  const std::vector<LogFrame> frames = builder_.Take();
  ASSERT_THAT(frames, SizeIs(1));
  EXPECT_EQ(frames[0].text, "a\nb\na\n") << "the order stays: a line between ends a run";
  EXPECT_EQ(frames[0].lines, 3u);
  EXPECT_THAT(frames[0].repeats, ElementsAre(LogFrame::Repeats{1, 3}, LogFrame::Repeats{2, 2}));
  EXPECT_EQ(frames[0].Written(), 6u);
}

TEST_F(FrameRepeats, ARunThatGoesOnAfterItsFrameIsToldOnceMoreInItsTime) {
  Add("a");
  ASSERT_THAT(builder_.Take(), SizeIs(1));
  const MonoTime shipped = clock_.Mono();
  for (int i = 0; i < 500; ++i) {
    clock_.Advance(Millis(1));
    Add("a");
  }
  EXPECT_EQ(builder_.FlushDue(), shipped + FrameBuilder::kRepeatsAfter);
  const std::vector<LogFrame> frames = builder_.Take();
  ASSERT_THAT(frames, SizeIs(1));
  EXPECT_EQ(frames[0].text, "a\n");
  EXPECT_THAT(frames[0].repeats, ElementsAre(LogFrame::Repeats{0, 500}));
  EXPECT_EQ(builder_.FlushDue(), kMonoForever);
  EXPECT_THAT(builder_.Take(), IsEmpty());
}

TEST_F(FrameRepeats, ARunThatIsToldLaterKeepsTheLevelOfItsLine) {
  const auto add = [this](const std::string& line, LineLevel level) {
    EXPECT_TRUE(builder_.Add("kernel", line, clock_.Mono(), clock_.Wall(), level));
  };
  add("bad", LineLevel::kWarning);
  builder_.Take();
  add("bad", LineLevel::kWarning);
  add("good", LineLevel::kBelowWarning);
  const std::vector<LogFrame> frames = builder_.Take();
  ASSERT_THAT(frames, SizeIs(1));
  EXPECT_EQ(frames[0].text, "bad\ngood\n");
  EXPECT_TRUE(frames[0].levels_known);
  EXPECT_THAT(frames[0].warnings, ElementsAre(LogFrame::LineRun{0, 0}));
}

TEST_F(FrameRepeats, AnotherLineLetsTheCountedOnesGoFirst) {
  Add("link down");
  builder_.Take();
  Add("link down", 2);
  Add("link up");
  const std::vector<LogFrame> frames = builder_.Take();
  ASSERT_THAT(frames, SizeIs(1));
  EXPECT_EQ(frames[0].text, "link down\nlink up\n");
  EXPECT_THAT(frames[0].repeats, ElementsAre(LogFrame::Repeats{0, 2}));
}

TEST_F(FrameRepeats, OneMoreIsALineLikeAnyOther) {
  Add("a");
  builder_.Take();
  Add("a");
  const std::vector<LogFrame> frames = builder_.Take();
  ASSERT_THAT(frames, SizeIs(1));
  EXPECT_EQ(frames[0].text, "a\n");
  EXPECT_THAT(frames[0].repeats, IsEmpty());
}

TEST_F(FrameRepeats, ARunTakesNoShareOfTheRateAndLosesNothing) {
  Add("a", 100'000);
  EXPECT_TRUE(builder_.lost().empty());
  EXPECT_EQ(builder_.Take()[0].Written(), 100'000u);
}

TEST_F(FrameRepeats, MoreRunsThanAFrameTellsGoIntoTheNext) {
  std::map<std::string, uint64_t> written;
  for (int i = 0; i < 900; ++i) Add(fmt::format("line {}", i), 2);
  uint64_t lines = 0;
  for (const LogFrame& frame : builder_.Take()) {
    EXPECT_LE(frame.repeats.size(), LogFrame::kRepeatsMax);
    lines += frame.Written();
    EXPECT_EQ(LogFrameFrom("h", LogFrameHeaders(frame), frame.text).value().repeats, frame.repeats);
  }
  EXPECT_EQ(lines, 1800u);
}

// A source that writes a million lines a second for a while, all different: what is kept is
// bounded, what is lost is counted to the line, and another source loses nothing.
TEST_F(FrameRepeats, AStormIsCappedCountedAndHarmsNobodyElse) {
  constexpr int kSeconds = 3;
  constexpr int kLinesPerSecond = 1'000'000;
  constexpr int kStep = 10'000;  // of one read
  uint64_t shipped = 0;
  uint64_t quiet_shipped = 0;
  std::string line = "storm 0000000000";
  for (int i = 0; i < kSeconds * kLinesPerSecond; i += kStep) {
    for (int j = 0; j < kStep; ++j) {
      const int number = i + j;
      for (int digit = 0, rest = number; digit < 10; ++digit, rest /= 10) {
        line[line.size() - 1 - static_cast<size_t>(digit)] = static_cast<char>('0' + rest % 10);
      }
      builder_.Add("kernel", line, clock_.Mono(), clock_.Wall());
    }
    EXPECT_TRUE(builder_.Add("journal:quiet.service", line, clock_.Mono(), clock_.Wall()));
    clock_.Advance(Micros(10'000));
    size_t bytes = 0;
    for (const LogFrame& frame : builder_.Take()) {
      bytes += frame.text.size();
      (frame.source == "kernel" ? shipped : quiet_shipped) += frame.Written();
    }
    ASSERT_LE(bytes, size_t{2} * 2000 * 17);
  }
  EXPECT_EQ(quiet_shipped, uint64_t{kSeconds * kLinesPerSecond / kStep});
  EXPECT_LE(shipped, uint64_t{2000} * (kSeconds + 1));
  EXPECT_EQ(shipped + builder_.lost().at("kernel").lines, uint64_t{kSeconds * kLinesPerSecond});
  EXPECT_FALSE(builder_.lost().contains("journal:quiet.service"));
}

}  // namespace
}  // namespace fleetmedic

#include "detectors/logs/log_pump.h"

#include <fcntl.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "detectors/logs/file_tailer.h"
#include "detectors/logs/frame_builder.h"
#include "detectors/report/fake_event_log.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

FrameBuilder::Options BuilderOptions() {
  FrameBuilder::Options options;
  options.host = HostId("h");
  options.lines_per_second_max = 5;
  return options;
}

TEST(FrameBuilderTest, JoinsLinesOfOneSourceAndIsDueAfterTheFirst) {
  SimulatedClock clock;
  FrameBuilder builder(BuilderOptions());
  builder.SetBoot("b");
  EXPECT_EQ(builder.FlushDue(), kMonoForever);
  const MonoTime first = clock.Mono();
  const WallTime first_wall = clock.Wall();
  builder.Add("kernel", "one", clock.Mono(), clock.Wall());
  clock.Advance(Millis(50));
  builder.Add("kernel", "two", clock.Mono(), clock.Wall());
  builder.Add("file:/x", "three", clock.Mono(), clock.Wall());
  EXPECT_EQ(builder.FlushDue(), first + Millis(100));
  const std::vector<LogFrame> frames = builder.Take();
  ASSERT_THAT(frames, SizeIs(2));
  EXPECT_EQ(frames[0].source, "file:/x");
  EXPECT_EQ(frames[1].text, "one\ntwo\n");
  EXPECT_EQ(frames[1].lines, 2u);
  EXPECT_EQ(frames[1].first_at, first_wall);
  EXPECT_EQ(frames[1].boot_id, "b");
  EXPECT_EQ(builder.FlushDue(), kMonoForever);
}

TEST(FrameBuilderTest, SaysWhichLinesAreWarnings) {
  SimulatedClock clock;
  FrameBuilder::Options options = BuilderOptions();
  options.lines_per_second_max = 100'000;
  FrameBuilder builder(options);
  const auto add = [&](std::string_view source, int line, LineLevel level) {
    builder.Add(source, std::to_string(line), clock.Mono(), clock.Wall(), level);
  };
  for (int i = 0; i < 6; ++i) {
    add("kernel", i, i >= 1 && i != 3 ? LineLevel::kWarning : LineLevel::kBelowWarning);
    add("journal:a", i, i == 2 ? LineLevel::kWarning : LineLevel::kUnknown);
  }
  std::vector<LogFrame> frames = builder.Take();
  ASSERT_THAT(frames, SizeIs(2));
  EXPECT_FALSE(frames[0].levels_known) << "of one line nothing is known";
  EXPECT_THAT(frames[0].warnings, testing::ElementsAre(LogFrame::LineRun{2, 2}));
  EXPECT_TRUE(frames[1].levels_known);
  EXPECT_THAT(frames[1].warnings,
              testing::ElementsAre(LogFrame::LineRun{1, 2}, LogFrame::LineRun{4, 5}));
  // Levels that alternate fill a frame's runs before its text.
  for (int i = 0; i < 1000; ++i) {
    add("kernel", i, i % 2 == 0 ? LineLevel::kWarning : LineLevel::kBelowWarning);
  }
  frames = builder.Take();
  ASSERT_THAT(frames, SizeIs(3));
  size_t warnings = 0;
  for (const LogFrame& frame : frames) {
    EXPECT_TRUE(LogFrameFrom("h", LogFrameHeaders(frame), frame.text).has_value());
    warnings += frame.warnings.size();
  }
  EXPECT_EQ(warnings, 500u);
}

TEST(FrameBuilderTest, CapsTheRateOfEachSourceAndCountsTheLoss) {
  SimulatedClock clock;
  FrameBuilder builder(BuilderOptions());
  for (int i = 0; i < 8; ++i) {
    builder.Add("noisy", std::to_string(i), clock.Mono(), clock.Wall());
  }
  EXPECT_TRUE(builder.Add("quiet", "y", clock.Mono(), clock.Wall()));
  EXPECT_EQ(builder.lost().at("noisy").lines, 3u);
  EXPECT_FALSE(builder.lost().contains("quiet"));
  clock.Advance(Seconds(1));
  EXPECT_TRUE(builder.Add("noisy", "x", clock.Mono(), clock.Wall()));
}

TEST(FrameBuilderTest, NoFrameIsLargerThanItsLimit) {
  SimulatedClock clock;
  FrameBuilder::Options options = BuilderOptions();
  options.lines_per_second_max = 1'000'000;
  FrameBuilder builder(options);
  const std::string line(20'000, 'x');
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(builder.Add("kernel", line, clock.Mono(), clock.Wall()));
  }
  uint32_t lines = 0;
  for (const LogFrame& frame : builder.Take()) {
    EXPECT_LE(frame.text.size(), LogFrame::kTextBytesMax);
    lines += frame.lines;
  }
  EXPECT_EQ(lines, 100u);
}

TEST(FrameBuilderTest, ManySourcesAtOnceAreOneThatNobodyTrusts) {
  SimulatedClock clock;
  FrameBuilder builder(BuilderOptions());
  for (int i = 0; i < 1000; ++i) {
    builder.Add(fmt::format("journal:{}", i), fmt::format("{}", i), clock.Mono(), clock.Wall());
  }
  const std::vector<LogFrame> frames = builder.Take();
  EXPECT_LE(frames.size(), FrameBuilder::kSourcesMax + 1);
  EXPECT_EQ(builder.lost().at("other").lines, 1000 - FrameBuilder::kSourcesMax - 5);
}

// A sink that can be full, and stores when it is told.
class FakeSink final : public FrameSink {
 public:
  uint64_t PostFrame(SpooledFrame* frame) override {
    if (full) return 0;
    frames.push_back(std::move(*frame));
    return frames.size();
  }
  uint64_t StoredTicket() const override { return stored; }

  std::string Text() const {
    std::string text;
    for (const SpooledFrame& frame : frames) text += frame.record.value;
    return text;
  }

  bool full = false;
  uint64_t stored = 0;
  std::vector<SpooledFrame> frames;
};

class LogPumpTest : public testing::Test {
 protected:
  LogPumpTest() : root_(folder_.path()) {
    EXPECT_TRUE(MakeFolders(folder_ / "var"));
    Write("old\n");
    Restart();
    Cycle();
  }
  void Restart() {
    std::vector<std::unique_ptr<LogSource>> sources;
    sources.push_back(std::make_unique<FileTailer>(&root_, "/var/app.log"));
    LogPump::Options options;
    options.frames.host = HostId("h");
    options.frames.lines_per_second_max = lines_per_second_max_;
    options.cursor_path = folder_ / "cursors.json";
    options.wait_max = wait_max_;
    pump_ = std::make_unique<LogPump>(&clock_, nullptr, &sink_, options, std::move(sources));
    pump_->SetBoot("b");
  }
  void Write(std::string_view text) {
    const UniqueFd fd(
        ::open((folder_ / "var/app.log").c_str(), O_WRONLY | O_APPEND | O_CREAT, 0644));
    ASSERT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void Cycle() {
    pump_->Cycle();
    clock_.Advance(Seconds(1));
    pump_->Cycle();
    clock_.Advance(Seconds(1));
  }

  int64_t lines_per_second_max_ = 10'000;
  Millis wait_max_{0};
  TempFolder folder_;
  FsRoot root_;
  SimulatedClock clock_;
  FakeSink sink_;
  std::unique_ptr<LogPump> pump_;
};

TEST_F(LogPumpTest, HandsOnLinesAsTheyAre) {
  Write("one\ntwo\n");
  Cycle();
  ASSERT_THAT(sink_.frames, SizeIs(1));
  EXPECT_EQ(sink_.frames[0].record.value, "one\ntwo\n");
  EXPECT_EQ(sink_.frames[0].record.key, "h");
  EXPECT_EQ(sink_.frames[0].lines, 2u);
}

TEST_F(LogPumpTest, ALoneLineIsHandedOnInTheCycleThatReadsIt) {
  Write("one\n");
  pump_->Cycle();
  EXPECT_EQ(sink_.Text(), "one\n");
}

TEST_F(LogPumpTest, LinesOfABusySourceGatherInTheirFile) {
  std::string all;
  for (int millis = 0; millis < 2000; ++millis) {
    Write(fmt::format("{}\n", millis));
    all += fmt::format("{}\n", millis);
    pump_->Cycle();
    clock_.Advance(Millis(1));
  }
  EXPECT_LE(sink_.frames.size(), 10u + Pace::kBurst + 1) << "one each 200 ms";
  clock_.Advance(Millis(200));
  pump_->Cycle();
  EXPECT_EQ(sink_.Text(), all);
}

TEST_F(LogPumpTest, WritesDownACursorOnlyOnceTheFrameIsStored) {
  Write("one\n");
  Cycle();
  Restart();  // a crash before it was stored
  Cycle();
  EXPECT_EQ(sink_.Text(), "one\none\n") << "twice is better than never";
  sink_.stored = sink_.frames.size();
  Cycle();
  Restart();
  Cycle();
  EXPECT_EQ(sink_.Text(), "one\none\n");
  Write("two\n");
  Cycle();
  EXPECT_EQ(sink_.Text(), "one\none\ntwo\n");
}

TEST_F(LogPumpTest, RemembersWhereItStartedThoughNothingCame) {
  Restart();
  Write("while we were away\n");
  Cycle();
  EXPECT_EQ(sink_.Text(), "while we were away\n");
}

TEST_F(LogPumpTest, ReadsNothingWhileTheSinkIsFullAndLosesNothing) {
  sink_.full = true;
  for (int i = 0; i < 20; ++i) {
    Write(fmt::format("{}\n", i));
    Cycle();
  }
  EXPECT_EQ(sink_.Text(), "");
  sink_.full = false;
  Cycle();
  Cycle();
  std::string all;
  for (int i = 0; i < 20; ++i) all += fmt::format("{}\n", i);
  EXPECT_EQ(sink_.Text(), all);
}

TEST_F(LogPumpTest, WaitsForItsFileAndNotForItsNeighbours) {
  wait_max_ = Seconds(1);
  Restart();
  const SystemClock real;
  const auto cycle = [&] {
    const MonoTime began = real.Mono();
    pump_->Cycle();
    return real.Mono() - began;
  };
  while (cycle() < wait_max_ / 2) {
  }
  const UniqueFd other(::open((folder_ / "var/other.log").c_str(), O_WRONLY | O_CREAT, 0644));
  cycle();  // a new name in the folder could be that of the file
  ASSERT_EQ(::write(other.get(), "x\n", 2), 2);
  EXPECT_GE(cycle(), wait_max_) << "woken by another file";
  Write("one\n");
  EXPECT_LT(cycle(), wait_max_);
  EXPECT_EQ(sink_.Text(), "one\n");
  // After a rotation it is another inode.
  ASSERT_EQ(::rename((folder_ / "var/app.log").c_str(), (folder_ / "var/app.log.1").c_str()), 0);
  Write("two\n");
  clock_.Advance(Seconds(1));
  while (cycle() < wait_max_ / 2) {
  }
  EXPECT_EQ(sink_.Text(), "one\ntwo\n");
  Write("three\n");
  clock_.Advance(Seconds(1));
  EXPECT_LT(cycle(), wait_max_);
  EXPECT_EQ(sink_.Text(), "one\ntwo\nthree\n");
}

TEST_F(LogPumpTest, CountsWhatTheRateCapCosts) {
  lines_per_second_max_ = 100;
  Restart();
  std::string burst;
  for (int i = 0; i < 250; ++i) burst += std::to_string(i) + "\n";
  Write(burst);
  Cycle();
  ASSERT_TRUE(pump_->Lost().contains("file:/var/app.log"));
  EXPECT_EQ(pump_->Lost().at("file:/var/app.log").lines, 150u);
}

}  // namespace
}  // namespace fleetmedic

#include "base/logging.h"

#include <gtest/gtest.h>

#include <vector>

namespace fleetmedic {
namespace {

class LoggingTest : public testing::Test {
 protected:
  LoggingTest() {
    SetLogClock(&clock_);
    SetLogSink([this](LogLevel, std::string_view line) { lines_.emplace_back(line); });
  }
  ~LoggingTest() override {
    SetLogSink({});
    SetLogClock(nullptr);
    SetLogFormat(LogFormat::kText);
    SetLogLevel(LogLevel::kInfo);
  }

  SimulatedClock clock_;
  std::vector<std::string> lines_;
};

TEST_F(LoggingTest, WritesOneLineOfKeysAndValues) {
  LogInfo("disk is full", {{"path", "/var/lib"},
                           {"count", 3},
                           {"share", 0.5},
                           {"again", true},
                           {"error", std::string("no \"space\"\nleft")},
                           {"empty", ""},
                           {"pair", "a=b"}});
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_EQ(lines_[0],
            "time=2026-01-01T00:00:00.000000Z level=info msg=\"disk is full\" path=/var/lib "
            "count=3 share=0.5 again=true error=\"no \\\"space\\\"\\nleft\" empty=\"\" "
            "pair=\"a=b\"");
}

TEST_F(LoggingTest, WritesJsonWhenAsked) {
  SetLogFormat(LogFormat::kJson);
  LogError("it broke", {{"count", 3}, {"text", "a\x1b"}});
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_EQ(lines_[0], R"({"count":3,"level":"error","msg":"it broke","text":"a\u001b",)"
                       R"("time":"2026-01-01T00:00:00.000000Z"})");
}

TEST_F(LoggingTest, LeavesOutWhatIsBelowTheLevel) {
  LogDebug("fine detail");
  EXPECT_TRUE(lines_.empty());
  SetLogLevel(LogLevel::kDebug);
  LogDebug("fine detail");
  EXPECT_EQ(lines_.size(), 1u);
  SetLogLevel(LogLevel::kError);
  LogWarning("a warning");
  EXPECT_EQ(lines_.size(), 1u);
}

TEST_F(LoggingTest, AMessageThatRepeatsIsLimitedAndTheRestIsCounted) {
  const int64_t before = LogLinesSuppressed();
  for (int i = 0; i < kLogLinesPerWindowMax + 7; ++i) LogInfo("again", {{"i", i}});
  LogInfo("another message");
  EXPECT_EQ(lines_.size(), static_cast<size_t>(kLogLinesPerWindowMax + 1));
  EXPECT_EQ(LogLinesSuppressed() - before, 7);
  clock_.Advance(kLogWindow);
  LogInfo("again");
  EXPECT_NE(lines_.back().find(" suppressed=7"), std::string::npos) << lines_.back();
  LogInfo("again");
  EXPECT_EQ(lines_.back().find("suppressed"), std::string::npos) << lines_.back();
}

TEST_F(LoggingTest, MessagesPastTheTableShareOneLimit) {
  for (size_t i = 0; i < kLogMessagesLimitedMax + 1000; ++i) LogInfo(std::to_string(i));
  EXPECT_EQ(lines_.size(), kLogMessagesLimitedMax + static_cast<size_t>(kLogLinesPerWindowMax));
}

TEST(LogLevel, NamesReadBack) {
  EXPECT_EQ(ParseLogLevel("warning"), LogLevel::kWarning);
  EXPECT_EQ(ParseLogLevel("loud"), std::nullopt);
}

TEST(Logging, GoesToStderrByDefault) {
  testing::internal::CaptureStderr();
  LogError("to stderr");
  EXPECT_NE(testing::internal::GetCapturedStderr().find("level=error msg=\"to stderr\"\n"),
            std::string::npos);
}

}  // namespace
}  // namespace fleetmedic

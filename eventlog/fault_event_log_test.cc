#include "eventlog/fault_event_log.h"

#include <gtest/gtest.h>

#include "eventlog/memory_event_log.h"

namespace fleetmedic {
namespace {

class FaultEventLogTest : public testing::Test {
 protected:
  static Status Append(EventLog* log, std::string value) {
    const Record record{"web-1", std::move(value), {}, WallFromMillis(1)};
    return log->Append(Topic::kHealth, std::span<const Record>(&record, 1));
  }
  // What everybody else reads.
  std::vector<std::string> Written() {
    std::vector<std::string> values;
    const auto reader = wrapped_.OpenAt(Topic::kHealth, {}).value();
    const std::vector<LogRecord> records = reader->Poll(100).value();
    for (const LogRecord& record : records) values.push_back(record.record.value);
    return values;
  }

  SimulatedClock clock_;
  MemoryEventLog wrapped_{clock_};
  FaultEventLog log_{&wrapped_};
};

using Strings = std::vector<std::string>;

TEST_F(FaultEventLogTest, AnAppendMeetsEachFaultAsItsNameSays) {
  struct Case {
    const char* sentence;
    CallFault fault;
    Code code;
    bool happened;
    bool crashed;
  };
  static constexpr Case kCases[] = {
      {"unavailable", CallFault::kUnavailable, Code::kUnavailable, false, false},
      {"busy", CallFault::kBusy, Code::kBusy, false, false},
      {"full", CallFault::kFull, Code::kFull, false, false},
      {"failed before", CallFault::kFailedBefore, Code::kIo, false, false},
      {"failed after", CallFault::kFailedAfter, Code::kIo, true, false},
      {"timed out before", CallFault::kTimedOutBefore, Code::kDeadlineExceeded, false, false},
      {"timed out after", CallFault::kTimedOutAfter, Code::kDeadlineExceeded, true, false},
      {"crash before", CallFault::kCrashBefore, Code::kIo, false, true},
      {"crash after", CallFault::kCrashAfter, Code::kIo, true, true},
  };
  Strings expected;
  for (const Case& c : kCases) {
    log_.FailAt(LogCall::kAppend, 1, c.fault);
    const Status status = Append(&log_, c.sentence);
    ASSERT_FALSE(status) << c.sentence;
    EXPECT_EQ(status.error().code, c.code) << c.sentence;
    if (c.happened) expected.push_back(c.sentence);
    EXPECT_EQ(Written(), expected) << c.sentence;
    EXPECT_EQ(log_.crashed(), c.crashed) << c.sentence;
    EXPECT_EQ(Append(&log_, "next").has_value(), !c.crashed) << c.sentence;
    if (!c.crashed) expected.push_back("next");
    log_.Reset();
  }
}

TEST_F(FaultEventLogTest, ACommandHitsTheCallsThatItNames) {
  log_.FailAt(LogCall::kAppend, 2, CallFault::kBusy, 2);
  EXPECT_TRUE(Append(&log_, "1"));
  EXPECT_FALSE(Append(&log_, "2"));
  EXPECT_TRUE(log_.OpenAt(Topic::kHealth, {}));
  EXPECT_FALSE(Append(&log_, "3"));
  EXPECT_TRUE(Append(&log_, "4"));
  EXPECT_EQ(log_.calls(LogCall::kAppend), 4);
  EXPECT_EQ(log_.faults(), 2);
  log_.FailAt(LogCall::kAppend, 1, CallFault::kBusy);
  log_.Heal();
  EXPECT_TRUE(Append(&log_, "5"));
}

TEST_F(FaultEventLogTest, APollThatFailsLeavesTheReaderWhereItWas) {
  ASSERT_TRUE(Append(&log_, "1"));
  const auto reader = log_.OpenAt(Topic::kHealth, {}).value();
  log_.FailAt(LogCall::kPoll, 1, CallFault::kUnavailable);
  log_.FailAt(LogCall::kBehind, 1, CallFault::kTimedOutBefore);
  EXPECT_EQ(reader->Poll(1).error().code, Code::kUnavailable);
  EXPECT_EQ(reader->Behind().error().code, Code::kDeadlineExceeded);
  EXPECT_EQ(reader->Behind()->records, 1);
  EXPECT_EQ(reader->Poll(1)->size(), 1U);
}

TEST_F(FaultEventLogTest, ACommitThatFailedMayHaveHappened) {
  for (const bool happens : {false, true}) {
    ASSERT_TRUE(Append(&log_, "1"));
    auto reader = log_.Open(Topic::kHealth, "g").value();
    ASSERT_EQ(reader->Poll(10)->size(), 1U);
    log_.FailAt(LogCall::kCommit, 1, happens ? CallFault::kFailedAfter : CallFault::kFailedBefore);
    EXPECT_EQ(reader->Commit().error().code, Code::kIo);
    reader = log_.Open(Topic::kHealth, "g").value();
    EXPECT_EQ(reader->Poll(10)->size(), happens ? 0U : 1U);
    ASSERT_TRUE(reader->Commit());
  }
}

TEST_F(FaultEventLogTest, AfterACrashOldReadersStayDeadAndNewOnesLive) {
  ASSERT_TRUE(Append(&log_, "1"));
  int wakes = 0;
  const Topic topics[] = {Topic::kHealth};
  const auto subscription = log_.Subscribe(topics, [&wakes] { ++wakes; });
  const auto before = log_.OpenAt(Topic::kHealth, {}).value();
  log_.FailAt(LogCall::kAppend, 1, CallFault::kCrashAfter);
  EXPECT_FALSE(Append(&log_, "2"));
  EXPECT_EQ(wakes, 0);
  EXPECT_EQ(before->Poll(1).error().code, Code::kUnavailable);
  EXPECT_EQ(log_.OpenAt(Topic::kHealth, {}).error().code, Code::kUnavailable);
  log_.Reset();
  EXPECT_EQ(before->Poll(1).error().code, Code::kUnavailable);
  EXPECT_EQ(log_.OpenAt(Topic::kHealth, {}).value()->Poll(9)->size(), 2U);
  ASSERT_TRUE(Append(&log_, "3"));
  EXPECT_EQ(wakes, 1);
}

TEST_F(FaultEventLogTest, ChancesFollowTheirSeedAndTheirSize) {
  CallFaultChances chances{};
  chances[static_cast<size_t>(CallFault::kBusy)] = 0.2;
  chances[static_cast<size_t>(CallFault::kFailedAfter)] = 0.1;
  std::vector<std::vector<int>> runs;
  for (int run = 0; run < 2; ++run) {
    MemoryEventLog wrapped(clock_);
    FaultEventLog log(&wrapped);
    log.FailByChance(Random(7), chances);
    std::vector<int>& codes = runs.emplace_back();
    for (int i = 0; i < 2'000; ++i) {
      const Status status = Append(&log, "x");
      codes.push_back(status ? -1 : static_cast<int>(status.error().code));
    }
    EXPECT_NEAR(static_cast<double>(log.faults()), 600, 100);
  }
  EXPECT_EQ(runs[0], runs[1]);
}

}  // namespace
}  // namespace fleetmedic

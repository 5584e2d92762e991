#include "detectors/agent/agent_detector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"

namespace fleetmedic {
namespace {

using testing::HasSubstr;

class AgentDetectorTest : public testing::Test {
 protected:
  Condition Find(const std::string& type, const std::string& unit = "") {
    sample_.mono = clock_.Mono();
    sample_.wall = clock_.Wall();
    for (const Condition& condition : detector_.Evaluate(sample_)) {
      if (condition.type == type && condition.unit == unit) return condition;
    }
    return {};
  }

  SimulatedClock clock_;
  AgentSample sample_;
  AgentDetector detector_;
};

TEST_F(AgentDetectorTest, SaysOkOfEachTypeWhenAllIsWell) {
  for (const char* type : {"LogSourceUnreadable", "LogsDropped", "AgentSpoolFull", "AgentLogAway",
                           "AgentDetectorOverdue", "AgentClockJumped"}) {
    EXPECT_EQ(Find(type).verdict, Verdict::kOk) << type;
  }
}

TEST_F(AgentDetectorTest, TellsALossForTenMinutes) {
  sample_.lost["kernel"] = {7, clock_.Mono()};
  EXPECT_EQ(Find("LogsDropped", "kernel").verdict, Verdict::kBad);
  EXPECT_EQ(Find("LogsDropped", "kernel").severity, Severity::kInfo)
      << "a noisy container must not get its host drained";
  clock_.Advance(Minutes(10) + Micros(1));
  EXPECT_EQ(Find("LogsDropped").verdict, Verdict::kOk);
}

TEST_F(AgentDetectorTest, TellsWhatTheSpoolDropped) {
  Find("LogsDropped");
  sample_.spool_dropped_lines = 12;
  EXPECT_THAT(Find("LogsDropped", "spool").message, HasSubstr("12 lines"));
}

TEST_F(AgentDetectorTest, TellsAClockThatWasSetEitherWay) {
  EXPECT_EQ(Find("AgentClockJumped").verdict, Verdict::kOk);
  clock_.Advance(Seconds(5));
  clock_.JumpWall(Seconds(4));
  EXPECT_EQ(Find("AgentClockJumped").verdict, Verdict::kOk) << "a slew is no jump";
  clock_.JumpWall(-Hours(1));
  const Condition jumped = Find("AgentClockJumped");
  EXPECT_EQ(jumped.verdict, Verdict::kBad);
  EXPECT_THAT(jumped.message, HasSubstr("back by 1h"));
  clock_.Advance(Minutes(11));
  EXPECT_EQ(Find("AgentClockJumped").verdict, Verdict::kOk);
}

TEST_F(AgentDetectorTest, ARightThatIsMissingIsUnknownAndNamed) {
  sample_.unreadable["kmsg"] = {Code::kPermissionDenied, "no permission (CAP_SYSLOG): open"};
  sample_.unreadable["journal"] = {Code::kNotFound, "no such file"};
  sample_.unreadable["file:/x"] = {Code::kIo, "input/output error"};
  const Condition kmsg = Find("LogSourceUnreadable", "kmsg");
  EXPECT_EQ(kmsg.verdict, Verdict::kUnknown);
  EXPECT_EQ(kmsg.reason, "NoPermission");
  EXPECT_THAT(kmsg.message, HasSubstr("CAP_SYSLOG"));
  EXPECT_EQ(Find("LogSourceUnreadable", "journal").verdict, Verdict::kUnknown);
  EXPECT_EQ(Find("LogSourceUnreadable", "file:/x").verdict, Verdict::kBad);
  sample_.unreadable.clear();
  EXPECT_EQ(Find("LogSourceUnreadable").verdict, Verdict::kOk);
}

TEST_F(AgentDetectorTest, ALogThatWasAwayIsToldOnceItIsBack) {
  sample_.log_away = true;
  EXPECT_EQ(Find("AgentLogAway").verdict, Verdict::kOk) << "one failed append is nothing";
  clock_.Advance(Seconds(90));
  EXPECT_EQ(Find("AgentLogAway").reason, "Away");
  sample_.log_away = false;
  clock_.Advance(Seconds(5));
  const Condition back = Find("AgentLogAway");
  EXPECT_EQ(back.reason, "WasAway");
  EXPECT_THAT(back.message, HasSubstr("1m35s"));
  clock_.Advance(Minutes(11));
  EXPECT_EQ(Find("AgentLogAway").verdict, Verdict::kOk);
}

TEST_F(AgentDetectorTest, TellsWhatItUsesItselfAgainstItsLimits) {
  EXPECT_EQ(Find("AgentOverLimit").type, "") << "of a process that it shares it cannot tell";
  sample_.usage = OwnUsage{int64_t{10} << 20, Micros(0)};
  EXPECT_EQ(Find("AgentOverLimit").verdict, Verdict::kOk);
  sample_.usage->resident_bytes = int64_t{65} << 20;
  EXPECT_THAT(Find("AgentOverLimit", "memory").message, HasSubstr("65.0 MiB"));
  sample_.usage->resident_bytes = int64_t{10} << 20;
  clock_.Advance(Minutes(5));
  sample_.usage->cpu = Seconds(30);
  EXPECT_THAT(Find("AgentOverLimit", "cpu").message, HasSubstr("10.0 % of a core"));
  EXPECT_EQ(Find("AgentOverLimit", "cpu").severity, Severity::kInfo);
  clock_.Advance(Minutes(5));
  EXPECT_EQ(Find("AgentOverLimit").verdict, Verdict::kOk);
}

TEST(OwnUsageTest, ReadsThisProcessAndTheFormOfStatm) {
  const Result<OwnUsage> usage = ReadOwnUsage();
  ASSERT_TRUE(usage) << usage.error().message;
  EXPECT_GT(usage->resident_bytes, 100'000);
  EXPECT_EQ(ResidentBytes("7000 2500 900 1 0 800 0\n", 4096).value_or(0), 2500 * 4096);
  for (const char* text : {"", "7000", "7000 x 900", "7000 -1 900"}) {
    EXPECT_FALSE(ResidentBytes(text, 4096).has_value()) << text;
  }
}

TEST_F(AgentDetectorTest, TellsTheDiskAndTheOverdue) {
  sample_.disk_error = "No space left on device";
  sample_.overdue["docker"] = Seconds(35);
  EXPECT_EQ(Find("AgentSpoolFull").verdict, Verdict::kBad);
  EXPECT_THAT(Find("AgentDetectorOverdue", "docker").message, HasSubstr("35s"));
}

}  // namespace
}  // namespace fleetmedic

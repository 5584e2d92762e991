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
  for (const char* type :
       {"LogsDropped", "AgentSpoolFull", "AgentDetectorOverdue", "AgentClockJumped"}) {
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

TEST_F(AgentDetectorTest, TellsTheDiskAndTheOverdue) {
  sample_.disk_error = "No space left on device";
  sample_.overdue["docker"] = Seconds(35);
  EXPECT_EQ(Find("AgentSpoolFull").verdict, Verdict::kBad);
  EXPECT_THAT(Find("AgentDetectorOverdue", "docker").message, HasSubstr("35s"));
}

}  // namespace
}  // namespace fleetmedic

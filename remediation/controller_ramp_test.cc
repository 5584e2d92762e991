// How much of the budget is used after a stop, and after a repair that did not hold.
#include "remediation/controller_fixture.h"

namespace fleetmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RampTest : public ControllerTest {
 protected:
  static constexpr int kHosts = 12;

  RampTest() {
    config_.limits = {{.name = "eight", .at_least = 8}};
    config_.brake.disrupted_at_least = 100;
    Restart();
    for (int i = 0; i < kHosts; ++i) AddHost(Name(i));
    Run();
  }

  static std::string Name(int host) { return fmt::format("h{:02}", host); }
  void StayBadAll(int hosts, int seconds) {
    for (int i = 0; i < seconds; ++i) {
      for (int host = 0; host < kHosts; ++host) {
        Report(Name(host), host < hosts ? Verdict::kBad : Verdict::kOk);
      }
      Run(Seconds(1));
    }
  }
  int Out() {
    int out = 0;
    for (const auto& [id, grant] : controller_->ledger().grants()) out += grant.open() ? 1 : 0;
    return out;
  }
  int Allowed() { return controller_->ledger().ramp().allowed; }
  void HoldAndRelease() {
    ASSERT_TRUE(Add(OverrideKind::kHold, "fleet"));
    ASSERT_TRUE(Tell(request::Release{"ana", "fixed"}));
  }
};

TEST_F(RampTest, AReleasedHoldResumesAtAQuarterOfTheBudget) {
  HoldAndRelease();
  EXPECT_EQ(Allowed(), 2);
  StayBadAll(6, 3);
  EXPECT_EQ(Out(), 2);
  EXPECT_THAT(HostNow("h05")->waits_for, HasSubstr("ramp: 2 of 2 at once"));
  EXPECT_EQ(controller_->Snapshot()->ramp.why, "let go from mode hold");
  const auto limits = controller_->Snapshot()->limits;
  EXPECT_TRUE(std::ranges::any_of(
      limits, [](const LimitView& limit) { return limit.name == "ramp" && limit.max == 2; }));
}

TEST_F(RampTest, SoDoesAReleasedBrakeAndARemovedHoldFile) {
  config_.brake.disrupted_at_least = 3;
  Restart();
  StayBadAll(4, 3);
  ASSERT_EQ(controller_->Snapshot()->mode, Mode::kTripped);
  ASSERT_TRUE(Tell(request::ReleaseBrake{"ana", "seen"}));
  EXPECT_EQ(Allowed(), 2);

  StayBadAll(0, 1);
  ASSERT_TRUE(WriteFileAtomic(folder_ / "HOLD", ""));
  Run(Seconds(3));
  ASSERT_EQ(controller_->Snapshot()->mode, Mode::kHold);
  ASSERT_TRUE(RemoveTree(folder_ / "HOLD"));
  Run(Seconds(3));
  EXPECT_EQ(Allowed(), 2);
  EXPECT_EQ(controller_->Snapshot()->ramp.why, "let go from mode hold");
}

TEST_F(RampTest, WithoutAStopTheLimitsAloneCount) {
  StayBadAll(10, 3);
  EXPECT_EQ(Out(), 8);
  EXPECT_EQ(Allowed(), 0);
}

TEST_F(RampTest, ItIsDurableAndGrowsWithARecovery) {
  HoldAndRelease();
  Restart();
  StayBadAll(0, 12);
  EXPECT_EQ(Allowed(), 2);
  StayBadAll(1, 2);
  ASSERT_NE(StateOf("h00"), HostState::kHealthy);
  StayBadAll(0, 30);
  ASSERT_EQ(StateOf("h00"), HostState::kHealthy);
  EXPECT_EQ(Allowed(), 3);
}

TEST_F(RampTest, ARepairThatDoesNotHoldHalvesIt) {
  StayBadAll(1, 3);
  ASSERT_TRUE(Tell(request::AddOverride{OverrideKind::kReturn, ParseScope("host:h00").value(),
                                        "ana", "I repaired it", Millis(0)}));
  ASSERT_EQ(StateOf("h00"), HostState::kProbation);
  StayBadAll(1, 40);
  EXPECT_EQ(Allowed(), 4);
  EXPECT_THAT(controller_->Snapshot()->ramp.why,
              HasSubstr("h00 did not come through its probation"));
  std::vector<std::string> told;
  for (const AuditEntry& entry : AuditOf("fleet")) {
    if (entry.action == "ramp") told.push_back(entry.result);
  }
  EXPECT_THAT(told, ElementsAre("4 at once"));
}

}  // namespace
}  // namespace fleetmedic

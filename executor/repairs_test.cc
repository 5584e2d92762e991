#include "executor/repairs.h"

#include <gmock/gmock.h>

#include "base/file.h"
#include "base/poll.h"
#include "base/thread_pool.h"

namespace fleetmedic {
namespace {

// Keeps the work instead of doing it: an executor that dies in the middle.
class NoWorkers final : public Workers {
 public:
  Status Submit(std::string_view, std::function<void()>) override { return {}; }
};

class RepairsTest : public testing::Test {
 protected:
  RepairsTest() {
    config_.restart_unit_command = {"sh", "-c", "printf '%s\\n' \"$0\" >> " + (folder_ / "ran"),
                                    "{unit}"};
    config_.reboot_command = {"sh", "-c", "echo reboot >> " + (folder_ / "ran")};
    Open("boot-1");
  }

  void Open(const std::string& boot_id, Workers* workers = nullptr) {
    repairs_ = std::make_unique<Repairs>(
        RepairsParts{.folder = folder_ / "repairs",
                     .clock = &clock_,
                     .workers = workers == nullptr ? &inline_workers_ : workers,
                     .wake = {}},
        config_);
    const Status opened = repairs_->Open(boot_id);
    ASSERT_TRUE(opened) << opened.error().message;
  }

  Repair RepairOf(const std::string& id, Rung rung = Rung::kRestartUnit) {
    Repair repair;
    repair.id = id;
    repair.rung = rung;
    repair.unit = "docker.service";
    repair.boot_id = "boot-1";
    repair.start_before = clock_.Wall() + Minutes(1);
    return repair;
  }
  // The outcome that is told next.
  std::vector<RepairReport> Told(const std::string& boot_id = "boot-1") {
    repairs_->Poll(boot_id);
    return repairs_->TakeReports();
  }
  std::string Ran() { return ReadFile(folder_ / "ran", 4096).value_or(""); }

  TempFolder folder_;
  SystemClock clock_;
  InlineWorkers inline_workers_;
  NoWorkers no_workers_;
  ExecutorConfig config_;
  std::unique_ptr<Repairs> repairs_;
};

TEST_F(RepairsTest, AUnitIsRestartedOnceHoweverOftenItIsAsked) {
  const Repair repair = RepairOf("a/1/1");
  repairs_->Take(repair, "boot-1");
  std::vector<RepairReport> told = Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].outcome, RepairOutcome::kDone);
  EXPECT_TRUE(Told().empty());
  repairs_->Take(repair, "boot-1");
  told = Told();
  ASSERT_EQ(told.size(), 1U) << "asked again, the outcome is told again";
  Open("boot-1");
  EXPECT_TRUE(Told().empty());
  repairs_->Take(repair, "boot-1");
  EXPECT_EQ(Told().at(0).outcome, RepairOutcome::kDone);
  EXPECT_EQ(Ran(), "docker.service\n");
}

TEST_F(RepairsTest, AUnitsNameIsOneArgumentWhateverItHolds) {
  Repair repair = RepairOf("a/1/1");
  repair.unit = "x;reboot$(id).service";
  repairs_->Take(repair, "boot-1");
  EXPECT_EQ(Told().at(0).outcome, RepairOutcome::kDone);
  EXPECT_EQ(Ran(), "x;reboot$(id).service\n");
}

struct RefusedCase {
  const char* sentence;
  void (*spoil)(Repair*, ExecutorConfig*, WallTime now);
  const char* why;
};
class RefusedRepairTest : public RepairsTest, public testing::WithParamInterface<RefusedCase> {};

TEST_P(RefusedRepairTest, IsNeverStartedAndSaysWhy) {
  Repair repair = RepairOf("a/1/1");
  GetParam().spoil(&repair, &config_, clock_.Wall());
  Open("boot-1");
  repairs_->Take(repair, "boot-1");
  const std::vector<RepairReport> told = Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].outcome, RepairOutcome::kRefused);
  EXPECT_THAT(told[0].message, testing::HasSubstr(GetParam().why));
  EXPECT_EQ(Ran(), "");
}

INSTANTIATE_TEST_SUITE_P(
    Reasons, RefusedRepairTest,
    testing::Values(
        RefusedCase{"EvidenceOfAnotherBoot",
                    [](Repair* repair, ExecutorConfig*, WallTime) { repair->boot_id = "boot-0"; },
                    "the evidence is of boot \"boot-0\""},
        RefusedCase{"AStartThatIsTooLate",
                    [](Repair* repair, ExecutorConfig*, WallTime now) {
                      repair->start_before = now - Seconds(1);
                    },
                    "it should have started before"},
        RefusedCase{"ARebootThatTheConfigHasNoCommandFor",
                    [](Repair* repair, ExecutorConfig* config, WallTime) {
                      repair->rung = Rung::kReboot;
                      config->reboot_command.clear();
                    },
                    "executor.reboot_command is empty"},
        RefusedCase{
            "ARungThatThisExecutorDoesNotHave",
            [](Repair* repair, ExecutorConfig*, WallTime) { repair->rung = Rung::kResetGpu; },
            "does not support reset_gpu"},
        RefusedCase{"AUnitThatLooksLikeAnOption",
                    [](Repair* repair, ExecutorConfig*, WallTime) { repair->unit = "--force"; },
                    "no unit of this name"},
        RefusedCase{"AUnitWithALineEnd",
                    [](Repair* repair, ExecutorConfig*, WallTime) { repair->unit = "a\nb"; },
                    "no unit of this name"},
        RefusedCase{"AnEmptyUnit",
                    [](Repair* repair, ExecutorConfig*, WallTime) { repair->unit = ""; },
                    "no unit of this name"}),
    [](const auto& test) { return test.param.sentence; });

TEST_F(RepairsTest, ACommandThatFailsIsFailedWithWhatItSaid) {
  config_.restart_unit_command = {"sh", "-c", "echo 'Unit not found' >&2; exit 5"};
  Open("boot-1");
  repairs_->Take(RepairOf("a/1/1"), "boot-1");
  const std::vector<RepairReport> told = Told();
  EXPECT_EQ(told.at(0).outcome, RepairOutcome::kFailed);
  EXPECT_EQ(told.at(0).message, "exit code 5: \"Unit not found\"");
}

TEST_F(RepairsTest, ACommandPastItsTimeIsUnknownNotFailed) {
  config_.restart_unit_command = {"sleep", "100"};
  config_.repair_timeout = Millis(50);
  Open("boot-1");
  repairs_->Take(RepairOf("a/1/1"), "boot-1");
  EXPECT_EQ(Told().at(0).outcome, RepairOutcome::kUnknown);
}

TEST_F(RepairsTest, AnIntentThatIsFoundAtTheStartIsUnknownAndNeverRunAgain) {
  Open("boot-1", &no_workers_);
  repairs_->Take(RepairOf("a/1/1"), "boot-1");
  Open("boot-1");
  EXPECT_EQ(Told().at(0).outcome, RepairOutcome::kUnknown);
  repairs_->Take(RepairOf("a/1/1"), "boot-1");
  EXPECT_EQ(Told().at(0).outcome, RepairOutcome::kUnknown);
  EXPECT_EQ(Ran(), "");
}

TEST_F(RepairsTest, ARebootIsDoneWhenTheBootIsAnother) {
  Open("boot-1", &no_workers_);
  repairs_->Take(RepairOf("a/1/1", Rung::kReboot), "boot-1");
  Open("boot-2");
  EXPECT_EQ(Told("boot-2").at(0).outcome, RepairOutcome::kDone);
  repairs_->Take(RepairOf("a/1/1", Rung::kReboot), "boot-2");
  EXPECT_EQ(Told("boot-2").at(0).outcome, RepairOutcome::kDone);
  EXPECT_EQ(Ran(), "");
}

TEST_F(RepairsTest, ARebootThatTheExecutorLivesThroughIsDoneAtTheNewBoot) {
  repairs_->Take(RepairOf("a/1/1", Rung::kReboot), "boot-1");
  EXPECT_TRUE(Told().empty()) << "the command only asks for it";
  EXPECT_EQ(Told("boot-2").at(0).outcome, RepairOutcome::kDone);
  EXPECT_EQ(Ran(), "reboot\n");
}

TEST_F(RepairsTest, ARebootThatDoesNotComeIsUnknown) {
  config_.repair_timeout = Millis(500);
  Open("boot-1");
  repairs_->Take(RepairOf("a/1/1", Rung::kReboot), "boot-1");
  EXPECT_TRUE(Told().empty());
  PollUntil({}, clock_, clock_.Mono() + Millis(600));
  EXPECT_EQ(Told().at(0).outcome, RepairOutcome::kUnknown);
}

TEST_F(RepairsTest, WhatHasARecordThatCannotBeReadIsNotRun) {
  repairs_->Take(RepairOf("a/1/1"), "boot-1");
  const Result<std::vector<std::string>> names = FsRoot().List(folder_ / "repairs", 10);
  for (const std::string& name : *names) {
    ASSERT_TRUE(WriteFileAtomic(folder_ / "repairs/" + name, "{"));
  }
  Open("boot-1");
  repairs_->Take(RepairOf("a/1/1"), "boot-1");
  EXPECT_EQ(Told().at(0).outcome, RepairOutcome::kUnknown);
  EXPECT_EQ(Ran(), "docker.service\n") << "once, before";
}

TEST_F(RepairsTest, WhenTheIntentCannotBeWrittenNothingIsStarted) {
  ASSERT_TRUE(RemoveTree(folder_ / "repairs"));
  ASSERT_TRUE(WriteFileAtomic(folder_ / "repairs", "a file is in the way"));
  repairs_->Take(RepairOf("a/1/1"), "boot-1");
  EXPECT_EQ(Told().at(0).outcome, RepairOutcome::kRefused);
  EXPECT_EQ(Ran(), "");
}

}  // namespace
}  // namespace fleetmedic

#include "stream/rule_reload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/logging.h"
#include "stream/rule_check.h"

namespace fleetmedic {
namespace {

using ::testing::HasSubstr;

std::string RuleText(const std::string& name, const std::string& pattern) {
  return "[[rule]]\nname = \"" + name + "\"\npattern = '" + pattern +
         "'\nsources = [\"kernel\"]\ncondition = \"DiskError\"\nseverity = \"soft\"\n"
         "reason = \"Bad\"\nmessage = \"bad\"\nclear = \"quiet\"\nclear_after = \"10m\"\n"
         "help = \"Look at it.\"\nexamples = ['disk bad 17']\ncounter_examples = ['disk good']\n";
}

class RuleReloadTest : public ::testing::Test {
 protected:
  RuleReloadTest() {
    SetLogLevel(LogLevel::kError);
    Write(RuleText("disk.bad", "disk bad"));
    Diagnostics diagnostics;
    const std::vector<std::string> paths = {folder_.path()};
    first_ = CheckRuleFiles(paths, &diagnostics, nullptr);
    book_ = std::make_shared<RuleBook>(RulesOf(first_));
    keeper_ = std::make_unique<RuleKeeper>(
        RuleReload::Parts{.clock = &clock_,
                          .metrics = &metrics_,
                          .role = "remediator",
                          .watch = std::make_shared<RuleWatch>(paths, std::nullopt),
                          .book = book_},
        [this](const RuleSet& rules) { told_.push_back(rules.rules().front().name); });
  }
  void Write(const std::string& text) {
    ASSERT_TRUE(WriteFileAtomic(folder_ / "disk.toml", text).has_value());
  }
  void Run(Seconds span) {
    for (Seconds passed(0); passed < span; passed += Seconds(1)) {
      clock_.Advance(Seconds(1));
      keeper_->Turn(clock_.Mono());
      EXPECT_LE(keeper_->NextWake(), clock_.Mono() + RuleReload::kLookEvery);
    }
  }

  SimulatedClock clock_;
  const TempFolder folder_;
  Metrics metrics_;
  std::shared_ptr<const RuleSet> first_;
  std::shared_ptr<RuleBook> book_;
  std::vector<std::string> told_;
  std::unique_ptr<RuleKeeper> keeper_;
};

TEST_F(RuleReloadTest, TellsOnceOfRulesThatChanged) {
  Run(Seconds(5));
  EXPECT_TRUE(told_.empty());
  EXPECT_EQ(book_->Now().rules->at(0).name, "disk.bad");
  Write(RuleText("disk.worse", "disk bad"));
  Run(Seconds(10));
  EXPECT_THAT(told_, ::testing::ElementsAre("disk.worse"));
  EXPECT_EQ(book_->Now().rules->at(0).name, "disk.worse");
  EXPECT_THAT(metrics_.Text(), HasSubstr("fleetmedic_remediator_rules_reloads_total 1\n"));
}

TEST_F(RuleReloadTest, RulesWithErrorsChangeNothingAndAreToldWithTheirPlace) {
  Write(RuleText("disk.worse", "disk (bad"));
  Run(Seconds(5));
  EXPECT_TRUE(told_.empty());
  const RuleBook::Look look = book_->Now();
  EXPECT_EQ(look.rules->at(0).name, "disk.bad");
  EXPECT_THAT(look.refused, HasSubstr("disk.toml:3:"));
  EXPECT_NE(look.refused_at, kWallNever);
  EXPECT_THAT(metrics_.Text(), HasSubstr("fleetmedic_remediator_rules_refused_total 1\n"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("fleetmedic_remediator_rules_stale 1\n"));
  Write(RuleText("disk.worse", "disk bad"));
  Run(Seconds(5));
  EXPECT_EQ(book_->Now().rules->at(0).name, "disk.worse");
  EXPECT_TRUE(book_->Now().refused.empty());
  EXPECT_THAT(metrics_.Text(), HasSubstr("fleetmedic_remediator_rules_stale 0\n"));
}

}  // namespace
}  // namespace fleetmedic

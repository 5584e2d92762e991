// Every scenario of tests/sim/scenarios/, over a fixed sample of seeds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "base/logging.h"
#include "simulation/report.h"
#include "simulation/scenario_keys.h"
#include "simulation/scenario_load.h"

namespace fleetmedic::sim {
namespace {

using testing::HasSubstr;

std::vector<std::string> Files() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator("tests/sim/scenarios")) {
    files.push_back(entry.path().string());
  }
  std::ranges::sort(files);
  return files;
}

class ScenarioFile : public testing::TestWithParam<std::string> {};

TEST_P(ScenarioFile, ShowsWhatItExpectsAndBreaksNothing) {
  SetLogLevel(LogLevel::kError);
  Diagnostics diagnostics;
  const Result<Scenario> scenario = LoadScenario(GetParam(), &diagnostics);
  ASSERT_TRUE(scenario) << diagnostics.Text();
  Report report(*scenario);
  report.Add(*PlayScenario(*scenario, 1));
  EXPECT_TRUE(report.ok()) << report.FailureText("build/release/fleetmedic simulate " + GetParam());
}

INSTANTIATE_TEST_SUITE_P(Of, ScenarioFile, testing::ValuesIn(Files()), [](const auto& file) {
  std::string name = std::filesystem::path(file.param).stem().string();
  std::ranges::replace(name, '-', '_');
  return name;
});

std::string Errors(const std::string& text) {
  Diagnostics diagnostics;
  const Result<Scenario> scenario = ParseScenario(text, "s.toml", &diagnostics);
  EXPECT_EQ(scenario.has_value(), diagnostics.ok());
  return diagnostics.ok() ? "" : diagnostics.Text();
}

constexpr const char* kSmall = R"(title = "one host breaks"
lasts = "20m"
[fleet]
hosts = 10
outcome_lost_chance = 0.0
repair_cures_chance = 1.0
[[jobs]]
name = "web"
tasks_per_host = 1.0
[[faults]]
at = "2m"
kind = "condition"
on = { hosts = 1 }
)";

TEST(Scenario, EveryMistakeIsToldAtOnceWithItsPlace) {
  const std::string errors = Errors(R"(title = "wrong"
lasts = "1h"
[fleet]
hosts = "many"
[[faults]]
at = "2h"
kind = "conditon"
[[faults]]
at = "1m"
kind = "condition"
on = {}
[[people]]
at = "1m"
act = "hold"
scope = "nowhere"
[policy]
setle = "3m"
[expect]
acts = 0
)");
  EXPECT_THAT(errors, HasSubstr("s.toml:4:9: error: fleet.hosts: expected an integer"));
  EXPECT_THAT(errors, HasSubstr("s.toml:7:8: error: faults.kind: expected one of condition,"));
  EXPECT_THAT(errors, HasSubstr("did you mean \"condition\"?"));
  EXPECT_THAT(errors, HasSubstr("on: selects nothing"));
  EXPECT_THAT(errors, HasSubstr("people.scope"));
  EXPECT_THAT(errors, HasSubstr("a key of the policy is not known"));
  // What is asked for and not understood must not be a check that passes.
  EXPECT_THAT(errors, HasSubstr("s.toml:19:1: error: expect.acts: unknown key"));
}

TEST(Scenario, WithoutExpectationsItIsNone) {
  EXPECT_THAT(Errors(kSmall), HasSubstr("a scenario says what must be seen"));
  EXPECT_EQ(Errors(std::string(kSmall) + "[expect]\nacts_min = 1\n"), "");
}

TEST(Scenario, WhatWasNotSeenIsToldWithItsFigure) {
  SetLogLevel(LogLevel::kError);
  Diagnostics diagnostics;
  const std::string text = std::string(kSmall) +
                           "[expect]\nacts_max = 2\nacts_min = 1\npages_min = 1\n"
                           "brake_within = \"1m\"\nblocked_by = \"nobody\"\n";
  const Result<Scenario> scenario = ParseScenario(text, "s.toml", &diagnostics);
  ASSERT_TRUE(scenario) << diagnostics.Text();
  const RunResult run = *PlayScenario(*scenario, 1);
  EXPECT_EQ(run.broken, "");
  EXPECT_THAT(run.missed,
              testing::ElementsAre("acts_max = 2, and it was 3", "pages_min = 1, and it was 0",
                                   "brake_within = \"1m\", and it was never",
                                   "blocked_by = \"nobody\", and nothing named it"));
  EXPECT_EQ(run.counts.taints, 1);
  EXPECT_EQ(run.counts.drains, 1);
  EXPECT_EQ(run.counts.give_backs, 1);
  EXPECT_EQ(run.counts.episodes, 1);
  EXPECT_EQ(run.counts.healed, 1);
  EXPECT_EQ(run.counts.wrong_acts, 0);
  Report report(*scenario);
  report.Add(run);
  EXPECT_FALSE(report.ok());
  EXPECT_THAT(report.FailureText("simulate s.toml"),
              HasSubstr("replay: simulate s.toml --seeds 1"));
}

TEST(Scenario, TheSameSeedIsTheSameRunAndAnotherIsAnother) {
  SetLogLevel(LogLevel::kError);
  Diagnostics diagnostics;
  const Scenario scenario =
      ParseScenario(std::string(kSmall) + "[expect]\nacts_min = 1\n", "s.toml", &diagnostics)
          .value();
  const uint64_t hash = PlayScenario(scenario, 1)->trace_hash;
  EXPECT_EQ(PlayScenario(scenario, 1)->trace_hash, hash);
  EXPECT_NE(PlayScenario(scenario, 2)->trace_hash, hash);
}

TEST(Scenario, ALyingDetectorsActsAreCountedAsWrong) {
  SetLogLevel(LogLevel::kError);
  Diagnostics diagnostics;
  std::string text = kSmall;
  text += "real = false\n[expect]\nwrong_acts_max = 0\n";
  const Scenario scenario = ParseScenario(text, "s.toml", &diagnostics).value();
  const RunResult run = *PlayScenario(scenario, 1);
  EXPECT_EQ(run.counts.wrong_acts, run.counts.acts());
  EXPECT_GT(run.counts.acts(), 0);
  EXPECT_FALSE(run.ok());
}

TEST(Scenario, EveryKeyAndKindIsDocumented) {
  const std::string page = ReadFile("docs/simulation.md", 1 << 20).value();
  for (const ScenarioKeyHelp& key : ScenarioKeys()) {
    EXPECT_THAT(page, HasSubstr("`" + std::string(key.key) + "`")) << key.section;
    EXPECT_THAT(page, HasSubstr(std::string(key.help))) << key.section << "." << key.key;
  }
  for (const std::string_view kind : FaultKindWords()) {
    EXPECT_THAT(page, HasSubstr("`" + std::string(kind) + "`"));
  }
  for (const std::string_view act : ActKindWords()) {
    EXPECT_THAT(page, HasSubstr("`" + std::string(act) + "`"));
  }
}

}  // namespace
}  // namespace fleetmedic::sim

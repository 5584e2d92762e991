#include "config/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "config/keys.h"
#include "config/show.h"

namespace fleetmedic {
namespace {

using ::testing::HasSubstr;

// The report of a config named f.toml.
std::string Report(std::string_view text, const Environment& environment = {}) {
  Diagnostics diagnostics;
  const Result<Config> config = ParseConfig(text, "f.toml", environment, &diagnostics);
  EXPECT_EQ(config.has_value(), diagnostics.ok());
  return diagnostics.Text();
}

struct Mistake {
  std::string_view name;
  std::string_view text;
  std::string_view report;  // without the line that counts
};

class Mistakes : public testing::TestWithParam<Mistake> {};

TEST_P(Mistakes, AreToldExactly) {
  const std::string report = Report(GetParam().text);
  EXPECT_EQ(report.substr(0, report.rfind("1 file")), GetParam().report);
}

INSTANTIATE_TEST_SUITE_P(
    Config, Mistakes,
    testing::Values(
        Mistake{"an_integer_in_quotes", "[api]\nport = \"5\"\n",
                "f.toml:2:8: error: api.port: expected an integer from 0 to 65535, got \"5\"\n"
                " 2 | port = \"5\"\n"
                "   |        ^^^  remove the quotes\n"},
        Mistake{"an_integer_out_of_range", "[api]\nport = 65536\n",
                "f.toml:2:8: error: api.port: expected an integer from 0 to 65535, got 65536\n"
                " 2 | port = 65536\n"
                "   |        ^^^^^\n"},
        Mistake{"a_duration_without_unit", "[agent]\nbeat_every = 30\n",
                "f.toml:2:14: error: agent.beat_every: expected a duration from 1s to 5m, like "
                "\"30s\", got 30\n"
                " 2 | beat_every = 30\n"
                "   |              ^^  name the unit: \"30s\"\n"},
        Mistake{"a_duration_out_of_range", "[agent]\nbeat_every = '6m'\n",
                "f.toml:2:14: error: agent.beat_every: expected a duration from 1s to 5m, like "
                "\"30s\", got \"6m\"\n"
                " 2 | beat_every = '6m'\n"
                "   |              ^^^^\n"},
        Mistake{"a_share_above_one", "[brake]\nrule_share = 1.5\n",
                "f.toml:2:14: error: brake.rule_share: expected a number from 0.0 to 1.0, got "
                "1.5\n"
                " 2 | rule_share = 1.5\n"
                "   |              ^^^\n"},
        Mistake{"a_share_that_is_no_number", "[brake]\nrule_share = nan\n",
                "f.toml:2:14: error: brake.rule_share: expected a number from 0.0 to 1.0, got "
                "nan\n"
                " 2 | rule_share = nan\n"
                "   |              ^^^\n"},
        Mistake{"a_quoted_boolean", "[agent]\nread_journal = \"true\"\n",
                "f.toml:2:16: error: agent.read_journal: expected true or false, got \"true\"\n"
                " 2 | read_journal = \"true\"\n"
                "   |                ^^^^^^  remove the quotes\n"},
        Mistake{"an_unknown_word", "[remediator]\nmode = 'shadw'\n",
                "f.toml:2:8: error: remediator.mode: expected \"auto\" or \"shadow\", got "
                "\"shadw\"\n"
                " 2 | mode = 'shadw'\n"
                "   |        ^^^^^^^  did you mean \"shadow\"?\n"},
        Mistake{"a_mode_that_nobody_chooses", "[remediator]\nmode = 'tripped'\n",
                "f.toml:2:8: error: remediator.mode: expected \"auto\" or \"shadow\", got "
                "\"tripped\"\n"
                " 2 | mode = 'tripped'\n"
                "   |        ^^^^^^^^^\n"},
        Mistake{"a_relative_path", "state_dir = 'x'\n",
                "f.toml:1:13: error: state_dir: expected an absolute path, got \"x\"\n"
                " 1 | state_dir = 'x'\n"
                "   |             ^^^\n"},
        Mistake{"a_size_out_of_range", "[agent]\nspool_bytes_max = '1KiB'\n",
                "f.toml:2:19: error: agent.spool_bytes_max: expected a size from 1MiB to 64GiB, "
                "like \"64MiB\", got \"1KiB\"\n"
                " 2 | spool_bytes_max = '1KiB'\n"
                "   |                   ^^^^^^\n"},
        Mistake{"one_string_for_a_list", "[stream]\nrules = 'a.toml'\n",
                "f.toml:2:9: error: stream.rules: expected an array, each element a string that "
                "is not empty, got \"a.toml\"\n"
                " 2 | rules = 'a.toml'\n"
                "   |         ^^^^^^^^  write [\"a.toml\"]\n"},
        Mistake{"an_element_of_another_type", "[stream]\nrules = ['a', 5]\n",
                "f.toml:2:15: error: stream.rules: expected an array, each element a string that "
                "is not empty, got 5\n"
                " 2 | rules = ['a', 5]\n"
                "   |               ^\n"},
        Mistake{"an_unknown_rung", "[policy]\ndefault_ladder = ['reboott']\n",
                "f.toml:2:19: error: policy.default_ladder: expected an array of "
                "\"restart_unit\", \"reset_gpu\", \"reattach_interface\", \"reboot\", "
                "\"replace\" or \"person\", got \"reboott\"\n"
                " 2 | default_ladder = ['reboott']\n"
                "   |                   ^^^^^^^^^\n"},
        Mistake{"a_value_for_a_section", "agent = 5\n",
                "f.toml:1:9: error: agent: expected a table, got 5\n"
                " 1 | agent = 5\n"
                "   |         ^\n"},
        Mistake{"an_unknown_key_warns", "[policy]\ndrain_dedline = '1m'\n",
                "f.toml:2:1: warning: policy.drain_dedline: unknown key, did you mean "
                "\"drain_deadline\"?\n"
                " 2 | drain_dedline = '1m'\n"
                "   | ^^^^^^^^^^^^^\n"},
        Mistake{"an_unknown_section_warns", "[remediation]\nmode = 'auto'\n",
                "f.toml:1:2: warning: remediation: unknown section, did you mean "
                "\"remediator\"?\n"
                " 1 | [remediation]\n"
                "   |  ^^^^^^^^^^^\n"},
        Mistake{"a_condition_not_in_camel_case", "[policy.conditions.disk_full]\nignore = true\n",
                "f.toml:1:20: error: policy.conditions: expected a condition type in CamelCase, "
                "got \"disk_full\"\n"
                " 1 | [policy.conditions.disk_full]\n"
                "   |                    ^^^^^^^^^\n"},
        Mistake{"a_new_limit_without_kind", "[[limits]]\nname = 'mine'\nscope = 'cell'\n",
                "f.toml:1:1: error: limits: expected kind for the new limit \"mine\", got none\n"
                " 1 | [[limits]]\n"
                "   | ^^^^^^^^^^\n"},
        Mistake{"a_window_limit_without_window",
                "[[limits]]\nname = 'mine'\nscope = 'cell'\nkind = 'window'\n",
                "f.toml:1:1: error: limits.window: expected a duration above 0s for the kind "
                "\"window\", got \"0s\"\n"
                " 1 | [[limits]]\n"
                "   | ^^^^^^^^^^\n"},
        Mistake{"the_same_limit_twice",
                "[[limits]]\nname = 'pool_floor'\n[[limits]]\nname = 'pool_floor'\n",
                "f.toml:4:8: error: limits.name: expected each name once, got \"pool_floor\" "
                "again\n"
                " 4 | name = 'pool_floor'\n"
                "   |        ^^^^^^^^^^^^\n"},
        Mistake{"a_host_that_is_lost_before_it_is_silent", "[scheduler]\nhost_lost_after = '20s'\n",
                "f.toml:2:19: error: scheduler.host_lost_after: expected at least "
                "scheduler.executor_silent_after, \"30s\", got \"20s\"\n"
                " 2 | host_lost_after = '20s'\n"
                "   |                   ^\n"},
        Mistake{"evidence_that_ages_faster_than_beats",
                "[agent]\nbeat_every = '60s'\nrepeat_every = '60s'\n"
                "[policy]\nevidence_age_max = '60s'\nsilent_after = '2m'\n",
                "f.toml:5:20: error: policy.evidence_age_max: expected more than "
                "agent.beat_every, \"1m\", or every host is silent between two beats; got "
                "\"1m\"\n"
                " 5 | evidence_age_max = '60s'\n"
                "   |                    ^\n"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(ParseConfig, TellsAllMistakesAtOnceAndCountsThem) {
  EXPECT_EQ(Report("log_level = 'loud'\n"
                   "[api]\n"
                   "port = -1\n"
                   "prot = 7480\n"),
            "f.toml:1:13: error: log_level: expected \"debug\", \"info\", \"warning\" or "
            "\"error\", got \"loud\"\n"
            " 1 | log_level = 'loud'\n"
            "   |             ^^^^^^\n"
            "f.toml:3:8: error: api.port: expected an integer from 0 to 65535, got -1\n"
            " 3 | port = -1\n"
            "   |        ^^\n"
            "f.toml:4:1: warning: api.prot: unknown key, did you mean \"port\"?\n"
            " 4 | prot = 7480\n"
            "   | ^^^^\n"
            "1 file, 2 errors, 1 warning\n");
}

TEST(ParseConfig, TheEnvironmentIsStrongerThanTheFileAndTheFileThanTheDefault) {
  Diagnostics diagnostics;
  ConfigOrigins origins;
  const Result<Config> config =
      ParseConfig("[agent]\nbeat_every = '5s'\nprobe_deadline = '2s'\n", "f.toml",
                  {{"FLEETMEDIC_AGENT__BEAT_EVERY", "7s"},
                   {"FLEETMEDIC_STREAM__RULES", "/a, /b"},
                   {"FLEETMEDIC_HOST__LABELS", "team=db,tier=1"},
                   {"FLEETMEDIC_AGENT__READ_JOURNAL", "false"},
                   {"FLEETMEDIC_AGENT__SPOOL_BYTES_MAX", "2MiB"},
                   {"FLEETMEDIC_BRAKE__RULE_SHARE", "0.25"},
                   {"FLEETMEDIC_STATE_DIR", "/s"},
                   {"FLEETMEDIC_URL", "not ours"},
                   {"HOME", "/root"}},
                  &diagnostics, &origins);
  ASSERT_TRUE(config.has_value()) << diagnostics.Text();
  EXPECT_EQ(diagnostics.warnings(), 0u) << diagnostics.Text();
  EXPECT_EQ(config->agent.beat_every, Seconds(7));
  EXPECT_EQ(config->agent.probe_deadline, Seconds(2));
  EXPECT_EQ(config->agent.repeat_every, Seconds(60));
  EXPECT_EQ(config->stream.rules, (std::vector<std::string>{"/a", "/b"}));
  EXPECT_EQ(config->host.labels.at("tier"), "1");
  EXPECT_FALSE(config->agent.read_journal);
  EXPECT_EQ(config->agent.spool_bytes_max, 2 << 20);
  EXPECT_EQ(config->remediator.brake.rule_share, 0.25);
  EXPECT_EQ(config->state_dir, "/s");
  EXPECT_EQ(origins.at("agent.beat_every").file, "FLEETMEDIC_AGENT__BEAT_EVERY");
  EXPECT_EQ(origins.at("agent.probe_deadline").line, 3);
}

TEST(ParseConfig, NamesTheVariableThatIsWrong) {
  EXPECT_EQ(Report("", {{"FLEETMEDIC_API__PORT", "http"}, {"FLEETMEDIC_API__PROT", "1"}}),
            "FLEETMEDIC_API__PORT: error: api.port: expected an integer from 0 to 65535, got "
            "\"http\"\n"
            "FLEETMEDIC_API__PROT: warning: unknown variable, did you mean "
            "FLEETMEDIC_API__PORT?\n"
            "1 file, 1 error, 1 warning\n");
}

TEST(ParseConfig, ALimitThatShipsIsChangedAndAnotherIsAdded) {
  Diagnostics diagnostics;
  const Result<Config> config = ParseConfig(
      "[[limits]]\nname = 'fleet_window'\nat_least = 7\n"
      "[[limits]]\nname = 'racks'\nscope = 'rack'\nkind = 'concurrent'\nat_least = 1\n",
      "f.toml", {}, &diagnostics);
  ASSERT_TRUE(config.has_value()) << diagnostics.Text();
  std::vector<Limit> expected = ShippedLimits();
  for (Limit& limit : expected) {
    if (limit.name == "fleet_window") limit.at_least = 7;
  }
  Limit racks;
  racks.name = "racks";
  racks.scope = LimitScope::kRack;
  racks.at_least = 1;
  expected.push_back(racks);
  EXPECT_EQ(config->remediator.limits, expected);
}

TEST(ParseConfig, ChecksAreRead) {
  Diagnostics diagnostics;
  const Result<Config> config = ParseConfig(
      "[detectors.checks]\nrunning_max = 2\n"
      "[[checks]]\nname = 'ntp'\ntype = 'NtpProblem'\ncommand = ['/opt/ntp', '-q']\n"
      "[[checks]]\nname = 'raid'\ntype = 'RaidProblem'\nseverity = 'hard'\n"
      "command = ['/opt/raid']\ninterval = '5m'\ndeadline = '1m'\nuser = 'nobody'\n",
      "f", {}, &diagnostics);
  ASSERT_TRUE(config) << diagnostics.Text();
  const ChecksConfig& checks = config->detectors.checks;
  EXPECT_EQ(checks.running_max, 2);
  ASSERT_EQ(checks.list.size(), 2u);
  EXPECT_EQ(checks.list[0].command, (std::vector<std::string>{"/opt/ntp", "-q"}));
  EXPECT_EQ(checks.list[0].severity, Severity::kSoft);
  EXPECT_EQ(checks.list[1].severity, Severity::kHard);
  EXPECT_EQ(checks.list[1].deadline, Minutes(1));
  EXPECT_EQ(checks.list[1].user, "nobody");

  const Result<Config> back = ParseConfig(ShowConfig(*config, {}), "shown", {}, &diagnostics);
  ASSERT_TRUE(back) << diagnostics.Text();
  ASSERT_EQ(back->detectors.checks.list.size(), 2u);
  EXPECT_EQ(back->detectors.checks.list[1].interval, Minutes(5));
}

TEST(ParseConfig, ChecksThatCannotBeMeantAreRefusedAtTheirPlace) {
  Diagnostics diagnostics;
  EXPECT_FALSE(
      ParseConfig("[[checks]]\nname = 'a'\ntype = 'not_camel'\ncommand = []\n"
                  "[[checks]]\nname = 'a'\ninterval = '5s'\ndeadline = '5s'\n",
                  "f", {}, &diagnostics));
  const std::string text = diagnostics.Text();
  for (const std::string_view part :
       {"f:3:8: error: checks.type: expected a condition type in CamelCase",
        "f:4:11: error: checks.command: expected a program", "checks: expected type, got none",
        "checks: expected command, got none", "checks.name: expected each name once",
        "checks.deadline: expected less than interval"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST(ParseConfig, ConditionsAndFilesAreRead) {
  Diagnostics diagnostics;
  const Result<Config> config = ParseConfig(
      "[policy.conditions.DockerUnresponsive]\n"
      "ladder = ['restart_unit', 'reboot']\nrepair_in_place = true\nconfirm = '1m'\n"
      "[[agent.files]]\npath = '/var/log/syslog'\n",
      "f.toml", {}, &diagnostics);
  ASSERT_TRUE(config.has_value()) << diagnostics.Text();
  const ConditionPolicy& policy = config->remediator.policy.conditions.at("DockerUnresponsive");
  EXPECT_EQ(policy.ladder, (std::vector<Rung>{Rung::kRestartUnit, Rung::kReboot}));
  EXPECT_TRUE(policy.repair_in_place);
  EXPECT_FALSE(policy.ignore);
  EXPECT_EQ(policy.confirm, Minutes(1));
  ASSERT_EQ(config->agent.files.size(), 1u);
  EXPECT_EQ(config->agent.files[0].path, "/var/log/syslog");
}

TEST(ParseConfig, APoolsPolicyIsTheFleetsButForWhatItSays) {
  Diagnostics diagnostics;
  const Result<Config> config = ParseConfig(
      "[policy.pools.gpu]\ndrain_deadline = '6h'\nattempts_max = 1\n"
      "[policy.pools.gpu.conditions.GpuLost]\nladder = ['reset_gpu']\n"
      "[policy]\nsettle = '3m'\nattempts_max = 5\n"
      "[policy.conditions.GpuLost]\nconfirm = '10s'\n",
      "f.toml", {{"FLEETMEDIC_POLICY__CONFIRM_HARD", "45s"}}, &diagnostics);
  ASSERT_TRUE(config.has_value()) << diagnostics.Text();
  HostFacts gpu;
  gpu.pool = "gpu";
  const Policy& policy = config->remediator.PolicyOf(gpu);
  EXPECT_EQ(policy.drain_deadline, Hours(6));
  EXPECT_EQ(policy.attempts_max, 1);
  EXPECT_EQ(policy.settle, Minutes(3)) << "written after the pool";
  EXPECT_EQ(policy.confirm_hard, Seconds(45)) << "of the environment";
  EXPECT_EQ(policy.conditions.at("GpuLost").ladder, std::vector<Rung>{Rung::kResetGpu});
  EXPECT_EQ(policy.conditions.at("GpuLost").confirm, Seconds(10));
  HostFacts web;
  web.pool = "web";
  EXPECT_EQ(config->remediator.PolicyOf(web).attempts_max, 5);
  EXPECT_EQ(config->remediator.PolicyOf(web).drain_deadline, Policy().drain_deadline);
}

TEST(ParseConfig, WhatIsOfTheWholeFleetIsRefusedInAPool) {
  Diagnostics diagnostics;
  EXPECT_FALSE(ParseConfig("[policy.pools.gpu]\nsilent_after = '5m'\nsettel = '1m'\n", "f.toml", {},
                           &diagnostics));
  EXPECT_THAT(
      diagnostics.Text(),
      HasSubstr("policy.pools.gpu.silent_after: is of the whole fleet; set it in [policy]"));
  EXPECT_THAT(diagnostics.Text(), HasSubstr("did you mean \"settle\"?"));
}

TEST(ParseConfig, EveryShippedDefaultIsInItsRange) {
  Diagnostics diagnostics;
  const Result<Config> config = ParseConfig(ConfigReference(), "reference", {}, &diagnostics);
  ASSERT_TRUE(config.has_value()) << diagnostics.Text();
  EXPECT_EQ(diagnostics.warnings(), 0u) << diagnostics.Text();
  EXPECT_EQ(ShowConfig(*config), ShowConfig(Config{}));
}

TEST(ShowConfig, IsReadBackToTheSame) {
  Config config;
  config.state_dir = "/a\"b\\c\x7f\n";
  config.host.labels = {{"team.x", "\xc3\xa4"}};
  config.agent.files = {{"/var/log/a"}, {"/var/log/b"}};
  config.agent.spool_bytes_max = (1 << 20) + 1;
  config.remediator.mode = Mode::kAuto;
  config.remediator.policy.conditions["DiskFull"].ignore = true;
  config.remediator.policy.conditions["Oops"].confirm = Seconds(90);
  config.remediator.pool_policies["gpu"] = config.remediator.policy;
  config.remediator.pool_policies["gpu"].drain_deadline = Hours(6);
  config.remediator.pool_policies["gpu"].conditions["Oops"].ladder = {Rung::kReboot};
  config.remediator.limits[0].share = 0.125;
  config.executor.capacity.memory_bytes = int64_t{3} << 30;
  const std::string text = ShowConfig(config);
  Diagnostics diagnostics;
  const Result<Config> back = ParseConfig(text, "shown", {}, &diagnostics);
  ASSERT_TRUE(back.has_value()) << diagnostics.Text();
  EXPECT_EQ(ShowConfig(*back), text);
  EXPECT_EQ(back->state_dir, config.state_dir);
  EXPECT_EQ(back->remediator.limits, config.remediator.limits);
  EXPECT_EQ(back->agent.files.size(), 2u);
  const Policy& gpu = back->remediator.pool_policies.at("gpu");
  EXPECT_EQ(gpu.drain_deadline, Hours(6));
  EXPECT_EQ(gpu.conditions, config.remediator.pool_policies.at("gpu").conditions);
}

TEST(ShowConfig, SaysWhereAValueCameFrom) {
  const std::string text = ShowConfig(Config{}, {{"api.port", {"f.toml", 23, 8}}});
  EXPECT_THAT(text, HasSubstr("\nport = 7480  # f.toml:23\n"));
}

TEST(ConfigKeys, EachHasHelpAndAPathOfItsOwn) {
  std::set<std::string> paths;
  for (const ConfigKey& key : ConfigKeys()) {
    EXPECT_FALSE(key.help.empty()) << key.Path();
    EXPECT_TRUE(paths.insert(key.Path()).second) << key.Path();
    EXPECT_THAT(ConfigSchema()["properties"].Dump(), HasSubstr(std::string(key.key)));
  }
}

TEST(LoadConfig, AFileThatCannotBeReadIsTold) {
  const TempFolder folder;
  Diagnostics diagnostics;
  const Result<Config> config = LoadConfig(folder / "none.toml", {}, &diagnostics);
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().code, Code::kNotFound);
  EXPECT_EQ(diagnostics.errors(), 1u);
  EXPECT_TRUE(LoadConfig("", {}, &diagnostics).error().code == Code::kInvalidArgument);
  Diagnostics fresh;
  EXPECT_TRUE(LoadConfig("", {}, &fresh).has_value());
}

}  // namespace
}  // namespace fleetmedic

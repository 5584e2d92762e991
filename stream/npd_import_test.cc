#include "stream/npd_import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "stream/line_pattern.h"
#include "stream/pattern_example.h"
#include "stream/rule_check.h"

namespace fleetmedic {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Written after the documented form of node-problem-detector's configuration.
std::string Fixture(const std::string& name) {
  return ReadFile("stream/testdata/npd/" + name, 1 << 20).value();
}

std::shared_ptr<const RuleSet> Check(const std::string& toml) {
  const std::vector<RuleText> texts = {{"imported.toml", toml}};
  Diagnostics diagnostics;
  std::shared_ptr<const RuleSet> rules = CheckRules(texts, &diagnostics);
  EXPECT_TRUE(diagnostics.ok()) << diagnostics.Text() << toml;
  return rules;
}

TEST(ImportNpd, SaysOfEachRuleWhatBecameOfItAndWhere) {
  NpdOptions options;
  options.file = "k.json";
  options.permanent = NpdClears{Clear::kQuiet, Minutes(30)};
  const Result<NpdImport> import = ImportNpd(Fixture("kernel-monitor.json"), options);
  ASSERT_TRUE(import.has_value()) << import.error().message;
  std::string report;
  for (const NpdRule& rule : import->rules) {
    report += std::to_string(rule.place.line) + ":" + std::to_string(rule.place.column) + " " +
              std::string(NpdVerdictName(rule.verdict)) + " " + rule.name + ": " + rule.note + "\n";
  }
  EXPECT_EQ(report,
            "11:5 same kernel_monitor.oom_killing: \n"
            "12:5 same kernel_monitor.task_hung: \n"
            "13:5 adapted kernel_monitor.docker_stuck: ends when no more such lines come\n"
            "19:5 refused KernelOops: it looks at several lines, and a rule at one\n"
            "20:5 adapted kernel_monitor.spaced: \\s, \\D, \\W and [^...] went on into the next "
            "line there, and stay in theirs here\n"
            "21:5 adapted kernel_monitor.literal: \\Q...\\E is written out\n"
            "22:5 refused Letters: " +
                import->rules[6].note +
                "\n"
                "23:5 refused Everything: " +
                import->rules[7].note +
                "\n"
                "24:5 same kernel_monitor.task_hung_2: \n"
                "25:5 refused NoSuchType: type: expected temporary or permanent, got "
                "\"sometimes\"\n"
                "26:5 refused not a word: reason: expected one word in CamelCase, got \"not a "
                "word\"\n");
  EXPECT_THAT(import->rules[6].note, HasSubstr("its pattern: "));
  EXPECT_FALSE(import->rules[7].note.empty());
  EXPECT_EQ(import->checks_toml, "");
}

TEST(ImportNpd, WhatItWritesIsSoundAndFindsWhatWasFoundThere) {
  NpdOptions options;
  options.permanent = NpdClears{};
  const Result<NpdImport> import = ImportNpd(Fixture("kernel-monitor.json"), options);
  ASSERT_TRUE(import.has_value());
  const std::shared_ptr<const RuleSet> rules = Check(import->rules_toml);
  ASSERT_NE(rules, nullptr);
  ASSERT_THAT(rules->rules(), SizeIs(6));
  EXPECT_EQ(rules->rules()[0].clear, Clear::kTime);
  EXPECT_EQ(rules->rules()[0].severity, Severity::kInfo);
  EXPECT_EQ(rules->rules()[2].clear, Clear::kBoot);
  EXPECT_EQ(rules->rules()[2].condition, "KernelStuck");
  // Its own patterns, as it asks them: with \z at the end of what was written last.
  const std::pair<std::string, std::string> patterns[] = {
      {"kernel_monitor.oom_killing", R"(Killed process \d+ (.+) total-vm:\d+kB.*)"},
      {"kernel_monitor.task_hung", R"(task [\w-]+:\d+ blocked for more than \d+ seconds\.)"},
      {"kernel_monitor.docker_stuck", R"(task docker:\d+ blocked for more than \d+ seconds\.)"},
      {"kernel_monitor.spaced", R"(Buffer I/O error\son dev [^,]+)"},
      {"kernel_monitor.literal", R"(I/O error \(dev sd[a-z]\))"},
      {"kernel_monitor.task_hung_2", "second of its name"}};
  const std::string_view lines[] = {
      "Memory cgroup out of memory: Killed process 12 (java) total-vm:1kB, anon-rss:2kB",
      "INFO: task docker:12 blocked for more than 120 seconds.",
      "INFO: task docker:12 blocked for more than 120 seconds. And so on",
      "INFO: task java-1:12 blocked for more than 120 seconds.",
      "Buffer I/O error on dev sda1",
      "Buffer I/O error on dev sda1, logical block 1",
      "I/O error (dev sda)",
      "I/O error (dev sda) again",
      "the second of its name",
      "second of its name, and more",
      ""};
  for (const auto& [name, pattern] : patterns) {
    const LinePattern theirs = LinePattern::Compile(pattern + "\\z", false).value();
    for (const std::string_view line : lines) {
      std::vector<std::string_view> values;
      bool ours = false;
      for (const LineMatch& match : MatchLines(rules, line, "kernel")) {
        ours = ours || match.rule == name;
      }
      EXPECT_EQ(ours, theirs.Match(line, &values)) << name << ": " << line;
    }
  }
}

TEST(ImportNpd, APermanentConditionThatNothingEndsIsRefused) {
  const Result<NpdImport> import = ImportNpd(Fixture("kernel-monitor.json"), {});
  ASSERT_TRUE(import.has_value());
  EXPECT_TRUE(import->rules[2].needs_clears);
  EXPECT_EQ(import->rules[2].verdict, NpdVerdict::kRefused);
  EXPECT_FALSE(import->rules[3].needs_clears);
  EXPECT_THAT(import->rules_toml, testing::Not(HasSubstr("DockerStuck")));
}

TEST(ImportNpd, CustomPluginsBecomeChecks) {
  NpdOptions options;
  options.file = "c.json";
  const Result<NpdImport> import = ImportNpd(Fixture("custom-plugin-monitor.json"), options);
  ASSERT_TRUE(import.has_value()) << import.error().message;
  EXPECT_EQ(import->rules_toml, "");
  EXPECT_EQ(import->checks_toml,
            "[[checks]]\n"
            "name = \"clock_custom_monitor.clock_drifts\"\n"
            "type = \"ClockDrifts\"\n"
            "severity = \"info\"\n"
            "command = [\"./check_clock.sh\"]\n"
            "interval = \"1m\"\n"
            "deadline = \"3s\"\n"
            "\n"
            "[[checks]]\n"
            "name = \"clock_custom_monitor.clock_is_off\"\n"
            "type = \"ClockOff\"\n"
            "severity = \"soft\"\n"
            "command = [\"/opt/checks/clock\", \"--max\", \"1s\"]\n"
            "interval = \"1m\"\n"
            "deadline = \"10s\"\n");
  EXPECT_EQ(import->rules[1].verdict, NpdVerdict::kSame);
  EXPECT_EQ(import->rules[2].note, "path: got none");
}

TEST(ImportNpd, NamesThatAreTakenAreNotGivenAgain) {
  NpdOptions options;
  options.taken = {"kernel_monitor.oom_killing"};
  const Result<NpdImport> import = ImportNpd(Fixture("kernel-monitor.json"), options);
  ASSERT_TRUE(import.has_value());
  EXPECT_EQ(import->rules[0].name, "kernel_monitor.oom_killing_2");
}

TEST(ImportNpd, WhatIsNoMonitorIsAnErrorWithItsPlace) {
  NpdOptions options;
  options.file = "x.json";
  for (const std::string_view text :
       {"", "[]", "{", "{}", R"({"plugin":"abrt","rules":[]})", R"({"plugin":"kmsg"})",
        R"({"plugin":"journald","rules":[]})", R"({"plugin":"filelog","logPath":"x","rules":[]})",
        R"({"plugin":"journald","pluginConfig":{"source":"a\nb"},"rules":[]})"}) {
    const Result<NpdImport> import = ImportNpd(text, options);
    ASSERT_FALSE(import.has_value()) << text;
    EXPECT_THAT(import.error().message, testing::StartsWith("x.json:1:1: "));
  }
}

TEST(ImportNpd, HostileTextsAreRefusedOrHarmless) {
  for (const std::string_view rule :
       {R"({"type":"temporary","reason":"A","pattern":"\""})",
        R"({"type":"temporary","reason":"A","pattern":"a'b\"c\\\\"})",
        R"({"type":"temporary","reason":"A","pattern":"("})",
        R"({"type":"temporary","reason":"A","pattern":"\\"})",
        R"({"type":"temporary","reason":"A","pattern":"\\Qabc"})",
        R"({"type":"temporary","reason":"A","pattern":"(?P<a"})",
        R"({"type":"temporary","reason":"A","pattern":"(a{1000}){1000}"})",
        R"({"type":"temporary","reason":"A","pattern":"[[:alpha:]]{3}[^]a]\\x41"})",
        R"({"type":"temporary","reason":"A"})", R"({})", R"(7)", R"("\"rules\":[{")"}) {
    const std::string text =
        R"({"plugin":"kmsg","source":"\"]","rules":[)" + std::string(rule) + "]}";
    const Result<NpdImport> import = ImportNpd(text, {});
    ASSERT_TRUE(import.has_value()) << text;
    ASSERT_THAT(import->rules, SizeIs(1)) << text;
    if (!import->rules_toml.empty()) Check(import->rules_toml);
  }
}

TEST(ParseNpdClears, TakesBootAndQuietWithATime) {
  EXPECT_EQ(ParseNpdClears("boot")->clear, Clear::kBoot);
  EXPECT_EQ(ParseNpdClears("quiet=30m")->after, Minutes(30));
  for (const std::string_view wrong : {"", "quiet", "quiet=", "quiet=1s", "quiet=30d", "never"}) {
    EXPECT_FALSE(ParseNpdClears(wrong).has_value()) << wrong;
  }
}

TEST(ExampleOf, MakesALineThatMatches) {
  for (const std::string pattern :
       {"a|b", "^task (?P<t>.+):\\d+ blocked", "[^a-z]x{3}", "(?:a(b|c)?)+d$", "\\w+\\s\\S\\D\\W",
        "[[:digit:]]+\\x41\\.", "(?i)OOM", "a*b", "[]x]y", "\\bword\\b"}) {
    const std::optional<std::string> line = ExampleOf(pattern);
    ASSERT_TRUE(line.has_value()) << pattern;
    std::vector<std::string_view> values;
    EXPECT_TRUE(LinePattern::Compile(pattern, false)->Match(*line, &values)) << pattern;
  }
  EXPECT_EQ(ExampleOf("("), std::nullopt);
  EXPECT_EQ(ExampleOf("a{5000}"), std::nullopt);
}

}  // namespace
}  // namespace fleetmedic

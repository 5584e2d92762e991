#include "config/rules_load.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "config/pattern.h"
#include "config/text_template.h"

namespace fleetmedic {
namespace {

constexpr std::string_view kGood =
    "[[rule]]\n"
    "name = 'kernel.hung_task'\n"
    "pattern = '^INFO: task (?P<task>.+):\\d+ blocked for more than (?P<seconds>\\d+) seconds'\n"
    "sources = ['kernel']\n"
    "condition = 'KernelHungTask'\n"
    "severity = 'soft'\n"
    "reason = 'HungTask'\n"
    "message = 'task {task} blocked for {seconds} s'\n"
    "clear = 'quiet'\n"
    "help = 'Look at it.'\n"
    "examples = ['INFO: task a:1 blocked for more than 120 seconds.']\n"
    "counter_examples = ['INFO: task a:1 is well']\n";

std::vector<Rule> Parse(std::string_view text, Diagnostics* diagnostics) {
  const std::vector<RuleText> texts = {{"r.toml", std::string(text)}};
  return ParseRules(texts, diagnostics);
}

// The good rule with one line replaced or, where `line` is new, added.
std::string With(std::string_view line) {
  const std::string_view key = line.substr(0, line.find('='));
  std::string out;
  bool replaced = false;
  for (std::string_view rest = kGood; !rest.empty();) {
    const size_t end = rest.find('\n') + 1;
    const bool same = rest.substr(0, end).starts_with(key);
    replaced = replaced || same;
    out += same ? std::string(line) + "\n" : std::string(rest.substr(0, end));
    rest.remove_prefix(end);
  }
  return replaced ? out : out + std::string(line) + "\n";
}

TEST(ParseRules, ReadsEveryFieldAndItsPlace) {
  Diagnostics diagnostics;
  const std::vector<Rule> rules =
      Parse(std::string(kGood) +
                "ignore_case = true\nunit = '{task}'\nclear_after = '5m'\n"
                "threshold = { count = 3, within = '2m' }\n",
            &diagnostics);
  ASSERT_TRUE(diagnostics.ok()) << diagnostics.Text();
  ASSERT_EQ(rules.size(), 1u);
  const Rule& rule = rules[0];
  EXPECT_EQ(rule.name, "kernel.hung_task");
  EXPECT_TRUE(rule.ignore_case);
  EXPECT_EQ(rule.unit, "{task}");
  EXPECT_EQ(rule.threshold_count, 3);
  EXPECT_EQ(rule.threshold_within, Minutes(2));
  EXPECT_EQ(rule.clear_after, Minutes(5));
  EXPECT_EQ(rule.severity, Severity::kSoft);
  EXPECT_EQ(rule.version.size(), 12u);
  EXPECT_EQ(rule.place, (SourcePlace{"r.toml", 1, 1}));
  EXPECT_EQ(rule.pattern_place, (SourcePlace{"r.toml", 3, 12}));
}

TEST(RuleVersion, ChangesWithTheMeaningAndNotWithTheWords) {
  Diagnostics diagnostics;
  const auto version = [&](std::string_view line) {
    const std::vector<Rule> rules = Parse(With(line), &diagnostics);
    return rules.empty() ? std::string() : rules[0].version;
  };
  const std::string base = version("help = 'Look at it.'");
  EXPECT_EQ(version("help = 'Other words.'"), base);
  EXPECT_EQ(version("counter_examples = ['another']"), base);
  EXPECT_NE(version("severity = 'hard'"), base);
  EXPECT_NE(version("sources = ['kernel', 'kmsg-user']"), base);
  EXPECT_NE(version("clear = 'boot'"), base);
  EXPECT_NE(version("ignore_case = true"), base);
  ASSERT_TRUE(diagnostics.ok()) << diagnostics.Text();
}

TEST(ParseRules, ReadsWhatClearsAFinding) {
  Diagnostics diagnostics;
  const std::string text = With(
      "clear = 'probe'\nunit = '{task}'\ncancel = '^task (?P<task>.+) goes on$'\n"
      "cancel_examples = ['task a goes on']\nclear_probe = 'ProcessesStuck'");
  const std::vector<Rule> rules = Parse(text, &diagnostics);
  ASSERT_EQ(rules.size(), 1u) << diagnostics.Text();
  EXPECT_EQ(rules[0].clear, Clear::kProbe);
  EXPECT_EQ(rules[0].clear_probe, "ProcessesStuck");
  EXPECT_EQ(rules[0].clear_after, Minutes(1));
  EXPECT_EQ(rules[0].cancel, "^task (?P<task>.+) goes on$");
  EXPECT_EQ(rules[0].cancel_examples, std::vector<std::string>{"task a goes on"});
  const std::vector<Rule> events = Parse(With("clear = 'time'\nkind = 'event'"), &diagnostics);
  ASSERT_EQ(events.size(), 1u) << diagnostics.Text();
  EXPECT_EQ(events[0].clear, Clear::kTime);
}

struct BadRule {
  std::string_view name;
  std::string_view line;
  std::string_view headline;
};

class BadRules : public testing::TestWithParam<BadRule> {};

TEST_P(BadRules, AreToldAndLeftOut) {
  Diagnostics diagnostics;
  EXPECT_TRUE(Parse(With(GetParam().line), &diagnostics).empty());
  ASSERT_EQ(diagnostics.errors(), 1u) << diagnostics.Text();
  EXPECT_EQ(Diagnostics::Headline(diagnostics.Sorted()[0]), GetParam().headline);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, BadRules,
    testing::Values(
        BadRule{"a_name_without_pack", "name = 'oops'",
                "r.toml:2:8: error: rule.name: expected pack.name of a-z 0-9 _, got \"oops\""},
        BadRule{"an_unknown_key", "treshold = 1",
                "r.toml:13:1: error: kernel.hung_task.treshold: unknown key, did you mean "
                "\"threshold\"?"},
        BadRule{"an_event_that_lasts", "kind = 'event'",
                "r.toml:9:9: error: kernel.hung_task.clear: expected \"time\", got \"quiet\""},
        BadRule{"a_probe_without_its_name", "clear = 'probe'",
                "r.toml:1:1: error: kernel.hung_task.clear_probe: expected a string, got none"},
        BadRule{"a_probe_that_clears_nothing", "clear_probe = 'DockerHung'",
                "r.toml:13:15: error: kernel.hung_task.clear_probe: expected none without clear = "
                "\"probe\", got one"},
        BadRule{"a_cancel_that_names_no_unit",
                "unit = '{task}'\ncancel = 'goes on'\ncancel_examples = ['goes on']",
                "r.toml:14:10: error: kernel.hung_task.cancel: expected the captures of unit, got "
                "no {task}"},
        BadRule{"a_cancel_without_examples", "cancel = 'goes on'",
                "r.toml:1:1: error: kernel.hung_task.cancel_examples: expected an array of "
                "strings, got none"},
        BadRule{"no_source", "sources = []",
                "r.toml:4:11: error: kernel.hung_task.sources: expected at least one source, "
                "got []"},
        BadRule{"an_unknown_source", "sources = ['kernal']",
                "r.toml:4:12: error: kernel.hung_task.sources: expected \"kernel\", "
                "\"kmsg-user\", \"journal:UNIT\" or \"file:/PATH\", got \"kernal\""},
        BadRule{"a_star_in_the_middle", "sources = ['journal:*.service']",
                "r.toml:4:12: error: kernel.hung_task.sources: expected \"kernel\", "
                "\"kmsg-user\", \"journal:UNIT\" or \"file:/PATH\", got \"journal:*.service\""},
        BadRule{"a_condition_not_in_camel_case", "condition = 'hung'",
                "r.toml:5:13: error: kernel.hung_task.condition: expected a condition type in "
                "CamelCase, got \"hung\""},
        BadRule{"an_unknown_severity", "severity = 'fatal'",
                "r.toml:6:12: error: kernel.hung_task.severity: expected \"info\", \"soft\" or "
                "\"hard\", got \"fatal\""},
        BadRule{"a_template_with_an_unknown_capture", "message = '{tsk} is stuck'",
                "r.toml:8:11: error: kernel.hung_task.message: expected captures of the "
                "pattern, got {tsk}"},
        BadRule{"a_template_with_an_open_brace", "message = 'a {task'",
                "r.toml:8:11: error: kernel.hung_task.message: expected {name} or a doubled "
                "brace at offset 2"},
        BadRule{"clear_after_with_boot", "clear = 'boot'\nclear_after = '5m'",
                "r.toml:10:15: error: kernel.hung_task.clear_after: expected none with clear = "
                "\"boot\", got one"},
        BadRule{"no_examples", "examples = []",
                "r.toml:11:12: error: kernel.hung_task.examples: expected 1 to 100 lines, got "
                "0"},
        BadRule{"an_example_of_two_lines", "examples = [\"a\\nb\"]",
                "r.toml:11:13: error: kernel.hung_task.examples: expected one line, got "
                "several"},
        BadRule{"a_threshold_without_time", "threshold = { count = 3 }",
                "r.toml:13:13: error: kernel.hung_task.threshold.within: expected a duration "
                "from 1s to 1d, like \"30s\", got none"},
        BadRule{"a_back_reference", "pattern = '(?P<task>.)(?P<seconds>.)\\1'",
                "r.toml:3:37: error: kernel.hung_task.pattern: \\1 is not supported at offset "
                "25"},
        BadRule{"look_ahead", "pattern = '(?P<task>.)(?P<seconds>.)(?=x)'",
                "r.toml:3:37: error: kernel.hung_task.pattern: look-around, atomic groups, "
                "comments and verbs are not supported at offset 25"},
        BadRule{"a_byte_above_ascii", "pattern = '(?P<task>.)(?P<seconds>.)\xc3\xa4'",
                "r.toml:3:37: error: kernel.hung_task.pattern: expected printable ASCII; write "
                "bytes as \\x1b at offset 25"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(ParseRules, NamesAreUniqueOverAllFiles) {
  Diagnostics diagnostics;
  const std::vector<RuleText> texts = {{"a.toml", std::string(kGood)},
                                       {"b.toml", std::string(kGood)}};
  EXPECT_EQ(ParseRules(texts, &diagnostics).size(), 1u);
  ASSERT_EQ(diagnostics.errors(), 1u);
  EXPECT_EQ(diagnostics.Sorted()[0].place.file, "b.toml");
  EXPECT_EQ(diagnostics.Sorted()[0].hint, "first at a.toml:1");
}

TEST(ParseRules, AMissingKeyIsNamedAndEveryMistakeIsTold) {
  Diagnostics diagnostics;
  EXPECT_TRUE(
      Parse("[[rule]]\nname = 'a.b'\n[[rule]]\nname = 'a.c'\n[other]\n", &diagnostics).empty());
  // Nine keys are missing in each, and [other] is unknown.
  EXPECT_EQ(diagnostics.errors(), 21u) << diagnostics.Text();
  EXPECT_NE(diagnostics.Text().find("r.toml:1:1: error: a.b.pattern: expected a string, got none"),
            std::string::npos)
      << diagnostics.Text();
}

TEST(LoadRules, AFolderStandsForItsTomlFilesByName) {
  const TempFolder folder;
  ASSERT_TRUE(WriteFileAtomic(folder / "b.toml", kGood).has_value());
  std::string other(kGood);
  other.replace(other.find("kernel.hung_task"), 16, "kernel.a_hung_tk");
  ASSERT_TRUE(WriteFileAtomic(folder / "a.toml", other).has_value());
  ASSERT_TRUE(WriteFileAtomic(folder / "notes.txt", "no rule").has_value());
  Diagnostics diagnostics;
  const std::vector<std::string> paths = {folder.path(), folder / "none.toml"};
  const std::vector<Rule> rules = LoadRules(paths, &diagnostics);
  ASSERT_EQ(rules.size(), 2u);
  EXPECT_EQ(rules[0].name, "kernel.a_hung_tk");
  EXPECT_EQ(diagnostics.errors(), 1u) << diagnostics.Text();
}

TEST(Pattern, IsRewrittenWhereHyperscanReadsItDifferently) {
  const Pattern pattern = ReadPattern("a\\s(?P<x>[^\\s\\]])\\S[]x]");
  ASSERT_FALSE(pattern.problem.has_value()) << pattern.problem->message;
  EXPECT_EQ(pattern.hyperscan,
            "a[\\t\\n\\f\\r ](?:[^\\t\\n\\f\\r \\]])"
            "[\\x00-\\x08\\x0b\\x0e-\\x1f\\x21-\\xff][]x]");
  EXPECT_EQ(pattern.captures, std::vector<std::string>{"x"});
  EXPECT_EQ(pattern.origins.size(), pattern.hyperscan.size() + 1);
}

TEST(SourceTrusted, TakesTheSameSourceOrAPrefixWithAStar) {
  EXPECT_TRUE(SourceTrusted("kernel", "kernel"));
  EXPECT_FALSE(SourceTrusted("kernel", "kernel2"));
  EXPECT_FALSE(SourceTrusted("kernel", "kmsg-user"));
  EXPECT_TRUE(SourceTrusted("file:/var/log/*", "file:/var/log/syslog"));
  EXPECT_FALSE(SourceTrusted("file:/var/log/*", "file:/var/lo"));
}

TEST(TextTemplate, FillsItsHoles) {
  const TextTemplate text = TextTemplate::Parse("a {x} {{b}} {y}").value();
  EXPECT_EQ(text.Names(), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(text.Render([](const std::string& name) { return "<" + name + ">"; }), "a <x> {b} <y>");
  EXPECT_FALSE(TextTemplate::Parse("}").has_value());
  EXPECT_FALSE(TextTemplate::Parse("{X}").has_value());
}

}  // namespace
}  // namespace fleetmedic

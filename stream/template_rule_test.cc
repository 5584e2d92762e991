#include "stream/template_rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stream/labelled_lines.h"
#include "stream/matcher.h"
#include "stream/rule_check.h"
#include "stream/template_miner.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TemplateRuleInput Input(std::string text, std::vector<std::string> lines,
                        std::string source = "kernel") {
  TemplateRuleInput input;
  input.id = "t-3a0517cfd9c4da1a";
  input.text = std::move(text);
  for (std::string& line : lines) {
    input.examples.push_back({HostId("web-1"), source, std::move(line), kWallNever});
  }
  return input;
}

// The rule, checked as `fleetmedic rules check` does it.
Rule Checked(const TemplateRuleInput& input) {
  const Result<std::string> toml = RuleFromTemplate(input);
  EXPECT_TRUE(toml) << toml.error().message;
  if (!toml) return {};
  Diagnostics diagnostics;
  const std::vector<RuleText> texts = {{"mined.toml", *toml}};
  const auto rules = CheckRules(texts, &diagnostics);
  EXPECT_NE(rules, nullptr) << *toml << diagnostics.Text();
  return rules == nullptr ? Rule() : rules->rules().at(0);
}

TEST(TemplateRule, HasTheWordsAsTheyAreAndACaptureForEachVariable) {
  TemplateRuleInput input = Input("nvme «nvme0»: I/O «…» (I/O Cmd) QID «…» timeout, aborting",
                                  {"nvme nvme0: I/O 12 (I/O Cmd) QID 3 timeout, aborting",
                                   "nvme nvme0: I/O 7 (I/O Cmd) QID 11 timeout, aborting"});
  input.variables = {{"1", {{"nvme0", 2}}, 0}, {"2", {{"12", 1}, {"7", 1}}, 0}};
  input.other_lines = {"nvme nvme0: I/O 9 (I/O Cmd) QID 3 timeout, aborting",
                       "nvme nvme0: Abort status: 0x0"};
  const Rule rule = Checked(input);
  EXPECT_EQ(rule.pattern, R"(^nvme +(?P<nvme>\S+): I/O +(?P<value>\d+) +\(I/O Cmd\) QID +)"
                          R"((?P<qid>\S+) +timeout, aborting\s*$)");
  EXPECT_EQ(rule.name, "mined.nvme_cmd_qid_timeout_3a0517");
  EXPECT_EQ(rule.condition, "NvmeCmdQidTimeout");
  EXPECT_EQ(rule.message, "nvme {nvme}: I/O {value} (I/O Cmd) QID {qid} timeout, aborting");
  EXPECT_EQ(rule.severity, Severity::kInfo);
  EXPECT_EQ(rule.threshold_count, 1);
  EXPECT_THAT(rule.sources, ElementsAre("kernel"));
  EXPECT_EQ(rule.examples.size(), 2u);
  EXPECT_THAT(rule.counter_examples, ElementsAre("nvme nvme0: Abort status: 0x0"));
}

TEST(TemplateRule, TrustsTheSourcesOfTheExamplesAsFarAsTheyAreAlike) {
  const struct {
    std::string_view source;
    std::string_view trusted;
  } cases[] = {
      {"kernel", "kernel"},
      {"journal:docker.service", "journal:docker.service"},
      {"journal:docker-3f2a11.scope", "journal:docker-*"},
      {"journal:user@1000.service", "journal:user@*"},
      {"journal:e2scrub_all.service", "journal:e2scrub_all.service"},
      {"file:/var/log/app-2/x.log", "file:/var/log/app-2/x.log"},
  };
  for (const auto& [source, trusted] : cases) {
    const Rule rule = Checked(Input("it went wrong", {"it went wrong"}, std::string(source)));
    EXPECT_THAT(rule.sources, ElementsAre(std::string(trusted))) << source;
  }
}

TEST(TemplateRule, TakesTextThatIsHardToQuote) {
  const char* const lines[] = {
      R"(it's "quoted" \d+ (and) [more] {braces} $5 ^ a|b * ? + . end)",
      "{\"level\":\"error\",\"msg\":\"pq: deadlock detected\"}",
      "temperature of 90 °C is too höch",
      "a\u241btab in the middle of it",
      "#hash at the beginning of the line",
  };
  TemplateMiner miner;
  for (const std::string line : lines) {
    const TemplateRef ref = miner.Add(line, {miner.Source("kernel"), "kernel", "h", kWallNever, 1});
    const Rule rule = Checked(Input(TextOf(miner.Find(ref.id).value()), {line}));
    EXPECT_THAT(rule.examples, ElementsAre(line));
  }
}

TEST(TemplateRule, SaysWhyThereIsNone) {
  const struct {
    TemplateRuleInput input;
    std::string_view why;
  } cases[] = {
      {Input("it went wrong", {}), "no example"},
      {Input("«…» «…» ok", {"1 2 ok"}), "too few words"},
      {Input("it went wrong", {"it went well"}), "does not match its examples"},
      {Input("it went wrong", {"it went wrong"}, "other"), "no source"},
  };
  for (const auto& [input, why] : cases) {
    const Result<std::string> toml = RuleFromTemplate(input);
    ASSERT_FALSE(toml) << *toml;
    EXPECT_EQ(toml.error().code, Code::kUnsupported);
    EXPECT_THAT(toml.error().message, HasSubstr(std::string(why)));
  }
}

TEST(TemplateRule, ALongTextIsToldByItsBeginning) {
  std::string line;
  for (int i = 0; i < 200; ++i)
    line += "word" + std::string(1, static_cast<char>('a' + i % 26)) + " 12 ";
  TemplateMiner miner;
  const TemplateRef ref = miner.Add(line, {miner.Source("kernel"), "kernel", "h", kWallNever, 1});
  const Rule rule = Checked(Input(TextOf(miner.Find(ref.id).value()), {line.substr(0, 512)}));
  EXPECT_FALSE(rule.pattern.ends_with("$"));
}

// Whatever is mined becomes a rule that finds the template's lines.
TEST(TemplateRule, FindsTheLinesOfItsTemplate) {
  TemplateMiner miner;
  LabelledLines lines(21);
  std::map<uint64_t, std::vector<LabelledLine>> lines_of;
  for (int i = 0; i < 5000; ++i) {
    LabelledLine made = lines.Next();
    const std::string host = "web-" + std::to_string(i % 50);
    const uint64_t id =
        miner.Add(made.line, {miner.Source(made.source), made.source, host, kWallNever, 1}).id;
    lines_of[id].push_back(std::move(made));
  }
  std::string last;
  for (const MinedTemplate& mined : miner.Export()) {
    TemplateRuleInput input = {
        TemplateIdText(mined.id), TextOf(mined), mined.examples, VariablesOf(mined), {}};
    if (!last.empty()) input.other_lines = {last};
    const Rule rule = Checked(input);
    EXPECT_EQ(rule.counter_examples.at(0) == last, !last.empty()) << rule.pattern;
    last = mined.examples.at(0).line;
    Diagnostics diagnostics;
    const auto set = RuleSet::Compile({rule}, &diagnostics);
    ASSERT_NE(set, nullptr);
    Matcher matcher(set);
    size_t found = 0;
    for (const LabelledLine& one : lines_of[mined.id]) {
      matcher.Match(one.line, one.source, [&found](const RuleMatch&) { ++found; });
    }
    EXPECT_EQ(found, lines_of[mined.id].size()) << rule.pattern;
  }
}

}  // namespace
}  // namespace fleetmedic

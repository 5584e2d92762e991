#include "stream/rule_check.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/file.h"
#include "stream/matcher.h"

namespace fleetmedic {
namespace {

// Compiled once: it takes a while under a sanitizer.
const std::shared_ptr<const RuleSet>& Shipped() {
  static const std::shared_ptr<const RuleSet> rules = [] {
    Diagnostics diagnostics;
    return CheckRules(ShippedRules(), &diagnostics);
  }();
  return rules;
}

TEST(ShippedRules, AreSoundAndEveryExampleBehaves) {
  Diagnostics diagnostics;
  const std::shared_ptr<const RuleSet> rules = CheckRules(ShippedRules(), &diagnostics);
  EXPECT_TRUE(diagnostics.ok() && diagnostics.warnings() == 0) << diagnostics.Text();
  ASSERT_NE(rules, nullptr);
  EXPECT_GE(rules->rules().size(), 250u);
}

TEST(ShippedRules, AreTheFilesOfTheFolder) {
  Diagnostics diagnostics;
  const std::vector<std::string> paths = {"rules"};
  const std::vector<RuleText> texts = ReadRuleFiles(paths, &diagnostics);
  ASSERT_TRUE(diagnostics.ok()) << diagnostics.Text();
  EXPECT_EQ(texts, std::vector<RuleText>(ShippedRules().begin(), ShippedRules().end()));
}

TEST(ShippedRules, AreNamedAfterTheirPack) {
  Diagnostics diagnostics;
  for (const RuleText& text : ShippedRules()) {
    // rules/PACK.toml, or rules/PACK-PART.toml where one file would be too long.
    std::string pack = text.file.substr(6, text.file.size() - 6 - 5);
    pack = pack.substr(0, pack.find('-'));
    for (const Rule& rule : ParseRules(std::span(&text, 1), &diagnostics)) {
      EXPECT_TRUE(rule.name.starts_with(pack + ".")) << rule.name << " in " << text.file;
    }
  }
}

TEST(ShippedRules, OfTheKernelTrustTheKernelAlone) {
  Diagnostics diagnostics;
  const std::vector<Rule> rules = ParseRules(ShippedRules(), &diagnostics);
  for (const Rule& rule : rules) {
    for (const std::string& source : rule.sources) {
      EXPECT_FALSE(source.starts_with("kmsg") || source == "journal-user") << rule.name;
    }
    if (!rule.name.starts_with("kernel.") && !rule.name.starts_with("filesystem.")) continue;
    EXPECT_EQ(rule.sources, std::vector<std::string>{"kernel"}) << rule.name;
  }
}

TEST(ShippedRules, FindNothingOnCalmHosts) {
  const std::shared_ptr<const RuleSet>& rules = Shipped();
  ASSERT_NE(rules, nullptr);
  const Result<std::string> text = ReadFile("stream/testdata/calm_hosts.txt", 1 << 20);
  ASSERT_TRUE(text.has_value()) << text.error().message;
  size_t lines = 0;
  ForEachLine(*text, [&](size_t number, std::string_view line) {
    if (line.starts_with('#')) return;
    const size_t tab = line.find('\t');
    ASSERT_NE(tab, std::string_view::npos) << "line " << number;
    ++lines;
    for (const LineMatch& match :
         MatchLines(rules, line.substr(tab + 1), std::string(line.substr(0, tab)))) {
      ADD_FAILURE() << "line " << number << ": " << match.rule << ": " << line;
    }
  });
  EXPECT_GT(lines, 250u);
}

TEST(ShippedRules, FindNothingInACounterExampleThatIsNotAnExampleOfAnother) {
  const std::shared_ptr<const RuleSet>& rules = Shipped();
  ASSERT_NE(rules, nullptr);
  for (const Rule& rule : rules->rules()) {
    for (const std::string& line : rule.counter_examples) {
      for (const std::string& source : rule.sources) {
        for (const LineMatch& match : MatchLines(rules, line, source)) {
          const auto owner = std::ranges::find(rules->rules(), match.rule, &Rule::name);
          EXPECT_NE(std::ranges::find(owner->examples, line), owner->examples.end())
              << match.rule << " takes what is calm to " << rule.name << ": " << line;
        }
      }
    }
  }
}

TEST(ShippedRules, WhatOneHardRuleLetsPassNoOtherHardRuleTakes) {
  const std::shared_ptr<const RuleSet>& rules = Shipped();
  ASSERT_NE(rules, nullptr);
  // A line that a counter-example protects from one hard rule must not fall to another.
  for (const Rule& rule : rules->rules()) {
    if (rule.severity != Severity::kHard) continue;
    for (const std::string& line : rule.counter_examples) {
      for (const LineMatch& match : MatchLines(rules, line, rule.sources[0])) {
        const auto owner = std::ranges::find(rules->rules(), match.rule, &Rule::name);
        EXPECT_TRUE(owner->severity != Severity::kHard ||
                    std::ranges::find(owner->examples, line) != owner->examples.end())
            << rule.name << " protects a line that " << match.rule << " takes: " << line;
      }
    }
  }
}

TEST(CheckRules, TellsExamplesThatDoNotBehave) {
  const std::vector<RuleText> texts = {
      {"r.toml",
       "[[rule]]\nname = 'a.b'\npattern = 'bad'\nsources = ['kernel']\ncondition = 'C'\n"
       "severity = 'soft'\nreason = 'R'\nmessage = 'm'\nclear = 'quiet'\nhelp = 'h'\n"
       "examples = ['good']\ncounter_examples = ['bad']\n"}};
  Diagnostics diagnostics;
  EXPECT_EQ(CheckRules(texts, &diagnostics), nullptr);
  EXPECT_EQ(diagnostics.Text(),
            "r.toml:1:1: error: a.b.examples: expected the rule to match \"good\"\n"
            " 1 | [[rule]]\n"
            "   | ^^^^^^^^\n"
            "r.toml:1:1: error: a.b.counter_examples: expected the rule not to match \"bad\"\n"
            " 1 | [[rule]]\n"
            "   | ^^^^^^^^\n"
            "1 file, 2 errors, 0 warnings\n");
}

TEST(MatchLines, TellsLineRuleUnitMessageAndCaptures) {
  const std::shared_ptr<const RuleSet>& rules = Shipped();
  ASSERT_NE(rules, nullptr);
  const std::string text =
      "eth0: link becomes ready\n"
      "nvme nvme1: I/O 12 (I/O Cmd) QID 3 timeout, aborting\r\n";
  const std::vector<LineMatch> matches = MatchLines(rules, text, "kernel");
  ASSERT_EQ(matches.size(), 1u);
  EXPECT_EQ(matches[0].line_number, 2u);
  EXPECT_EQ(matches[0].rule, "kernel.nvme_timeout");
  EXPECT_EQ(matches[0].unit, "nvme1");
  EXPECT_EQ(matches[0].message, "nvme1 did not answer in time: aborting");
  EXPECT_EQ(ToJson(matches[0])["captures"]["action"].string() != nullptr, true);
  EXPECT_TRUE(MatchLines(rules, text, "kmsg-user").empty());
  EXPECT_EQ(MatchLines(rules, text, std::nullopt).size(), 1u);
  EXPECT_TRUE(MatchLines(rules, text, "kernel", 0).empty());
}

}  // namespace
}  // namespace fleetmedic

#include "stream/rule_set.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "config/pattern.h"
#include "model/ids.h"
#include "stream/matcher.h"

namespace fleetmedic {
namespace {

Rule MakeRule(std::string name, std::string pattern, std::string unit = "",
              std::string message = "m") {
  Rule rule;
  rule.name = std::move(name);
  rule.pattern = std::move(pattern);
  rule.sources = {"kernel"};
  rule.unit = std::move(unit);
  rule.message = std::move(message);
  rule.pattern_place = {"r.toml", 3, 12};
  return rule;
}

std::shared_ptr<const RuleSet> MustCompile(std::vector<Rule> rules) {
  Diagnostics diagnostics;
  std::shared_ptr<const RuleSet> set = RuleSet::Compile(std::move(rules), &diagnostics);
  EXPECT_NE(set, nullptr) << diagnostics.Text();
  return set;
}

std::vector<std::string> Names(Matcher* matcher, std::string_view line,
                               std::string_view source = "kernel") {
  std::vector<std::string> names;
  matcher->Match(line, source, [&](const RuleMatch& match) { names.push_back(match.rule.name); });
  return names;
}

TEST(RuleSet, TellsUnitMessageAndCaptures) {
  Matcher matcher(
      MustCompile({MakeRule("k.io", R"(dev (?P<device>\w+), sector (?P<sector>\d+)(?P<rest> .*)?)",
                            "{device}", "I/O error on {device} at {sector}")}));
  int matches = 0;
  matcher.Match("blk: dev sda, sector 17", "kernel", [&](const RuleMatch& match) {
    ++matches;
    EXPECT_EQ(match.Unit(), "sda");
    EXPECT_EQ(match.Message(), "I/O error on sda at 17");
    EXPECT_EQ(match.CaptureTexts(), (std::map<std::string, std::string>{
                                        {"device", "sda"}, {"rest", ""}, {"sector", "17"}}));
  });
  EXPECT_EQ(matches, 1);
}

TEST(RuleSet, WhatLogTextPutsIntoAUnitOrMessageIsHarmless) {
  Matcher matcher(MustCompile({MakeRule("k.x", "x(?P<v>.*)", "{v}", "{v}")}));
  const std::string hostile = "\x1b[31m\xff\xe2\x80\xae/../" + std::string(5000, 'a');
  matcher.Match("x" + hostile, "kernel", [&](const RuleMatch& match) {
    EXPECT_TRUE(ValidId(match.Unit())) << match.Unit();
    EXPECT_EQ(match.Unit().size(), RuleMatch::kUnitCharsMax);
    EXPECT_LT(match.Message().size(), 4 * RuleMatch::kCaptureCharsMax);
    EXPECT_EQ(match.Message().find('\x1b'), std::string::npos);
  });
}

TEST(RuleSet, ARuleMatchesOnlyWhatItsSourcesSay) {
  Rule rule = MakeRule("d.x", "x");
  rule.sources = {"kernel", "file:/var/log/*"};
  Matcher matcher(MustCompile({rule}));
  EXPECT_EQ(Names(&matcher, "x", "kernel").size(), 1u);
  EXPECT_EQ(Names(&matcher, "x", "file:/var/log/syslog").size(), 1u);
  EXPECT_TRUE(Names(&matcher, "x", "kmsg-user").empty());
  EXPECT_TRUE(Names(&matcher, "x", "journal:kernel").empty());
  int any = 0;
  matcher.MatchAnySource("x", [&](const RuleMatch&) { ++any; });
  EXPECT_EQ(any, 1);
}

TEST(RuleSet, ALineIsNotTakenByARuleThatTrustsOthersBecauseAnotherRuleTrustsIt) {
  Rule of_kernel = MakeRule("k.x", "x");
  Rule of_docker = MakeRule("d.x", "x");
  of_docker.sources = {"journal:docker.service"};
  Matcher matcher(MustCompile({of_kernel, of_docker}));
  EXPECT_EQ(Names(&matcher, "x", "kernel"), std::vector<std::string>{"k.x"});
  EXPECT_EQ(Names(&matcher, "x", "journal:docker.service"), std::vector<std::string>{"d.x"});
}

TEST(RuleSet, MatchesComeInTheOrderOfTheRules) {
  Matcher matcher(MustCompile({MakeRule("a.1", "z$"), MakeRule("a.2", "^a"),
                               MakeRule("a.3", "never"), MakeRule("a.4", "m")}));
  EXPECT_EQ(Names(&matcher, "amz"), (std::vector<std::string>{"a.1", "a.2", "a.4"}));
}

TEST(RuleSet, EveryUnsoundExpressionIsToldAtItsPlace) {
  Diagnostics diagnostics;
  EXPECT_EQ(
      RuleSet::Compile({MakeRule("a.1", "a(b"), MakeRule("a.2", "ok"), MakeRule("a.3", "a**")},
                       &diagnostics),
      nullptr);
  EXPECT_EQ(diagnostics.errors(), 2u);
  EXPECT_EQ(Diagnostics::Headline(diagnostics.Sorted()[0]),
            "r.toml:3:12: error: a.1.pattern: missing ): a(b");
  Diagnostics hyperscan;
  EXPECT_EQ(RuleSet::Compile({MakeRule("a.1", "x*"), MakeRule("a.2", "a^b")}, &hyperscan), nullptr);
  EXPECT_EQ(hyperscan.errors(), 2u) << hyperscan.Text();
  EXPECT_EQ(Diagnostics::Headline(hyperscan.Sorted()[0]),
            "r.toml:3:12: error: a.1.pattern: matches the empty text, and so every line");
}

TEST(Matcher, AsksRe2WhereAProgramGivesUp) {
  Matcher matcher(MustCompile({MakeRule("k.a", "x.*x.*x.*x.*x.*(?P<end>yes)"),
                               MakeRule("k.b", "(?:no)+ (?P<why>[a-z]+)")}));
  EXPECT_EQ(Names(&matcher, "xxxxxyes"), std::vector<std::string>{"k.a"});
  EXPECT_EQ(matcher.counts().asked_of_re2, 0u);
  const std::string hard = "yes" + std::string(4000, 'x') + "\n";
  std::string why;
  matcher.MatchText(hard + "no why\n" + hard, "kernel",
                    [&](size_t number, std::string_view, const RuleMatch& match) {
                      EXPECT_EQ(number, 2u);
                      why = match.captures()[0].second;
                    });
  EXPECT_EQ(why, "why");
  EXPECT_EQ(matcher.counts().gave_up, 2u);
  EXPECT_EQ(matcher.counts().asked_of_re2, 3u);
}

TEST(RuleSet, WithoutRulesMatchesNothing) {
  Matcher matcher(MustCompile({}));
  EXPECT_TRUE(Names(&matcher, "x").empty());
}

TEST(MatchText, SeesEachLineAlone) {
  Matcher matcher(MustCompile(
      {MakeRule("a.end", "bad$"), MakeRule("a.space", R"(a\sb)"), MakeRule("a.not", "^[^x]+y")}));
  std::vector<std::string> seen;
  matcher.MatchText(
      "bad\r\na\nb\n\nqy\nis bad", "kernel",
      [&](size_t number, std::string_view line, const RuleMatch& match) {
        seen.push_back(std::to_string(number) + ":" + std::string(line) + ":" + match.rule.name);
      });
  EXPECT_EQ(seen, (std::vector<std::string>{"1:bad:a.end", "5:qy:a.not", "6:is bad:a.end"}));
}

// Expressions that touch every place where the two engines are known to differ or could.
const char* const kPatterns[] = {
    R"(a\sb)",          R"(a\Sb)",          R"([\s\d]x)",      R"([^\s]\S[\S\d]$)",
    R"(^\x00)",         R"(\x1b\[)",        R"(foo.bar)",      R"(foo[^b]*bar$)",
    R"(\bkernel\b)",    R"(\Bx\B)",         R"(^(?P<a>\w+):)", R"((?i)error)",
    R"([[:space:]]z)",  R"([^[:alnum:]]q)", R"(a{2,5}b)",      R"((ab|cd|e)+f$)",
    R"(.+end)",         R"(^.{3}x)",        R"(x\z)",          R"(\Ay)",
    R"((?s)n.m)",       R"(a.*?b.*c)",      R"([\x00-\x1f]t)", R"(\W\W\W)",
    R"(\D\D9)",         R"((?m)^q)",        R"((?m)r$)",       R"(a|^b|c$)",
    R"([a-f]+-[^a-f])", R"(\t\n?u)",        R"(\f|\a7)",       R"((x?y?z)+!)"};

std::string HostileLine(Random* random) {
  static constexpr std::string_view kPieces[] = {
      "a",    "b",    "ab",  " ",      "\t",    "\v",       "\f",
      "\r",   "foo",  "bar", "kernel", "ERROR", "error",    ":",
      "x",    "y",    "z",   "\x1b[",  "\xff",  "\xc3\xa4", "\xe2\x84\xaa",
      "\xa0", "\x85", "q",   "9",      "end",   "aaab",     "cdf",
      "-",    "!",    "n",   "m",      "t",     "u",        "\x7f",
      "c",    "e",    "7",   "\xb5",   "\xe0"};
  std::string line;
  const size_t pieces = random->Below(20) + (random->Chance(0.01) ? 4000 : 0);
  for (size_t i = 0; i < pieces; ++i) {
    if (random->Chance(0.05)) {
      line += '\0';
    } else if (random->Chance(0.1)) {
      const char any = static_cast<char>(random->Below(256));
      line += any == '\n' ? 'n' : any;
    } else {
      line += kPieces[random->Below(std::size(kPieces))];
    }
  }
  line.resize(std::min<size_t>(line.size(), 8 * 1024));
  return line;
}

TEST(RuleSet, SaysOfEveryLineWhatEachExpressionSaysAlone) {
  std::vector<Rule> rules;
  std::vector<LinePattern> alone;
  for (const char* pattern : kPatterns) {
    for (const bool ignore_case : {false, true}) {
      Rule rule = MakeRule("d.r" + std::to_string(rules.size()), pattern);
      ASSERT_FALSE(ReadPattern(pattern).problem.has_value()) << pattern;
      rule.ignore_case = ignore_case;
      rules.push_back(rule);
      alone.push_back(LinePattern::Compile(pattern, ignore_case).value());
    }
  }
  Matcher matcher(MustCompile(rules));
  Random random(7);
  std::vector<std::string_view> values;
  std::vector<size_t> matches(rules.size(), 0);
  for (int i = 0; i < 20'000; ++i) {
    const std::string line = HostileLine(&random);
    std::vector<size_t> expected;
    for (size_t rule = 0; rule < alone.size(); ++rule) {
      if (alone[rule].Match(line, &values)) expected.push_back(rule);
    }
    std::vector<size_t> got;
    matcher.Match(line, "kernel", [&](const RuleMatch& m) { got.push_back(m.rule_index); });
    ASSERT_EQ(got, expected) << "line " << i << ": " << line;
    for (const size_t rule : got) ++matches[rule];
  }
  // Lines that no expression likes would prove nothing.
  for (size_t rule = 0; rule < rules.size(); ++rule) {
    EXPECT_GT(matches[rule], 0u) << rules[rule].pattern;
  }
}

}  // namespace
}  // namespace fleetmedic

#include "bench/log_corpus.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "bench/rule_literals.h"
#include "config/diagnostics.h"
#include "stream/matcher.h"

namespace fleetmedic {
namespace {

constexpr size_t kRules = 500;
constexpr size_t kLines = 20'000;

struct Made {
  std::vector<RuleSample> samples;
  std::shared_ptr<const RuleSet> rules;
};

const Made& Rules() {
  static const Made made = [] {
    Made all;
    all.samples = MakeRules(kRules, 7).value();
    std::vector<Rule> plain;
    for (const RuleSample& sample : all.samples) plain.push_back(sample.rule);
    Diagnostics diagnostics;
    all.rules = RuleSet::Compile(std::move(plain), &diagnostics);
    EXPECT_TRUE(diagnostics.ok()) << diagnostics.Text();
    return all;
  }();
  return made;
}

Result<LogCorpus> MakeCorpus(uint64_t seed, double matching, double near_misses) {
  return MakeLogCorpus(
      {.seed = seed, .lines = kLines, .matching = matching, .near_misses = near_misses},
      Rules().samples, Rules().rules);
}

TEST(LogCorpus, MixesKindsOfLogWithLinesOfHostsLengths) {
  const Result<LogCorpus> corpus = MakeCorpus(1, 0.001, 0.002);
  ASSERT_TRUE(corpus.has_value()) << corpus.error().message;
  EXPECT_EQ(corpus->lines, kLines);
  const double mean = static_cast<double>(corpus->bytes) / static_cast<double>(corpus->lines);
  EXPECT_GT(mean, 110);
  EXPECT_LT(mean, 165);
  std::set<std::string> sources;
  std::set<std::string_view> different;
  uint64_t lines = 0;
  for (const CorpusFrame& made : corpus->frames) {
    sources.insert(made.frame.source);
    EXPECT_LE(made.frame.text.size(), LogFrame::kTextBytesMax);
    EXPECT_EQ(made.levels.size(), made.frame.lines);
    EXPECT_EQ(LogFrameFrom(made.frame.host.str(), LogFrameHeaders(made.frame), made.frame.text),
              made.frame);
    ForEachLine(made.frame.text, [&](size_t, std::string_view line) {
      ++lines;
      different.insert(line);
    });
  }
  EXPECT_EQ(lines, kLines);
  EXPECT_GE(sources.size(), 8u);
  // Fixed texts recur, as they do on hosts; most lines have something of their own.
  EXPECT_GT(different.size(), kLines / 2);
}

TEST(LogCorpus, IsTheSameForTheSameSeedAlone) {
  const Result<LogCorpus> one = MakeCorpus(1, 0.01, 0);
  const Result<LogCorpus> same = MakeCorpus(1, 0.01, 0);
  const Result<LogCorpus> other = MakeCorpus(2, 0.01, 0);
  ASSERT_TRUE(one && same && other);
  ASSERT_EQ(one->frames.size(), same->frames.size());
  for (size_t i = 0; i < one->frames.size(); ++i) {
    EXPECT_EQ(one->frames[i].frame, same->frames[i].frame);
  }
  EXPECT_NE(one->frames[0].frame.text, other->frames[0].frame.text);
}

TEST(LogCorpus, HasExactlyAsManyLinesThatMatchAsAreAskedFor) {
  for (const double share : {0.0, 0.001, 0.1}) {
    const Result<LogCorpus> corpus = MakeCorpus(3, share, 0.05);
    ASSERT_TRUE(corpus.has_value()) << corpus.error().message;
    Matcher matcher(Rules().rules);
    std::set<std::pair<size_t, size_t>> matched;
    for (size_t i = 0; i < corpus->frames.size(); ++i) {
      const LogFrame& frame = corpus->frames[i].frame;
      matcher.MatchText(frame.text, frame.source,
                        [&](size_t number, std::string_view, const RuleMatch&) {
                          matched.insert({i, number});
                        });
    }
    EXPECT_EQ(matched.size(), static_cast<size_t>(share * kLines)) << share;
    EXPECT_EQ(corpus->matching, matched.size());
  }
}

TEST(LogRules, OfASmallerCountAreTheFirstOfALarger) {
  const std::vector<RuleSample> few = MakeRules(450, 7).value();
  ASSERT_EQ(few.size(), 450u);
  for (size_t i = 0; i < few.size(); ++i) {
    EXPECT_EQ(few[i].rule.pattern, Rules().samples[i].rule.pattern);
  }
  std::set<std::string> names;
  for (const RuleSample& sample : Rules().samples) names.insert(sample.rule.name);
  EXPECT_EQ(names.size(), kRules);
}

TEST(RuleLiterals, StandInEveryLineThatARuleMatches) {
  LineText text(5);
  size_t without = 0;
  for (const RuleSample& sample : Rules().samples) {
    const std::vector<std::string> literals = RequiredLiterals(sample.rule.pattern);
    if (literals.empty()) ++without;
    if (literals.empty() || sample.rule.ignore_case) continue;
    for (int i = 0; i < 20; ++i) {
      const std::string line = sample.Line(&text);
      EXPECT_TRUE(std::ranges::any_of(
          literals,
          [&](const std::string& literal) { return line.find(literal) != std::string::npos; }))
          << sample.rule.pattern << "\n"
          << line;
    }
  }
  EXPECT_LT(without, kRules / 50);
}

TEST(RuleLiterals, AreTheLongestThatMustBeThere) {
  using Texts = std::vector<std::string>;
  EXPECT_EQ(RequiredLiterals("^abc def"), Texts{"abc def"});
  EXPECT_EQ(RequiredLiterals(R"(abc\d+ then (?P<x>\S+): done$)"), Texts{" then "});
  EXPECT_EQ(RequiredLiterals("(?:one|three) of"), Texts({"one", "three"}));
  EXPECT_EQ(RequiredLiterals("(?:one|three)? of"), Texts{" of"});
  EXPECT_EQ(RequiredLiterals("one|three"), Texts({"one", "three"}));
  EXPECT_EQ(RequiredLiterals("one|[0-9]+"), Texts{});
  EXPECT_EQ(RequiredLiterals("abcd?e+fgh"), Texts{"abc"});
  EXPECT_EQ(RequiredLiterals(R"(a\.b\[c\x41)"), Texts{"a.b[cA"});
  EXPECT_EQ(RequiredLiterals("[]abc]+ab"), Texts{});
}

TEST(RustPattern, SaysTheSameForItsReader) {
  EXPECT_EQ(RustPattern(R"(^(?P<a>x+) \"q\" \/ \- {b})", false), R"(^(?:x+) "q" / \- \{b})");
  EXPECT_EQ(RustPattern("[^[]x{2,3}[[:alpha:]][]a]", false), R"([^\[]x{2,3}[[:alpha:]][\]a])");
  EXPECT_EQ(RustPattern("a|b", true), "(?i:a|b)");
}

}  // namespace
}  // namespace fleetmedic

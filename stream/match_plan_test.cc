#include "stream/match_plan.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

std::vector<PatternToFind> PatternsOf(const std::vector<std::string>& patterns) {
  std::vector<PatternToFind> to_find;
  for (const std::string& pattern : patterns) {
    to_find.push_back({RequiredLiterals(pattern, false), {pattern, false, false}});
  }
  return to_find;
}

std::shared_ptr<const MatchPlan> PlanOf(const std::vector<std::string>& patterns,
                                        const StreamKnowledge& known = {}) {
  return MatchPlan::Make(PatternsOf(patterns), known, nullptr);
}

std::vector<std::string> TextsOf(const MatchPlan& plan) {
  std::vector<std::string> texts;
  for (const MatchPlan::PlannedLiteral& literal : plan.literals()) {
    texts.push_back(literal.literal.text);
  }
  std::ranges::sort(texts);
  return texts;
}

TEST(MatchPlan, LooksForTheSieveForShortOnesAndLineByLineForTheRest) {
  const auto plan = PlanOf({"disk .* failed", "(?:Oops|BUG!): \\d", "\\d+:\\d+", "disk full"});
  EXPECT_EQ(TextsOf(*plan), (std::vector<std::string>{" failed", "BUG!: ", "Oops: ", "disk full"}));
  EXPECT_EQ(plan->residual_patterns(), std::vector<uint32_t>{2});
  EXPECT_TRUE(plan->short_literals().empty());
  const auto shorts = PlanOf({"x.tcp.y", "udp\\d"});
  ASSERT_EQ(shorts->short_literals().size(), 2u);
  CandidateScanner scanner(shorts->shorts());
  size_t found = 0;
  scanner.ScanText("a\nudp1\ntcp", [&](size_t, size_t) { ++found; });
  EXPECT_EQ(found, 2u);
}

TEST(MatchPlan, LooksOnceForALiteralOfSeveralPatterns) {
  const auto plan = PlanOf({"disk full (\\d+)", "disk full (\\w+)"});
  ASSERT_EQ(plan->literals().size(), 1u);
  EXPECT_EQ(plan->literals()[0].patterns, (std::vector<uint32_t>{0, 1}));
}

TEST(MatchPlan, TakesTheLiteralThatTheStreamSeldomShows) {
  const std::string pattern = "level=error .* snapshotter";
  StreamKnowledge known;
  std::string text;
  for (int i = 0; i < 4000; ++i) text += "time=17 level=error msg=\"task left\" id=99 pid=1\n";
  known.grams.Learn(text);
  EXPECT_EQ(TextsOf(*PlanOf({pattern}, known)), std::vector<std::string>{" snapshotter"});
  StreamKnowledge other;
  text.clear();
  for (int i = 0; i < 4000; ++i) text += "time=17 level=info msg=\"snapshotter left\" id=99\n";
  text += text;
  other.grams.Learn(text);
  EXPECT_EQ(TextsOf(*PlanOf({pattern}, other)), std::vector<std::string>{"level=error "});
}

TEST(MatchPlan, LeavesALiteralThatTurnedHotForTheNextBestAndAtLastForTheResidualSet) {
  const std::string pattern = "mount .* refused";
  StreamKnowledge known;
  known.hits_per_line[{" refused", false}] = 0.2;
  EXPECT_EQ(TextsOf(*PlanOf({pattern}, known)), std::vector<std::string>{"mount "});
  known.hits_per_line[{"mount ", false}] = 0.9;
  EXPECT_EQ(TextsOf(*PlanOf({pattern}, known)), std::vector<std::string>{" refused"});
  known.hits_per_line[{" refused", false}] = 0.9;
  const auto none = PlanOf({pattern}, known);
  EXPECT_TRUE(none->literals().empty());
  EXPECT_EQ(none->residual_patterns(), std::vector<uint32_t>{0});
}

}  // namespace
}  // namespace fleetmedic

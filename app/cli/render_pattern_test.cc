#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/cli/fake_api.h"
#include "app/cli/render.h"
#include "base/text.h"

namespace fleetmedic::cli {
namespace {

using testing::HasSubstr;

constexpr TextStyle kPlain{.color = false, .columns = 0, .wide = false};

WallTime Now() { return ParseWall("2026-01-01T00:10:00Z").value(); }

Json Numbers(std::initializer_list<int> numbers) {
  Json list(Json::Array{});
  for (const int number : numbers) list.Append(number);
  return list;
}

TEST(RenderPattern, APatternADiffAndAnIssueAreWhatTheyWere) {
  const Json pattern = TestJson("pattern.json");
  ExpectGolden("patterns_top.txt",
               PatternTable(std::span(&pattern, 1), kPlain, Now()).Text(kPlain));
  const TextStyle wide{.color = false, .columns = 0, .wide = true};
  ExpectGolden("patterns_top_wide.txt",
               PatternTable(std::span(&pattern, 1), wide, Now()).Text(wide));
  ExpectGolden("pattern.txt", RenderPattern(pattern, kPlain, Now()));
  ExpectGolden("pattern_diff.txt", RenderDiff(TestJson("pattern_diff.json"), kPlain));
  const Json issue = TestJson("issue.json");
  ExpectGolden("issues.txt", IssueTable(std::span(&issue, 1), kPlain, Now()).Text(kPlain));
  ExpectGolden("issue.txt", RenderIssue(issue, kPlain, Now()));
}

TEST(RenderPattern, AnIssueThatIsNotRenewedIsStale) {
  Json issue = TestJson("issue.json");
  issue.Set("stale", true);
  EXPECT_NE(IssueTable(std::span(&issue, 1), kPlain, Now()).Text(kPlain).find("open, stale"),
            std::string::npos);
  EXPECT_NE(RenderIssue(issue, kPlain, Now()).find("its stream is silent"), std::string::npos);
}

TEST(RenderPattern, ASparklineHasTheShapeOfItsNumbers) {
  EXPECT_EQ(Sparkline(Items(Numbers({0, 7, 14})), 10), "▁▅█");
  EXPECT_EQ(Sparkline(Items(Numbers({0, 0})), 10), "▁▁");
  EXPECT_EQ(Sparkline(Items(Numbers({1, 1000})), 10), "▂█") << "what is there is not nothing";
  EXPECT_EQ(Sparkline(Items(Numbers({1, 9, 1, 1})), 2), "█▂") << "the highest of each part";
  EXPECT_EQ(Sparkline({}, 10), "");
}

TEST(RenderPattern, NothingForeignReachesTheTerminalAsItIs) {
  const Json pattern = TestJson("pattern.json");
  const Json issue = TestJson("issue.json");
  for (const std::string& text :
       {RenderPattern(pattern, kPlain, Now()), RenderDiff(TestJson("pattern_diff.json"), kPlain),
        RenderIssue(issue, kPlain, Now())}) {
    for (const char* bad : {"\x1b", "\u202e", "\x07"}) {
      EXPECT_EQ(text.find(bad), std::string::npos) << text;
    }
  }
  const std::string evil = "\x1b[31m\n\u202e";
  Json item;
  for (const char* key : {"pattern", "text", "kind", "issue", "id", "state", "scope_text", "why"}) {
    item.Set(key, evil);
  }
  for (const TextTable& table : {PatternTable(std::span(&item, 1), kPlain, Now()),
                                 IssueTable(std::span(&item, 1), kPlain, Now())}) {
    const std::string text = table.Text(kPlain);
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(Split(text, '\n').size(), 3u) << text;
  }
}

TEST(RenderPattern, MissingMembersAreShownAsMissing) {
  EXPECT_THAT(RenderPattern(Json(), kPlain, Now()), HasSubstr("hosts      ?"));
  EXPECT_THAT(RenderDiff(Json(), kPlain), HasSubstr("? hosts hit with ? others"));
  EXPECT_THAT(RenderIssue(Json(), kPlain, Now()), HasSubstr("hosts      ?"));
  EXPECT_THAT(PatternListNote(Json()), HasSubstr("of ? patterns"));
  Json series = Json::Parse(R"({"series": [{"at": "x", "hosts": "y"}, 7], "step_ms": 0})").value();
  EXPECT_THAT(RenderPattern(series, kPlain, Now()), HasSubstr("up to 0"));
}

}  // namespace
}  // namespace fleetmedic::cli

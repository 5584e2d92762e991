#include "console/patterns_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "console/fake_remediator.h"

namespace fleetmedic {
namespace {

using testing::HasSubstr;

HttpRequest Asked(std::map<std::string, std::string, std::less<>> queries) {
  HttpRequest request;
  request.queries = std::move(queries);
  return request;
}

TEST(PatternsView, AQueryIsReadInFull) {
  const Result<PatternQuery> query = ParsePatternQuery(Asked({{"range", "2h"},
                                                              {"q", " nvme  Timeout "},
                                                              {"scope", "rack=r17"},
                                                              {"sort", "hosts"},
                                                              {"new", "1"},
                                                              {"rising", "1"},
                                                              {"unmatched", "0"},
                                                              {"limit", "7"}}),
                                                       kTestNow);
  ASSERT_TRUE(query);
  EXPECT_EQ(query->range, Hours(2));
  EXPECT_THAT(query->words, testing::ElementsAre("nvme", "Timeout"));
  EXPECT_EQ(query->scope, (IssueScope{"rack", "r17"}));
  EXPECT_EQ(query->sort, PatternSort::kHosts);
  EXPECT_EQ(query->new_since, kTestNow - Hours(2));
  EXPECT_TRUE(query->only_rising);
  EXPECT_FALSE(query->only_unmatched);
  EXPECT_EQ(query->items_max, 7u);
  EXPECT_EQ(ParsePatternQuery(Asked({{"new", "30m"}}), kTestNow)->new_since,
            kTestNow - Minutes(30));
  EXPECT_EQ(
      ParsePatternQuery(Asked({{"new", FormatWall(kTestNow - Hours(9))}}), kTestNow)->new_since,
      kTestNow - Hours(9));
  EXPECT_EQ(ParsePatternQuery(Asked({}), kTestNow)->new_since, kWallNever);
}

TEST(PatternsView, WhatCannotBeMeantIsRefusedByItsName) {
  for (const auto& [name, value] : std::map<std::string, std::string>{
           {"range", "25h"},
           {"range", "x"},
           {"q", std::string(600, 'a')},
           {"scope", "r17"},
           {"scope", "rack="},
           {"sort", "size"},
           {"new", "yesterday"},
           {"limit", "0"},
           {"limit", "1001"},
       }) {
    const Result<PatternQuery> query = ParsePatternQuery(Asked({{name, value}}), kTestNow);
    ASSERT_FALSE(query) << name << "=" << value;
    EXPECT_EQ(query.error().code, Code::kInvalidArgument);
    EXPECT_THAT(query.error().message, HasSubstr(name + ":"));
  }
}

TEST(PatternsView, ASelectionIsATimeOrFactsOrBoth) {
  const Result<PatternSelection> both = ParsePatternSelection(
      Asked({{"sel", "2026-01-01T00:00:00Z..2026-01-01T00:05:00Z;pool=web,zone=a..b"}}));
  ASSERT_TRUE(both);
  EXPECT_EQ(both->from, kTestNow);
  EXPECT_EQ(both->to, kTestNow + Minutes(5));
  ASSERT_EQ(both->among.size(), 2u);
  EXPECT_EQ(both->among[1].second, "a..b");
  EXPECT_EQ(ParsePatternSelection(Asked({}))->from, kWallNever);
  for (const char* bad :
       {"a..b", "2026-01-01T00:00:00Z..", "pool", "pool=", "a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1"}) {
    EXPECT_FALSE(ParsePatternSelection(Asked({{"sel", bad}}))) << bad;
  }
}

TEST(PatternsView, APatternIsShownWithItsParts) {
  PatternDetail detail;
  detail.summary.pattern = "t-9f";
  detail.summary.kind = PatternKind::kTemplate;
  detail.summary.text = "nvme «nvme0»: \x1b[31mtimeout";
  detail.summary.hosts = 41;
  detail.summary.novelty = 0.98765;
  detail.summary.trend = {0, 3, 41};
  detail.summary.issue = "I-1";
  detail.step = Minutes(10);
  detail.series = {{kTestNow, 41, 9204}};
  detail.hosts = {{HostId("web-1"), kTestNow}};
  detail.examples = {{HostId("web-1"), "kernel", "line", kTestNow}};
  detail.variables = {{"1", {{"nvme0", 5}}, 2}};
  const Json json = PatternDetailJson(detail);
  EXPECT_EQ(*json["kind"].string(), "template");
  EXPECT_EQ(*json["text"].string(), "nvme «nvme0»: \x1b[31mtimeout") << "as it is";
  EXPECT_EQ(json["novelty"].number(), 0.99);
  EXPECT_EQ(json["step_ms"].integer(), 600'000);
  EXPECT_EQ((*json["series"].array())[0]["lines"].integer(), 9204);
  EXPECT_EQ(*(*json["hosts_listed"].array())[0]["host"].string(), "web-1");
  EXPECT_EQ((*json["variables"].array())[0]["values"]["nvme0"].integer(), 5);
  EXPECT_EQ(*json["issue"].string(), "I-1");
  EXPECT_TRUE(json["version"].is_null());
}

TEST(PatternsView, IssuesAreListedByStateWithoutTheirHosts) {
  std::vector<FleetIssuePtr> issues;
  for (int i = 0; i < 5; ++i) {
    FleetIssue issue;
    issue.id = "I-" + std::to_string(i);
    issue.pattern = "disk.slow";
    issue.state = i < 2 ? IssueState::kOpen : IssueState::kClosed;
    issue.scope = {"rack", "r17"};
    issue.opened_at = issue.updated_at = kTestNow;
    issue.hosts = {HostId("web-1")};
    issue.hosts_total = 41;
    issue.why = "41 of 41";
    issues.push_back(std::make_shared<const FleetIssue>(issue));
  }
  EXPECT_EQ((*IssuesJson(issues, {}, "", 100))["total"].integer(), 5);
  const Json open = IssuesJson(issues, {}, "open", 1).value();
  EXPECT_EQ(open["total"].integer(), 2);
  ASSERT_EQ(open["items"].array()->size(), 1u);
  const Json& item = (*open["items"].array())[0];
  EXPECT_EQ(*item["scope_text"].string(), "rack r17");
  EXPECT_EQ(item["hosts_total"].integer(), 41);
  EXPECT_TRUE(item["hosts"].is_null());
  EXPECT_TRUE(item["closed_at"].is_null());
  EXPECT_TRUE(item["stale"].is_null());
  EXPECT_FALSE(IssuesJson(issues, {}, "opne", 1));
  const Json stale = IssuesJson(issues, {"I-1"}, "open", 2).value();
  EXPECT_TRUE((*stale["items"].array())[0]["stale"].is_null());
  EXPECT_EQ((*stale["items"].array())[1]["stale"].boolean(), true);
  EXPECT_EQ(IssueJson(*issues[1], {"I-1"})["stale"].boolean(), true);
  EXPECT_EQ(IssueJson(*issues[0], {})["hosts"].array()->size(), 1u);
}

}  // namespace
}  // namespace fleetmedic

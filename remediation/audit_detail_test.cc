#include "remediation/audit_detail.h"

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

TEST(AuditDetailTest, AHostSaysItsEpisodeAndWhatIsKnownOfItsTasks) {
  HostRecord record;
  record.episode = 12;
  EXPECT_EQ(HostDetail(record).Dump(),
            R"({"blast":{"cells":[],"hosts":1,"pools":[]},"episode":12})");
  record.facts_known = true;
  record.facts.pool = "web";
  record.facts.cell = "c1";
  record.tasks_total = 9;
  EXPECT_EQ(HostDetail(record).Dump(),
            R"({"blast":{"cells":["c1"],"hosts":1,"pools":["web"],"tasks":9},"episode":12})");
  record.tasks_left = 4;
  EXPECT_EQ(*HostDetail(record)["blast"]["tasks"].integer(), 4);
}

TEST(AuditDetailTest, AnIssueSaysItsScopeWhereThatIsAPoolOrACell) {
  FleetIssue issue;
  issue.id = "I-3f";
  issue.hosts_total = 41;
  issue.scope = {"rack", "r17"};
  EXPECT_EQ(IssueDetail(issue)["blast"].Dump(), R"({"cells":[],"hosts":41,"pools":[]})");
  EXPECT_TRUE(IssueDetail(issue)["ends"].is_null());
  issue.scope = {"pool", "web"};
  issue.state = IssueState::kClosed;
  EXPECT_EQ(IssueDetail(issue)["blast"].Dump(), R"({"cells":[],"hosts":41,"pools":["web"]})");
  EXPECT_EQ(IssueDetail(issue)["ends"], Json(true));
  EXPECT_EQ(IssueDetail(issue)["title"], Json(issue.Title()));
}

TEST(AuditDetailTest, ABrakeSaysHowManyHostsWhereItsLevelIsThat) {
  EXPECT_EQ(BrakeDetail({"disrupted", "", 5, kWallNever}).Dump(),
            R"({"blast":{"hosts":5},"cause":"disrupted","level":5})");
  EXPECT_EQ(BrakeDetail({"log_lag", "", 90, kWallNever}).Dump(),
            R"({"blast":{},"cause":"log_lag","level":90})");
}

}  // namespace
}  // namespace fleetmedic

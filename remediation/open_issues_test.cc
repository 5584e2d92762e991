#include "remediation/open_issues.h"

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

const WallTime kBegan = WallTime{} + Hours(1000);

FleetIssue Issue(const std::string& id) {
  FleetIssue issue;
  issue.id = id;
  issue.pattern = "kernel.nvme_timeout";
  issue.text = "NvmeTimeout";
  issue.first_at = issue.opened_at = kBegan;
  issue.hosts = {HostId("web-1"), HostId("web-2")};
  issue.hosts_total = 2;
  return issue;
}

HostRecord Host(const std::string& name) {
  HostRecord record;
  record.facts.host = HostId(name);
  return record;
}

TrackedCondition Seen(const std::string& detector, WallTime since) {
  TrackedCondition tracked;
  tracked.detector = detector;
  tracked.verdict_since = since;
  return tracked;
}

TEST(OpenIssues, HoldWhatTheirOwnRuleFound) {
  OpenIssues issues;
  EXPECT_TRUE(issues.Take(Issue("I-1"), kBegan));
  const auto found = Seen("rule:kernel.nvme_timeout", kBegan - Hours(5));
  ASSERT_NE(issues.Holding(Host("web-1"), found), nullptr);
  EXPECT_EQ(issues.Holding(Host("web-1"), found)->Title(), "I-1, NvmeTimeout on 2 hosts");
  EXPECT_EQ(issues.Holding(Host("web-3"), found), nullptr) << "not one of its hosts";
}

TEST(OpenIssues, HoldWhatBeganWithThem) {
  OpenIssues issues;
  issues.Take(Issue("I-1"), kBegan);
  EXPECT_NE(issues.Holding(Host("web-1"), Seen("docker", kBegan - Minutes(9))), nullptr);
  EXPECT_NE(issues.Holding(Host("web-1"), Seen("docker", kBegan + Hours(2))), nullptr);
}

TEST(OpenIssues, LeaveAHostAloneThatWasSickForAReasonOfItsOwnBefore) {
  OpenIssues issues;
  issues.Take(Issue("I-1"), kBegan);
  EXPECT_EQ(issues.Holding(Host("web-1"), Seen("docker", kBegan - Minutes(11))), nullptr);
}

TEST(OpenIssues, EndWhenTheyAreClosed) {
  OpenIssues issues;
  issues.Take(Issue("I-1"), kBegan);
  EXPECT_FALSE(issues.Take(Issue("I-1"), kBegan)) << "known";
  FleetIssue closed = Issue("I-1");
  closed.state = IssueState::kClosed;
  EXPECT_FALSE(issues.Take(closed, kBegan));
  EXPECT_TRUE(issues.all().empty());
  EXPECT_EQ(issues.Holding(Host("web-1"), Seen("docker", kBegan)), nullptr);
}

TEST(OpenIssues, AreBoundedAndForgetTheFirst) {
  OpenIssues issues;
  for (size_t i = 0; i <= OpenIssues::kIssuesMax; ++i) {
    FleetIssue issue = Issue("I-" + std::to_string(i));
    issue.opened_at = kBegan + Seconds(static_cast<int64_t>(i));
    issues.Take(std::move(issue), kBegan);
  }
  EXPECT_EQ(issues.all().size(), OpenIssues::kIssuesMax);
  EXPECT_FALSE(issues.all().contains("I-0"));
}

TEST(OpenIssues, AreStaleWhenNobodyRenewsThemAndHoldAllTheSame) {
  constexpr Millis kLimit = Minutes(10);
  OpenIssues issues;
  issues.Take(Issue("I-1"), kBegan);
  issues.Take(Issue("I-2"), kBegan);
  EXPECT_TRUE(issues.Age(kBegan + Minutes(9), kLimit).stale.empty());
  issues.Take(Issue("I-2"), kBegan + Minutes(9));
  const OpenIssues::Aged aged = issues.Age(kBegan + Minutes(10), kLimit);
  ASSERT_EQ(aged.stale.size(), 1U);
  EXPECT_EQ(aged.stale[0]->id, "I-1");
  EXPECT_TRUE(issues.Age(kBegan + Minutes(11), kLimit).stale.empty()) << "said once";
  EXPECT_EQ(issues.stale(), std::set<std::string>{"I-1"});
  const auto found = Seen("rule:kernel.nvme_timeout", kBegan);
  EXPECT_NE(issues.Holding(Host("web-1"), found), nullptr);

  issues.Take(Issue("I-1"), kBegan + Minutes(12));
  const OpenIssues::Aged again = issues.Age(kBegan + Minutes(12), kLimit);
  EXPECT_TRUE(again.stale.empty());
  ASSERT_EQ(again.renewed.size(), 1U);
  EXPECT_EQ(again.renewed[0]->id, "I-1");
  EXPECT_TRUE(issues.stale().empty());
}

TEST(OpenIssues, AreNotStaleWhenTheyAreClosed) {
  OpenIssues issues;
  issues.Take(Issue("I-1"), kBegan);
  (void)issues.Age(kBegan + Hours(1), Minutes(10));
  FleetIssue closed = Issue("I-1");
  closed.state = IssueState::kClosed;
  issues.Take(std::move(closed), kBegan + Hours(1));
  EXPECT_TRUE(issues.stale().empty());
  EXPECT_TRUE(issues.Age(kBegan + Hours(1), Minutes(10)).renewed.empty());
}

}  // namespace
}  // namespace fleetmedic

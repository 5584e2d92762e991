#include "model/fleet_issue.h"

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

HostFacts Host(const std::string& name, const std::string& rack) {
  HostFacts facts;
  facts.host = HostId(name);
  facts.rack = rack;
  return facts;
}

FleetIssue Issue() {
  FleetIssue issue;
  issue.id = "I-1";
  issue.pattern = "kernel.hung_task";
  issue.scope = {"rack", "r1"};
  issue.hosts = {HostId("web-1"), HostId("web-3")};
  issue.hosts_total = 2;
  return issue;
}

TEST(FleetIssue, CoversTheHostsThatItLists) {
  EXPECT_TRUE(Issue().Covers(Host("web-3", "r9")));
  EXPECT_FALSE(Issue().Covers(Host("web-2", "r1")));
}

TEST(FleetIssue, CoversItsScopeWhereItCannotListAll) {
  FleetIssue issue = Issue();
  issue.hosts_total = 3;
  EXPECT_TRUE(issue.Covers(Host("web-2", "r1")));
  EXPECT_FALSE(issue.Covers(Host("web-2", "r2")));
  issue.scope = {};
  EXPECT_TRUE(issue.Covers(Host("web-2", "r2")));
}

TEST(FleetIssue, CoversNobodyOnceItIsClosed) {
  FleetIssue issue = Issue();
  issue.state = IssueState::kClosed;
  issue.hosts_total = 3;
  EXPECT_FALSE(issue.Covers(Host("web-1", "r1")));
}

TEST(FleetIssue, ComesBackFromItsJsonWithItsHostsInOrder) {
  FleetIssue issue = Issue();
  issue.hosts = {HostId("web-3"), HostId("web-1")};
  const Result<FleetIssue> again = FleetIssueFromJson(ToJson(issue));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(again->Covers(Host("web-1", "")));
  EXPECT_TRUE(again->Covers(Host("web-3", "")));
}

TEST(FleetIssue, IsRefusedPastItsLimits) {
  FleetIssue issue = Issue();
  issue.hosts.assign(FleetIssue::kHostsMax + 1, HostId("web-1"));
  EXPECT_FALSE(FleetIssueFromJson(ToJson(issue)));
  issue = Issue();
  issue.series.resize(FleetIssue::kSeriesMax + 1);
  EXPECT_FALSE(FleetIssueFromJson(ToJson(issue)));
}

TEST(PatternCount, IsRefusedPastItsLimits) {
  PatternCount count;
  count.pattern = "kernel.hung_task";
  ASSERT_TRUE(PatternCountFromJson(ToJson(count)));
  count.hosts.assign(PatternCount::kHostsMax + 1, HostId("web-1"));
  EXPECT_FALSE(PatternCountFromJson(ToJson(count)));
  count.hosts.clear();
  count.first_offset = 2;
  count.last_offset = 1;
  EXPECT_FALSE(PatternCountFromJson(ToJson(count)));
}

}  // namespace
}  // namespace fleetmedic

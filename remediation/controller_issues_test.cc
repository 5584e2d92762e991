#include "remediation/controller_fixture.h"

namespace fleetmedic {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class ControllerIssuesTest : public ControllerTest {
 protected:
  ControllerIssuesTest() {
    for (const char* name : {"a", "b", "c", "d", "e", "f"}) AddHost(name);
    Run();
  }

  void Tell(const std::string& id, IssueState state, std::vector<HostId> hosts) {
    FleetIssue issue;
    issue.id = id;
    issue.state = state;
    issue.pattern = "kernel.nvme_timeout";
    issue.text = "NvmeTimeout";
    issue.why = "2 of 2 hit run kernel 6.1.99";
    issue.updated_at = clock_.Wall();
    issue.first_at = issue.opened_at = began_.try_emplace(id, issue.updated_at).first->second;
    issue.hosts = std::move(hosts);
    issue.hosts_total = issue.hosts.size();
    Append(Topic::kIssues, id, ToJson(issue).Dump());
  }

  std::map<std::string, WallTime> began_;
};

TEST_F(ControllerIssuesTest, AnOpenIssueHoldsTheDrainsOfItsHostsAndOfNoOthers) {
  Tell("I-1", IssueState::kOpen, {HostId("a")});
  Run();
  StayBad("a", 5);
  EXPECT_EQ(StateOf("a"), HostState::kSuspect);
  EXPECT_EQ(HostNow("a")->waits_for, "fleet issue I-1, NvmeTimeout on 1 hosts");
  // Its limits let one go at a time, and "a" is not it.
  StayBad("b", 3);
  EXPECT_EQ(HostNow("b")->want, Want::kDrained) << HostNow("b")->waits_for;
  EXPECT_EQ(HostNow("a")->want, Want::kSchedulable);
}

TEST_F(ControllerIssuesTest, APersonIsCalledOnceAndToldOfItsEnd) {
  Tell("I-1", IssueState::kOpen, {HostId("a")});
  Run();
  Tell("I-1", IssueState::kOpen, {HostId("a"), HostId("b")});
  Run();
  ASSERT_THAT(AuditOf("issue:I-1"), SizeIs(1));
  EXPECT_EQ(AuditOf("issue:I-1")[0].action, "page");
  EXPECT_THAT(AuditOf("issue:I-1")[0].why, HasSubstr("2 of 2 hit run kernel 6.1.99"));
  Tell("I-1", IssueState::kClosed, {});
  Run();
  ASSERT_THAT(AuditOf("issue:I-1"), SizeIs(2));
  EXPECT_EQ(AuditOf("issue:I-1")[1].action, "notify");
  EXPECT_EQ(AuditOf("issue:I-1")[0].detail["blast"]["hosts"], Json(1));
  EXPECT_TRUE(AuditOf("issue:I-1")[0].detail["ends"].is_null());
  EXPECT_EQ(AuditOf("issue:I-1")[1].detail["ends"], Json(true));
}

TEST_F(ControllerIssuesTest, ItsEndLetsTheDrainsGoOn) {
  Tell("I-1", IssueState::kOpen, {HostId("a")});
  StayBad("a", 3);
  ASSERT_EQ(StateOf("a"), HostState::kSuspect);
  Tell("I-1", IssueState::kClosed, {});
  StayBad("a", 3);
  EXPECT_EQ(HostNow("a")->want, Want::kDrained);
}

TEST_F(ControllerIssuesTest, APersonMayAllowActsAlthoughAnIssueIsOpen) {
  config_.limits = {{.name = "many", .at_least = 6}};
  Restart();
  Tell("I-1", IssueState::kOpen, {HostId("a"), HostId("b"), HostId("c")});
  const auto all_bad = [this] {
    for (int i = 0; i < 3; ++i) {
      for (const char* name : {"a", "b", "c"}) Report(name, Verdict::kBad);
      Run(Seconds(1));
    }
  };
  const auto out = [this] {
    std::string names;
    for (const char* name : {"a", "b", "c"}) {
      if (HostNow(name)->want != Want::kSchedulable) names += name;
    }
    return names;
  };
  ASSERT_TRUE(Add(OverrideKind::kAllow, "rule:another.rule"));
  ASSERT_TRUE(Add(OverrideKind::kAllow, "pool:db"));
  all_bad();
  EXPECT_EQ(out(), "");
  const Result<RequestAnswer> allowed = Add(OverrideKind::kAllow, "host:a");
  ASSERT_TRUE(allowed) << allowed.error().message;
  EXPECT_EQ(allowed->added->until, allowed->added->created_at + Hours(1)) << "ends by itself";
  all_bad();
  EXPECT_EQ(out(), "a");
  ASSERT_TRUE(Add(OverrideKind::kAllow, "rule:kernel.nvme_timeout"));
  all_bad();
  EXPECT_EQ(out(), "abc");
}

TEST_F(ControllerIssuesTest, ARestartForgetsNoIssueAndCallsNobodyAgain) {
  Tell("I-1", IssueState::kOpen, {HostId("a")});
  Run();
  Restart();
  clock_.Advance(Seconds(11));  // the lease of the one before
  StayBad("a", 5);
  EXPECT_EQ(StateOf("a"), HostState::kSuspect);
  EXPECT_THAT(HostNow("a")->waits_for, HasSubstr("fleet issue I-1"));
  EXPECT_THAT(AuditOf("issue:I-1"), SizeIs(1));
}

TEST_F(ControllerIssuesTest, OneThatItsStreamDoesNotRenewCallsAPersonOnceAndHoldsOn) {
  config_.brake.silent_share = 1;  // nobody beats for so long
  Restart();
  clock_.Advance(Seconds(11));
  Tell("I-1", IssueState::kOpen, {HostId("a")});
  Run();
  Run(Minutes(10));
  ASSERT_THAT(AuditOf("issue:I-1"), SizeIs(2));
  EXPECT_EQ(AuditOf("issue:I-1")[1].action, "page");
  EXPECT_THAT(AuditOf("issue:I-1")[1].why, HasSubstr("not renewed since 2026-"));
  EXPECT_THAT(controller_->Snapshot()->issues_stale, ::testing::ElementsAre("I-1"));
  StayBad("a", 5);
  EXPECT_EQ(StateOf("a"), HostState::kSuspect);
  EXPECT_THAT(HostNow("a")->waits_for, HasSubstr("I-1, NvmeTimeout on 1 hosts, not renewed since"));
  // Who leads next calls nobody for the same.
  Restart();
  clock_.Advance(Seconds(11));
  Run(Minutes(11));
  EXPECT_THAT(AuditOf("issue:I-1"), SizeIs(2));
  EXPECT_THAT(controller_->Snapshot()->issues_stale, ::testing::ElementsAre("I-1"));
  // Its stream is back.
  Tell("I-1", IssueState::kOpen, {HostId("a")});
  StayBad("a", 5);
  ASSERT_THAT(AuditOf("issue:I-1"), SizeIs(3));
  EXPECT_EQ(AuditOf("issue:I-1")[2].action, "notify");
  EXPECT_EQ(HostNow("a")->waits_for, "fleet issue I-1, NvmeTimeout on 1 hosts");
  EXPECT_TRUE(controller_->Snapshot()->issues_stale.empty());
}

TEST_F(ControllerIssuesTest, APersonsDrainIsNotHeld) {
  Tell("I-1", IssueState::kOpen, {HostId("a")});
  Run();
  ASSERT_TRUE(Add(OverrideKind::kDrain, "host:a"));
  Run(Seconds(3));
  EXPECT_EQ(HostNow("a")->want, Want::kDrained);
}

TEST_F(ControllerIssuesTest, AnIssueThatComesWithTheBadNewsIsInForceFirst) {
  Report("a", Verdict::kBad);
  Tell("I-1", IssueState::kOpen, {HostId("a")});
  Run(Seconds(2));
  EXPECT_TRUE(hook_.applied.empty());
}

TEST_F(ControllerIssuesTest, OneThatCannotBeReadIsSetAside) {
  Append(Topic::kIssues, "I-1", "{\"id\": \"I-1\"}");
  Append(Topic::kIssues, "I-2", "not json");
  Run();
  EXPECT_THAT(DeadLetters(), ::testing::ElementsAre("invalid", "invalid"));
  StayBad("a", 3);
  EXPECT_EQ(HostNow("a")->want, Want::kDrained);
}

}  // namespace
}  // namespace fleetmedic

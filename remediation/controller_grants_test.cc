// Grants that are lent to automation of the site that is not ours.
#include "remediation/controller_fixture.h"

namespace fleetmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class LentGrantTest : public ControllerTest {
 protected:
  LentGrantTest() {
    for (const char* name : {"a", "b", "c", "d", "e"}) AddHost(name);
    Run();
  }

  Result<RequestAnswer> Lend(const std::string& host, const std::string& who = "kured",
                             Millis lease = Minutes(1)) {
    return Tell(request::LendGrant{HostId(host), who, "reboot", "kernel 6.1.99", lease});
  }
  // All hosts report, but for those named.
  void Live(int seconds, const std::set<std::string>& silent = {}) {
    for (int i = 0; i < seconds; ++i) {
      for (const char* name : {"a", "b", "c", "d", "e"}) {
        if (!silent.contains(name)) Report(name, Verdict::kOk);
      }
      Run(Seconds(1));
    }
  }
  std::vector<std::string> OpenGrants() {
    std::vector<std::string> hosts;
    for (const auto& [id, grant] : controller_->ledger().grants()) {
      if (grant.open()) hosts.push_back(grant.host.str());
    }
    return hosts;
  }
  std::vector<std::string> Actions(const std::string& host) {
    std::vector<std::string> actions;
    for (const AuditEntry& entry : AuditOf("host:" + host)) actions.push_back(entry.action);
    return actions;
  }
};

TEST_F(LentGrantTest, CountsAgainstTheSameLimitsAsOurs) {
  const Result<RequestAnswer> lent = Lend("a");
  ASSERT_TRUE(lent) << lent.error().message;
  EXPECT_EQ(lent->grant->holder, "kured");
  EXPECT_EQ(lent->grant->act, "reboot");
  EXPECT_THAT(hook_.applied, IsEmpty()) << "nobody's host is touched by lending";
  StayBad("b", 3);
  EXPECT_EQ(StateOf("b"), HostState::kSuspect);
  EXPECT_THAT(HostNow("b")->waits_for, HasSubstr("fleet_concurrent: 1 of 1"));
  ASSERT_TRUE(Tell(request::ReleaseGrant{lent->grant->id, "kured", ""}));
  EXPECT_THAT(OpenGrants(), IsEmpty());
  EXPECT_THAT(Actions("a"), ElementsAre("grant", "release_grant"));
}

TEST_F(LentGrantTest, IsRefusedWithTheNamedLimitWhileOursIsOut) {
  StayBad("b", 3);
  ASSERT_EQ(StateOf("b"), HostState::kDraining);
  const Result<RequestAnswer> lent = Lend("a");
  ASSERT_FALSE(lent);
  EXPECT_EQ(lent.error().code, Code::kRefused);
  EXPECT_THAT(lent.error().message, HasSubstr("a: fleet_concurrent: 1 of 1"));
  const Result<RequestAnswer> same = Lend("b");
  ASSERT_FALSE(same);
  EXPECT_THAT(same.error().message, HasSubstr("b: it is draining"));
}

TEST_F(LentGrantTest, TwoAtOnceAreCountedOneAfterTheOther) {
  config_.limits = {
      {.name = "web_floor", .scope = LimitScope::kPool, .kind = LimitKind::kFloor, .at_least = 4}};
  Restart();
  Live(12);
  std::vector<std::string> said;
  for (const char* host : {"a", "b"}) {
    ASSERT_TRUE(controller_->Post(request::LendGrant{HostId(host), host, "reboot", "x", Minutes(1)},
                                  [&said](const Result<RequestAnswer>& answer) {
                                    said.push_back(answer ? answer->grant->host.str()
                                                          : answer.error().message);
                                  }));
  }
  Run();
  EXPECT_THAT(said, ElementsAre("a", HasSubstr("b: web_floor of pool:web: 4 available")));
  StayBad("c", 3);
  EXPECT_THAT(HostNow("c")->waits_for, HasSubstr("web_floor"));
}

TEST_F(LentGrantTest, AskedAgainItIsTheSameGrantWithANewLease) {
  const Result<RequestAnswer> first = Lend("a");
  ASSERT_TRUE(first);
  const Result<RequestAnswer> again = Lend("a");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->grant->id, first->grant->id);
  EXPECT_GT(again->grant->ends_at, first->grant->ends_at);
  const Result<RequestAnswer> others = Lend("a", "deploy");
  ASSERT_FALSE(others);
  EXPECT_THAT(others.error().message, HasSubstr("the host holds grant"));
  EXPECT_THAT(OpenGrants(), SizeIs(1));
}

TEST_F(LentGrantTest, OnlyItsHolderRenewsItAndAnybodyReleasesIt) {
  const GrantId id = Lend("a")->grant->id;
  const Result<RequestAnswer> stolen = Tell(request::RenewGrant{id, "deploy", Minutes(5)});
  ASSERT_FALSE(stolen);
  EXPECT_THAT(stolen.error().message, HasSubstr("held by kured"));
  EXPECT_TRUE(Tell(request::RenewGrant{id, "kured", Minutes(5)}));
  EXPECT_TRUE(Tell(request::ReleaseGrant{id, "ana", "kured is dead"}));
  EXPECT_EQ(Tell(request::ReleaseGrant{id, "ana", ""}).error().code, Code::kNotFound);
  EXPECT_EQ(Tell(request::RenewGrant{id, "kured", Minutes(5)}).error().code, Code::kNotFound);
}

TEST_F(LentGrantTest, OursCannotBeReleasedByOthers) {
  StayBad("b", 3);
  const GrantId ours = HostNow("b")->grant;
  ASSERT_FALSE(ours.empty());
  const Result<RequestAnswer> released = Tell(request::ReleaseGrant{ours, "kured", ""});
  ASSERT_FALSE(released);
  EXPECT_EQ(released.error().code, Code::kConflict);
  EXPECT_THAT(OpenGrants(), ElementsAre("b"));
}

TEST_F(LentGrantTest, NothingIsLentUnderAHoldAProtectionOrADegradedMode) {
  ASSERT_TRUE(Add(OverrideKind::kProtect, "host:a"));
  EXPECT_THAT(Lend("a").error().message, HasSubstr("protected: op1"));
  ASSERT_TRUE(Add(OverrideKind::kHold, "host:b"));
  EXPECT_THAT(Lend("b").error().message, HasSubstr("held: op1"));
  hook_.list_fails = true;
  Live(65);
  EXPECT_THAT(Lend("c").error().message, HasSubstr("mode degraded"));
  hook_.list_fails = false;
  Live(10);
  ASSERT_TRUE(Add(OverrideKind::kHold, "fleet"));
  EXPECT_THAT(Lend("c").error().message, HasSubstr("mode hold"));
  EXPECT_THAT(OpenGrants(), IsEmpty());
}

TEST_F(LentGrantTest, IsLentInShadowAndNotBeforeTheFirstList) {
  config_.mode = Mode::kShadow;
  hook_.list_fails = true;
  Restart();
  Live(12);
  EXPECT_THAT(Lend("a").error().message, HasSubstr("the scheduler's list"));
  hook_.list_fails = false;
  Live(6);
  EXPECT_TRUE(Lend("a"));
  StayBad("b", 3);
  EXPECT_THAT(hook_.applied, IsEmpty()) << "the remediator itself does nothing";
}

TEST_F(LentGrantTest, WhatIsAskedWronglyIsRefusedWithTheReason) {
  EXPECT_EQ(Lend("nobody").error().code, Code::kNotFound);
  for (const Millis lease : {Millis(0), Millis(9'999), Millis(Hours(24)) + Millis(1)}) {
    EXPECT_THAT(Lend("a", "kured", lease).error().message, HasSubstr("a lease lasts 10s to"));
  }
  for (const char* act : {"", "Re boot", "reboot\n"}) {
    EXPECT_THAT(
        Tell(request::LendGrant{HostId("a"), "kured", act, "x", Minutes(1)}).error().message,
        HasSubstr("act: one word"));
  }
  EXPECT_THAT(
      Tell(request::LendGrant{HostId("a"), "kured", "reboot", "", Minutes(1)}).error().message,
      HasSubstr("a reason"));
  EXPECT_THAT(OpenGrants(), IsEmpty());
}

TEST_F(LentGrantTest, ALeaseThatIsOverEndsWhereTheHostIsInService) {
  ASSERT_TRUE(Lend("a"));
  Live(50);
  EXPECT_THAT(OpenGrants(), ElementsAre("a"));
  Live(15);
  EXPECT_THAT(OpenGrants(), IsEmpty());
  EXPECT_THAT(Actions("a"), ElementsAre("grant", "release_grant"));
}

TEST_F(LentGrantTest, ALeaseThatIsOverCountsUntilTheHostIsBackAndCallsOnce) {
  ASSERT_TRUE(Lend("a"));
  Live(120, {"a"});
  EXPECT_THAT(OpenGrants(), ElementsAre("a"));
  EXPECT_THAT(Actions("a"), ElementsAre("grant", "page"));
  Restart();
  Live(60, {"a"});
  EXPECT_THAT(Actions("a"), ElementsAre("grant", "page")) << "a person was called before";
  Live(5);
  EXPECT_THAT(OpenGrants(), IsEmpty());
  EXPECT_THAT(Actions("a"), ElementsAre("grant", "page", "release_grant", "notify"));
}

TEST_F(LentGrantTest, AHostThatComesBackBadPastItsLeaseBecomesOurs) {
  ASSERT_TRUE(Lend("a"));
  config_.limits = {{.name = "one", .at_least = 1}};
  Restart();
  Live(90, {"a"});
  EXPECT_THAT(Actions("a"), ElementsAre("grant", "page"));
  StayBad("a", 3);
  EXPECT_NE(StateOf("a"), HostState::kSuspect);
  EXPECT_THAT(OpenGrants(), ElementsAre("a"));
  EXPECT_EQ(controller_->ledger().grants().at(HostNow("a")->grant).holder, "");
}

TEST_F(LentGrantTest, IsDurable) {
  const GrantId id = Lend("a")->grant->id;
  Restart();
  Live(12);
  EXPECT_TRUE(Tell(request::RenewGrant{id, "kured", Minutes(5)}));
  EXPECT_THAT(OpenGrants(), ElementsAre("a"));
}

}  // namespace
}  // namespace fleetmedic

#include "remediation/controller_fixture.h"

namespace fleetmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

TEST_F(ControllerTest, ASickHostIsTaintedInOnePassAndDrainedAfterTheAcknowledgement) {
  for (const char* name : {"a", "b", "c"}) AddHost(name);
  Run();
  Report("a", Verdict::kBad);
  Run();
  EXPECT_EQ(StateOf("a"), HostState::kDraining);
  ASSERT_THAT(hook_.applied, SizeIs(2));
  EXPECT_EQ(hook_.applied[0].want, Want::kTainted);
  EXPECT_EQ(hook_.applied[1].want, Want::kDrained);
  EXPECT_EQ(hook_.applied[1].revision, 2u);
}

TEST_F(ControllerTest, TheAuditTellsTheRoadAndItsChainHolds) {
  for (const char* name : {"a", "b", "c"}) AddHost(name);
  Run();
  Report("a", Verdict::kBad);
  Run();
  std::vector<std::string> actions;
  for (const AuditEntry& entry : AuditOf("host:a")) actions.push_back(entry.action);
  EXPECT_THAT(actions, ElementsAre("suspect", "grant", "taint", "drain"));
  const AuditEntry taint = AuditOf("host:a").at(2);
  EXPECT_EQ(*taint.detail["evidence"].array()->front()["message"].string(), "no answer in 5 s");
  EXPECT_EQ(VerifyAudit(memory_store_), AuditOf("").back().seq);
}

// Its agent lives, and the detector that told of it does not come back.
TEST_F(ControllerTest, NoGrantIsAskedForOnEvidenceThatIsNotConfirmedAnyMore) {
  config_.policy.confirm_hard = Seconds(40);
  Restart();
  for (const char* name : {"a", "b", "c"}) AddHost(name);
  Run();
  Report("a", Verdict::kBad);
  for (int i = 0; i < 60; ++i) {
    HealthEvent other = EventOf("a", Verdict::kOk);
    other.detector = "disk";
    other.conditions.clear();
    Append(Topic::kHealth, "a", ToJson(other).Dump());
    Run();
  }
  EXPECT_EQ(StateOf("a"), HostState::kSuspect);
  EXPECT_THAT(HostNow("a")->waits_for, HasSubstr("was not confirmed within 30s"));
  EXPECT_TRUE(controller_->ledger().grants().empty());
}

TEST_F(ControllerTest, ASecondSickHostWaitsForTheNamedLimit) {
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) AddHost(name);
  Run();
  Report("a", Verdict::kBad);
  Run();
  Report("b", Verdict::kBad);
  Run();
  EXPECT_EQ(StateOf("b"), HostState::kSuspect);
  EXPECT_THAT(HostNow("b")->waits_for, HasSubstr("limit fleet_concurrent: 1 of 1"));
}

TEST_F(ControllerTest, APoolHasItsOwnPolicy) {
  Policy slow = config_.policy;
  slow.conditions["DockerUnresponsive"].ignore = true;
  config_.pool_policies["web"] = slow;
  Restart();
  for (const char* name : {"a", "b", "c"}) AddHost(name);
  Run();
  StayBad("a", 3);
  EXPECT_EQ(StateOf("a"), HostState::kHealthy) << "its pool is web";
  config_.pool_policies = {{"db", slow}};
  Restart();
  StayBad("a", 15);
  EXPECT_NE(StateOf("a"), HostState::kHealthy);
}

TEST_F(ControllerTest, ABudgetIsAnotherLimitForATime) {
  config_.limits = {{.name = "two", .share = 0.5, .at_least = 2}};
  Restart();
  for (const char* name : {"a", "b", "c", "d"}) AddHost(name);
  Run();
  const auto budget = [this](int64_t value, Millis lasts, const std::string& scope = "limit:two") {
    return Tell(request::AddOverride{OverrideKind::kBudget, ParseScope(scope).value(), "op1",
                                     "because", lasts, value});
  };
  ASSERT_TRUE(budget(0, Seconds(30)));
  StayBad("a", 3);
  EXPECT_THAT(HostNow("a")->waits_for, HasSubstr("two: 0 of 0"));
  ASSERT_TRUE(budget(1, Seconds(30)));
  StayBad("a", 16);
  EXPECT_EQ(HostNow("a")->want, Want::kDrained) << "the newest counts";
  StayBad("b", 3);
  EXPECT_THAT(HostNow("b")->waits_for, HasSubstr("two: 1 of 1"));
  StayBad("b", 40);
  EXPECT_EQ(HostNow("b")->want, Want::kDrained) << "its time is over, and the config counts";
  EXPECT_THAT(controller_->Snapshot()->overrides, IsEmpty());

  EXPECT_THAT(budget(1, Hours(25)).error().message, HasSubstr("at most 24h"));
  EXPECT_THAT(budget(-1, Hours(1)).error().message, HasSubstr("0 to 1000000"));
  EXPECT_THAT(budget(1, Hours(1), "limit:three").error().message, HasSubstr("there are two"));
  EXPECT_THAT(budget(1, Hours(1), "pool:web").error().message, HasSubstr("limit:NAME"));
  EXPECT_THAT(Add(OverrideKind::kHold, "limit:two").error().message,
              HasSubstr("for a budget alone"));
}

TEST_F(ControllerTest, NothingIsForgottenByARestart) {
  for (const char* name : {"a", "b", "c"}) AddHost(name);
  Run();
  Report("a", Verdict::kBad);
  Run();
  Restart();
  clock_.Advance(Seconds(11));  // the lease of the process before
  Run();
  EXPECT_EQ(HostNow("a")->revision, 2u);
  EXPECT_EQ(controller_->ledger().grants().size(), 1u);
  Report("b", Verdict::kBad);
  Run();
  EXPECT_THAT(HostNow("b")->waits_for, HasSubstr("limit"));
}

TEST_F(ControllerTest, WhatItCannotReadIsSetAsideWithItsReason) {
  AddHost("a");
  Run();
  Append(Topic::kHealth, "a", "{\"kind\": ");
  Append(Topic::kHealth, "a", std::string(HealthEvent::kBytesMax + 1, ' '));
  Append(Topic::kHealth, "a", R"({"kind":"conditions","host":"a"})");
  HealthEvent event = EventOf("a", Verdict::kBad);
  Append(Topic::kHealth, "b", ToJson(event).Dump());
  event.observed_at = clock_.Wall() + Hours(1);
  Append(Topic::kHealth, "a", ToJson(event).Dump());
  event = EventOf("a", Verdict::kBad);
  event.boot_id = "boot-0";
  event.booted_at = clock_.Wall() - Hours(100);
  Append(Topic::kHealth, "a", ToJson(event).Dump());
  Run();
  EXPECT_THAT(DeadLetters(),
              ElementsAre("not_json", "too_long", "invalid", "wrong_key", "future", "other_boot"));
  EXPECT_EQ(StateOf("a"), HostState::kHealthy);
  EXPECT_THAT(metrics_.Text(), HasSubstr("fleetmedic_dead_letters_total{reason=\"not_json\""));
}

TEST_F(ControllerTest, ShadowDecidesAndDoesNothing) {
  config_.mode = Mode::kShadow;
  Restart();
  AddHost("a");
  AddHost("b");
  Run();
  Report("a", Verdict::kBad);
  Run(Seconds(5));
  EXPECT_EQ(StateOf("a"), HostState::kSuspect);
  EXPECT_THAT(HostNow("a")->waits_for, HasSubstr("mode shadow"));
  EXPECT_THAT(hook_.applied, IsEmpty());
}

TEST_F(ControllerTest, AWatchedHostIsNeverActedOn) {
  config_.watch_only = {"a"};
  Restart();
  AddHost("a");
  AddHost("b");
  Run();
  Report("a", Verdict::kBad);
  Run(Seconds(5));
  EXPECT_THAT(hook_.applied, IsEmpty());
  EXPECT_THAT(HostNow("a")->waits_for, HasSubstr("watch_only"));
}

TEST_F(ControllerTest, AHoldIsInForceBeforeItsAnswer) {
  AddHost("a");
  AddHost("b");
  Run();
  bool answered = false;
  ASSERT_TRUE(controller_
                  ->Post(
                      request::AddOverride{
                          OverrideKind::kHold, {ScopeKind::kFleet, ""}, "op1", "", Millis(0)},
                      [&](const Result<RequestAnswer>&) { answered = true; })
                  .has_value());
  EXPECT_FALSE(answered);
  Report("a", Verdict::kBad);
  Run();
  EXPECT_TRUE(answered);
  EXPECT_THAT(hook_.applied, IsEmpty());
  EXPECT_EQ(controller_->Snapshot()->mode, Mode::kHold);
}

TEST_F(ControllerTest, AHoldSurvivesARestartAndAReleaseEndsIt) {
  AddHost("a");
  AddHost("b");
  Run();
  ASSERT_TRUE(Add(OverrideKind::kHold, "fleet").has_value());
  Restart();
  clock_.Advance(Seconds(11));
  Report("a", Verdict::kBad);
  Run(Seconds(3));
  EXPECT_THAT(hook_.applied, IsEmpty());
  EXPECT_EQ(Tell(request::Release{"op1", ""}).error().code, Code::kInvalidArgument);
  ASSERT_TRUE(Tell(request::Release{"op1", "all clear"}).has_value());
  Report("a", Verdict::kBad);
  Run(Seconds(2));
  EXPECT_THAT(hook_.applied, SizeIs(2));
}

TEST_F(ControllerTest, AHoldThatCouldNotBeStoredHoldsAllTheSame) {
  AddHost("a");
  AddHost("b");
  Run();
  store_.FailAt(StoreCall::kCommit, 1, CallFault::kFull, 3);
  EXPECT_EQ(Add(OverrideKind::kHold, "fleet").error().code, Code::kUnavailable);
  Report("a", Verdict::kBad);
  Run(Seconds(3));
  EXPECT_EQ(controller_->Snapshot()->mode, Mode::kHold);
  EXPECT_THAT(hook_.applied, IsEmpty());
  ASSERT_TRUE(Tell(request::Release{"op1", "all clear"}).has_value());
  Report("a", Verdict::kBad);
  Run(Seconds(3));
  EXPECT_THAT(hook_.applied, SizeIs(2));
}

TEST_F(ControllerTest, TheHoldFileHoldsAndIsNamedAtTheRelease) {
  AddHost("a");
  AddHost("b");
  Run();
  ASSERT_TRUE(WriteFileAtomic(folder_ / "HOLD", "").has_value());
  Report("a", Verdict::kBad);
  Run(Seconds(2));
  EXPECT_THAT(hook_.applied, IsEmpty());
  const Result<RequestAnswer> answer = Tell(request::Release{"op1", "all clear"});
  ASSERT_TRUE(answer.has_value());
  EXPECT_THAT(answer->still, ElementsAre(HasSubstr("HOLD")));
  ASSERT_TRUE(RemoveTree(folder_ / "HOLD").has_value());
  Report("a", Verdict::kBad);
  Run(Seconds(2));
  EXPECT_THAT(hook_.applied, SizeIs(2));
}

TEST_F(ControllerTest, TheBrakeStopsEverythingNewUntilAPersonReleasesIt) {
  for (int i = 0; i < 8; ++i) AddHost(fmt::format("h{}", i));
  Run();
  for (int i = 0; i < 5; ++i) Report(fmt::format("h{}", i), Verdict::kBad);
  Run(Seconds(2));
  EXPECT_EQ(controller_->Snapshot()->mode, Mode::kTripped);
  EXPECT_THAT(hook_.applied, IsEmpty());
  Restart();
  clock_.Advance(Seconds(11));
  Run(Seconds(2));
  EXPECT_EQ(controller_->Snapshot()->mode, Mode::kTripped);
  ASSERT_TRUE(Tell(request::ReleaseBrake{"op1", "seen"}).has_value());
  EXPECT_EQ(controller_->Snapshot()->mode, Mode::kAuto);
  // For those who are told: which cause, of how many hosts, and the mode before and after.
  const AuditEntry trip = AuditOf("brake").front();
  EXPECT_EQ(trip.detail["cause"], Json("disrupted"));
  EXPECT_EQ(trip.detail["blast"]["hosts"], Json(5));
  std::vector<std::string> modes;
  for (const AuditEntry& entry : AuditOf("fleet")) {
    if (entry.action == "mode") modes.push_back(entry.result);
  }
  EXPECT_THAT(modes, ElementsAre("tripped", "auto"));
}

TEST_F(ControllerTest, AFullDiskStopsNewActsAndSaysSo) {
  AddHost("a");
  AddHost("b");
  Run();
  store_.FailAt(StoreCall::kCommit, 1, CallFault::kFull, 1'000'000);
  Report("a", Verdict::kBad);
  Run(Seconds(3));
  EXPECT_THAT(hook_.applied, IsEmpty());
  EXPECT_FALSE(controller_->Snapshot()->trouble.empty());
  store_.Heal();
  Report("a", Verdict::kBad);
  Run(Seconds(3));
  EXPECT_THAT(hook_.applied, SizeIs(2));
  EXPECT_EQ(AuditOf("host:a").front().action, "suspect");
}

TEST_F(ControllerTest, ALogThatIsAwayStopsNewActsAndNothingIsLost) {
  AddHost("a");
  AddHost("b");
  Run();
  log_.FailAt(LogCall::kPoll, 1, CallFault::kUnavailable, 1'000'000);
  Report("a", Verdict::kBad);
  Run(Seconds(3));
  EXPECT_THAT(hook_.applied, IsEmpty());
  log_.Heal();
  Run(Seconds(3));
  EXPECT_THAT(hook_.applied, SizeIs(2));
}

TEST_F(ControllerTest, ARepairThatEndedWhileTheStoreWasAwayIsReadBeforeItsDeadlineCounts) {
  for (const char* const name : {"web-1", "web-2"}) AddHost(name);
  Run();
  BreakUntilRepair("web-1");
  const std::string repair = HostNow("web-1")->repair_id;
  store_.FailAt(StoreCall::kLease, 1, CallFault::kUnavailable, 1'000'000);
  store_.FailAt(StoreCall::kCommit, 1, CallFault::kUnavailable, 1'000'000);
  Run(Seconds(20));
  // More than one pass reads; the outcome is the last of it.
  ExecutorReport report;
  report.host = HostId("web-1");
  report.boot_id = "boot-1";
  for (uint64_t i = 1; i <= 3000; ++i) {
    report.sequence = i;
    report.observed_at = clock_.Wall();
    if (i == 3000) report.repairs = {{repair, RepairOutcome::kDone, "mended"}};
    Append(Topic::kTasks, "web-1", ToJson(report).Dump());
  }
  clock_.Advance(config_.policy.repair_deadline + Minutes(1));
  for (const char* const name : {"web-1", "web-2"}) Report(name, Verdict::kOk);
  store_.Heal();
  for (int i = 0; i < 100 && StateOf("web-1") == HostState::kRepairing; ++i) Run();
  EXPECT_EQ(StateOf("web-1"), HostState::kProbation) << HostNow("web-1")->why;
}

TEST_F(ControllerTest, AnAmbiguousCommitIsReadBackBeforeAnythingIsDone) {
  AddHost("a");
  AddHost("b");
  Run();
  store_.FailAt(StoreCall::kCommit, 1, CallFault::kFailedAfter);
  Report("a", Verdict::kBad);
  Run(Seconds(3));
  EXPECT_THAT(hook_.applied, SizeIs(2));
  EXPECT_EQ(controller_->ledger().grants().size(), 1u);
}

TEST_F(ControllerTest, ASecondLeaderIsRefusedUntilTheFirstIsGone) {
  AddHost("a");
  Run();
  Metrics metrics;
  Controller rival(
      config_, "",
      RemediatorEnvironment{clock_, log_, memory_store_, hook_, workers_, metrics, {}, "rival"});
  rival.Turn(clock_.Mono());
  EXPECT_FALSE(rival.leading());
  EXPECT_THAT(rival.Snapshot()->trouble, HasSubstr("test-1"));
  clock_.Advance(Seconds(11));
  rival.Turn(clock_.Mono());
  EXPECT_TRUE(rival.leading());
  Run(Seconds(1));
  EXPECT_FALSE(controller_->leading());
}

TEST_F(ControllerTest, RequestsThatMakeNoSenseAreRefusedWithAReason) {
  AddHost("a");
  Run();
  EXPECT_EQ(Add(OverrideKind::kDrain, "fleet").error().code, Code::kInvalidArgument);
  EXPECT_EQ(Add(OverrideKind::kDrain, "host:nobody").error().code, Code::kNotFound);
  EXPECT_EQ(Add(OverrideKind::kProtect, "host:a", "").error().code, Code::kInvalidArgument);
  EXPECT_EQ(Add(OverrideKind::kReturn, "host:a").error().code, Code::kConflict);
  EXPECT_EQ(Add(OverrideKind::kHold, "host:a", std::string(2000, 'x')).error().code,
            Code::kInvalidArgument);
  EXPECT_EQ(Tell(request::EndOverride{OverrideId("O-99"), "op1", ""}).error().code,
            Code::kNotFound);
  EXPECT_EQ(Tell(request::ReleaseBrake{"op1", "x"}).error().code, Code::kConflict);
}

TEST_F(ControllerTest, APersonsDrainAndReturn) {
  AddHost("a");
  AddHost("b");
  AddHost("c");
  Run();
  ASSERT_TRUE(Add(OverrideKind::kDrain, "host:a").has_value());
  Run(Seconds(7));
  EXPECT_EQ(StateOf("a"), HostState::kDrained);
  ASSERT_TRUE(Add(OverrideKind::kReturn, "host:a").has_value());
  for (int i = 0; i < 8; ++i) {
    Report("a", Verdict::kOk);
    Run(Seconds(1));
  }
  EXPECT_EQ(StateOf("a"), HostState::kHealthy);
  EXPECT_EQ(hook_.views[HostId("a")].want, Want::kSchedulable);
  EXPECT_THAT(controller_->Snapshot()->grants, IsEmpty());
}

TEST_F(ControllerTest, APersonsTaintMovesNoTask) {
  AddHost("a");
  AddHost("b");
  Run();
  ASSERT_TRUE(Add(OverrideKind::kTaint, "host:a").has_value());
  Run(Seconds(20));
  EXPECT_EQ(StateOf("a"), HostState::kTainted);
  EXPECT_EQ(hook_.views[HostId("a")].want, Want::kTainted);
  ASSERT_TRUE(Add(OverrideKind::kDrain, "host:a").has_value());
  Run(Seconds(2));
  EXPECT_EQ(hook_.views[HostId("a")].want, Want::kDrained);
}

class ControllerRulesTest : public ControllerTest {
 protected:
  ControllerRulesTest() {
    rules_ = {"kernel.oops", "kernel.bug"};
    Restart();
    clock_.Advance(Seconds(11));  // the lease of the one before
    AddHost("h1");
    Run();
  }
  void Find(const std::string& rule) {
    Finding finding;
    finding.host = HostId("h1");
    finding.boot_id = "boot-1";
    finding.rule = rule;
    finding.condition.type = "KernelOops";
    finding.condition.verdict = Verdict::kBad;
    finding.condition.severity = Severity::kInfo;
    finding.clear = Clear::kBoot;
    finding.first_at = finding.last_at = clock_.Wall();
    Append(Topic::kFindings, "h1", ToJson(finding).Dump());
    Run(Seconds(2));
  }
  // The rules whose findings stand.
  std::vector<std::string> Found() {
    std::vector<std::string> rules;
    for (const TrackedCondition& tracked : HostNow("h1")->conditions) {
      if (tracked.detector.starts_with("rule:")) rules.push_back(tracked.detector.substr(5));
    }
    return rules;
  }
};

TEST_F(ControllerRulesTest, WhatARuleFoundEndsWhenTheRuleIsNotInUseAnyMore) {
  Find("kernel.oops");
  Find("kernel.bug");
  EXPECT_THAT(Found(), UnorderedElementsAre("kernel.oops", "kernel.bug"));
  rules_ = {"kernel.bug"};
  Restart();
  Run(Seconds(3));
  EXPECT_THAT(Found(), ElementsAre("kernel.bug"));
  // One that was still on its way does not bring it back.
  Find("kernel.oops");
  EXPECT_THAT(Found(), ElementsAre("kernel.bug"));
}

TEST_F(ControllerRulesTest, RulesThatChangeWhileItRunsEndWhatIsGoneAndTakeWhatCame) {
  Find("kernel.oops");
  Find("kernel.bug");
  Find("kernel.new");
  EXPECT_THAT(Found(), UnorderedElementsAre("kernel.oops", "kernel.bug"));
  ASSERT_TRUE(controller_->UseRules({"kernel.bug", "kernel.new"}));
  Run(Seconds(2));
  EXPECT_THAT(Found(), ElementsAre("kernel.bug"));
  Find("kernel.oops");
  EXPECT_THAT(Found(), ElementsAre("kernel.bug"));
  Find("kernel.new");
  EXPECT_THAT(Found(), UnorderedElementsAre("kernel.bug", "kernel.new"));
  // Back again, and the others gone.
  ASSERT_TRUE(controller_->UseRules({"kernel.oops"}));
  Run(Seconds(2));
  EXPECT_THAT(Found(), IsEmpty());
  Find("kernel.oops");
  EXPECT_THAT(Found(), ElementsAre("kernel.oops"));
}

TEST_F(ControllerRulesTest, OfSeveralChangesTheLastCounts) {
  Find("kernel.oops");
  ASSERT_TRUE(controller_->UseRules({"kernel.oops", "kernel.new"}));
  ASSERT_TRUE(controller_->UseRules({"kernel.new"}));
  Run(Seconds(2));
  EXPECT_THAT(Found(), IsEmpty());
  Find("kernel.new");
  EXPECT_THAT(Found(), ElementsAre("kernel.new"));
}

TEST_F(ControllerRulesTest, WhatARuleFoundThatWeMayNotKnowYetStandsForAWhile) {
  rules_grace_ = Seconds(10);
  Restart();
  clock_.Advance(Seconds(11));
  Run();
  Find("kernel.new");
  Find("kernel.strange");
  EXPECT_THAT(Found(), UnorderedElementsAre("kernel.new", "kernel.strange"));
  ASSERT_TRUE(controller_->UseRules({"kernel.oops", "kernel.new"}));
  Run(Seconds(12));
  EXPECT_THAT(Found(), ElementsAre("kernel.new"));
  // It had its time. And one that was ours is known to be gone.
  Find("kernel.strange");
  EXPECT_THAT(Found(), ElementsAre("kernel.new"));
  Find("kernel.bug");
  EXPECT_THAT(Found(), ElementsAre("kernel.new"));
}

class ControllerEvidenceTest : public ControllerTest {
 protected:
  ControllerEvidenceTest() {
    evidence_ = &book_;
    Restart();
    clock_.Advance(Seconds(11));  // the lease of the one before
    for (const char* name : {"a", "b", "c"}) AddHost(name);
    Run();
  }
  Book book_;
};

TEST_F(ControllerEvidenceTest, ARepairIsOrderedAsSoonAsItsEvidenceCame) {
  BreakUntilRepair("a");
  EXPECT_THAT(Orders(), ElementsAre("a evidence e1-suspect", "a evidence e1-repair-1"));
  StayBad("a", 3);
  EXPECT_THAT(Orders(), SizeIs(2));
  book_.came.insert("a e1-repair-1");
  StayBad("a", 1);
  EXPECT_THAT(Orders(),
              ElementsAre("a evidence e1-suspect", "a evidence e1-repair-1", "repair a/1/1"));
}

TEST_F(ControllerEvidenceTest, ARepairIsOrderedOnceAndAfterItsWaitWhereNoEvidenceComes) {
  BreakUntilRepair("a");
  StayBad("a", 8);
  EXPECT_THAT(Orders(), SizeIs(2));
  StayBad("a", 4);
  EXPECT_THAT(Orders(),
              ElementsAre("a evidence e1-suspect", "a evidence e1-repair-1", "repair a/1/1"));
  book_.came.insert("a e1-repair-1");
  StayBad("a", 5);
  EXPECT_THAT(Orders(), SizeIs(3));
}

TEST_F(ControllerEvidenceTest, AHoldStopsARepairThatWaits) {
  BreakUntilRepair("a");
  ASSERT_TRUE(Add(OverrideKind::kHold, "fleet").has_value());
  book_.came.insert("a e1-repair-1");
  StayBad("a", 20);
  EXPECT_THAT(Orders(), ElementsAre("a evidence e1-suspect", "a evidence e1-repair-1"));
}

TEST_F(ControllerEvidenceTest, ASuccessorAsksAgainAndNeedsNoMoreThanWhatCame) {
  BreakUntilRepair("a");
  Restart();
  clock_.Advance(Seconds(11));
  book_.came.insert("a e1-repair-1");
  StayBad("a", 2);
  EXPECT_THAT(Orders(),
              ElementsAre("a evidence e1-suspect", "a evidence e1-repair-1", "repair a/1/1"));
}

TEST_F(ControllerEvidenceTest, OfAWholeFleetThatBecomesSuspectOnlySoManyAreAsked) {
  for (int i = 0; i < 50; ++i) AddHost(fmt::format("h{}", i));
  Run();
  for (int i = 0; i < 50; ++i) Report(fmt::format("h{}", i), Verdict::kBad);
  Run(Seconds(2));
  EXPECT_THAT(Orders(), SizeIs(30));
  EXPECT_THAT(metrics_.Text(), HasSubstr("fleetmedic_evidence_unasked_total 20"));
}

TEST_F(ControllerEvidenceTest, APersonIsToldTheNameOfTheBundleAndTheAuditWhoAsked) {
  EXPECT_EQ(Tell(request::CollectEvidence{HostId("x"), "op1", ""}).error().code, Code::kNotFound);
  // Longer than a request's reason may be, and cut within a character.
  std::string reason = "why";
  for (int i = 0; i < 400; ++i) reason += "\u00fc";
  const auto answer = Tell(request::CollectEvidence{HostId("a"), "op1", reason});
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_THAT(Orders(), ElementsAre("a evidence " + answer->evidence_id));
  EXPECT_EQ(AuditOf("host:a").back().action, "collect_evidence");
  EXPECT_EQ(AuditOf("host:a").back().who, "op1");
}

}  // namespace
}  // namespace fleetmedic

#include "remediation/reconcile.h"

#include "remediation/controller_fixture.h"

namespace fleetmedic {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Kind = HostDifference::Kind;

HostRecord RecordOf(uint64_t revision, Want want, HostState state) {
  HostRecord record;
  record.facts.host = HostId("web-1");
  record.facts.boot_id = "boot-1";
  record.revision = record.acknowledged = revision;
  record.want = want;
  record.state = state;
  record.episode = 4;
  return record;
}
HostView ViewOf(uint64_t revision, Want want, int tasks = 0) {
  HostView view;
  view.host = HostId("web-1");
  view.revision = revision;
  view.want = want;
  view.tasks_left = tasks;
  return view;
}

TEST(Reconcile, FindsWhatDiffers) {
  const HostRecord out = RecordOf(3, Want::kDrained, HostState::kDraining);
  EXPECT_FALSE(DifferenceOf(out, ViewOf(3, Want::kDrained)));
  EXPECT_EQ(DifferenceOf(out, ViewOf(4, Want::kSchedulable))->kind, Kind::kNewer);
  EXPECT_EQ(DifferenceOf(out, ViewOf(2, Want::kTainted))->kind, Kind::kOlder);
  EXPECT_EQ(DifferenceOf(out, ViewOf(3, Want::kTainted))->kind, Kind::kOtherWant);
  HostRecord sent = out;
  sent.acknowledged = 2;
  EXPECT_FALSE(DifferenceOf(sent, ViewOf(2, Want::kTainted))) << "under way";
  EXPECT_FALSE(RecordIsBehind(out, ViewOf(3, Want::kTainted))) << "somebody took our taint away";
  EXPECT_FALSE(RecordIsBehind(sent, ViewOf(3, Want::kDrained))) << "the answer was lost";
  EXPECT_TRUE(RecordIsBehind(sent, ViewOf(3, Want::kTainted))) << "decided again with its number";
}

TEST(Reconcile, ReportsHostsOnOneSideAloneAndForeignTaints) {
  HostRecords records;
  records[HostId("web-1")] =
      std::make_shared<HostRecord>(RecordOf(3, Want::kTainted, HostState::kTainted));
  HostView stranger = ViewOf(7, Want::kDrained);
  stranger.host = HostId("web-2");
  HostView foreign = ViewOf(0, Want::kSchedulable);
  foreign.host = HostId("web-3");
  foreign.foreign_taint = true;
  const std::vector<HostView> views = {stranger, foreign};
  const ReconcileReport report = Compare(records, views, kWallNever + Hours(1));
  ASSERT_EQ(report.differences.size(), 2u);
  EXPECT_EQ(report.differences[0].kind, Kind::kNotListed);
  EXPECT_EQ(report.differences[1].kind, Kind::kUnrecorded);
  EXPECT_EQ(report.foreign_taints, 1u);
}

TEST(Reconcile, AReportIsBounded) {
  HostRecords records;
  for (size_t i = 0; i < ReconcileReport::kDifferencesMax + 5; ++i) {
    HostRecord record = RecordOf(3, Want::kTainted, HostState::kTainted);
    record.facts.host = HostId(fmt::format("web-{}", i));
    records[record.facts.host] = std::make_shared<HostRecord>(record);
  }
  const ReconcileReport report = Compare(records, {}, kWallNever + Hours(1));
  EXPECT_EQ(report.differences.size(), ReconcileReport::kDifferencesMax);
  EXPECT_EQ(report.differences_total, records.size());
}

TEST(Reconcile, AdoptsWhatTheSchedulerSaysAndDrainsNobodyForIt) {
  const WallTime now = kWallNever + Hours(1);
  const HostRecord before = RecordOf(3, Want::kSchedulable, HostState::kHealthy);
  const HostRecord tainted = Adopt({}, before, ViewOf(5, Want::kTainted, 4), GrantId("G-9"), now);
  EXPECT_EQ(tainted.state, HostState::kTainted);
  EXPECT_EQ(tainted.revision, 5u);
  EXPECT_EQ(tainted.acknowledged, 5u);
  EXPECT_EQ(tainted.grant, GrantId("G-9"));
  EXPECT_EQ(tainted.deadline, now + Policy().acknowledge_deadline);
  const HostRecord drained = Adopt({}, before, ViewOf(5, Want::kDrained), GrantId("G-9"), now);
  EXPECT_EQ(drained.state, HostState::kDraining) << "drained is said from a list alone";
  HostRecord repairing = RecordOf(3, Want::kDrained, HostState::kRepairing);
  repairing.repair_id = "web-1/4/1";
  const HostRecord back = Adopt({}, repairing, ViewOf(6, Want::kSchedulable), GrantId(), now);
  EXPECT_EQ(back.state, HostState::kHealthy);
  EXPECT_EQ(back.repair_id, "");
  EXPECT_EQ(back.deadline, kWallNever);
}

TEST(Reconcile, AHostInServiceIsNotHeldByARepairThatNobodyKnowsOf) {
  HostRecord in_place = RecordOf(3, Want::kSchedulable, HostState::kRepairing);
  EXPECT_FALSE(GoesOnAsListed(in_place, ViewOf(3, Want::kSchedulable)));
  in_place.grant = GrantId("G-1");
  EXPECT_TRUE(GoesOnAsListed(in_place, ViewOf(3, Want::kSchedulable)));
  EXPECT_FALSE(GoesOnAsListed(in_place, ViewOf(2, Want::kSchedulable))) << "the scheduler lost it";
  EXPECT_TRUE(GoesOnAsListed(in_place, ViewOf(4, Want::kTainted)));
  in_place.state = HostState::kRetired;
  EXPECT_FALSE(GoesOnAsListed(in_place, ViewOf(3, Want::kSchedulable)));
}

TEST(Reconcile, GoingOnSkipsEpisodesAndGivesDeadlinesTheirTimeAgain) {
  const WallTime now = kWallNever + Hours(48);
  HostRecord record = RecordOf(3, Want::kDrained, HostState::kProbation);
  record.deadline = now - Hours(24);
  const HostRecord next = GoOn({}, record, now);
  EXPECT_GT(next.episode, record.episode + 100);
  EXPECT_EQ(next.deadline, now + Policy().probation_deadline);
}

class ReconcileTest : public ControllerTest {
 protected:
  // Web-1 is out and acknowledged; then the store is put back to where nothing was known of it.
  void LoseTheTaint(bool marked) {
    AddHost("web-1");
    AddHost("web-2");
    Run(Seconds(2));
    const MemoryStore::Content before = memory_store_.Copy();
    StayBad("web-1", 3);
    ASSERT_NE(hook_.views[HostId("web-1")].want, Want::kSchedulable);
    given_ = hook_.views[HostId("web-1")].revision;
    memory_store_.PutBack(before);
    if (marked) Mark();
    hook_.applied.clear();
    Restart();
  }
  void StayWell(const std::string& name, int seconds) {
    for (int i = 0; i < seconds; ++i) {
      Report(name, Verdict::kOk);
      Run(Seconds(1));
    }
  }
  // What `fleetmedic restore` writes.
  void Mark() {
    const Lease lease = memory_store_.Acquire("restore", Seconds(1)).value();
    ASSERT_TRUE(memory_store_.Commit(lease.epoch, [this](StoreTransaction& tx) {
      return tx.Put(
          Table::kMeta, kReconcileKey,
          ToJson(ReconcileMark{clock_.Wall(), "restored from the backup of today"}).Dump());
    }));
    ASSERT_TRUE(memory_store_.Release(lease));
  }
  size_t Pages() {
    size_t pages = 0;
    const std::vector<AuditEntry> entries = memory_store_.ReadAudit(0, "", 10'000).value();
    for (const AuditEntry& entry : entries) {
      pages += entry.action == "page" ? 1 : 0;
    }
    return pages;
  }
  Result<RequestAnswer> Accept() { return Tell(request::AcceptReconcile{"op1", "looked"}); }

  uint64_t given_ = 0;
};

TEST_F(ReconcileTest, AnOlderStoreIsRecognisedByTheSchedulersRevisionsAndActsOnNothing) {
  LoseTheTaint(false);
  StayBad("web-1", 5);
  const auto snapshot = controller_->Snapshot();
  ASSERT_TRUE(snapshot->reconcile);
  EXPECT_EQ(snapshot->mode, Mode::kShadow);
  EXPECT_THAT(snapshot->mode_reason, AllOf(HasSubstr("reconcile"), HasSubstr("web-1")));
  ASSERT_NE(snapshot->reconcile_report, nullptr);
  ASSERT_EQ(snapshot->reconcile_report->differences.size(), 1u);
  EXPECT_EQ(snapshot->reconcile_report->differences[0].their_revision, given_);
  EXPECT_EQ(Pages(), 1u);
  StayBad("web-2", 60);
  EXPECT_THAT(hook_.applied, IsEmpty());
  EXPECT_THAT(HostNow("web-2")->waits_for, HasSubstr("reconcile"));
  EXPECT_EQ(Pages(), 1u) << "one page, and no more";
}

TEST_F(ReconcileTest, ItLastsOverRestartsUntilAPersonAccepts) {
  LoseTheTaint(true);
  Run(Seconds(3));
  for (int life = 0; life < 2; ++life) {
    Restart();
    Run(Seconds(12));
    ASSERT_TRUE(controller_->Snapshot()->reconcile);
    EXPECT_EQ(controller_->Snapshot()->mode_reason.substr(0, 20), "reconcile: restored ");
  }
  EXPECT_EQ(Pages(), 1u);
  EXPECT_EQ(Tell(request::AcceptReconcile{"op1", ""}).error().code, Code::kInvalidArgument);
  EXPECT_TRUE(Accept().has_value());
  EXPECT_FALSE(controller_->Snapshot()->reconcile);
  EXPECT_EQ(controller_->Snapshot()->mode, Mode::kAuto);
  EXPECT_EQ(Accept().error().code, Code::kConflict);
  const std::vector<AuditEntry> entries = AuditOf("store");
  EXPECT_EQ(entries.back().who, "op1");
  EXPECT_EQ(entries.back().why, "looked");
  EXPECT_EQ(memory_store_.Get(Table::kMeta, kReconcileKey).value(), std::nullopt);
}

TEST_F(ReconcileTest, AHostThatIsOutStaysOutUnderAGrantAndIsGivenBackWhenItIsWell) {
  LoseTheTaint(false);
  StayWell("web-1", 3);
  ASSERT_TRUE(Accept().has_value());
  const HostRecordPtr record = HostNow("web-1");
  EXPECT_NE(record->want, Want::kSchedulable);
  ASSERT_FALSE(record->grant.empty());
  EXPECT_TRUE(controller_->ledger().grants().at(record->grant).open());
  EXPECT_THAT(hook_.applied, IsEmpty()) << "nothing is done for the difference";
  StayWell("web-1", 30);
  EXPECT_EQ(StateOf("web-1"), HostState::kHealthy);
  EXPECT_EQ(hook_.views[HostId("web-1")].want, Want::kSchedulable);
  EXPECT_GT(hook_.views[HostId("web-1")].revision, given_);
  EXPECT_FALSE(controller_->ledger().grants().begin()->second.open());
}

TEST_F(ReconcileTest, RepairsAfterwardsHaveNamesThatNobodyRanBefore) {
  AddHost("web-1");
  AddHost("web-2");
  Run(Seconds(2));
  const MemoryStore::Content before = memory_store_.Copy();
  BreakUntilRepair("web-1");
  const std::string ran = HostNow("web-1")->repair_id;
  memory_store_.PutBack(before);
  Restart();
  Run(Seconds(3));
  ASSERT_TRUE(Accept().has_value());
  for (int i = 0; i < 20 && StateOf("web-1") != HostState::kRepairing; ++i) StayBad("web-1", 1);
  ASSERT_EQ(StateOf("web-1"), HostState::kRepairing);
  EXPECT_NE(HostNow("web-1")->repair_id, ran);
}

TEST_F(ReconcileTest, WhatTheOldRecordsWantedIsNotSent) {
  AddHost("web-1");
  AddHost("web-2");
  Run(Seconds(2));
  StayBad("web-1", 3);
  const MemoryStore::Content before = memory_store_.Copy();
  // Given back since.
  StayWell("web-1", 30);
  ASSERT_EQ(StateOf("web-1"), HostState::kHealthy);
  memory_store_.PutBack(before);
  hook_.applied.clear();
  Restart();
  StayWell("web-1", 10);
  ASSERT_TRUE(controller_->Snapshot()->reconcile);
  EXPECT_THAT(hook_.applied, IsEmpty());
  ASSERT_TRUE(Accept().has_value());
  EXPECT_EQ(HostNow("web-1")->want, Want::kSchedulable) << "the scheduler's word";
}

TEST_F(ReconcileTest, NothingIsActedOnBeforeTheFirstListOfALeader) {
  AddHost("web-1");
  AddHost("web-2");
  Run(Seconds(2));
  hook_.list_fails = true;
  Restart();
  Run(Seconds(11));
  StayBad("web-1", 5);
  EXPECT_THAT(hook_.applied, IsEmpty());
  EXPECT_THAT(HostNow("web-1")->waits_for, HasSubstr("the scheduler's list"));
  hook_.list_fails = false;
  StayBad("web-1", 10);
  EXPECT_FALSE(hook_.applied.empty());
}

// It was asked for before another led, who may have changed what it says.
TEST_F(ReconcileTest, AListOfAnEarlierLeadershipIsNotTheFirst) {
  AddHost("web-1");
  Run(Seconds(2));
  workers_.keep = "list";
  StayWell("web-1", 6);
  ASSERT_EQ(workers_.kept.size(), 1U);
  store_.FailAt(StoreCall::kCommit, 1, CallFault::kUnavailable, 1);
  const Epoch before = controller_->Snapshot()->epoch;
  StayWell("web-1", 2);
  workers_.kept.front()();
  workers_.keep.clear();
  hook_.list_fails = true;
  StayWell("web-1", 2);
  ASSERT_GT(controller_->Snapshot()->epoch, before);
  ASSERT_TRUE(controller_->leading());
  StayBad("web-1", 5);
  EXPECT_THAT(hook_.applied, IsEmpty());
  EXPECT_THAT(HostNow("web-1")->waits_for, HasSubstr("the scheduler's list"));
}

TEST_F(ReconcileTest, ASchedulerThatStopsListingHoldsWhatIsNewAndCallsAPersonOnce) {
  AddHost("web-1");
  AddHost("web-2");
  Run(Seconds(2));
  const auto calls = [this] {
    const auto entries = memory_store_.NewestAudit("scheduler", 10);
    EXPECT_TRUE(entries.has_value());
    return std::ranges::count(*entries, "page", &AuditEntry::action);
  };
  hook_.list_fails = true;
  StayWell("web-1", 70);
  EXPECT_EQ(controller_->Snapshot()->mode, Mode::kDegraded);
  EXPECT_THAT(controller_->Snapshot()->mode_reason, HasSubstr("no answer"));
  StayBad("web-1", 5);
  EXPECT_THAT(hook_.applied, IsEmpty());
  EXPECT_THAT(HostNow("web-1")->waits_for, HasSubstr("mode degraded"));
  EXPECT_EQ(calls(), 0) << "a restart of the scheduler calls nobody";
  StayWell("web-1", 250);
  EXPECT_EQ(calls(), 1);
  Restart();
  StayWell("web-1", 310);
  EXPECT_EQ(calls(), 1) << "the leader before has called";
  hook_.list_fails = false;
  StayWell("web-1", 10);
  EXPECT_EQ(controller_->Snapshot()->mode, Mode::kAuto);
  EXPECT_EQ(memory_store_.NewestAudit("scheduler", 1)->front().action, "notify");
}

TEST_F(ReconcileTest, AHostThatWasForgottenAndReturnsIsNoOlderStore) {
  config_.policy.silent_after = Seconds(5);
  Restart();
  AddHost("web-1");
  AddHost("web-2");
  Run(Seconds(2));
  StayBad("web-1", 3);
  StayWell("web-1", 30);
  ASSERT_EQ(StateOf("web-1"), HostState::kHealthy);
  const HostView kept = hook_.views[HostId("web-1")];
  ASSERT_GT(kept.revision, 0u);
  HealthEvent last = EventOf("web-1", Verdict::kOk);
  last.conditions = {};
  Append(Topic::kHealth, "web-1", ToJson(last).Dump());
  hook_.views.clear();
  for (int i = 0; i < 250 && HostNow("web-1") != nullptr; ++i) {
    clock_.Advance(Seconds(20));
    Run(Seconds(1));
  }
  ASSERT_EQ(HostNow("web-1"), nullptr);
  hook_.views[HostId("web-1")] = kept;
  Report("web-1", Verdict::kOk);
  Run(Seconds(10));
  ASSERT_NE(HostNow("web-1"), nullptr);
  EXPECT_FALSE(controller_->Snapshot()->reconcile);
}

}  // namespace
}  // namespace fleetmedic

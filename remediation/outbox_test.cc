// The last checks before an act: of the outbox, and of the gate in the worker.
#include "remediation/outbox.h"

#include <gtest/gtest.h>

#include "base/thread_pool.h"
#include "eventlog/memory_event_log.h"
#include "remediation/controller_fixture.h"

namespace fleetmedic {
namespace {

class OutboxTest : public ::testing::Test {
 protected:
  OutboxTest() {
    record_.facts.host = HostId("a");
    record_.facts_known = true;
    record_.facts.boot_id = record_.evidence_boot_id = "boot-1";
    record_.state = HostState::kTainted;
    record_.want = Want::kTainted;
    record_.revision = 3;
    SeeItBad();
    gate_.LeadUntil(clock_.Mono() + Minutes(1));
  }

  // By evidence of now.
  void SeeItBad() {
    record_.seen_at = clock_.Wall();
    TrackedCondition bad;
    bad.condition.type = "DockerUnresponsive";
    bad.condition.verdict = Verdict::kBad;
    bad.condition.severity = Severity::kHard;
    bad.detector = "docker";
    bad.observed_at = bad.verdict_since = clock_.Wall();
    record_.conditions = {bad};
    record_.detectors["docker"] = {.sequence = 1, .observed_at = clock_.Wall()};
  }

  // How many directives reach the scheduler.
  size_t Act(Mode mode = Mode::kAuto) {
    Ledger ledger;
    ledger.PutHost(record_);
    OutboxRow row;
    row.host = HostId("a");
    row.directive = {.host = row.host, .revision = 3, .want = Want::kTainted};
    ledger.PutOutbox(row);
    Outbox outbox(config_, {clock_, gate_, log_, hook_, workers_, metrics_, {}, {}, {}});
    outbox.Act(mode, clock_.Wall(), clock_.Mono(), &ledger);
    rows_left_ = ledger.outbox().size();
    return hook_.applied.size();
  }

  SimulatedClock clock_;
  const TempFolder folder_;
  MemoryEventLog log_{clock_};
  Gate gate_{clock_, folder_ / "HOLD"};
  ObedientHook hook_;
  InlineWorkers workers_;
  Metrics metrics_;
  RemediatorConfig config_;
  HostRecord record_;
  size_t rows_left_ = 0;
};

TEST_F(OutboxTest, WhatIsDecidedAndStandsIsSent) { EXPECT_EQ(Act(), 1U); }

TEST_F(OutboxTest, AHeldOrProtectedHostIsLeftAlone) {
  record_.held = true;
  EXPECT_EQ(Act(), 0U);
  record_.held = false;
  record_.protected_ = true;
  EXPECT_EQ(Act(), 0U);
  EXPECT_EQ(rows_left_, 1U) << "it is sent when the hold is over";
}

TEST_F(OutboxTest, WhatTheRecordHasMovedOnFromIsForgotten) {
  record_.revision = 4;
  EXPECT_EQ(Act(), 0U);
  EXPECT_EQ(rows_left_, 0U);
  record_.revision = 2;
  EXPECT_EQ(Act(), 0U) << "the records are older than the order: not ours to send";
}

TEST_F(OutboxTest, NothingIsSentWithoutEvidenceThatStands) {
  clock_.Advance(Minutes(5));
  gate_.LeadUntil(clock_.Mono() + Minutes(1));
  EXPECT_EQ(Act(), 0U) << "stale";
  record_.facts.boot_id = "boot-2";
  EXPECT_EQ(Act(), 0U) << "of another boot";
}

TEST_F(OutboxTest, NothingIsSentInAModeThatStops) {
  for (const Mode mode : {Mode::kShadow, Mode::kDegraded, Mode::kTripped, Mode::kHold}) {
    EXPECT_EQ(Act(mode), 0U) << ModeName(mode);
  }
}

TEST_F(OutboxTest, TheGateClosesWhenTheLeaseIsOver) {
  EXPECT_EQ(gate_.Closed(), "");
  clock_.Advance(Minutes(1));
  EXPECT_EQ(gate_.Closed(), "not the leader");
  SeeItBad();
  EXPECT_EQ(Act(), 0U) << "a process that stood still";
}

TEST_F(OutboxTest, TheGateClosesForAHoldAndForItsFile) {
  gate_.Hold();
  EXPECT_EQ(gate_.Closed(), "held");
  EXPECT_EQ(Act(), 0U);
  gate_.Unhold();
  ASSERT_TRUE(WriteFileAtomic(folder_ / "HOLD", ""));
  EXPECT_EQ(Act(), 0U);
}

}  // namespace
}  // namespace fleetmedic

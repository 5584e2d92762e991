#include "remediation/audit_export.h"

#include "model/audit_chain.h"
#include "remediation/controller_fixture.h"

namespace fleetmedic {
namespace {

class AuditExportTest : public ControllerTest {
 protected:
  std::vector<AuditEntry> Told() {
    auto reader = memory_log_.OpenAt(Topic::kAudit, {}).value();
    std::vector<AuditEntry> entries;
    const std::vector<LogRecord> records = reader->Poll(100'000).value();
    for (const LogRecord& record : records) {
      entries.push_back(AuditEntryFromJson(Json::Parse(record.record.value).value()).value());
      EXPECT_EQ(record.record.key, entries.back().object);
    }
    return entries;
  }
  // Each entry of the store is in the topic, for the first time in order, and a repeat is the same
  // again. Returns how many repeats there are.
  size_t ExpectWhole() {
    const std::vector<AuditEntry> kept = memory_store_.ReadAudit(0, "", 100'000).value();
    AuditTail tail;
    size_t repeats = 0;
    for (const AuditEntry& entry : Told()) {
      if (entry.seq <= tail.seq) {
        EXPECT_EQ(entry, kept[entry.seq - 1]);
        ++repeats;
      } else {
        EXPECT_TRUE(FollowAudit(entry, &tail)) << entry.seq << " after " << tail.seq;
      }
    }
    EXPECT_FALSE(kept.empty());
    EXPECT_EQ(tail.seq, kept.size());
    return repeats;
  }
  // Something to decide every few turns.
  void Busy(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      (void)controller_->Post(
          request::AddOverride{OverrideKind::kProtect, ParseScope("host:web-1").value(), "op1",
                               "round", Minutes(1)},
          [](const Result<RequestAnswer>&) {});
      Run(Seconds(1));
    }
  }
};

TEST_F(AuditExportTest, EachEntryIsToldOnceAndTheTopicHoldsTheChain) {
  AddHost("web-1");
  Busy(5);
  StayBad("web-1", 5);
  Run(Seconds(2));
  EXPECT_EQ(ExpectWhole(), 0u);
  EXPECT_EQ(memory_store_.Get(Table::kMeta, "audit_exported").value(),
            std::to_string(VerifyAudit(memory_store_).value()));
  Restart();
  Run(Seconds(12));
  Busy(1);
  Run(Seconds(1));
  EXPECT_EQ(ExpectWhole(), 0u) << "the place is durable";
}

TEST_F(AuditExportTest, MoreThanABatchIsToldBatchByBatch) {
  Run(Seconds(1));
  const Lease lease = memory_store_.Acquire("test-1", Hours(1)).value();
  ASSERT_TRUE(memory_store_.Commit(lease.epoch, [](StoreTransaction& tx) -> Status {
    for (size_t i = 0; i < 3 * AuditExport::kEntriesMax + 7; ++i) {
      FLEETMEDIC_RETURN_IF_ERROR(tx.AppendAudit({.who = "op1", .action = "x", .object = "fleet"}));
    }
    return {};
  }));
  ASSERT_TRUE(memory_store_.Release(lease));
  const int64_t before = log_.calls(LogCall::kAppend);
  Restart();
  Run(Seconds(12));
  EXPECT_EQ(ExpectWhole(), 0u);
  EXPECT_EQ(log_.calls(LogCall::kAppend) - before, 4);
}

TEST_F(AuditExportTest, ALogThatIsAwayDelaysNoDecisionAndLeavesNoHole) {
  AddHost("web-1");
  AddHost("web-2");
  Run(Seconds(1));
  log_.FailAt(LogCall::kAppend, 1, CallFault::kUnavailable, 1'000'000);
  Busy(3);
  EXPECT_TRUE(Add(OverrideKind::kDrain, "host:web-2").has_value());
  Run(Seconds(3));
  EXPECT_THAT(hook_.applied, testing::Not(testing::IsEmpty())) << "decided and done meanwhile";
  EXPECT_THAT(Told(), testing::IsEmpty());
  const int64_t before = log_.calls(LogCall::kAppend);
  Busy(300);
  EXPECT_LE(log_.calls(LogCall::kAppend) - before, 12) << "no back-off";
  log_.Heal();
  Run(Seconds(61));
  EXPECT_EQ(ExpectWhole(), 0u);
}

TEST_F(AuditExportTest, ACrashAtAnyCommitOrAppendRepeatsEntriesAndLeavesNoneOut) {
  AddHost("web-1");
  size_t repeats = 0;
  for (int nth = 1; nth <= 8; ++nth) {
    for (const CallFault fault : {CallFault::kCrashBefore, CallFault::kCrashAfter}) {
      store_.FailAt(StoreCall::kCommit, nth, fault);
      Busy(4);
      store_.Reset();
      store_.Heal();
      Restart();
      Run(Seconds(12));
      log_.FailAt(LogCall::kAppend, 1 + nth % 3,
                  nth % 2 == 0 ? CallFault::kTimedOutAfter : CallFault::kFailedBefore);
      Busy(4);
      log_.Heal();
      Run(Seconds(3));
      repeats = ExpectWhole();
    }
  }
  EXPECT_GT(repeats, 0u) << "no crash came between an append and its mark";
}

}  // namespace
}  // namespace fleetmedic

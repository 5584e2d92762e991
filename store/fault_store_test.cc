#include "store/fault_store.h"

#include <gtest/gtest.h>

#include "store/memory_store.h"

namespace fleetmedic {
namespace {

constexpr Millis kTtl{10'000};

class FaultStoreTest : public testing::Test {
 protected:
  static Status Put(Store* store, Epoch epoch, std::string_view value) {
    return store->Commit(epoch, [&](StoreTransaction& transaction) {
      return transaction.Put(Table::kMeta, "key", value);
    });
  }
  // What everybody else reads.
  std::string Written() { return wrapped_.Get(Table::kMeta, "key")->value_or("nothing"); }

  SimulatedClock clock_;
  MemoryStore wrapped_{clock_};
  FaultStore store_{&wrapped_};
};

TEST_F(FaultStoreTest, ACommitMeetsEachFaultAsItsNameSays) {
  struct Case {
    const char* sentence;
    CallFault fault;
    Code code;
    bool body_ran;
    bool happened;
    bool crashed;
  };
  static constexpr Case kCases[] = {
      {"unavailable", CallFault::kUnavailable, Code::kUnavailable, false, false, false},
      {"busy", CallFault::kBusy, Code::kBusy, false, false, false},
      {"full", CallFault::kFull, Code::kFull, true, false, false},
      {"failed before", CallFault::kFailedBefore, Code::kIo, true, false, false},
      {"failed after", CallFault::kFailedAfter, Code::kIo, true, true, false},
      {"timed out before", CallFault::kTimedOutBefore, Code::kDeadlineExceeded, true, false, false},
      {"timed out after", CallFault::kTimedOutAfter, Code::kDeadlineExceeded, true, true, false},
      {"crash before", CallFault::kCrashBefore, Code::kIo, true, false, true},
      {"crash after", CallFault::kCrashAfter, Code::kIo, true, true, true},
  };
  const Epoch epoch = store_.Acquire("a", kTtl)->epoch;
  std::string expected = "nothing";
  for (const Case& c : kCases) {
    store_.FailAt(StoreCall::kCommit, 1, c.fault);
    bool body_ran = false;
    const Status status = store_.Commit(epoch, [&](StoreTransaction& transaction) {
      body_ran = true;
      return transaction.Put(Table::kMeta, "key", c.sentence);
    });
    ASSERT_FALSE(status) << c.sentence;
    EXPECT_EQ(status.error().code, c.code) << c.sentence;
    EXPECT_EQ(body_ran, c.body_ran) << c.sentence;
    if (c.happened) expected = c.sentence;
    EXPECT_EQ(Written(), expected) << c.sentence;
    EXPECT_EQ(store_.crashed(), c.crashed) << c.sentence;
    EXPECT_EQ(store_.Get(Table::kMeta, "key").has_value(), !c.crashed) << c.sentence;
    store_.Reset();
  }
  EXPECT_TRUE(Put(&store_, epoch, "healed"));
}

TEST_F(FaultStoreTest, ALeaseMayBeTakenThoughTheAnswerIsLost) {
  store_.FailAt(StoreCall::kLease, 1, CallFault::kTimedOutAfter);
  EXPECT_EQ(store_.Acquire("a", kTtl).error().code, Code::kDeadlineExceeded);
  EXPECT_EQ(wrapped_.Acquire("b", kTtl).error().code, Code::kBusy);
  EXPECT_EQ(store_.Acquire("a", kTtl)->epoch, 2U) << "to ask again is harmless";

  store_.FailAt(StoreCall::kLease, 1, CallFault::kFailedBefore);
  EXPECT_EQ(store_.Acquire("a", kTtl).error().code, Code::kIo);
  EXPECT_EQ(store_.Acquire("a", kTtl)->epoch, 3U);
}

TEST_F(FaultStoreTest, WhatTheStoreRefusesComesFirst) {
  store_.FailAt(StoreCall::kCommit, 1, CallFault::kFailedAfter, 2);
  EXPECT_EQ(Put(&store_, 7, "v").error().code, Code::kFenced);
  const Epoch epoch = store_.Acquire("a", kTtl)->epoch;
  const Status status =
      store_.Commit(epoch, [](StoreTransaction&) -> Status { return Fail(Code::kConflict, "no"); });
  EXPECT_EQ(status.error().code, Code::kConflict);
}

TEST_F(FaultStoreTest, ReadsFailToo) {
  store_.FailAt(StoreCall::kRead, 1, CallFault::kUnavailable, 4);
  EXPECT_EQ(store_.Get(Table::kMeta, "key").error().code, Code::kUnavailable);
  EXPECT_EQ(store_.Scan(Table::kMeta, "", 1).error().code, Code::kUnavailable);
  EXPECT_EQ(store_.ReadAudit(0, "", 1).error().code, Code::kUnavailable);
  EXPECT_EQ(store_.NewestAudit("", 1).error().code, Code::kUnavailable);
  EXPECT_TRUE(store_.Get(Table::kMeta, "key"));
  EXPECT_EQ(store_.calls(StoreCall::kRead), 5);
  EXPECT_EQ(store_.faults(), 4);
}

TEST_F(FaultStoreTest, ChancesFollowTheirSeedAndTheirSize) {
  CallFaultChances chances{};
  chances[static_cast<size_t>(CallFault::kBusy)] = 0.2;
  chances[static_cast<size_t>(CallFault::kFailedAfter)] = 0.1;
  std::vector<std::vector<int>> runs;
  const Epoch epoch = wrapped_.Acquire("a", kTtl)->epoch;
  for (int run = 0; run < 2; ++run) {
    FaultStore store(&wrapped_);
    store.FailByChance(Random(7), chances);
    std::vector<int>& codes = runs.emplace_back();
    for (int i = 0; i < 2'000; ++i) {
      const Status status = Put(&store, epoch, "v");
      codes.push_back(status ? -1 : static_cast<int>(status.error().code));
    }
    EXPECT_NEAR(static_cast<double>(store.faults()), 600, 100);
    store.Heal();
    EXPECT_TRUE(Put(&store, epoch, "v"));
  }
  EXPECT_EQ(runs[0], runs[1]);
}

}  // namespace
}  // namespace fleetmedic

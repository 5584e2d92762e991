// What every Store does, whatever it is made of.
#include <set>

#include <gtest/gtest.h>

#include "store/audit_chain.h"
#include "store/store_under_test.h"

namespace fleetmedic {
namespace {

constexpr Millis kTtl{10'000};

AuditEntry Entry(std::string object, std::string why) {
  AuditEntry entry;
  entry.at = WallFromMillis(1'000);
  entry.who = "fleetmedic";
  entry.action = "taint";
  entry.object = std::move(object);
  entry.why = std::move(why);
  entry.detail.Set("limit", 0.1);
  return entry;
}

using Strings = std::vector<std::string>;

Strings WhysOf(const std::vector<AuditEntry>& entries) {
  Strings whys;
  for (const AuditEntry& entry : entries) whys.push_back(entry.why);
  return whys;
}

class StoreContract : public testing::TestWithParam<StoreFactory> {
 protected:
  StoreContract() : under_test_(GetParam().make(clock_)) {}

  Store& store() { return under_test_->store(); }
  Epoch Lead() { return store().Acquire("a", kTtl).value().epoch; }
  Status Put(Epoch epoch, Table table, std::string_view key, std::string_view value) {
    return store().Commit(epoch, [&](StoreTransaction& t) { return t.Put(table, key, value); });
  }
  Status Audit(Epoch epoch, const std::vector<AuditEntry>& entries) {
    return store().Commit(epoch, [&](StoreTransaction& t) -> Status {
      for (const AuditEntry& entry : entries) FLEETMEDIC_RETURN_IF_ERROR(t.AppendAudit(entry));
      return {};
    });
  }
  std::optional<std::string> Get(Table table, std::string_view key) {
    return store().Get(table, key).value();
  }

  SimulatedClock clock_;
  std::unique_ptr<StoreUnderTest> under_test_;
};

TEST_P(StoreContract, TheLeaseIsOneOwnersUntilItRunsOut) {
  const Lease first = store().Acquire("a", kTtl).value();
  EXPECT_EQ(first.owner, "a");
  EXPECT_EQ(first.expires_at, clock_.Wall() + kTtl);
  clock_.Advance(kTtl - Millis(1));
  const auto refused = store().Acquire("b", kTtl);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kBusy);
  EXPECT_NE(refused.error().message.find("\"a\""), std::string::npos) << refused.error().message;
  clock_.Advance(Millis(1));
  EXPECT_EQ(store().Acquire("b", kTtl).value().epoch, first.epoch + 1);
}

TEST_P(StoreContract, AnEpochGrowsWithEveryLeaseAlsoOfTheSameOwner) {
  const Lease first = store().Acquire("a", kTtl).value();
  const Lease second = store().Acquire("a", kTtl).value();
  EXPECT_EQ(second.epoch, first.epoch + 1);
  EXPECT_EQ(store().Renew(first, kTtl).error().code, Code::kFenced);
  EXPECT_TRUE(store().Renew(second, kTtl));
  EXPECT_EQ(Put(first.epoch, Table::kMeta, "k", "v").error().code, Code::kFenced);
}

TEST_P(StoreContract, ARenewedLeaseHoldsLonger) {
  const Lease lease = store().Acquire("a", kTtl).value();
  clock_.Advance(kTtl / 2);
  const Lease renewed = store().Renew(lease, kTtl).value();
  EXPECT_EQ(renewed.epoch, lease.epoch);
  EXPECT_EQ(renewed.expires_at, clock_.Wall() + kTtl);
  clock_.Advance(kTtl - Millis(1));
  EXPECT_EQ(store().Acquire("b", kTtl).error().code, Code::kBusy);
}

TEST_P(StoreContract, ALeaseThatRanOutIsGoodUntilSomebodyTakesIt) {
  const Lease lease = store().Acquire("a", kTtl).value();
  clock_.Advance(kTtl * 2);
  EXPECT_TRUE(Put(lease.epoch, Table::kMeta, "k", "1"));
  EXPECT_TRUE(store().Renew(lease, kTtl));
  clock_.Advance(kTtl * 2);
  ASSERT_TRUE(store().Acquire("b", kTtl));
  EXPECT_EQ(store().Renew(lease, kTtl).error().code, Code::kFenced);
  EXPECT_EQ(Put(lease.epoch, Table::kMeta, "k", "2").error().code, Code::kFenced);
  EXPECT_EQ(Get(Table::kMeta, "k"), "1");
}

TEST_P(StoreContract, AReleasedLeaseIsFreeAtOnceAndFencesItsOwner) {
  const Lease lease = store().Acquire("a", kTtl).value();
  ASSERT_TRUE(store().Release(lease));
  EXPECT_EQ(Put(lease.epoch, Table::kMeta, "k", "v").error().code, Code::kFenced);
  EXPECT_EQ(store().Renew(lease, kTtl).error().code, Code::kFenced);
  const Lease next = store().Acquire("b", kTtl).value();
  EXPECT_EQ(next.epoch, lease.epoch + 1);
  EXPECT_TRUE(store().Release(lease)) << "to release a lease that is gone is no error";
  EXPECT_TRUE(Put(next.epoch, Table::kMeta, "k", "v")) << "nor does it end the next one";
}

TEST_P(StoreContract, ALeaseNeedsAnOwnerAndALength) {
  EXPECT_EQ(store().Acquire("", kTtl).error().code, Code::kInvalidArgument);
  EXPECT_EQ(store().Acquire(std::string(kLeaseOwnerBytesMax + 1, 'o'), kTtl).error().code,
            Code::kInvalidArgument);
  EXPECT_EQ(store().Acquire("a", Millis(0)).error().code, Code::kInvalidArgument);
}

TEST_P(StoreContract, WithoutALeaseNothingIsCommitted) {
  for (const Epoch epoch : {Epoch{0}, Epoch{1}}) {
    EXPECT_EQ(Put(epoch, Table::kMeta, "k", "v").error().code, Code::kFenced) << epoch;
  }
  EXPECT_EQ(Put(Lead() + 1, Table::kMeta, "k", "v").error().code, Code::kFenced);
  EXPECT_EQ(Get(Table::kMeta, "k"), std::nullopt);
}

TEST_P(StoreContract, ACommitIsSeenWhole) {
  const Epoch epoch = Lead();
  ASSERT_TRUE(Put(epoch, Table::kHosts, "web-1", "old"));
  ASSERT_TRUE(Put(epoch, Table::kGrants, "g-1", "open"));
  ASSERT_TRUE(store().Commit(epoch, [&](StoreTransaction& t) -> Status {
    FLEETMEDIC_RETURN_IF_ERROR(t.Put(Table::kHosts, "web-1", "new"));
    FLEETMEDIC_RETURN_IF_ERROR(t.Erase(Table::kGrants, "g-1"));
    FLEETMEDIC_RETURN_IF_ERROR(t.Erase(Table::kGrants, "never was"));
    EXPECT_EQ(t.Get(Table::kHosts, "web-1").value(), "new") << "its own writes are seen inside";
    EXPECT_EQ(t.Get(Table::kGrants, "g-1").value(), std::nullopt);
    EXPECT_EQ(t.Get(Table::kMeta, "web-1").value(), std::nullopt) << "tables are apart";
    EXPECT_EQ(Get(Table::kHosts, "web-1"), "old") << "and not outside";
    return {};
  }));
  EXPECT_EQ(Get(Table::kHosts, "web-1"), "new");
  EXPECT_EQ(Get(Table::kGrants, "g-1"), std::nullopt);
}

TEST_P(StoreContract, AnErrorOfTheBodyUndoesAllOfIt) {
  const Epoch epoch = Lead();
  ASSERT_TRUE(Put(epoch, Table::kHosts, "web-1", "old"));
  const Status status = store().Commit(epoch, [&](StoreTransaction& t) -> Status {
    FLEETMEDIC_RETURN_IF_ERROR(t.Put(Table::kHosts, "web-1", "new"));
    FLEETMEDIC_RETURN_IF_ERROR(t.AppendAudit(Entry("host:web-1", "no")));
    return Fail(Code::kConflict, "changed its mind");
  });
  EXPECT_EQ(status.error(), (Error{Code::kConflict, "changed its mind"}));
  EXPECT_EQ(Get(Table::kHosts, "web-1"), "old");
  EXPECT_EQ(VerifyAudit(store()).value(), 0U);
  ASSERT_TRUE(Audit(epoch, {Entry("host:web-1", "yes")}));
  EXPECT_EQ(VerifyAudit(store()).value(), 1U) << "a number that was not used leaves no gap";
}

TEST_P(StoreContract, WhatPassesALimitIsRefusedAndTheRestUndone) {
  const Epoch epoch = Lead();
  const std::string long_key(kStoreKeyBytesMax + 1, 'k');
  const std::string long_value(kStoreValueBytesMax + 1, 'v');
  EXPECT_EQ(Put(epoch, Table::kHosts, "", "v").error().code, Code::kInvalidArgument);
  EXPECT_EQ(Put(epoch, Table::kHosts, long_key, "v").error().code, Code::kInvalidArgument);
  EXPECT_EQ(Put(epoch, Table::kHosts, "k", long_value).error().code, Code::kInvalidArgument);
  EXPECT_EQ(Audit(epoch, {Entry("o", "good"), Entry("o", std::string(kAuditEntryBytesMax, 'w'))})
                .error()
                .code,
            Code::kInvalidArgument);
  EXPECT_TRUE(ScanAll(store(), Table::kHosts)->empty());
  EXPECT_EQ(VerifyAudit(store()).value(), 0U);
  EXPECT_TRUE(Put(epoch, Table::kHosts, std::string(kStoreKeyBytesMax, 'k'),
                  std::string(kStoreValueBytesMax, 'v')));
}

TEST_P(StoreContract, AScanGoesInKeyOrderPageByPage) {
  const Epoch epoch = Lead();
  const Strings keys = {"B", "a", "a!", "b", "\xc3\xa4", std::string("a\0z", 3), "\xff"};
  for (const std::string& key : keys) ASSERT_TRUE(Put(epoch, Table::kTasks, key, "v" + key));
  ASSERT_TRUE(Put(epoch, Table::kJobs, "c", "another table"));
  const std::set<std::string> ordered(keys.begin(), keys.end());
  std::vector<Row> expected;
  for (const std::string& key : ordered) expected.push_back({key, "v" + key});
  EXPECT_EQ(store().Scan(Table::kTasks, "", 100).value(), expected);
  std::vector<Row> paged;
  while (true) {
    const auto page = store().Scan(Table::kTasks, paged.empty() ? "" : paged.back().key, 2);
    ASSERT_TRUE(page);
    ASSERT_LE(page->size(), 2U);
    if (page->empty()) break;
    paged.insert(paged.end(), page->begin(), page->end());
  }
  EXPECT_EQ(paged, expected);
  EXPECT_TRUE(store().Scan(Table::kTasks, "", 0)->empty());
}

TEST_P(StoreContract, ScanAllReadsEveryPage) {
  const Epoch epoch = Lead();
  ASSERT_TRUE(store().Commit(epoch, [](StoreTransaction& t) -> Status {
    for (int i = 0; i < 1'201; ++i) {
      FLEETMEDIC_RETURN_IF_ERROR(t.Put(Table::kHosts, "web-" + std::to_string(i), "v"));
    }
    return {};
  }));
  EXPECT_EQ(ScanAll(store(), Table::kHosts)->size(), 1'201U);
}

TEST_P(StoreContract, TheAuditIsAChainOverCommitsAndLeaders) {
  ASSERT_TRUE(Audit(Lead(), {Entry("host:a", "1"), Entry("host:b", "2")}));
  ASSERT_TRUE(Audit(Lead(), {Entry("host:a", "3")}));
  const auto entries = store().ReadAudit(0, "", 100).value();
  ASSERT_EQ(entries.size(), 3U);
  for (size_t i = 0; i < entries.size(); ++i) {
    EXPECT_EQ(entries[i].seq, i + 1);
    EXPECT_EQ(entries[i].at, WallFromMillis(1'000));
    EXPECT_EQ(entries[i].hash.size(), 64U);
    EXPECT_EQ(entries[i].detail["limit"].number(), 0.1);
    EXPECT_EQ(entries[i].previous_hash, i == 0 ? "" : entries[i - 1].hash);
  }
  EXPECT_EQ(VerifyAudit(store()).value(), 3U);
}

TEST_P(StoreContract, AnAuditEntryMayHoldAnything) {
  AuditEntry strange = Entry("host:\xff", "bytes that are no text: \xc3\x28 \x1b[2J");
  strange.at = kWallNever;
  strange.detail.Set("tiny", 5e-324);
  strange.detail.Set("nan", std::numeric_limits<double>::quiet_NaN());
  ASSERT_TRUE(Audit(Lead(), {strange, Entry("host:a", "after it")}));
  EXPECT_EQ(VerifyAudit(store()).value(), 2U);
  EXPECT_EQ(store().ReadAudit(0, "", 1)->at(0).at, clock_.Wall());
}

TEST_P(StoreContract, TheAuditIsReadForwardsBackwardsAndByObject) {
  std::vector<AuditEntry> entries;
  for (int i = 1; i <= 6; ++i) {
    entries.push_back(Entry(i % 2 == 0 ? "host:even" : "host:odd", std::to_string(i)));
  }
  ASSERT_TRUE(Audit(Lead(), entries));
  EXPECT_EQ(WhysOf(*store().ReadAudit(0, "", 2)), (Strings{"1", "2"}));
  EXPECT_EQ(WhysOf(*store().ReadAudit(4, "", 9)), (Strings{"5", "6"}));
  EXPECT_EQ(WhysOf(*store().ReadAudit(2, "host:even", 9)), (Strings{"4", "6"}));
  EXPECT_EQ(WhysOf(*store().ReadAudit(6, "", 9)), Strings{});
  EXPECT_EQ(WhysOf(*store().NewestAudit("", 2)), (Strings{"6", "5"}));
  EXPECT_EQ(WhysOf(*store().NewestAudit("host:odd", 2)), (Strings{"5", "3"}));
  EXPECT_EQ(WhysOf(*store().NewestAudit("host:none", 2)), Strings{});
}

class DurableStoreContract : public StoreContract {};

TEST_P(DurableStoreContract, WhatWasCommittedSurvivesAReopening) {
  const Lease lease = store().Acquire("a", kTtl).value();
  ASSERT_TRUE(Put(lease.epoch, Table::kHosts, "web-1", "v"));
  ASSERT_TRUE(Audit(lease.epoch, {Entry("host:web-1", "1")}));
  under_test_->Reopen();
  EXPECT_EQ(Get(Table::kHosts, "web-1"), "v");
  EXPECT_TRUE(store().Renew(lease, kTtl)) << "nobody took it meanwhile";
  const Epoch next = Lead();
  EXPECT_EQ(next, lease.epoch + 1);
  ASSERT_TRUE(Audit(next, {Entry("host:web-1", "2")}));
  EXPECT_EQ(VerifyAudit(store()).value(), 2U);
}

INSTANTIATE_TEST_SUITE_P(Store, StoreContract, testing::ValuesIn(StoreFactories()),
                         [](const auto& of) { return of.param.name; });

INSTANTIATE_TEST_SUITE_P(Store, DurableStoreContract, testing::ValuesIn(DurableStoreFactories()),
                         [](const auto& of) { return of.param.name; });

// One store whose audit somebody edited: VerifyAudit must see it.
TEST(AuditChainTest, AnEditIsFound) {
  const AuditTail start;
  const SealedAudit first = SealAudit(Entry("host:a", "1"), start, kWallNever).value();
  const AuditTail tail{first.entry.seq, first.entry.hash};
  const SealedAudit second = SealAudit(Entry("host:a", "2"), tail, kWallNever).value();
  EXPECT_TRUE(CheckAudit(first.entry, start));
  EXPECT_TRUE(CheckAudit(second.entry, tail));
  EXPECT_EQ(AuditEntryFromJson(Json::Parse(second.json).value()).value(), second.entry);

  AuditEntry edited = second.entry;
  edited.why = "a better reason";
  EXPECT_EQ(CheckAudit(edited, tail).error().code, Code::kCorrupt);
  EXPECT_EQ(CheckAudit(second.entry, start).error().code, Code::kCorrupt) << "one is missing";
  EXPECT_EQ(CheckAudit(second.entry, {1, "another"}).error().code, Code::kCorrupt);
}

}  // namespace
}  // namespace fleetmedic

#include "store/sqlite_store.h"

#include <gtest/gtest.h>

#include "base/fault_vfs.h"
#include "base/file.h"
#include "base/sqlite.h"
#include "base/thread_pool.h"

namespace fleetmedic {
namespace {

using Effect = FaultVfs::Effect;

constexpr Millis kTtl{10'000};

AuditEntry Entry(int64_t number) {
  AuditEntry entry;
  entry.who = "fleetmedic";
  entry.action = "step";
  entry.object = "host:web-" + std::to_string(number % 3);
  entry.why = std::to_string(number);
  return entry;
}

// Commit `number`: a counter, rows that are large enough for several pages, and the audit.
Status CommitNumber(Store* store, Epoch epoch, int64_t number) {
  return store->Commit(epoch, [number](StoreTransaction& transaction) -> Status {
    const std::string text = std::to_string(number);
    FLEETMEDIC_RETURN_IF_ERROR(transaction.Put(Table::kMeta, "newest", text));
    FLEETMEDIC_RETURN_IF_ERROR(
        transaction.Put(Table::kHosts, "web-" + text, std::string(6'000, 'h')));
    FLEETMEDIC_RETURN_IF_ERROR(transaction.Put(Table::kGrants, "g-" + text, "open"));
    if (number > 1) {
      FLEETMEDIC_RETURN_IF_ERROR(
          transaction.Erase(Table::kGrants, "g-" + std::to_string(number - 1)));
    }
    return transaction.AppendAudit(Entry(number));
  });
}

// The number of the newest commit, after checking that exactly what it and those before it wrote
// is there.
int64_t NewestWhole(const Store& store) {
  const auto newest = store.Get(Table::kMeta, "newest").value();
  const int64_t number = newest ? std::stoll(*newest) : 0;
  EXPECT_EQ(ScanAll(store, Table::kHosts)->size(), static_cast<size_t>(number));
  EXPECT_EQ(ScanAll(store, Table::kGrants)->size(), number > 0 ? 1U : 0U);
  EXPECT_EQ(VerifyAudit(store).value(), static_cast<uint64_t>(number));
  return number;
}

class SqliteStoreTest : public testing::Test {
 protected:
  std::unique_ptr<SqliteStore> Open(const std::string& vfs = "") {
    return SqliteStore::Open(path_, clock_, {.busy_timeout = Millis(50), .vfs = vfs}).value();
  }
  void RemoveFiles() {
    for (const char* suffix : {"", "-wal", "-shm"}) ASSERT_TRUE(RemoveTree(path_ + suffix));
  }

  SimulatedClock clock_;
  TempFolder folder_;
  const std::string path_ = folder_ / "store.db";
};

TEST_F(SqliteStoreTest, TwoProcessesOnOneFileFenceEachOther) {
  const auto first = Open();
  const auto second = Open();
  const Lease old = first->Acquire("first", kTtl).value();
  EXPECT_EQ(second->Acquire("second", kTtl).error().code, Code::kBusy);
  ASSERT_TRUE(CommitNumber(first.get(), old.epoch, 1));
  clock_.Advance(kTtl);
  const Lease lease = second->Acquire("second", kTtl).value();
  EXPECT_EQ(CommitNumber(first.get(), old.epoch, 2).error().code, Code::kFenced);
  ASSERT_TRUE(CommitNumber(second.get(), lease.epoch, 2));
  EXPECT_EQ(NewestWhole(*first), 2) << "the audit goes on from what the other process wrote";
}

TEST_F(SqliteStoreTest, ALeaderWhoseBodyRunsCannotLoseItsLeaseMeanwhile) {
  const auto first = Open();
  const auto second = Open();
  const Lease lease = first->Acquire("first", kTtl).value();
  ASSERT_TRUE(first->Commit(lease.epoch, [&](StoreTransaction& transaction) -> Status {
    clock_.Advance(kTtl * 2);
    EXPECT_EQ(second->Acquire("second", kTtl).error().code, Code::kBusy);
    return transaction.Put(Table::kMeta, "k", "v");
  }));
  EXPECT_TRUE(second->Acquire("second", kTtl));
}

TEST_F(SqliteStoreTest, ASnapshotSeesOneMomentAndChangesNothing) {
  EXPECT_EQ(SqliteStore::OpenSnapshot(path_, clock_).error().code, Code::kNotFound);
  const auto store = Open();
  const Lease lease = store->Acquire("leader", kTtl).value();
  ASSERT_TRUE(CommitNumber(store.get(), lease.epoch, 1));
  const auto snapshot = SqliteStore::OpenSnapshot(path_, clock_).value();
  ASSERT_TRUE(CommitNumber(store.get(), lease.epoch, 2));
  EXPECT_EQ(NewestWhole(*snapshot), 1);
  EXPECT_EQ(NewestWhole(*store), 2);
  EXPECT_EQ(snapshot->NewestLease()->epoch, lease.epoch);
  EXPECT_FALSE(snapshot->Acquire("another", kTtl));
  EXPECT_FALSE(snapshot->Renew(lease, kTtl));
  EXPECT_FALSE(CommitNumber(snapshot.get(), lease.epoch, 3));
  EXPECT_EQ(NewestWhole(*SqliteStore::OpenSnapshot(path_, clock_).value()), 2);
  ASSERT_TRUE(CommitNumber(store.get(), lease.epoch, 3)) << "who leads is not in its way";
}

TEST_F(SqliteStoreTest, ASnapshotOfAnotherSchemaIsNotOpened) {
  Open().reset();
  ASSERT_TRUE(Database::Open(path_)->SetUserVersion(1));
  EXPECT_EQ(SqliteStore::OpenSnapshot(path_, clock_).error().code, Code::kUnsupported);
}

TEST_F(SqliteStoreTest, ALeaseWhoseHolderIsGoneIsFreeAtOnce) {
  auto first = Open();
  const auto second = Open();
  const Lease old = first->Acquire("first", kTtl).value();
  EXPECT_EQ(second->Acquire("second", kTtl).error().code, Code::kBusy);
  first.reset();  // as at the end of its process
  const Lease lease = second->Acquire("second", kTtl).value();
  EXPECT_EQ(lease.epoch, old.epoch + 1);
  const auto third = Open();
  EXPECT_EQ(third->Acquire("third", kTtl).error().code, Code::kBusy) << "the second is alive";
}

TEST_F(SqliteStoreTest, ALeaseThatWasTakenFromAHangingHolderIsItsTakersAlone) {
  auto hanging = Open();
  const auto second = Open();
  const Lease old = hanging->Acquire("hanging", kTtl).value();
  clock_.Advance(kTtl);
  const Lease lease = second->Acquire("second", kTtl).value();
  EXPECT_EQ(hanging->Renew(old, kTtl).error().code, Code::kFenced);
  hanging.reset();
  ASSERT_TRUE(second->Renew(lease, kTtl));
  const auto third = Open();
  EXPECT_EQ(third->Acquire("third", kTtl).error().code, Code::kBusy);
}

TEST_F(SqliteStoreTest, TheEpochOutlivesReleaseAndReopening) {
  Epoch epoch = 0;
  for (int i = 0; i < 5; ++i) {
    const auto store = Open();
    const Lease lease = store->Acquire("owner-" + std::to_string(i), kTtl).value();
    EXPECT_GT(lease.epoch, std::exchange(epoch, lease.epoch));
    ASSERT_TRUE(store->Release(lease));
  }
}

TEST_F(SqliteStoreTest, AWriterElsewhereMakesACommitBusyAndNothingIsLost) {
  const auto store = Open();
  const Epoch epoch = store->Acquire("a", kTtl)->epoch;
  Database other = Database::Open(path_).value();
  {
    const Transaction blocker = Transaction::Begin(&other).value();
    EXPECT_EQ(CommitNumber(store.get(), epoch, 1).error().code, Code::kBusy);
    EXPECT_EQ(store->Acquire("a", kTtl).error().code, Code::kBusy);
    EXPECT_EQ(NewestWhole(*store), 0) << "reads go on";
  }
  EXPECT_TRUE(CommitNumber(store.get(), epoch, 1));
}

TEST_F(SqliteStoreTest, ABodyThatIgnoresAFailedWriteIsUndoneAllTheSame) {
  FaultVfs disk(1);
  {
    const auto store = Open(disk.name());
    const Epoch epoch = store->Acquire("a", kTtl)->epoch;
    disk.AtWrite(1, Effect::kFull, 1'000'000);
    const Status status = store->Commit(epoch, [](StoreTransaction& transaction) -> Status {
      // Large enough that pages go to the disk before the commit.
      for (int i = 0; i < 20; ++i) {
        (void)transaction.Put(Table::kHosts, std::to_string(i), std::string(1 << 20, 'x'));
      }
      return {};
    });
    EXPECT_EQ(status.error().code, Code::kFull);
    disk.Heal();
    EXPECT_EQ(NewestWhole(*store), 0);
    EXPECT_TRUE(CommitNumber(store.get(), epoch, 1)) << "and the store works again";
  }
}

TEST_F(SqliteStoreTest, AFaultOfTheDiskFailsOneCommitAndNoMore) {
  struct Case {
    const char* sentence;
    bool write;
    Effect effect;
    Code code;
  };
  static constexpr Case kCases[] = {
      {"a full disk", true, Effect::kFull, Code::kFull},
      {"a write error", true, Effect::kIo, Code::kIo},
      {"a write cut short", true, Effect::kShortWrite, Code::kIo},
      {"a sync error", false, Effect::kIo, Code::kIo},
  };
  FaultVfs disk(1);
  const auto store = Open(disk.name());
  const Epoch epoch = store->Acquire("a", kTtl)->epoch;
  int64_t number = 0;
  for (const Case& c : kCases) {
    (c.write ? disk.AtWrite(1, c.effect) : disk.AtSync(1, c.effect));
    const Status status = CommitNumber(store.get(), epoch, number + 1);
    ASSERT_FALSE(status) << c.sentence;
    EXPECT_EQ(status.error().code, c.code) << c.sentence << ": " << status.error().message;
    EXPECT_EQ(NewestWhole(*store), number) << c.sentence;
    ASSERT_TRUE(CommitNumber(store.get(), epoch, ++number)) << c.sentence;
  }
}

// The power is cut at each write and each sync of a run in turn; the disk keeps, loses and tears
// what was not synced.
TEST_F(SqliteStoreTest, WhatWasCommittedSurvivesEveryCrash) {
  int64_t crashes = 0;
  for (uint64_t seed = 1; seed <= 2; ++seed) {
    for (const bool at_write : {true, false}) {
      for (int64_t nth = 1;; ++nth) {
        RemoveFiles();
        FaultVfs disk(seed);
        int64_t confirmed = 0;
        Epoch epoch = 0;
        {
          const auto store = Open(disk.name());
          (at_write ? disk.AtWrite(nth, Effect::kCrash) : disk.AtSync(nth, Effect::kCrash));
          const auto lease = store->Acquire("a", kTtl);
          if (lease) epoch = lease->epoch;
          for (int64_t number = 1; lease && number <= 6 && !disk.crashed(); ++number) {
            if (CommitNumber(store.get(), epoch, number)) confirmed = number;
          }
        }
        if (!disk.crashed()) break;
        ++crashes;
        disk.Restart();
        const auto store = Open(disk.name());
        const int64_t found = NewestWhole(*store);
        ASSERT_GE(found, confirmed) << "seed " << seed << ", call " << nth;
        ASSERT_LE(found, confirmed + 1) << "seed " << seed << ", call " << nth;
        const auto next = store->Acquire("a", kTtl);
        ASSERT_GT(next->epoch, epoch) << "an epoch that was given out came again";
        ASSERT_TRUE(CommitNumber(store.get(), next->epoch, found + 1));
        ASSERT_EQ(NewestWhole(*store), found + 1);
      }
    }
  }
  EXPECT_GT(crashes, 50);
}

TEST_F(SqliteStoreTest, ACrashWhileTheFileIsMadeLeavesOneThatOpens) {
  int64_t crashes = 0;
  for (const bool at_write : {true, false}) {
    for (int64_t nth = 1;; ++nth) {
      RemoveFiles();
      FaultVfs disk(static_cast<uint64_t>(nth));
      (at_write ? disk.AtWrite(nth, Effect::kCrash) : disk.AtSync(nth, Effect::kCrash));
      (void)SqliteStore::Open(path_, clock_, {.vfs = disk.name()});
      if (!disk.crashed()) break;
      ++crashes;
      disk.Restart();
      const auto store = SqliteStore::Open(path_, clock_, {.vfs = disk.name()});
      ASSERT_TRUE(store) << "call " << nth << ": " << store.error().message;
      const Epoch epoch = (*store)->Acquire("a", kTtl)->epoch;
      ASSERT_TRUE(CommitNumber(store->get(), epoch, 1));
      ASSERT_EQ(NewestWhole(**store), 1);
    }
  }
  EXPECT_GT(crashes, 10);
}

TEST_F(SqliteStoreTest, AnEditedAuditIsFoundAndNotSimplyDone) {
  const auto store = Open();
  const Epoch epoch = store->Acquire("a", kTtl)->epoch;
  for (int64_t number = 1; number <= 3; ++number) {
    ASSERT_TRUE(CommitNumber(store.get(), epoch, number));
  }
  Database other = Database::Open(path_).value();
  const char* const kEdit =
      "UPDATE audit SET entry = replace(entry, '\"why\":\"2\"', "
      "'\"why\":\"9\"') WHERE seq = 2";
  EXPECT_FALSE(other.Run(kEdit));
  EXPECT_FALSE(other.Run("DELETE FROM audit"));
  EXPECT_FALSE(other.Run("UPDATE lease SET epoch = 0"));
  EXPECT_FALSE(other.Run("DELETE FROM lease"));
  EXPECT_EQ(VerifyAudit(*store).value(), 3U);

  ASSERT_TRUE(other.RunScript("DROP TRIGGER audit_is_not_changed"));
  ASSERT_TRUE(other.Run(kEdit));
  const auto verified = VerifyAudit(*store);
  EXPECT_EQ(verified.error().code, Code::kCorrupt);
  EXPECT_NE(verified.error().message.find("audit entry 2"), std::string::npos)
      << verified.error().message;

  ASSERT_TRUE(other.Run("UPDATE audit SET entry = 'no JSON' WHERE seq = 2"));
  EXPECT_EQ(VerifyAudit(*store).error().code, Code::kCorrupt);
}

TEST_F(SqliteStoreTest, AFileThatIsNotOursToReadIsRefused) {
  EXPECT_EQ(SqliteStore::Open(folder_ / "none/store.db", clock_).error().code, Code::kNotFound);
  ASSERT_TRUE(WriteFileAtomic(path_, std::string(4'096, 'n')));
  EXPECT_EQ(SqliteStore::Open(path_, clock_).error().code, Code::kCorrupt);
  RemoveFiles();
  ASSERT_TRUE(Database::Open(path_)->SetUserVersion(99));
  EXPECT_EQ(SqliteStore::Open(path_, clock_).error().code, Code::kUnsupported);
}

TEST_F(SqliteStoreTest, AStoreOfVersionOneGetsTheNewTablesAndKeepsWhatItHas) {
  {
    const auto store = Open();
    const Epoch epoch = store->Acquire("a", kTtl)->epoch;
    ASSERT_TRUE(store->Commit(epoch, [](StoreTransaction& transaction) {
      return transaction.Put(Table::kMeta, "key", "value");
    }));
  }
  {
    Database old = Database::Open(path_).value();
    for (const char* table : {"baselines", "issues", "templates"}) {
      ASSERT_TRUE(old.RunScript(std::string("DROP TABLE ") + table));
    }
    ASSERT_TRUE(old.SetUserVersion(1));
  }
  const auto store = Open();
  EXPECT_EQ(store->Get(Table::kMeta, "key").value(), "value");
  const Epoch epoch = store->Acquire("b", kTtl)->epoch;
  EXPECT_EQ(epoch, 2u) << "the lease went on";
  EXPECT_TRUE(store->Commit(epoch, [](StoreTransaction& transaction) {
    return transaction.Put(Table::kBaselines, "k.oops", "{}");
  }));
}

TEST_F(SqliteStoreTest, CommitsFromManyThreadsAreSerialAndReadsSeeThemWhole) {
  const auto store = Open();
  const Epoch epoch = store->Acquire("a", kTtl)->epoch;
  {
    ThreadPool pool("store-test", 4, 100);
    absl::Mutex mutex;
    int done = 0;
    const auto work = [&] {
      for (int i = 0; i < 25; ++i) {
        // Two rows that are always equal.
        EXPECT_TRUE(store->Commit(epoch, [](StoreTransaction& transaction) -> Status {
          FLEETMEDIC_ASSIGN_OR_RETURN(const auto old, transaction.Get(Table::kMeta, "a"));
          const std::string next = std::to_string((old ? std::stoi(*old) : 0) + 1);
          FLEETMEDIC_RETURN_IF_ERROR(transaction.Put(Table::kMeta, "a", next));
          return transaction.Put(Table::kMeta, "b", next);
        }));
        const auto rows = store->Scan(Table::kMeta, "", 10).value();
        EXPECT_EQ(rows.at(0).value, rows.at(1).value);
      }
      const absl::MutexLock lock(&mutex);
      ++done;
    };
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(pool.Submit("work", work));
    mutex.LockWhen(absl::Condition(
        +[](int* count) { return *count == 4; }, &done));
    mutex.Unlock();
  }
  EXPECT_EQ(store->Get(Table::kMeta, "a").value(), "100");
}

}  // namespace
}  // namespace fleetmedic

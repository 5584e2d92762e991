#include "store/restore.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sqlite.h"
#include "base/thread_pool.h"
#include "store/sqlite_store.h"
#include "store/store_limits.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class RestoreTest : public testing::Test {
 protected:
  std::unique_ptr<SqliteStore> Open(const std::string& folder, const std::string& name) {
    return SqliteStore::Open(StorePath(folder, name), clock_).value();
  }
  // A store with `rows` hosts and as many audit entries, closed again. Its epoch is 3.
  void Make(const std::string& folder, const std::string& name, int rows) {
    const auto store = Open(folder, name);
    Lease lease;
    for (int i = 0; i < 3; ++i) lease = store->Acquire("test", Hours(1)).value();
    ASSERT_TRUE(store->Commit(lease.epoch, [&](StoreTransaction& tx) -> Status {
      for (int i = 0; i < rows; ++i) {
        FLEETMEDIC_RETURN_IF_ERROR(tx.Put(Table::kHosts, fmt::format("web-{:05}", i), name));
        FLEETMEDIC_RETURN_IF_ERROR(tx.AppendAudit({.who = "op1", .object = "fleet"}));
      }
      return {};
    }));
    ASSERT_TRUE(store->Release(lease));
  }
  BackupManifest BackUpAll() {
    const auto names = StoresIn(from_.path()).value();
    return BackUp(from_.path(), names, file_, "0.1.0", clock_).value();
  }
  Result<RestoreReport> RestoreTo(const std::string& folder, bool replace = false,
                                  std::set<std::string> only = {}) {
    RestoreOptions options;
    options.folder = folder;
    options.replace = replace;
    options.only = std::move(only);
    options.finish = [](const BackupManifest&, const BackupStore& store, StoreTransaction& tx) {
      return tx.Put(Table::kMeta, "restored", store.name);
    };
    return Restore(file_, options, clock_);
  }
  // All rows and the audit of a store, as one text.
  std::string Content(const std::string& folder, const std::string& name) {
    const auto store = SqliteStore::OpenSnapshot(StorePath(folder, name), clock_).value();
    std::string text;
    for (const Table table : AllTables()) {
      const std::vector<Row> rows = ScanAll(*store, table).value();
      for (const Row& row : rows) {
        if (row.key == "restored") continue;
        text += fmt::format("{} {} {}\n", TableName(table), row.key, row.value);
      }
    }
    EXPECT_TRUE(VerifyAudit(*store));
    const std::vector<AuditEntry> entries = store->ReadAudit(0, "", 100'000).value();
    for (const AuditEntry& entry : entries) text += entry.hash + "\n";
    return text;
  }
  std::vector<std::string> FilesIn(const std::string& folder) {
    return FsRoot().List(folder, 1000).value();
  }

  SimulatedClock clock_;
  const TempFolder from_;
  const TempFolder to_;
  const std::string file_ = from_ / "backup";
};

TEST_F(RestoreTest, BringsEveryRowTheAuditAndTheEpochBack) {
  Make(from_.path(), "remediator", 2500);
  Make(from_.path(), "scheduler", 3);
  Make(from_.path(), "fleet-0", 0);
  // The log is not part of it.
  ASSERT_TRUE(WriteFileAtomic(from_ / "log.db", "not a store"));
  const BackupManifest manifest = BackUpAll();
  EXPECT_EQ(VerifyBackup(file_).value(), manifest);
  const auto report = RestoreTo(to_.path());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_THAT(report->restored, ElementsAre("fleet-0", "remediator", "scheduler"));
  EXPECT_EQ(report->kept_in, "");
  for (const char* name : {"remediator", "scheduler", "fleet-0"}) {
    EXPECT_EQ(Content(to_.path(), name), Content(from_.path(), name)) << name;
    const auto store = Open(to_.path(), name);
    EXPECT_EQ(store->Get(Table::kMeta, "restored").value(), name);
    const Lease before = Open(from_.path(), name)->NewestLease().value();
    EXPECT_GT(store->Acquire("next", Hours(1))->epoch, before.epoch);
  }
  EXPECT_THAT(FilesIn(to_.path()), testing::Each(testing::Not(StartsWith("restoring-"))));
}

TEST_F(RestoreTest, RefusesAStoreThatIsThereAndKeepsItAsideWhereItIsReplaced) {
  Make(from_.path(), "remediator", 3);
  BackUpAll();
  Make(to_.path(), "remediator", 7);
  Make(to_.path(), "scheduler", 5);
  const std::string old = Content(to_.path(), "remediator");
  EXPECT_EQ(RestoreTo(to_.path()).error().code, Code::kAlreadyExists);
  EXPECT_EQ(Content(to_.path(), "remediator"), old);
  const auto report = RestoreTo(to_.path(), true);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(Content(to_.path(), "remediator"), Content(from_.path(), "remediator"));
  EXPECT_EQ(Content(report->kept_in, "remediator"), old);
  EXPECT_THAT(Content(to_.path(), "scheduler"), HasSubstr("web-00004")) << "not in the backup";
}

TEST_F(RestoreTest, WhatALostStoreLeftBehindDoesNotGetIntoTheRestoredOne) {
  Make(from_.path(), "remediator", 3);
  BackUpAll();
  Make(to_.path(), "remediator", 7);
  const std::string path = StorePath(to_.path(), "remediator");
  std::string log;
  {
    const auto running = Open(to_.path(), "remediator");
    const Lease lease = running->Acquire("test", Hours(1)).value();
    for (int i = 0; i < 50; ++i) {
      ASSERT_TRUE(running->Commit(lease.epoch, [&](StoreTransaction& tx) {
        return tx.Put(Table::kHosts, fmt::format("ghost-{}", i), std::string(500, 'x'));
      }));
    }
    log = ReadFile(path + "-wal", size_t{64} << 20).value();
    ASSERT_FALSE(log.empty());
  }
  // The file is lost, and its write-ahead log, of a process that was killed, is not.
  ASSERT_EQ(unlink(path.c_str()), 0);
  ASSERT_TRUE(WriteFileAtomic(path + "-wal", log));
  EXPECT_EQ(RestoreTo(to_.path()).error().code, Code::kAlreadyExists);
  const auto report = RestoreTo(to_.path(), true);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(Content(to_.path(), "remediator"), Content(from_.path(), "remediator"));
  EXPECT_EQ(ReadFile(report->kept_in + "/remediator.db-wal", size_t{64} << 20).value(), log);
}

TEST_F(RestoreTest, RefusesWhileSomebodyHasTheStoreOpen) {
  Make(from_.path(), "remediator", 3);
  Make(from_.path(), "scheduler", 3);
  BackUpAll();
  Make(to_.path(), "remediator", 7);
  auto server = Open(to_.path(), "remediator");  // no lease: it only stands by
  const auto refused = RestoreTo(to_.path(), true);
  EXPECT_EQ(refused.error().code, Code::kBusy);
  EXPECT_THAT(refused.error().message, HasSubstr("stop the server"));
  EXPECT_TRUE(RestoreTo(to_.path(), true, {"scheduler"})) << "another role's";
  server.reset();
  EXPECT_TRUE(RestoreTo(to_.path(), true));
}

TEST_F(RestoreTest, SaysWhatIsRestoredWhereItCannotGoOn) {
  Make(from_.path(), "remediator", 3);
  Make(from_.path(), "scheduler", 3);
  BackUpAll();
  Make(to_.path(), "remediator", 7);
  Make(to_.path(), "scheduler", 7);
  // In the same second: the folder holds a scheduler.db already.
  const auto first = RestoreTo(to_.path(), true, {"scheduler"});
  ASSERT_TRUE(first);
  const auto stopped = RestoreTo(to_.path(), true);
  ASSERT_FALSE(stopped);
  EXPECT_THAT(stopped.error().message,
              testing::AllOf(HasSubstr("1 of 2 stores are restored"), HasSubstr(first->kept_in)));
  EXPECT_EQ(Content(to_.path(), "remediator"), Content(from_.path(), "remediator"));
}

TEST_F(RestoreTest, ADamagedBackupChangesNothing) {
  Make(from_.path(), "remediator", 30);
  BackUpAll();
  std::string text = ReadFile(file_, 1 << 20).value();
  text[text.size() / 2] ^= 1;
  ASSERT_TRUE(WriteFileAtomic(file_, text));
  EXPECT_EQ(RestoreTo(to_.path()).error().code, Code::kCorrupt);
  EXPECT_THAT(FilesIn(to_.path()), IsEmpty());
  EXPECT_EQ(RestoreTo(to_.path(), false, {}).error().code, Code::kCorrupt);
}

TEST_F(RestoreTest, NamesThatTheBackupDoesNotHaveAreAnError) {
  Make(from_.path(), "remediator", 1);
  BackUpAll();
  EXPECT_EQ(RestoreTo(to_.path(), false, {"remediator", "scheduler"}).error().code,
            Code::kNotFound);
  EXPECT_THAT(FilesIn(to_.path()), IsEmpty());
}

TEST_F(RestoreTest, ABackupNeverTakesTheNameOfAnother) {
  Make(from_.path(), "remediator", 1);
  BackUpAll();
  const std::vector<std::string> names = {"remediator"};
  EXPECT_EQ(BackUp(from_.path(), names, file_, "0.1.0", clock_).error().code, Code::kAlreadyExists);
  const std::vector<std::string> strange = {"nobody"};
  EXPECT_FALSE(BackUp(from_.path(), strange, from_ / "other", "0.1.0", clock_));
  EXPECT_THAT(FilesIn(from_.path()), testing::Not(testing::Contains(StartsWith("other"))));
}

TEST_F(RestoreTest, AStoreWhoseAuditWasTouchedIsNotBackedUpAsIfItWereWhole) {
  Make(from_.path(), "remediator", 5);
  ASSERT_TRUE(Database::Open(StorePath(from_.path(), "remediator"))
                  ->RunScript("DROP TRIGGER audit_is_not_changed; UPDATE audit SET entry = "
                              "replace(entry, 'op1', 'op2') WHERE seq = 4"));
  const std::vector<std::string> names = {"remediator"};
  const auto refused = BackUp(from_.path(), names, file_, "0.1.0", clock_);
  EXPECT_EQ(refused.error().code, Code::kCorrupt);
  EXPECT_THAT(refused.error().message, HasSubstr("store remediator: audit entry 4"));
  EXPECT_FALSE(FsRoot().Exists(file_));
}

TEST_F(RestoreTest, BackupsMadeWhileALeaderCommitsAreEachOfOneMoment) {
  const auto store = Open(from_.path(), "remediator");
  const Epoch epoch = store->Acquire("leader", Hours(1))->epoch;
  ThreadPool pool("leader", 1, 1);
  std::atomic<bool> done = false;
  // Two rows and an entry that always agree.
  ASSERT_TRUE(pool.Submit("commits", [&] {
    for (int i = 1; !done; ++i) {
      EXPECT_TRUE(store->Commit(epoch, [i](StoreTransaction& tx) -> Status {
        FLEETMEDIC_RETURN_IF_ERROR(tx.Put(Table::kMeta, "a", std::to_string(i)));
        FLEETMEDIC_RETURN_IF_ERROR(tx.Put(Table::kHosts, "b", std::to_string(i)));
        return tx.AppendAudit({.who = "op1", .object = "fleet", .why = std::to_string(i)});
      }));
    }
  }));
  class Agree final : public BackupVisitor {
   public:
    Status Begin(const BackupStore&) override { return {}; }
    Status Row(Table, std::string_view, std::string_view value) override {
      values.emplace_back(value);
      return {};
    }
    Status Audit(const AuditEntry& entry) override {
      newest = entry.why;
      return {};
    }
    std::vector<std::string> values;
    std::string newest;
  };
  const std::vector<std::string> names = {"remediator"};
  std::string last;
  for (int i = 0; i < 20; ++i) {
    const std::string file = from_ / fmt::format("backup-{}", i);
    ASSERT_TRUE(BackUp(from_.path(), names, file, "0.1.0", clock_));
    Agree agree;
    ASSERT_TRUE(VerifyBackup(file, &agree));
    for (const std::string& value : agree.values) EXPECT_EQ(value, agree.newest);
    last = agree.newest;
  }
  done = true;
  EXPECT_NE(last, "") << "nothing was committed meanwhile";
}

}  // namespace
}  // namespace fleetmedic

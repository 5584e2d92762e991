#include "app/backup_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/audit_verify.h"
#include "app/cli/exit_codes.h"
#include "app/cli/fake_api.h"
#include "store/sqlite_store.h"

namespace fleetmedic {
namespace {

using testing::HasSubstr;

class BackupCommands : public testing::Test {
 protected:
  BackupCommands() {
    cli_.env.roles.backup = RunBackup;
    cli_.env.roles.restore = RunRestore;
    cli_.env.roles.audit_verify = RunAuditVerify;
    store_ = SqliteStore::Open(state_ / "remediator.db", clock_).value();
    const Epoch epoch = store_->Acquire("server", Hours(1))->epoch;
    EXPECT_TRUE(store_->Commit(epoch, [](StoreTransaction& tx) -> Status {
      FLEETMEDIC_RETURN_IF_ERROR(tx.Put(Table::kHosts, "web-1", "{}"));
      return tx.AppendAudit({.who = "op1", .action = "hold", .object = "fleet"});
    }));
  }
  cli::CliResult BackUp() { return cli_.Run("backup " + file_ + " --state-dir " + state_.path()); }
  cli::CliResult RestoreInto(const std::string& folder, const std::string& more = "") {
    return cli_.Run("restore " + file_ + " --state-dir " + folder + " " + more);
  }

  const SystemClock clock_;
  const TempFolder state_;
  const TempFolder other_;
  const std::string file_ = other_ / "today.backup";
  std::unique_ptr<SqliteStore> store_;
  cli::CliUnderTest cli_;
};

TEST_F(BackupCommands, BackUpARunningServerAndRestoreItElsewhere) {
  cli::CliResult run = BackUp();
  ASSERT_EQ(run.code, cli::kExitDone) << run.err;
  EXPECT_THAT(run.out, HasSubstr("remediator: 2 rows, 1 of them audit, epoch 1"));
  run = cli_.Run("restore --verify " + file_);
  EXPECT_EQ(run.code, cli::kExitDone) << run.err;
  run = cli_.Run("audit verify " + file_);
  EXPECT_EQ(run.code, cli::kExitDone) << run.err;
  EXPECT_THAT(run.out, HasSubstr("whole: 1 entries"));

  run = RestoreInto(other_ / "fresh");
  ASSERT_EQ(run.code, cli::kExitDone) << run.err;
  const auto restored = SqliteStore::Open(other_ / "fresh/remediator.db", clock_).value();
  EXPECT_EQ(restored->Get(Table::kHosts, "web-1").value(), "{}");
  EXPECT_THAT(restored->Get(Table::kMeta, "reconcile").value().value_or(""),
              HasSubstr("restored from the backup of"));
  const std::vector<AuditEntry> entries = restored->ReadAudit(0, "", 9).value();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[1].action, "restore");
  EXPECT_EQ(entries[1].previous_hash, store_->NewestAudit("", 1)->at(0).hash);
}

TEST_F(BackupCommands, RestoreIsRefusedWhileTheServerRunsAndOverAStoreThatIsThere) {
  ASSERT_EQ(BackUp().code, cli::kExitDone);
  EXPECT_EQ(BackUp().code, cli::kExitConflict) << "the file is there";
  cli::CliResult run = RestoreInto(state_.path(), "--replace");
  EXPECT_EQ(run.code, cli::kExitRefused);
  EXPECT_THAT(run.err, HasSubstr("stop the server"));
  store_.reset();
  EXPECT_EQ(RestoreInto(state_.path()).code, cli::kExitConflict);
  run = RestoreInto(state_.path(), "--replace -o json");
  EXPECT_EQ(run.code, cli::kExitDone) << run.err;
  const std::string kept = *Json::Parse(run.out).value()["kept_in"].string();
  EXPECT_TRUE(FsRoot().Exists(kept + "/remediator.db"));
}

TEST_F(BackupCommands, AFileThatIsDamagedOrNotThereIsSaid) {
  EXPECT_EQ(cli_.Run("restore --verify " + file_).code, cli::kExitNotFound);
  ASSERT_EQ(BackUp().code, cli::kExitDone);
  std::string text = ReadFile(file_, 1 << 20).value();
  text[text.size() / 2] ^= 1;
  ASSERT_TRUE(WriteFileAtomic(file_, text));
  for (const char* command : {"restore --verify ", "audit verify "}) {
    const cli::CliResult run = cli_.Run(command + file_);
    EXPECT_EQ(run.code, cli::kExitFailed) << command;
    EXPECT_THAT(run.err, HasSubstr("damaged")) << command;
    EXPECT_EQ(run.out, "") << command;
  }
  EXPECT_EQ(RestoreInto(other_ / "fresh").code, cli::kExitFailed);
}

TEST_F(BackupCommands, OnlyTheStoresThatAreNamed) {
  EXPECT_TRUE(SqliteStore::Open(state_ / "scheduler.db", clock_));
  cli::CliResult run =
      cli_.Run("backup " + file_ + " --only scheduler --state-dir " + state_.path());
  ASSERT_EQ(run.code, cli::kExitDone) << run.err;
  EXPECT_THAT(run.out, testing::Not(HasSubstr("remediator")));
  EXPECT_EQ(RestoreInto(other_ / "fresh", "--only remediator").code, cli::kExitNotFound);
  run = cli_.Run("backup " + file_ + "2 --only nobody --state-dir " + state_.path());
  EXPECT_EQ(run.code, cli::kExitNotFound);
  EXPECT_EQ(cli_.Run("backup " + file_ + "2 --state-dir " + other_.path()).code,
            cli::kExitNotFound);
}

}  // namespace
}  // namespace fleetmedic

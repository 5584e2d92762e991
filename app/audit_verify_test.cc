#include "app/audit_verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/cli/exit_codes.h"
#include "app/cli/fake_api.h"
#include "base/sqlite.h"
#include "model/audit_chain.h"
#include "store/sqlite_store.h"

namespace fleetmedic {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class AuditVerify : public testing::Test {
 protected:
  AuditVerify() {
    cli_.env.roles.audit_verify = RunAuditVerify;
    api_.AnswerBy("GET /api/v1/audit",
                  [this](const HttpRequest& request) { return Page(request); });
  }

  // A store with so many entries, and the same entries for the server to send.
  void Fill(int count) {
    store_ = SqliteStore::Open(path_, clock_).value();
    const Lease lease = store_->Acquire("test", Hours(1)).value();
    ASSERT_TRUE(store_->Commit(lease.epoch, [count](StoreTransaction& tx) -> Status {
      for (int i = 0; i < count; ++i) {
        AuditEntry entry;
        entry.who = "op1";
        entry.action = "hold";
        entry.object = "host:web-" + std::to_string(i % 7);
        entry.detail.Set("ratio", 0.1 * i);
        FLEETMEDIC_RETURN_IF_ERROR(tx.AppendAudit(std::move(entry)));
      }
      return {};
    }));
    entries_ = store_->ReadAudit(0, "", 100'000).value();
  }
  // As the server does it: newest first without since, oldest first with it.
  HttpResponse Page(const HttpRequest& request) const {
    const size_t limit = std::stoul(std::string(request.query("limit").value_or("100")));
    Json::Array items;
    if (!request.query("since")) {
      for (size_t i = entries_.size(); i > 0 && items.size() < limit; --i) {
        items.push_back(ToJson(entries_[i - 1]));
      }
    } else {
      const size_t since = std::stoul(std::string(*request.query("since")));
      for (const AuditEntry& entry : entries_) {
        if (entry.seq > since && items.size() < limit) items.push_back(ToJson(entry));
      }
    }
    Json json;
    json.Set("items", Json(std::move(items)));
    json.Set("chain", Json::Parse(R"({"ok": true, "to_seq": 999})").value());
    return HttpResponse::FromJson(200, json);
  }
  cli::CliResult AskServer(const std::string& more = "") {
    return cli_.Run("audit verify --server " + api_.address() + " " + more);
  }
  cli::CliResult AskFolder(const std::string& more = "") {
    return cli_.Run("audit verify --state-dir " + folder_.path() + " " + more);
  }
  std::string End() const { return AuditTailText({entries_.back().seq, entries_.back().hash}); }

  const TempFolder folder_;
  const std::string path_ = folder_ / "remediator.db";
  const SystemClock clock_;
  std::unique_ptr<SqliteStore> store_;
  std::vector<AuditEntry> entries_;
  cli::FakeApi api_;
  cli::CliUnderTest cli_;
};

TEST_F(AuditVerify, FollowsTheWholeChainOfAServerInBoundedPages) {
  Fill(450);
  const cli::CliResult run = AskServer("-o json");
  ASSERT_EQ(run.code, cli::kExitDone) << run.err;
  const Json report = Json::Parse(run.out).value();
  EXPECT_EQ(report["entries"].integer(), 450);
  EXPECT_EQ(*report["tail"].string(), End());
  EXPECT_THAT(api_.requests(), SizeIs(1 + 3));
}

TEST_F(AuditVerify, DoesNotTakeTheServersWordThatTheChainHolds) {
  Fill(20);
  entries_[11].why = "rewritten";
  cli::CliResult run = AskServer();
  EXPECT_EQ(run.code, cli::kExitFailed);
  EXPECT_THAT(run.err, HasSubstr("audit entry 12"));
  EXPECT_EQ(run.out, "");

  Fill(0);
  entries_.erase(entries_.begin() + 4);
  run = AskServer();
  EXPECT_EQ(run.code, cli::kExitFailed);
  EXPECT_THAT(run.err, HasSubstr("audit entry 6: stands where 5 is expected"));
}

TEST_F(AuditVerify, TellsAnEndThatIsMissingOrWrittenAnewByTheOneThatWasKnown) {
  Fill(20);
  const std::string known = End();
  EXPECT_EQ(AskServer("--known " + known).code, cli::kExitDone);
  EXPECT_EQ(AskFolder("--known " + known).code, cli::kExitDone);
  const std::vector<AuditEntry> all = entries_;
  entries_.resize(15);
  cli::CliResult run = AskServer("--known " + known);
  EXPECT_EQ(run.code, cli::kExitFailed);
  EXPECT_THAT(run.err, HasSubstr("the audit ends with entry 15 and 20 was known"));
  EXPECT_EQ(AskServer().code, cli::kExitDone) << "the chain alone cannot show it";

  entries_ = all;
  run = AskServer("--known 20:" + std::string(64, '0'));
  EXPECT_EQ(run.code, cli::kExitFailed);
  EXPECT_THAT(run.err, HasSubstr("audit entry 20: not the one that was known"));
  EXPECT_EQ(AskServer("--known 20").code, cli::kExitUsage);
}

TEST_F(AuditVerify, ReadsTheFilesOfAServerThatRunsAndOfOneThatDoesNot) {
  Fill(20);
  cli::CliResult run = AskFolder();
  EXPECT_EQ(run.code, cli::kExitDone) << run.err;
  EXPECT_THAT(run.out, HasSubstr("ends with " + End()));
  store_.reset();
  run = AskFolder();
  EXPECT_EQ(run.code, cli::kExitDone) << run.err;
  Database database = Database::Open(path_).value();
  ASSERT_TRUE(
      database.RunScript("DROP TRIGGER audit_is_not_changed; UPDATE audit SET entry = "
                         "replace(entry, 'op1', 'op2') WHERE seq = 7"));
  run = AskFolder();
  EXPECT_EQ(run.code, cli::kExitFailed);
  EXPECT_THAT(run.err, HasSubstr("audit entry 7"));
}

TEST_F(AuditVerify, SaysWhereThereIsNothingToVerify) {
  EXPECT_EQ(AskFolder().code, cli::kExitNotFound);
  Fill(0);
  EXPECT_EQ(AskFolder().code, cli::kExitDone);
  EXPECT_EQ(AskServer().code, cli::kExitDone);
  api_.Stop();
  EXPECT_EQ(AskServer().code, cli::kExitUnreachable);
}

TEST_F(AuditVerify, AServerThatNamesEntriesAndSendsNoneIsNotAskedForEver) {
  Fill(3);
  api_.AnswerBy("GET /api/v1/audit", [this](const HttpRequest& request) {
    if (!request.query("since")) return Page(request);
    return HttpResponse::FromJson(200, Json::Parse(R"({"items": []})").value());
  });
  const cli::CliResult run = AskServer();
  EXPECT_EQ(run.code, cli::kExitFailed);
  EXPECT_THAT(run.err, HasSubstr("named 3 as the newest"));
}

}  // namespace
}  // namespace fleetmedic

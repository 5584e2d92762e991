#include "app/audit_verify.h"

#include <optional>

#include <fmt/format.h>

#include "app/cli/requests.h"
#include "base/text.h"
#include "model/audit_chain.h"
#include "store/restore.h"
#include "store/sqlite_store.h"

namespace fleetmedic {
namespace {

using cli::Answer;
using cli::ApiReply;
using cli::Failure;
using cli::Invocation;

// One reply stays below what a JSON text may have, whatever is in the entries.
constexpr size_t kEntriesPerPage = 200;
static_assert(kEntriesPerPage * kAuditEntryBytesMax < Json::kTextBytesMax);

// Follows the chain from its first entry, and past the end that was known before.
class Walk {
 public:
  explicit Walk(std::optional<AuditTail> known) : known_(std::move(known)) {}

  Status Take(const AuditEntry& entry) {
    FLEETMEDIC_RETURN_IF_ERROR(FollowAudit(entry, &tail_));
    if (tail_.seq == 1) first_at_ = entry.at;
    last_at_ = entry.at;
    if (known_ && known_->seq == tail_.seq && known_->hash != tail_.hash) {
      return Fail(Code::kCorrupt,
                  fmt::format("audit entry {}: not the one that was known: the history up to it "
                              "was written anew, or comes from another store",
                              tail_.seq));
    }
    return {};
  }
  Status End() const {
    if (!known_ || known_->seq <= tail_.seq) return {};
    return Fail(Code::kCorrupt, fmt::format("the audit ends with entry {} and {} was known: the "
                                            "newest entries are missing",
                                            tail_.seq, known_->seq));
  }

  const AuditTail& tail() const { return tail_; }
  Json Report(const std::string& source) const {
    Json json;
    json.Set("source", source);
    json.Set("whole", true);
    json.Set("entries", tail_.seq);
    if (tail_.seq == 0) return json;
    json.Set("first_at", first_at_);
    json.Set("last_at", last_at_);
    json.Set("tail", AuditTailText(tail_));
    return json;
  }

 private:
  const std::optional<AuditTail> known_;
  AuditTail tail_;
  WallTime first_at_ = kWallNever;
  WallTime last_at_ = kWallNever;
};

Failure FailureOf(const Error& error) {
  if (error.code == Code::kCorrupt) {
    return {cli::kExitFailed, error.message,
            "keep the store as it is, and compare it with backups and the topic fleetmedic.audit"};
  }
  if (error.code == Code::kPermissionDenied) {
    return {cli::kExitNotAllowed, error.message, "run it as the server's user"};
  }
  return {error.code == Code::kNotFound ? cli::kExitNotFound : cli::kExitFailed, error.message, ""};
}

// Page by page, up to the entry that is the newest at the start: a server that goes on writing
// ends it all the same.
Answer<std::string> WalkServer(const Invocation& call, Walk* walk) {
  const Answer<cli::ApiClient> client = cli::ApiClient::Open(call);
  if (!client) return tl::unexpected(client.error());
  const Answer<ApiReply> newest = client->Get("/api/v1/audit?limit=1");
  if (!newest) return tl::unexpected(newest.error());
  uint64_t end = 0;
  if (const Json::Array* items = newest->json["items"].array();
      items != nullptr && !items->empty()) {
    end = static_cast<uint64_t>(items->front()["seq"].integer().value_or(0));
  }
  while (walk->tail().seq < end) {
    const Answer<ApiReply> page = client->Get(
        fmt::format("/api/v1/audit?full=1&limit={}&since={}", kEntriesPerPage, walk->tail().seq));
    if (!page) return tl::unexpected(page.error());
    const Json::Array* items = page->json["items"].array();
    if (items == nullptr || items->empty()) {
      return tl::unexpected(FailureOf({Code::kCorrupt, fmt::format("the server has no entry after "
                                                                   "{} and named {} as the newest",
                                                                   walk->tail().seq, end)}));
    }
    for (const Json& item : *items) {
      const Result<AuditEntry> entry = AuditEntryFromJson(item);
      const Status taken = entry ? walk->Take(*entry) : Fail(Code::kCorrupt, entry.error().message);
      if (!taken) return tl::unexpected(FailureOf(taken.error()));
    }
  }
  return newest->address;
}

Status WalkStore(const Store& store, Walk* walk) {
  while (true) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<AuditEntry> page,
                                store.ReadAudit(walk->tail().seq, "", kEntriesPerPage));
    for (const AuditEntry& entry : page) FLEETMEDIC_RETURN_IF_ERROR(walk->Take(entry));
    if (page.size() < kEntriesPerPage) return {};
  }
}

Answer<std::string> WalkFolder(const Invocation& call, Walk* walk) {
  const std::string path = call.args.Text("state-dir") + "/remediator.db";
  const auto store = SqliteStore::OpenSnapshot(path, *call.env.clock);
  if (!store) return tl::unexpected(FailureOf(store.error()));
  if (const Status walked = WalkStore(**store, walk); !walked) {
    return tl::unexpected(FailureOf(walked.error()));
  }
  return path;
}

// The remediator's entries: no other store of a backup has any.
class BackupWalk final : public BackupVisitor {
 public:
  explicit BackupWalk(Walk* walk) : walk_(*walk) {}

  Status Begin(const BackupStore& store) override {
    remediator_ = store.name == "remediator";
    return {};
  }
  Status Row(Table, std::string_view, std::string_view) override { return {}; }
  Status Audit(const AuditEntry& entry) override {
    return remediator_ ? walk_.Take(entry) : Status();
  }

 private:
  Walk& walk_;
  bool remediator_ = false;
};

Answer<std::string> WalkBackup(const std::string& file, Walk* walk) {
  BackupWalk visitor(walk);
  const Result<BackupManifest> manifest = VerifyBackup(file, &visitor);
  if (!manifest) return tl::unexpected(FailureOf(manifest.error()));
  return file;
}

Answer<std::string> WalkSource(const Invocation& call, Walk* walk) {
  const bool file = !call.args.positionals.empty();
  const bool folder = call.args.Has("state-dir");
  if (file && folder) {
    return tl::unexpected(Failure{cli::kExitUsage, "a backup or --state-dir, not both", ""});
  }
  if (file) return WalkBackup(call.args.positionals[0], walk);
  return folder ? WalkFolder(call, walk) : WalkServer(call, walk);
}

}  // namespace

int RunAuditVerify(const Invocation& call) {
  const cli::Terminal terminal(call);
  std::optional<AuditTail> known;
  if (call.args.Has("known")) {
    Result<AuditTail> parsed = ParseAuditTail(call.args.Text("known"));
    if (!parsed) {
      return cli::Report(terminal, {cli::kExitUsage, "--known: " + parsed.error().message, ""});
    }
    known = *std::move(parsed);
  }
  Walk walk(std::move(known));
  const Answer<std::string> source = WalkSource(call, &walk);
  if (!source) return cli::Report(terminal, source.error());
  if (const Status end = walk.End(); !end) return cli::Report(terminal, FailureOf(end.error()));
  const Json report = walk.Report(*source);
  if (terminal.Format() == "json") {
    terminal.PrintJson(report);
  } else if (walk.tail().seq == 0) {
    terminal.Print("the audit of " + VisibleText(*source) + " is empty\n");
  } else {
    terminal.Print(fmt::format("whole: {} entries of {}, {} to {}\nends with {}\n", walk.tail().seq,
                               VisibleText(*source), *report["first_at"].string(),
                               *report["last_at"].string(), AuditTailText(walk.tail())));
    terminal.Say("keep that end elsewhere: --known compares with it next time\n");
  }
  return cli::kExitDone;
}

}  // namespace fleetmedic

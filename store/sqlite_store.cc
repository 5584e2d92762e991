#include "store/sqlite_store.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/file.h"
#include "base/sqlite.h"
#include "base/use_lock.h"
#include "store/audit_chain.h"
#include "store/store_limits.h"

namespace fleetmedic {
namespace {

// A pass of the remediator's writes the records of a whole cell at once.
constexpr int64_t kCacheKibMax = 16 << 10;

constexpr char kLeaseAndAudit[] = R"(
CREATE TABLE lease (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  owner TEXT NOT NULL,                  -- '' after a release
  epoch INTEGER NOT NULL,               -- never goes back
  expires_at_us INTEGER NOT NULL        -- microseconds since 1970
);
INSERT INTO lease VALUES (1, '', 0, 0);
CREATE TRIGGER lease_epoch_never_goes_back BEFORE UPDATE ON lease WHEN new.epoch < old.epoch
  BEGIN SELECT RAISE(ABORT, 'the epoch of the lease never goes back'); END;
CREATE TRIGGER lease_stays BEFORE DELETE ON lease
  BEGIN SELECT RAISE(ABORT, 'the lease stays: its epoch must not start over'); END;

CREATE TABLE audit (
  seq INTEGER PRIMARY KEY,
  object TEXT NOT NULL,
  hash TEXT NOT NULL,
  entry TEXT NOT NULL                   -- the whole entry as JSON
);
CREATE INDEX audit_by_object ON audit (object, seq);
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit is only ever appended to'); END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit is only ever appended to'); END;
)";

// A schema that stands already is left as it is; two processes may come here at once. Version 2 has
// the stream's tables, which one of version 1 gets.
Status MakeSchema(Database* database) {
  FLEETMEDIC_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(database));
  FLEETMEDIC_ASSIGN_OR_RETURN(const int64_t version, database->UserVersion());
  if (version == kStoreSchemaVersion) return {};
  for (const Table table : AllTables()) {
    FLEETMEDIC_RETURN_IF_ERROR(database->RunScript(fmt::format(
        "CREATE TABLE IF NOT EXISTS {} (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) "
        "WITHOUT ROWID",
        TableName(table))));
  }
  if (version == 0) FLEETMEDIC_RETURN_IF_ERROR(database->RunScript(kLeaseAndAudit));
  FLEETMEDIC_RETURN_IF_ERROR(database->SetUserVersion(kStoreSchemaVersion));
  return transaction.Commit();
}

int64_t LimitOf(size_t count) {
  return static_cast<int64_t>(std::min<size_t>(count, size_t{std::numeric_limits<int32_t>::max()}));
}

Result<std::optional<std::string>> GetFrom(Database* database, Table table, std::string_view key) {
  FLEETMEDIC_ASSIGN_OR_RETURN(
      Statement select,
      database->Prepare(fmt::format("SELECT value FROM {} WHERE key = ?", TableName(table))));
  select.BindAll(key);
  FLEETMEDIC_ASSIGN_OR_RETURN(const bool found, select.Step());
  if (!found) return std::nullopt;
  return std::string(select.Text(0));
}

Result<Lease> ReadLease(Database* database) {
  FLEETMEDIC_ASSIGN_OR_RETURN(Statement select,
                              database->Prepare("SELECT owner, epoch, expires_at_us FROM lease"));
  FLEETMEDIC_ASSIGN_OR_RETURN(const bool found, select.Step());
  if (!found) return Fail(Code::kCorrupt, "the store has no lease row");
  return Lease{std::string(select.Text(0)), static_cast<Epoch>(select.Int(1)),
               WallTime(Micros(select.Int(2)))};
}

Status WriteLease(Database* database, const Lease& lease) {
  return database->Run("UPDATE lease SET owner = ?, epoch = ?, expires_at_us = ?", lease.owner,
                       lease.epoch, lease.expires_at.time_since_epoch().count());
}

Status CheckEpoch(Epoch epoch, const Lease& lease) {
  if (epoch != lease.epoch || lease.owner.empty()) return FailFenced(epoch, lease.epoch);
  return {};
}

std::optional<FileLock> TryLock(const std::string& path) {
  Result<FileLock> lock = FileLock::Acquire(path);
  if (!lock) return std::nullopt;
  return *std::move(lock);
}

// Always from the file: the leader before may have been another process.
Result<AuditTail> ReadTail(Database* database) {
  FLEETMEDIC_ASSIGN_OR_RETURN(
      Statement select, database->Prepare("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1"));
  FLEETMEDIC_ASSIGN_OR_RETURN(const bool found, select.Step());
  if (!found) return AuditTail{};
  return AuditTail{static_cast<uint64_t>(select.Int(0)), std::string(select.Text(1))};
}

// The writes of one commit. After the first that fails all fail: SQLite may have rolled the
// transaction back, and a write after that would stand alone.
class Writes final : public StoreTransaction {
 public:
  Writes(Database* database, WallTime now) : database_(*database), now_(now) {}

  Status Put(Table table, std::string_view key, std::string_view value) override {
    FLEETMEDIC_RETURN_IF_ERROR(status_);
    FLEETMEDIC_RETURN_IF_ERROR(CheckRow(table, key, value));
    return Keep(database_.Run(fmt::format("INSERT INTO {} VALUES (?, ?) "
                                          "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                                          TableName(table)),
                              key, value));
  }
  Status Erase(Table table, std::string_view key) override {
    FLEETMEDIC_RETURN_IF_ERROR(status_);
    FLEETMEDIC_RETURN_IF_ERROR(CheckKey(table, key));
    return Keep(database_.Run(fmt::format("DELETE FROM {} WHERE key = ?", TableName(table)), key));
  }
  Result<std::optional<std::string>> Get(Table table, std::string_view key) override {
    FLEETMEDIC_RETURN_IF_ERROR(status_);
    auto value = GetFrom(&database_, table, key);
    if (!value) FLEETMEDIC_RETURN_IF_ERROR(Keep(tl::unexpected<Error>(value.error())));
    return value;
  }
  Status AppendAudit(AuditEntry entry) override {
    FLEETMEDIC_RETURN_IF_ERROR(status_);
    if (!tail_) {
      auto tail = ReadTail(&database_);
      if (!tail) return Keep(tl::unexpected<Error>(tail.error()));
      tail_ = *std::move(tail);
    }
    FLEETMEDIC_ASSIGN_OR_RETURN(const SealedAudit sealed,
                                SealAudit(std::move(entry), *tail_, now_));
    tail_ = AuditTail{sealed.entry.seq, sealed.entry.hash};
    return Keep(database_.Run("INSERT INTO audit VALUES (?, ?, ?, ?)", sealed.entry.seq,
                              sealed.entry.object, sealed.entry.hash, sealed.json));
  }

  const Status& status() const { return status_; }

 private:
  Status Keep(Status status) {
    if (!status) status_ = status;
    return status;
  }

  Database& database_;
  const WallTime now_;
  std::optional<AuditTail> tail_;
  Status status_;
};

Result<std::vector<AuditEntry>> EntriesOf(Statement select) {
  std::vector<AuditEntry> entries;
  while (true) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const bool found, select.Step());
    if (!found) return entries;
    const auto json = Json::Parse(select.Text(1));
    const auto entry = json ? AuditEntryFromJson(*json) : tl::unexpected<Error>(json.error());
    if (!entry) {
      return Fail(Code::kCorrupt, fmt::format("audit entry {} cannot be read: {}", select.Int(0),
                                              entry.error().message));
    }
    entries.push_back(*entry);
  }
}

DatabaseOptions DatabaseOptionsOf(const SqliteStoreOptions& options) {
  DatabaseOptions database_options;
  database_options.synchronous = DatabaseOptions::Synchronous::kFull;
  database_options.busy_timeout = options.busy_timeout;
  database_options.cache_kib_max = kCacheKibMax;
  database_options.user_version_max = kStoreSchemaVersion;
  database_options.vfs = options.vfs;
  return database_options;
}

}  // namespace

class SqliteStore::State {
 public:
  State(const Clock& store_clock, const std::string& path, Database write, Database read)
      : clock(store_clock),
        lease_path(path + "-lease"),
        writer(std::move(write)),
        reader(std::move(read)) {}

  const Clock& clock;
  // Shared by all who have the file open; a restore takes it alone. None for a snapshot.
  std::optional<UseLock> use;
  const std::string lease_path;
  absl::Mutex write_mutex;
  Database writer ABSL_GUARDED_BY(write_mutex);
  // Held by who holds the lease, as far as could be; the kernel lets go of it when the process
  // dies. It says nothing about who may commit: that is the epoch's.
  std::optional<FileLock> lease_lock ABSL_GUARDED_BY(write_mutex);
  absl::Mutex read_mutex;
  Database reader ABSL_GUARDED_BY(read_mutex);
  // Of a snapshot: the one moment that its reads see.
  std::optional<Transaction> frozen ABSL_GUARDED_BY(read_mutex);
};

SqliteStore::SqliteStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqliteStore::~SqliteStore() = default;

Result<std::unique_ptr<SqliteStore>> SqliteStore::Open(const std::string& path, const Clock& clock,
                                                       const Options& options) {
  const DatabaseOptions database_options = DatabaseOptionsOf(options);
  Result<UseLock> use = UseLock::Share(path + std::string(kStoreUseSuffix));
  if (!use && use.error().code == Code::kBusy) {
    return Fail(Code::kBusy, path + " is being restored: start again when that is done");
  }
  if (!use) return tl::unexpected<Error>(use.error());
  FLEETMEDIC_ASSIGN_OR_RETURN(Database writer, Database::Open(path, database_options));
  FLEETMEDIC_RETURN_IF_ERROR(MakeSchema(&writer));
  if (options.epoch_min > 0) {
    FLEETMEDIC_RETURN_IF_ERROR(
        writer.Run("UPDATE lease SET epoch = max(epoch, ?)", options.epoch_min));
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(Database reader, Database::Open(path, database_options));
  auto state = std::make_unique<State>(clock, path, std::move(writer), std::move(reader));
  state->use = *std::move(use);
  return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(state)));
}

Result<std::unique_ptr<SqliteStore>> SqliteStore::OpenSnapshot(const std::string& path,
                                                               const Clock& clock,
                                                               const Options& options) {
  DatabaseOptions database_options = DatabaseOptionsOf(options);
  database_options.read_only = true;
  FLEETMEDIC_ASSIGN_OR_RETURN(Database writer, Database::Open(path, database_options));
  FLEETMEDIC_ASSIGN_OR_RETURN(Database reader, Database::Open(path, database_options));
  std::unique_ptr<SqliteStore> store(
      new SqliteStore(std::make_unique<State>(clock, path, std::move(writer), std::move(reader))));
  State& state = *store->state_;
  absl::MutexLock lock(&state.read_mutex);
  FLEETMEDIC_ASSIGN_OR_RETURN(Transaction frozen, Transaction::BeginRead(&state.reader));
  state.frozen.emplace(std::move(frozen));
  // The first read is what the moment is taken at.
  FLEETMEDIC_ASSIGN_OR_RETURN(const int64_t version, state.reader.UserVersion());
  if (version != kStoreSchemaVersion) {
    return Fail(Code::kUnsupported,
                fmt::format("{}: a store of schema version {} and not {}: start its role once with "
                            "this build, which brings it there",
                            path, version, kStoreSchemaVersion));
  }
  FLEETMEDIC_RETURN_IF_ERROR(ReadLease(&state.reader));
  return store;
}

Result<Lease> SqliteStore::NewestLease() const {
  absl::MutexLock lock(&state_->read_mutex);
  return ReadLease(&state_->reader);
}

Result<Lease> SqliteStore::Acquire(std::string_view owner, Millis ttl) {
  FLEETMEDIC_RETURN_IF_ERROR(CheckLease(owner, ttl));
  absl::MutexLock lock(&state_->write_mutex);
  FLEETMEDIC_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(&state_->writer));
  FLEETMEDIC_ASSIGN_OR_RETURN(const Lease old, ReadLease(&state_->writer));
  // Read after the write lock was waited for.
  const WallTime now = state_->clock.Wall();
  // A lock that is to be had was its holder's, and its holder is gone: no need to wait for the end
  // of a lease that nobody will renew.
  std::optional<FileLock> fresh;
  if (!state_->lease_lock) fresh = TryLock(state_->lease_path);
  const bool held = !old.owner.empty() && old.expires_at > now && old.owner != owner;
  if (held && !fresh) return FailHeld(old);
  const Lease lease{std::string(owner), old.epoch + 1, now + ttl};
  FLEETMEDIC_RETURN_IF_ERROR(WriteLease(&state_->writer, lease));
  FLEETMEDIC_RETURN_IF_ERROR(transaction.Commit());
  if (fresh) state_->lease_lock = std::move(fresh);
  return lease;
}

Result<Lease> SqliteStore::Renew(const Lease& lease, Millis ttl) {
  FLEETMEDIC_RETURN_IF_ERROR(CheckLease(lease.owner, ttl));
  absl::MutexLock lock(&state_->write_mutex);
  FLEETMEDIC_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(&state_->writer));
  FLEETMEDIC_ASSIGN_OR_RETURN(Lease held, ReadLease(&state_->writer));
  if (const Status leads = CheckEpoch(lease.epoch, held); !leads) {
    state_->lease_lock.reset();
    return tl::unexpected<Error>(leads.error());
  }
  // Whoever led before may have kept it until now.
  if (!state_->lease_lock) state_->lease_lock = TryLock(state_->lease_path);
  held.expires_at = state_->clock.Wall() + ttl;
  FLEETMEDIC_RETURN_IF_ERROR(WriteLease(&state_->writer, held));
  FLEETMEDIC_RETURN_IF_ERROR(transaction.Commit());
  return held;
}

Status SqliteStore::Release(const Lease& lease) {
  absl::MutexLock lock(&state_->write_mutex);
  FLEETMEDIC_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(&state_->writer));
  FLEETMEDIC_ASSIGN_OR_RETURN(Lease held, ReadLease(&state_->writer));
  if (!CheckEpoch(lease.epoch, held)) return {};
  held.owner.clear();
  FLEETMEDIC_RETURN_IF_ERROR(WriteLease(&state_->writer, held));
  FLEETMEDIC_RETURN_IF_ERROR(transaction.Commit());
  state_->lease_lock.reset();
  return {};
}

Status SqliteStore::Commit(Epoch epoch, absl::FunctionRef<Status(StoreTransaction&)> body) {
  absl::MutexLock lock(&state_->write_mutex);
  FLEETMEDIC_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(&state_->writer));
  FLEETMEDIC_ASSIGN_OR_RETURN(const Lease lease, ReadLease(&state_->writer));
  FLEETMEDIC_RETURN_IF_ERROR(CheckEpoch(epoch, lease));
  Writes writes(&state_->writer, state_->clock.Wall());
  FLEETMEDIC_RETURN_IF_ERROR(body(writes));
  FLEETMEDIC_RETURN_IF_ERROR(writes.status());
  return transaction.Commit();
}

Result<std::optional<std::string>> SqliteStore::Get(Table table, std::string_view key) const {
  absl::MutexLock lock(&state_->read_mutex);
  return GetFrom(&state_->reader, table, key);
}

Result<std::vector<Row>> SqliteStore::Scan(Table table, std::string_view after,
                                           size_t rows_max) const {
  absl::MutexLock lock(&state_->read_mutex);
  FLEETMEDIC_ASSIGN_OR_RETURN(
      Statement select,
      state_->reader.Prepare(fmt::format(
          "SELECT key, value FROM {} WHERE key > ? ORDER BY key LIMIT ?", TableName(table))));
  select.BindAll(after, LimitOf(rows_max));
  std::vector<Row> rows;
  while (true) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const bool found, select.Step());
    if (!found) return rows;
    rows.push_back({std::string(select.Text(0)), std::string(select.Text(1))});
  }
}

Result<std::vector<AuditEntry>> SqliteStore::ReadAudit(uint64_t after_seq, std::string_view object,
                                                       size_t entries_max) const {
  constexpr std::string_view kAll =
      "SELECT seq, entry FROM audit WHERE seq > ?2 ORDER BY seq LIMIT ?3";
  constexpr std::string_view kOfObject =
      "SELECT seq, entry FROM audit WHERE object = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
  constexpr uint64_t kSeqMax = std::numeric_limits<int64_t>::max();
  absl::MutexLock lock(&state_->read_mutex);
  FLEETMEDIC_ASSIGN_OR_RETURN(Statement select,
                              state_->reader.Prepare(object.empty() ? kAll : kOfObject));
  select.BindAll(object, std::min(after_seq, kSeqMax), LimitOf(entries_max));
  return EntriesOf(std::move(select));
}

Result<std::vector<AuditEntry>> SqliteStore::NewestAudit(std::string_view object,
                                                         size_t entries_max) const {
  constexpr std::string_view kAll = "SELECT seq, entry FROM audit ORDER BY seq DESC LIMIT ?2";
  constexpr std::string_view kOfObject =
      "SELECT seq, entry FROM audit WHERE object = ?1 ORDER BY seq DESC LIMIT ?2";
  absl::MutexLock lock(&state_->read_mutex);
  FLEETMEDIC_ASSIGN_OR_RETURN(Statement select,
                              state_->reader.Prepare(object.empty() ? kAll : kOfObject));
  select.BindAll(object, LimitOf(entries_max));
  return EntriesOf(std::move(select));
}

}  // namespace fleetmedic

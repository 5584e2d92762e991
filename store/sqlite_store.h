// A store in one SQLite file: WAL, synchronous=FULL.
#ifndef FLEETMEDIC_STORE_SQLITE_STORE_H_
#define FLEETMEDIC_STORE_SQLITE_STORE_H_

#include <memory>
#include <string>

#include "base/clock.h"
#include "store/store.h"

namespace fleetmedic {

struct SqliteStoreOptions {
  // How long a call waits for a commit of another process before it is kBusy.
  Millis busy_timeout{2'000};
  // The name of a registered VFS; empty is the platform's. For tests (base/fault_vfs.h).
  std::string vfs;
  // The first lease gets an epoch past this one: a restored store goes on where the backup was.
  Epoch epoch_min = 0;
};

// Beside FILE stands FILE-use, which all who have the file open share a lock on.
constexpr std::string_view kStoreUseSuffix = "-use";

// Thread-safe: commits wait for one another, reads go on beside a commit and see what stood before
// it. Several processes on one machine may open the same file; the lease says which one leads, and
// the epoch is compared inside the transaction that it fences. Never put the file on a network
// file system.
//
// A lease whose holder's process is gone is free at once: beside FILE stands FILE-lease, locked by
// who leads. One that hangs or is stopped keeps it until the lease runs out.
//
// What is on the disk can be read with any SQLite client: a table for each Table (key, value),
// `audit` (seq, object, hash, entry), which refuses updates and deletions, and `lease`.
class SqliteStore final : public Store {
 public:
  using Options = SqliteStoreOptions;

  // Makes the file where there is none. The clock is not owned and stays as long as the store; all
  // processes that share the file must go by the same clock.
  // Errors: kNotFound (no such folder), kPermissionDenied, kCorrupt, kUnsupported (a schema that a
  // newer build made), kBusy (a restore is at it, too), kFull, kIo.
  static Result<std::unique_ptr<SqliteStore>> Open(const std::string& path, const Clock& clock,
                                                   const Options& options = {});
  // The file as it is now, to look at beside whoever leads: every read sees this one moment, for as
  // long as the object stays. Nothing is made or changed; leases and commits fail. A file of an
  // older schema is kUnsupported.
  static Result<std::unique_ptr<SqliteStore>> OpenSnapshot(const std::string& path,
                                                           const Clock& clock,
                                                           const Options& options = {});
  SqliteStore(const SqliteStore&) = delete;
  SqliteStore& operator=(const SqliteStore&) = delete;
  ~SqliteStore() override;

  Result<Lease> Acquire(std::string_view owner, Millis ttl) override;
  Result<Lease> Renew(const Lease& lease, Millis ttl) override;
  Status Release(const Lease& lease) override;
  Status Commit(Epoch epoch, absl::FunctionRef<Status(StoreTransaction&)> body) override;

  Result<std::optional<std::string>> Get(Table table, std::string_view key) const override;
  Result<std::vector<Row>> Scan(Table table, std::string_view after,
                                size_t rows_max) const override;
  Result<std::vector<AuditEntry>> ReadAudit(uint64_t after_seq, std::string_view object,
                                            size_t entries_max) const override;
  Result<std::vector<AuditEntry>> NewestAudit(std::string_view object,
                                              size_t entries_max) const override;

  // The lease as the file has it: without an owner after a release.
  Result<Lease> NewestLease() const;

 private:
  class State;
  explicit SqliteStore(std::unique_ptr<State> state);

  const std::unique_ptr<State> state_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STORE_SQLITE_STORE_H_

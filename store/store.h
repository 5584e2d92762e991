// Durable state behind one leader: leases that fence, and transactions over a few named tables.
#ifndef FLEETMEDIC_STORE_STORE_H_
#define FLEETMEDIC_STORE_STORE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/result.h"
#include "base/time.h"
#include "model/audit.h"

namespace fleetmedic {

// The tables are key to JSON text; who owns a table says what is in it. Each role has a store of
// its own (its own file, its own lease), so the roles do not contend and fail apart.
enum class Table : uint8_t {
  kHosts,       // remediator: HostRecord by host
  kGrants,      // remediator: Grant by id, open ones and those that a window may still count
  kOutbox,      // remediator: effects that are decided and not yet acknowledged, by id
  kOverrides,   // remediator: Override by id
  kMeta,        // single values: the brake, the mode, counters of identifiers
  kOffsets,     // log positions by topic
  kJobs,        // scheduler: Job by id
  kTasks,       // scheduler: the task and its host by task id
  kDirectives,  // scheduler: the newest Directive by host
  kBaselines,   // stream: what is usual for a pattern, by pattern
  kIssues,      // stream: FleetIssue by id, open ones and those that were just closed
  kTemplates,   // stream: mined templates by id
};

// Grows with every lease that is taken; a commit under an older one changes nothing.
using Epoch = uint64_t;

// Past these, and with an empty key, Put and Erase are kInvalidArgument.
constexpr size_t kStoreKeyBytesMax = 1024;
constexpr size_t kStoreValueBytesMax = size_t{4} << 20;
// The JSON of one audit entry; past it AppendAudit is kInvalidArgument.
constexpr size_t kAuditEntryBytesMax = size_t{64} << 10;
constexpr size_t kLeaseOwnerBytesMax = 256;

struct Lease {
  std::string owner;
  Epoch epoch = 0;
  // By the clock that the store was opened with. The holder stops acting before this.
  WallTime expires_at = kWallNever;
};

struct Row {
  std::string key;
  std::string value;

  bool operator==(const Row&) const = default;
};

// The writes of one commit. Reads see the writes before them in the same transaction. Valid inside
// the body that it is given to, on that body's thread.
class StoreTransaction {
 public:
  virtual ~StoreTransaction() = default;
  virtual Status Put(Table table, std::string_view key, std::string_view value) = 0;
  // Erasing what is not there is no error.
  virtual Status Erase(Table table, std::string_view key) = 0;
  virtual Result<std::optional<std::string>> Get(Table table, std::string_view key) = 0;
  // Gives the entry its seq, previous_hash and hash (and, where it has no time, the store's), and
  // appends it.
  virtual Status AppendAudit(AuditEntry entry) = 0;
};

// Thread-safe; commits are serial.
class Store {
 public:
  virtual ~Store() = default;

  // Takes the lease when nobody holds it, it ran out, or `owner` holds it already; its epoch is
  // then one more than any before. kBusy names the holder otherwise; kInvalidArgument for an empty
  // or long name or a ttl that is not positive.
  virtual Result<Lease> Acquire(std::string_view owner, Millis ttl) = 0;
  // kFenced when a newer epoch exists or the lease was released. One that ran out and that nobody
  // took is renewed.
  virtual Result<Lease> Renew(const Lease& lease, Millis ttl) = 0;
  // Ends the lease now, so that the next owner need not wait for its end. Fenced is no error.
  virtual Status Release(const Lease& lease) = 0;

  // All or nothing, durable when it returns. kFenced and nothing changed when `epoch` is not the
  // newest, or its lease was released. `body` runs at most once, reads through its transaction and
  // starts no other commit. An error of `body` rolls back and is returned. kFull, kBusy, kIo:
  // nothing changed, except that after kIo and kDeadlineExceeded it is not known whether the commit
  // holds: the caller reads again before it acts.
  virtual Status Commit(Epoch epoch, absl::FunctionRef<Status(StoreTransaction&)> body) = 0;

  // Committed values.
  virtual Result<std::optional<std::string>> Get(Table table, std::string_view key) const = 0;
  // Rows with key > after, in key order, at most rows_max.
  virtual Result<std::vector<Row>> Scan(Table table, std::string_view after,
                                        size_t rows_max) const = 0;
  // Entries with seq > after_seq, oldest first, at most entries_max. With `object`, only of it.
  virtual Result<std::vector<AuditEntry>> ReadAudit(uint64_t after_seq, std::string_view object,
                                                    size_t entries_max) const = 0;
  // The newest entries, newest first. With `object`, only of it.
  virtual Result<std::vector<AuditEntry>> NewestAudit(std::string_view object,
                                                      size_t entries_max) const = 0;
};

// Reads every row of a table, page by page; a commit in between may be seen in later pages alone.
Result<std::vector<Row>> ScanAll(const Store& store, Table table);

// Recomputes the chain from the first entry: the last seq that holds, 0 for an empty audit.
// kCorrupt names the first entry that does not.
Result<uint64_t> VerifyAudit(const Store& store);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STORE_STORE_H_

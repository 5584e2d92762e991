// A store in memory: for the simulator and for tests. Nothing survives the process.
#ifndef FLEETMEDIC_STORE_MEMORY_STORE_H_
#define FLEETMEDIC_STORE_MEMORY_STORE_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "store/store.h"

namespace fleetmedic {

// Thread-safe; deterministic on one thread. Reads during a commit see what stood before it.
class MemoryStore final : public Store {
 public:
  // The clock is not owned and stays as long as the store.
  explicit MemoryStore(const Clock& clock) : clock_(clock) {}
  MemoryStore(const MemoryStore&) = delete;
  MemoryStore& operator=(const MemoryStore&) = delete;

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

  using Rows = std::map<std::string, std::string, std::less<>>;
  // Everything but the lease.
  struct Content {
    std::map<Table, Rows> tables;
    std::vector<AuditEntry> audit;
  };
  // For the simulator: a copy of it, and such a copy put back as an operator puts a backup back.
  // The epoch stays and no lease is held.
  Content Copy() const;
  void PutBack(Content content);

 private:
  class Writes;

  // kFenced unless `epoch` is the newest and its lease was not released.
  Status CheckEpoch(Epoch epoch) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock& clock_;
  // One commit at a time, its body included; taken before mutex_.
  absl::Mutex commit_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);
  mutable absl::Mutex mutex_;
  // The owner is empty when the lease was released; the epoch stays.
  Lease lease_ ABSL_GUARDED_BY(mutex_);
  std::map<Table, Rows> tables_ ABSL_GUARDED_BY(mutex_);
  std::vector<AuditEntry> audit_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STORE_MEMORY_STORE_H_

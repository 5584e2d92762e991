// The store in memory, with somebody who hears of each commit that holds, when it does.
#ifndef FLEETMEDIC_SIMULATION_WATCHED_STORE_H_
#define FLEETMEDIC_SIMULATION_WATCHED_STORE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/memory_store.h"

namespace fleetmedic::sim {

class StoreWatcher {
 public:
  virtual ~StoreWatcher() = default;
  // Each row of the commit, then each entry, then the end of it. Null: the row is gone.
  virtual void OnRow(Table table, const std::string& key, const std::string* value) = 0;
  virtual void OnAudit(const AuditEntry& entry) = 0;
  virtual void OnCommitted() = 0;
};

// On the simulation's thread.
class WatchedStore final : public Store {
 public:
  // Not owned.
  WatchedStore(MemoryStore* wrapped, StoreWatcher* watcher)
      : wrapped_(*wrapped), watcher_(*watcher) {}

  Result<Lease> Acquire(std::string_view owner, Millis ttl) override {
    return wrapped_.Acquire(owner, ttl);
  }
  Result<Lease> Renew(const Lease& lease, Millis ttl) override {
    return wrapped_.Renew(lease, ttl);
  }
  Status Release(const Lease& lease) override { return wrapped_.Release(lease); }
  Status Commit(Epoch epoch, absl::FunctionRef<Status(StoreTransaction&)> body) override;

  Result<std::optional<std::string>> Get(Table table, std::string_view key) const override {
    return wrapped_.Get(table, key);
  }
  Result<std::vector<Row>> Scan(Table table, std::string_view after,
                                size_t rows_max) const override {
    return wrapped_.Scan(table, after, rows_max);
  }
  Result<std::vector<AuditEntry>> ReadAudit(uint64_t after_seq, std::string_view object,
                                            size_t entries_max) const override {
    return wrapped_.ReadAudit(after_seq, object, entries_max);
  }
  Result<std::vector<AuditEntry>> NewestAudit(std::string_view object,
                                              size_t entries_max) const override {
    return wrapped_.NewestAudit(object, entries_max);
  }

 private:
  MemoryStore& wrapped_;
  StoreWatcher& watcher_;
};

}  // namespace fleetmedic::sim

#endif  // FLEETMEDIC_SIMULATION_WATCHED_STORE_H_

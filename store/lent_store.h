// For tests: one store in several hands.
#ifndef FLEETMEDIC_STORE_LENT_STORE_H_
#define FLEETMEDIC_STORE_LENT_STORE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/store.h"

namespace fleetmedic {

// A store of somebody else's: what tests give to processes that come and go. Not owned.
class LentStore final : public Store {
 public:
  explicit LentStore(Store* store) : store_(store) {}
  Result<Lease> Acquire(std::string_view owner, Millis ttl) override {
    return store_->Acquire(owner, ttl);
  }
  Result<Lease> Renew(const Lease& lease, Millis ttl) override { return store_->Renew(lease, ttl); }
  Status Release(const Lease& lease) override { return store_->Release(lease); }
  Status Commit(Epoch epoch, absl::FunctionRef<Status(StoreTransaction&)> body) override {
    return store_->Commit(epoch, body);
  }
  Result<std::optional<std::string>> Get(Table table, std::string_view key) const override {
    return store_->Get(table, key);
  }
  Result<std::vector<Row>> Scan(Table table, std::string_view after,
                                size_t rows_max) const override {
    return store_->Scan(table, after, rows_max);
  }
  Result<std::vector<AuditEntry>> ReadAudit(uint64_t after, std::string_view object,
                                            size_t max) const override {
    return store_->ReadAudit(after, object, max);
  }
  Result<std::vector<AuditEntry>> NewestAudit(std::string_view object, size_t max) const override {
    return store_->NewestAudit(object, max);
  }

 private:
  Store* const store_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STORE_LENT_STORE_H_

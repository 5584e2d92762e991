// A store that fails on command or by chance, for tests and the simulator: a twin over any other.
#ifndef FLEETMEDIC_STORE_FAULT_STORE_H_
#define FLEETMEDIC_STORE_FAULT_STORE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "base/fault_plan.h"
#include "store/store.h"

namespace fleetmedic {

enum class StoreCall : uint8_t {
  kLease,  // Acquire, Renew, Release
  kCommit,
  kRead,  // Get, Scan, ReadAudit, NewestAudit
};

// Thread-safe. Without faults it is the wrapped store, call for call. The body of a commit does not
// run under kUnavailable and kBusy; under every other fault it does. What the wrapped store refuses
// (fenced, held) and what a body fails with comes before an injected outcome.
class FaultStore final : public Store, public FaultPlan<StoreCall> {
 public:
  // `wrapped` is not owned and stays as long as this. Several twins may share one store: each is
  // the way of one process to it.
  explicit FaultStore(Store* wrapped)
      : FaultPlan("the store", {StoreCall::kRead}), wrapped_(*wrapped) {}

  // `then` is called once, just before the next commit reaches the store: what others do while this
  // process stands still within its turn. Not while a commit may be under way.
  void BeforeNextCommit(std::function<void()> then) { before_commit_ = std::move(then); }

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

 private:
  Store& wrapped_;
  std::function<void()> before_commit_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STORE_FAULT_STORE_H_

#include "store/fault_store.h"

#include <utility>

namespace fleetmedic {

Result<Lease> FaultStore::Acquire(std::string_view owner, Millis ttl) {
  auto verdict = Judge(StoreCall::kLease);
  if (!verdict.error) return wrapped_.Acquire(owner, ttl);
  if (verdict.happens) FLEETMEDIC_RETURN_IF_ERROR(wrapped_.Acquire(owner, ttl));
  return tl::unexpected<Error>(*std::move(verdict.error));
}

Result<Lease> FaultStore::Renew(const Lease& lease, Millis ttl) {
  auto verdict = Judge(StoreCall::kLease);
  if (!verdict.error) return wrapped_.Renew(lease, ttl);
  if (verdict.happens) FLEETMEDIC_RETURN_IF_ERROR(wrapped_.Renew(lease, ttl));
  return tl::unexpected<Error>(*std::move(verdict.error));
}

Status FaultStore::Release(const Lease& lease) {
  auto verdict = Judge(StoreCall::kLease);
  if (!verdict.error) return wrapped_.Release(lease);
  if (verdict.happens) FLEETMEDIC_RETURN_IF_ERROR(wrapped_.Release(lease));
  return tl::unexpected<Error>(*std::move(verdict.error));
}

Status FaultStore::Commit(Epoch epoch, absl::FunctionRef<Status(StoreTransaction&)> body) {
  if (const auto then = std::exchange(before_commit_, nullptr)) then();
  auto verdict = Judge(StoreCall::kCommit);
  if (!verdict.error) return wrapped_.Commit(epoch, body);
  const auto undone_unless_it_happens = [&](StoreTransaction& transaction) -> Status {
    FLEETMEDIC_RETURN_IF_ERROR(body(transaction));
    // An error of the body is how the wrapped store is told to undo it.
    if (!verdict.happens) return tl::unexpected<Error>(*verdict.error);
    return {};
  };
  if (verdict.reaches) {
    FLEETMEDIC_RETURN_IF_ERROR(wrapped_.Commit(epoch, undone_unless_it_happens));
  }
  return tl::unexpected<Error>(*std::move(verdict.error));
}

Result<std::optional<std::string>> FaultStore::Get(Table table, std::string_view key) const {
  auto verdict = Judge(StoreCall::kRead);
  if (verdict.error) return tl::unexpected<Error>(*std::move(verdict.error));
  return wrapped_.Get(table, key);
}

Result<std::vector<Row>> FaultStore::Scan(Table table, std::string_view after,
                                          size_t rows_max) const {
  auto verdict = Judge(StoreCall::kRead);
  if (verdict.error) return tl::unexpected<Error>(*std::move(verdict.error));
  return wrapped_.Scan(table, after, rows_max);
}

Result<std::vector<AuditEntry>> FaultStore::ReadAudit(uint64_t after_seq, std::string_view object,
                                                      size_t entries_max) const {
  auto verdict = Judge(StoreCall::kRead);
  if (verdict.error) return tl::unexpected<Error>(*std::move(verdict.error));
  return wrapped_.ReadAudit(after_seq, object, entries_max);
}

Result<std::vector<AuditEntry>> FaultStore::NewestAudit(std::string_view object,
                                                        size_t entries_max) const {
  auto verdict = Judge(StoreCall::kRead);
  if (verdict.error) return tl::unexpected<Error>(*std::move(verdict.error));
  return wrapped_.NewestAudit(object, entries_max);
}

}  // namespace fleetmedic

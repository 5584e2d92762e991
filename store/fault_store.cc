#include "store/fault_store.h"

#include <utility>

namespace fleetmedic {
namespace {

Error ErrorOf(StoreFault fault) {
  switch (fault) {
    case StoreFault::kUnavailable:
      return {Code::kUnavailable, "injected: the store cannot be reached"};
    case StoreFault::kBusy:
      return {Code::kBusy, "injected: the store is locked"};
    case StoreFault::kFull:
      return {Code::kFull, "injected: the disk is full"};
    case StoreFault::kFailedBefore:
    case StoreFault::kFailedAfter:
    case StoreFault::kCrashBefore:
    case StoreFault::kCrashAfter:
      return {Code::kIo, "injected: the outcome is not known"};
    case StoreFault::kTimedOutBefore:
    case StoreFault::kTimedOutAfter:
      return {Code::kDeadlineExceeded, "injected: no answer in time"};
  }
  CheckFailed(__FILE__, __LINE__, "a fault that does not exist");
}

bool HappensAfterAll(StoreFault fault) {
  return fault == StoreFault::kFailedAfter || fault == StoreFault::kTimedOutAfter ||
         fault == StoreFault::kCrashAfter;
}

bool IsCrash(StoreFault fault) {
  return fault == StoreFault::kCrashBefore || fault == StoreFault::kCrashAfter;
}

bool Hits(StoreCall call, StoreFault fault) {
  if (call != StoreCall::kRead) return true;
  return fault != StoreFault::kFull && fault != StoreFault::kFailedAfter &&
         fault != StoreFault::kTimedOutAfter;
}

}  // namespace

void FaultStore::FailAt(StoreCall call, int64_t nth, StoreFault fault, int64_t times) {
  FLEETMEDIC_CHECK(nth >= 1 && times >= 1 && Hits(call, fault));
  absl::MutexLock lock(&mutex_);
  commands_.push_back({call, calls_[static_cast<size_t>(call)] + nth, times, fault});
}

void FaultStore::FailByChance(Random random, const StoreFaultChances& chances) {
  absl::MutexLock lock(&mutex_);
  random_ = random;
  chances_ = chances;
}

void FaultStore::Heal() {
  absl::MutexLock lock(&mutex_);
  commands_.clear();
  random_.reset();
}

bool FaultStore::crashed() const {
  absl::MutexLock lock(&mutex_);
  return crashed_;
}

void FaultStore::Reset() {
  absl::MutexLock lock(&mutex_);
  crashed_ = false;
}

int64_t FaultStore::calls(StoreCall call) const {
  absl::MutexLock lock(&mutex_);
  return calls_[static_cast<size_t>(call)];
}

int64_t FaultStore::faults() const {
  absl::MutexLock lock(&mutex_);
  return faults_;
}

std::optional<StoreFault> FaultStore::Due(StoreCall call, int64_t count) const {
  for (const Command& command : commands_) {
    // Written so that `times` may be as large as it likes.
    const bool due =
        command.call == call && count >= command.first && count - command.first < command.times;
    if (due) return command.fault;
  }
  if (!random_) return std::nullopt;
  // One draw for each call, whatever comes of it: so a run stays comparable when chances change.
  double draw = random_->Unit();
  for (size_t i = 0; i < kStoreFaultCount; ++i) {
    if (draw < chances_[i]) return static_cast<StoreFault>(i);
    draw -= chances_[i];
  }
  return std::nullopt;
}

FaultStore::Verdict FaultStore::Judge(StoreCall call) const {
  absl::MutexLock lock(&mutex_);
  const int64_t count = ++calls_[static_cast<size_t>(call)];
  if (crashed_) return {Error{Code::kUnavailable, "injected: the store crashed"}, false, false};
  const std::optional<StoreFault> fault = Due(call, count);
  if (!fault || !Hits(call, *fault)) return {};
  ++faults_;
  crashed_ = IsCrash(*fault);
  const bool reaches = *fault != StoreFault::kUnavailable && *fault != StoreFault::kBusy;
  return {ErrorOf(*fault), reaches, HappensAfterAll(*fault)};
}

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

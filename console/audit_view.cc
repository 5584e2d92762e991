#include "console/audit_view.h"

namespace fleetmedic {
namespace {

constexpr size_t kEntriesPerRead = 500;

Json Found(const Status& status, uint64_t seq) {
  Json json;
  // A store that cannot be read says nothing about the chain.
  json.Set("ok", status.has_value() || status.error().code != Code::kCorrupt);
  json.Set("to_seq", seq);
  if (!status) json.Set("error", status.error().message);
  return json;
}

}  // namespace

Status ChainCheck::Advance(const Store& store) {
  for (size_t looked = 0; looked < kEntriesPerLookMax;) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<AuditEntry> entries,
                                store.ReadAudit(tail_.seq, "", kEntriesPerRead));
    for (const AuditEntry& entry : entries) {
      FLEETMEDIC_RETURN_IF_ERROR(FollowAudit(entry, &tail_));
    }
    looked += entries.size();
    if (entries.size() < kEntriesPerRead) return {};
  }
  return {};
}

Json ChainCheck::Look(const Store& store, MonoTime now) {
  if (work_mutex_.TryLock()) {
    if (!begun_ || now >= begun_at_ + kRecheckEvery) {
      begun_ = true;
      begun_at_ = now;
      tail_ = AuditTail();
    }
    const Status whole = Advance(store);
    const Json found = Found(whole, tail_.seq);
    {
      absl::MutexLock lock(&mutex_);
      found_ = found;
    }
    work_mutex_.Unlock();
    return found;
  }
  absl::MutexLock lock(&mutex_);
  return found_.is_null() ? Found({}, 0) : found_;
}

}  // namespace fleetmedic

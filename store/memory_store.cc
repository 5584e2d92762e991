#include "store/memory_store.h"

#include <algorithm>

#include "store/audit_chain.h"
#include "store/store_limits.h"

namespace fleetmedic {

// What one commit has written so far, over what stood before.
class MemoryStore::Writes final : public StoreTransaction {
 public:
  Writes(const MemoryStore& store, AuditTail tail, WallTime now)
      : store_(store), tail_(std::move(tail)), now_(now) {}

  Status Put(Table table, std::string_view key, std::string_view value) override {
    FLEETMEDIC_RETURN_IF_ERROR(CheckRow(table, key, value));
    rows[{table, std::string(key)}] = std::string(value);
    return {};
  }
  Status Erase(Table table, std::string_view key) override {
    FLEETMEDIC_RETURN_IF_ERROR(CheckKey(table, key));
    rows[{table, std::string(key)}] = std::nullopt;
    return {};
  }
  Result<std::optional<std::string>> Get(Table table, std::string_view key) override {
    const auto written = rows.find({table, std::string(key)});
    if (written != rows.end()) return written->second;
    return store_.Get(table, key);
  }
  Status AppendAudit(AuditEntry entry) override {
    FLEETMEDIC_ASSIGN_OR_RETURN(SealedAudit sealed, SealAudit(std::move(entry), tail_, now_));
    tail_ = AuditTail{sealed.entry.seq, sealed.entry.hash};
    audit.push_back(std::move(sealed.entry));
    return {};
  }

  std::map<std::pair<Table, std::string>, std::optional<std::string>> rows;
  std::vector<AuditEntry> audit;

 private:
  const MemoryStore& store_;
  AuditTail tail_;
  const WallTime now_;
};

Result<Lease> MemoryStore::Acquire(std::string_view owner, Millis ttl) {
  FLEETMEDIC_RETURN_IF_ERROR(CheckLease(owner, ttl));
  absl::MutexLock commit_lock(&commit_mutex_);
  absl::MutexLock lock(&mutex_);
  const WallTime now = clock_.Wall();
  const bool held = !lease_.owner.empty() && lease_.expires_at > now && lease_.owner != owner;
  if (held) return FailHeld(lease_);
  lease_ = Lease{std::string(owner), lease_.epoch + 1, now + ttl};
  return lease_;
}

Result<Lease> MemoryStore::Renew(const Lease& lease, Millis ttl) {
  FLEETMEDIC_RETURN_IF_ERROR(CheckLease(lease.owner, ttl));
  absl::MutexLock lock(&mutex_);
  FLEETMEDIC_RETURN_IF_ERROR(CheckEpoch(lease.epoch));
  lease_.expires_at = clock_.Wall() + ttl;
  return lease_;
}

Status MemoryStore::Release(const Lease& lease) {
  absl::MutexLock lock(&mutex_);
  if (CheckEpoch(lease.epoch)) lease_.owner.clear();
  return {};
}

MemoryStore::Content MemoryStore::Copy() const {
  absl::MutexLock lock(&mutex_);
  return {tables_, audit_};
}

void MemoryStore::PutBack(Content content) {
  absl::MutexLock commit_lock(&commit_mutex_);
  absl::MutexLock lock(&mutex_);
  tables_ = std::move(content.tables);
  audit_ = std::move(content.audit);
  lease_.owner.clear();
}

Status MemoryStore::CheckEpoch(Epoch epoch) const {
  if (epoch != lease_.epoch || lease_.owner.empty()) return FailFenced(epoch, lease_.epoch);
  return {};
}

Status MemoryStore::Commit(Epoch epoch, absl::FunctionRef<Status(StoreTransaction&)> body) {
  absl::MutexLock commit_lock(&commit_mutex_);
  AuditTail tail;
  {
    absl::MutexLock lock(&mutex_);
    FLEETMEDIC_RETURN_IF_ERROR(CheckEpoch(epoch));
    if (!audit_.empty()) tail = AuditTail{audit_.back().seq, audit_.back().hash};
  }
  Writes writes(*this, std::move(tail), clock_.Wall());
  FLEETMEDIC_RETURN_IF_ERROR(body(writes));
  absl::MutexLock lock(&mutex_);
  // A release may have come during the body; an acquisition waits for the commit.
  FLEETMEDIC_RETURN_IF_ERROR(CheckEpoch(epoch));
  for (auto& [place, value] : writes.rows) {
    Rows& rows = tables_[place.first];
    if (value) {
      rows.insert_or_assign(place.second, *std::move(value));
    } else {
      rows.erase(place.second);
    }
  }
  std::move(writes.audit.begin(), writes.audit.end(), std::back_inserter(audit_));
  return {};
}

Result<std::optional<std::string>> MemoryStore::Get(Table table, std::string_view key) const {
  absl::MutexLock lock(&mutex_);
  const auto rows = tables_.find(table);
  if (rows == tables_.end()) return std::nullopt;
  const auto row = rows->second.find(key);
  if (row == rows->second.end()) return std::nullopt;
  return row->second;
}

Result<std::vector<Row>> MemoryStore::Scan(Table table, std::string_view after,
                                           size_t rows_max) const {
  absl::MutexLock lock(&mutex_);
  std::vector<Row> found;
  const auto rows = tables_.find(table);
  if (rows == tables_.end()) return found;
  for (auto row = rows->second.upper_bound(after);
       row != rows->second.end() && found.size() < rows_max; ++row) {
    found.push_back({row->first, row->second});
  }
  return found;
}

Result<std::vector<AuditEntry>> MemoryStore::ReadAudit(uint64_t after_seq, std::string_view object,
                                                       size_t entries_max) const {
  absl::MutexLock lock(&mutex_);
  std::vector<AuditEntry> found;
  // Entry n stands at n - 1.
  for (size_t i = std::min<uint64_t>(after_seq, audit_.size());
       i < audit_.size() && found.size() < entries_max; ++i) {
    if (object.empty() || audit_[i].object == object) found.push_back(audit_[i]);
  }
  return found;
}

Result<std::vector<AuditEntry>> MemoryStore::NewestAudit(std::string_view object,
                                                         size_t entries_max) const {
  absl::MutexLock lock(&mutex_);
  std::vector<AuditEntry> found;
  for (auto entry = audit_.rbegin(); entry != audit_.rend() && found.size() < entries_max;
       ++entry) {
    if (object.empty() || entry->object == object) found.push_back(*entry);
  }
  return found;
}

}  // namespace fleetmedic

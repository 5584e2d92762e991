#include "simulation/watched_store.h"

#include <utility>

namespace fleetmedic::sim {
namespace {

class Noting final : public StoreTransaction {
 public:
  explicit Noting(StoreTransaction* to) : to_(*to) {}

  Status Put(Table table, std::string_view key, std::string_view value) override {
    FLEETMEDIC_RETURN_IF_ERROR(to_.Put(table, key, value));
    rows.emplace_back(std::pair(table, std::string(key)), std::string(value));
    return {};
  }
  Status Erase(Table table, std::string_view key) override {
    FLEETMEDIC_RETURN_IF_ERROR(to_.Erase(table, key));
    rows.emplace_back(std::pair(table, std::string(key)), std::nullopt);
    return {};
  }
  Result<std::optional<std::string>> Get(Table table, std::string_view key) override {
    return to_.Get(table, key);
  }
  Status AppendAudit(AuditEntry entry) override {
    audit.push_back(entry);
    return to_.AppendAudit(std::move(entry));
  }

  std::vector<std::pair<std::pair<Table, std::string>, std::optional<std::string>>> rows;
  std::vector<AuditEntry> audit;

 private:
  StoreTransaction& to_;
};

}  // namespace

Status WatchedStore::Commit(Epoch epoch, absl::FunctionRef<Status(StoreTransaction&)> body) {
  std::optional<Noting> noted;
  FLEETMEDIC_RETURN_IF_ERROR(wrapped_.Commit(epoch, [&](StoreTransaction& tx) -> Status {
    noted.emplace(&tx);
    return body(*noted);
  }));
  for (const auto& [place, value] : noted->rows) {
    watcher_.OnRow(place.first, place.second, value ? &*value : nullptr);
  }
  for (const AuditEntry& entry : noted->audit) watcher_.OnAudit(entry);
  watcher_.OnCommitted();
  return {};
}

}  // namespace fleetmedic::sim

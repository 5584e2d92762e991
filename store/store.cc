#include "store/store.h"

#include <iterator>

#include "model/audit_chain.h"

namespace fleetmedic {
namespace {

constexpr size_t kPageRows = 500;

}  // namespace

Result<std::vector<Row>> ScanAll(const Store& store, Table table) {
  std::vector<Row> rows;
  while (true) {
    const std::string after = rows.empty() ? "" : rows.back().key;
    FLEETMEDIC_ASSIGN_OR_RETURN(std::vector<Row> page, store.Scan(table, after, kPageRows));
    const bool last = page.size() < kPageRows;
    std::move(page.begin(), page.end(), std::back_inserter(rows));
    if (last) return rows;
  }
}

Result<uint64_t> VerifyAudit(const Store& store) {
  AuditTail tail;
  while (true) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<AuditEntry> page,
                                store.ReadAudit(tail.seq, "", kPageRows));
    for (const AuditEntry& entry : page) {
      FLEETMEDIC_RETURN_IF_ERROR(FollowAudit(entry, &tail));
    }
    if (page.size() < kPageRows) return tail.seq;
  }
}

}  // namespace fleetmedic

#include "store/store_limits.h"

#include <fmt/format.h>

#include "base/text.h"
#include "model/words.h"

namespace fleetmedic {
namespace {

constexpr Words<Table, 12> kTables = {{{Table::kHosts, "hosts"},
                                       {Table::kGrants, "grants"},
                                       {Table::kOutbox, "outbox"},
                                       {Table::kOverrides, "overrides"},
                                       {Table::kMeta, "meta"},
                                       {Table::kOffsets, "offsets"},
                                       {Table::kJobs, "jobs"},
                                       {Table::kTasks, "tasks"},
                                       {Table::kDirectives, "directives"},
                                       {Table::kBaselines, "baselines"},
                                       {Table::kIssues, "issues"},
                                       {Table::kTemplates, "templates"}}};

}  // namespace

std::span<const Table> AllTables() {
  static constexpr Table kAll[] = {Table::kHosts,     Table::kGrants, Table::kOutbox,
                                   Table::kOverrides, Table::kMeta,   Table::kOffsets,
                                   Table::kJobs,      Table::kTasks,  Table::kDirectives,
                                   Table::kBaselines, Table::kIssues, Table::kTemplates};
  static_assert(std::size(kAll) == kTables.size());
  return kAll;
}

std::string_view TableName(Table table) { return WordOf(kTables, table); }

Status CheckKey(Table table, std::string_view key) {
  if (!key.empty() && key.size() <= kStoreKeyBytesMax) return {};
  return Fail(Code::kInvalidArgument, fmt::format("a key of table {} is 1 to {} bytes, not {}",
                                                  TableName(table), kStoreKeyBytesMax, key.size()));
}

Status CheckRow(Table table, std::string_view key, std::string_view value) {
  FLEETMEDIC_RETURN_IF_ERROR(CheckKey(table, key));
  if (value.size() <= kStoreValueBytesMax) return {};
  return Fail(Code::kInvalidArgument,
              fmt::format("the value of {} in table {} is {} bytes and the limit is {}", Quote(key),
                          TableName(table), value.size(), kStoreValueBytesMax));
}

Status CheckLease(std::string_view owner, Millis ttl) {
  if (owner.empty() || owner.size() > kLeaseOwnerBytesMax) {
    return Fail(Code::kInvalidArgument, fmt::format("the owner of a lease is 1 to {} bytes, not {}",
                                                    kLeaseOwnerBytesMax, owner.size()));
  }
  if (ttl <= Millis{0}) {
    return Fail(Code::kInvalidArgument,
                fmt::format("a lease of {} ms: it must last longer", ttl.count()));
  }
  return {};
}

tl::unexpected<Error> FailHeld(const Lease& holder) {
  return Fail(Code::kBusy,
              fmt::format("the lease is held by {} (epoch {}) until {}", Quote(holder.owner),
                          holder.epoch, FormatWall(holder.expires_at)));
}

tl::unexpected<Error> FailFenced(Epoch have, Epoch newest) {
  if (have == newest) {
    return Fail(Code::kFenced, fmt::format("the lease of epoch {} was released", have));
  }
  return Fail(Code::kFenced,
              fmt::format("epoch {} is not the newest, which is {}: another leader was elected",
                          have, newest));
}

}  // namespace fleetmedic

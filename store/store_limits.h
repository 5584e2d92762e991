// The limits of what a store takes, checked alike by every implementation.
#ifndef FLEETMEDIC_STORE_STORE_LIMITS_H_
#define FLEETMEDIC_STORE_STORE_LIMITS_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "store/store.h"

namespace fleetmedic {

// Of the tables and what is in them. Version 2 has the stream's tables.
constexpr int64_t kStoreSchemaVersion = 2;
constexpr std::string_view kAuditTableName = "audit";

// In the order of their enum.
std::span<const Table> AllTables();

// "hosts", "grants", ...: for messages, and the names of the tables in a file.
std::string_view TableName(Table table);

// kInvalidArgument where a limit of store.h is passed; the message says which.
Status CheckKey(Table table, std::string_view key);
Status CheckRow(Table table, std::string_view key, std::string_view value);
Status CheckLease(std::string_view owner, Millis ttl);

// The errors that every implementation words alike.
tl::unexpected<Error> FailHeld(const Lease& holder);
tl::unexpected<Error> FailFenced(Epoch have, Epoch newest);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STORE_STORE_LIMITS_H_

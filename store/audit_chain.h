// How an audit entry joins the chain; the same for every implementation of Store.
#ifndef FLEETMEDIC_STORE_AUDIT_CHAIN_H_
#define FLEETMEDIC_STORE_AUDIT_CHAIN_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "model/audit.h"

namespace fleetmedic {

// The end of a chain: of an empty one {0, ""}.
struct AuditTail {
  uint64_t seq = 0;
  std::string hash;
};

struct SealedAudit {
  AuditEntry entry;
  std::string json;  // what is kept; reads back as `entry`
};

// The entry as the one after `tail`. Made from its own JSON, so that what is hashed now is what
// will be read later, invalid UTF-8 and all. kInvalidArgument where that JSON is too large or too
// deep.
Result<SealedAudit> SealAudit(AuditEntry entry, const AuditTail& tail, WallTime now);

// kCorrupt, naming the entry, unless it is the one after `tail` and its hash holds.
Status CheckAudit(const AuditEntry& entry, const AuditTail& tail);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STORE_AUDIT_CHAIN_H_

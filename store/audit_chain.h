// How an audit entry joins the chain; the same for every implementation of Store.
#ifndef FLEETMEDIC_STORE_AUDIT_CHAIN_H_
#define FLEETMEDIC_STORE_AUDIT_CHAIN_H_

#include <string>

#include "base/result.h"
#include "base/time.h"
#include "model/audit_chain.h"

namespace fleetmedic {

struct SealedAudit {
  AuditEntry entry;
  std::string json;  // what is kept; reads back as `entry`
};

// The entry as the one after `tail`. Made from its own JSON, so that what is hashed now is what
// will be read later, invalid UTF-8 and all. kInvalidArgument where that JSON is too large or too
// deep.
Result<SealedAudit> SealAudit(AuditEntry entry, const AuditTail& tail, WallTime now);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STORE_AUDIT_CHAIN_H_

// How each entry of the audit follows from the one before: for the stores that write the chain, and
// for whoever checks it without trusting them.
#ifndef FLEETMEDIC_MODEL_AUDIT_CHAIN_H_
#define FLEETMEDIC_MODEL_AUDIT_CHAIN_H_

#include <cstdint>
#include <string>

#include "model/audit.h"

namespace fleetmedic {

// The end of a chain: of an empty one {0, ""}.
struct AuditTail {
  uint64_t seq = 0;
  std::string hash;

  bool operator==(const AuditTail&) const = default;
};

// "17:9f3c...": how people keep the end of a chain, to compare with later. kInvalidArgument.
std::string AuditTailText(const AuditTail& tail);
Result<AuditTail> ParseAuditTail(std::string_view text);

// kCorrupt, naming the entry, unless it is the one after `tail` and its hash holds.
Status CheckAudit(const AuditEntry& entry, const AuditTail& tail);

// Moves the tail past an entry that CheckAudit passes.
Status FollowAudit(const AuditEntry& entry, AuditTail* tail);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_MODEL_AUDIT_CHAIN_H_

#include "store/audit_chain.h"

#include <fmt/format.h>

#include "base/sha256.h"
#include "store/store.h"

namespace fleetmedic {

Result<SealedAudit> SealAudit(AuditEntry entry, const AuditTail& tail, WallTime now) {
  entry.seq = tail.seq + 1;
  entry.previous_hash = tail.hash;
  entry.hash.clear();
  if (entry.at == kWallNever) entry.at = now;
  const std::string draft = ToJson(entry).Dump();
  if (draft.size() > kAuditEntryBytesMax) {
    return Fail(Code::kInvalidArgument,
                fmt::format("audit entry of {} bytes: the limit is {}; shorten its detail",
                            draft.size(), kAuditEntryBytesMax));
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(const Json json, Json::Parse(draft));
  FLEETMEDIC_ASSIGN_OR_RETURN(entry, AuditEntryFromJson(json));
  entry.hash = Sha256Hex(AuditHashInput(entry));
  std::string text = ToJson(entry).Dump();
  return SealedAudit{std::move(entry), std::move(text)};
}

}  // namespace fleetmedic

// One line of the audit: a decision of the machine or an act of a person.
#ifndef FLEETMEDIC_MODEL_AUDIT_H_
#define FLEETMEDIC_MODEL_AUDIT_H_

#include <string>

#include "base/json.h"

namespace fleetmedic {

struct AuditEntry {
  uint64_t seq = 0;  // 1, 2, 3 ... without a gap; given by the store
  WallTime at = kWallNever;
  std::string who;     // "fleetmedic", or a person's name
  std::string action;  // "taint", "grant", "hold", ...
  std::string object;  // "host:web-114", "fleet"
  std::string why;
  std::string result;
  Json detail;  // what a query needs besides: state before and after, limit values
  // SHA-256, lower-case hexadecimal: of the entry before, and of this one with that.
  std::string previous_hash;
  std::string hash;

  bool operator==(const AuditEntry&) const = default;
};

Json ToJson(const AuditEntry& entry);
Result<AuditEntry> AuditEntryFromJson(const Json& json);

// What `hash` is taken over: the JSON of all the other members, previous_hash among them.
std::string AuditHashInput(const AuditEntry& entry);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_MODEL_AUDIT_H_

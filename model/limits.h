// Grants, and the limits that they are counted against. ratelimit/ decides; this is what it
// decides about.
#ifndef FLEETMEDIC_MODEL_LIMITS_H_
#define FLEETMEDIC_MODEL_LIMITS_H_

#include <string>
#include <vector>

#include "model/ids.h"

namespace fleetmedic {

// A permit to disrupt one host: a durable row, held from before the taint until the untaint is
// confirmed.
struct Grant {
  GrantId id;
  HostId host;
  // Where the host stood when the grant was given, so that counting needs no look-up.
  std::string cell;
  std::string pool;
  std::string rack;
  uint64_t episode = 0;
  std::string reason;
  WallTime granted_at = kWallNever;
  // kWallNever while it is open. Released grants are kept while a window may still count them.
  WallTime released_at = kWallNever;

  // Of a grant that is lent to automation of the site that is not ours; empty for ours.
  std::string holder;             // who asked for it
  std::string act;                // what for, in its holder's word: "reboot"
  WallTime ends_at = kWallNever;  // of its lease
  bool overdue = false;           // its lease is over, its host is not back, a person was called

  bool open() const { return released_at == kWallNever; }
  bool lent() const { return !holder.empty(); }
  bool operator==(const Grant&) const = default;
};

Json ToJson(const Grant& grant);
Result<Grant> GrantFromJson(const Json& json);

enum class LimitScope : uint8_t { kFleet, kCell, kPool, kRack };
std::string_view LimitScopeName(LimitScope scope);
std::optional<LimitScope> ParseLimitScope(std::string_view word);

enum class LimitKind : uint8_t {
  kConcurrent,  // open grants
  kWindow,      // grants started within `window`, released or not
  kFloor,       // hosts that must stay available
};
std::string_view LimitKindName(LimitKind kind);
std::optional<LimitKind> ParseLimitKind(std::string_view word);

// Of n hosts in the scope, the limit is max(at_least, floor(share * n)) for the first two kinds;
// for a floor it is max(at_least, ceil(share * n)). With at_least 0 and share 0 a concurrent or
// window limit means never.
struct Limit {
  std::string name;
  LimitScope scope = LimitScope::kFleet;
  LimitKind kind = LimitKind::kConcurrent;
  // The one cell, pool or rack that it is for; empty for each of them on its own.
  std::string only;
  double share = 0;
  int at_least = 0;
  Millis window{0};

  bool operator==(const Limit&) const = default;
};

// The limits that ship (design.md, "Limits that ship").
std::vector<Limit> ShippedLimits();

// When the brake trips. Shares are of the fleet's hosts.
struct BrakeLimits {
  double disrupted_share = 0.02;  // bad + tainted + draining hosts ...
  int disrupted_at_least = 3;     // ... and never below this
  double rule_share = 0.01;       // hosts that one rule names within rule_window ...
  int rule_at_least = 3;          // ... and never below this
  Millis rule_window = Minutes(10);
  double silent_share = 0.10;  // agents that are silent at once ...
  int silent_at_least = 3;     // ... and never below this
  Millis log_lag_max = Seconds(60);

  bool operator==(const BrakeLimits&) const = default;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_MODEL_LIMITS_H_

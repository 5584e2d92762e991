// Whether one more host may be disrupted now. Pure: counted over durable grants each time, never
// kept as a counter that could drift.
#ifndef FLEETMEDIC_RATELIMIT_BUDGET_H_
#define FLEETMEDIC_RATELIMIT_BUDGET_H_

#include <map>
#include <span>
#include <string>
#include <vector>

#include "model/host_facts.h"
#include "model/limits.h"

namespace fleetmedic {

// How many hosts there are, and how many of them could take work now.
struct HostCount {
  int hosts = 0;
  // Healthy, schedulable and heard of.
  int available = 0;

  bool operator==(const HostCount&) const = default;
};

struct Census {
  HostCount fleet;
  std::map<std::string, HostCount> cells;
  std::map<std::string, HostCount> pools;
  std::map<std::string, HostCount> racks;

  void Add(const HostFacts& facts, bool available);
};

// One limit, as it stands for one fleet, cell, pool or rack.
struct LimitUse {
  const Limit* limit = nullptr;  // of the span that was passed in
  std::string scope;             // "fleet", "pool:web"
  int used = 0;                  // for a floor: available hosts
  int max = 0;                   // for a floor: the fewest that must stay
  // When the limit could allow one more by time alone; kWallNever where time does not help.
  WallTime next_at = kWallNever;

  // Whether it allows one more disrupted host; for a floor, one that is available or not.
  bool Allows(bool host_is_available) const;
};

struct Answer {
  bool granted = false;
  // The first limit that refused, in words: "fleet_window: 1 of 1 in 10m". Empty when granted.
  std::string limit;
  WallTime retry_at = kWallNever;
};

// Decides about the host of `facts`. A host that holds an open grant is refused a second one. A
// grant dated after `now` counts as if given now: a clock that went back frees nothing. A limit
// whose scope the host does not name (a host without a rack) is passed over; a host that the
// census does not hold is refused.
Answer Decide(std::span<const Limit> limits, std::span<const Grant> grants, const Census& census,
              const HostFacts& facts, bool host_is_available, WallTime now);

// Every limit as it stands, one for each scope that the census holds: what people are shown.
std::vector<LimitUse> Uses(std::span<const Limit> limits, std::span<const Grant> grants,
                           const Census& census, WallTime now);

// ... and those alone that count for one host.
std::vector<LimitUse> UsesFor(std::span<const Limit> limits, std::span<const Grant> grants,
                              const Census& census, const HostFacts& facts, WallTime now);

// "fleet_window: 1 of 1 in 10m".
std::string LimitText(const LimitUse& use);

// The longest window of the limits: how long released grants must be kept.
Millis LongestWindow(std::span<const Limit> limits);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_RATELIMIT_BUDGET_H_

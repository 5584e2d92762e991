// The smallest part of the fleet that explains who is hit. Pure.
#ifndef FLEETMEDIC_STREAM_FLEET_SCOPE_H_
#define FLEETMEDIC_STREAM_FLEET_SCOPE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "stream/fleet_facts.h"

namespace fleetmedic {

struct FleetScope {
  // None: the fleet. Else the hosts with `value` of facts[*fact].
  std::optional<size_t> fact;
  uint32_t value = 0;
  uint32_t hosts = 0;     // in the scope
  uint32_t affected = 0;  // of them
};

// Of all values of the facts (cell, zone, rack, pool, and those that cohorts are of) the one that
// fewest hosts have and that
// - holds at least 90 % of the affected hosts, less those that are hit anyway: `usual` hosts of the
//   fleet are expected to be, evenly (the mean of what was expected in the window);
// - holds more of them than its share of the fleet explains: one in a thousand for all values that
//   are looked at. A kernel that nearly every host runs explains nothing, nor do five hosts of one
//   zone in three.
// Of values with the same number of hosts the one of the fact that stands first. `hosts_total` are
// the fleet's hosts, `affected` some of them. O(hosts · facts).
FleetScope SmallestScope(std::span<const FactColumn> facts, std::span<const uint32_t> affected,
                         uint32_t hosts_total, double usual);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_FLEET_SCOPE_H_

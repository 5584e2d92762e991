// What the windows ask of hosts: dense values of facts by dense numbers of hosts. Pure views.
#ifndef FLEETMEDIC_STREAM_FLEET_FACTS_H_
#define FLEETMEDIC_STREAM_FLEET_FACTS_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace fleetmedic {

// One fact of all hosts, as HostTable::Column gives it: the value of each host, 0 where the host
// does not tell. Lives as long as what it was made of.
struct FactColumn {
  std::string_view name;
  std::span<const uint32_t> value_of_host;
  uint32_t values_end = 0;  // above every value

  uint32_t ValueOf(uint32_t host) const {
    return host < value_of_host.size() ? value_of_host[host] : 0;
  }
};

struct FleetFacts {
  uint32_t hosts_end = 0;        // above every host's number
  uint32_t hosts_reporting = 0;  // sent anything within the hour or so; what rates are of
  // One bit for each host: those hosts. Empty: all that have a number. By it a zone that was silent
  // for days and comes back is no surprise.
  std::span<const uint64_t> reporting;
  FactColumn rack;
  // Facts by whose values chatty patterns are tested again: kernel, image, agent_version,
  // instance_type, zone, a label that says what the host works for.
  std::vector<FactColumn> cohorts;

  bool Reports(uint32_t host) const {
    if (reporting.empty()) return true;
    return host / 64 < reporting.size() && (reporting[host / 64] >> host % 64 & 1) != 0;
  }
};

// How hosts lie over racks. Hosts without the fact count as one rack, value 0.
struct RackSpread {
  // More than half of the fleet's hosts have the fact. Otherwise a rack cannot be asked for.
  bool asked = false;
  uint32_t fullest = 0;  // the rack with the most of the hosts, of several the lowest value
  uint32_t in_fullest = 0;
  uint32_t outside = 0;  // hosts in all other racks
  // So many in one rack are no accident, whichever rack it is: one in a thousand.
  bool concentrated = false;
};
RackSpread SpreadOver(const FactColumn& rack, std::span<const uint32_t> hosts);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_FLEET_FACTS_H_

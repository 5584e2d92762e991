#include "stream/fleet_facts.h"

#include <algorithm>

namespace fleetmedic {

RackSpread SpreadOver(const FactColumn& rack, std::span<const uint32_t> hosts) {
  RackSpread spread;
  const auto untold = static_cast<size_t>(std::ranges::count(rack.value_of_host, 0U));
  spread.asked = untold * 2 < rack.value_of_host.size();
  std::vector<uint32_t> in_rack(rack.values_end + size_t{1});
  for (const uint32_t host : hosts) ++in_rack[rack.ValueOf(host)];
  const auto fullest = std::ranges::max_element(in_rack);
  spread.fullest = static_cast<uint32_t>(fullest - in_rack.begin());
  spread.in_fullest = *fullest;
  spread.outside = static_cast<uint32_t>(hosts.size()) - *fullest;
  return spread;
}

}  // namespace fleetmedic

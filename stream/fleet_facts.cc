#include "stream/fleet_facts.h"

#include <algorithm>
#include <cmath>

#include "stream/hypergeometric.h"

namespace fleetmedic {
namespace {

constexpr double kByChance = 1e-3;

}  // namespace

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
  const auto in_fleet =
      static_cast<uint64_t>(std::ranges::count(rack.value_of_host, spread.fullest));
  // A host may be newer than the column.
  const uint64_t fleet = std::max<uint64_t>(rack.value_of_host.size(), hosts.size());
  const double log_chance = LogHypergeometricTail(fleet, in_fleet, hosts.size(), *fullest);
  spread.concentrated =
      log_chance + std::log(static_cast<double>(in_rack.size())) < std::log(kByChance);
  return spread;
}

}  // namespace fleetmedic

#include "stream/fleet_scope.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "stream/hypergeometric.h"

namespace fleetmedic {
namespace {

constexpr double kCoverMin = 0.9;
constexpr double kByChance = 1e-3;

struct Candidate {
  size_t fact = 0;
  uint32_t value = 0;
  uint32_t hosts = 0;
  uint32_t affected = 0;
};

std::vector<Candidate> CandidatesOf(std::span<const FactColumn> facts,
                                    std::span<const uint32_t> affected) {
  std::vector<Candidate> candidates;
  for (size_t f = 0; f < facts.size(); ++f) {
    std::vector<uint32_t> hosts(facts[f].values_end + size_t{1});
    std::vector<uint32_t> hit(hosts.size());
    for (const uint32_t value : facts[f].value_of_host) ++hosts[value];
    for (const uint32_t host : affected) ++hit[facts[f].ValueOf(host)];
    // Value 0, of hosts that do not tell, is no part of the fleet.
    for (uint32_t value = 1; value < hosts.size(); ++value) {
      if (hosts[value] > 0) candidates.push_back({f, value, hosts[value], hit[value]});
    }
  }
  return candidates;
}

}  // namespace

FleetScope SmallestScope(std::span<const FactColumn> facts, std::span<const uint32_t> affected,
                         uint32_t hosts_total, double usual) {
  const auto total = static_cast<uint32_t>(affected.size());
  FleetScope scope{.hosts = hosts_total, .affected = total};
  // What is hit anyway cannot be all: then there would be nothing to explain.
  const double background = std::clamp(usual, 0.0, total / 2.0);
  const std::vector<Candidate> candidates = CandidatesOf(facts, affected);
  for (const Candidate& candidate : candidates) {
    if (candidate.hosts >= scope.hosts) continue;
    const double share = candidate.hosts / static_cast<double>(hosts_total);
    const double excess = candidate.affected - background * share;
    if (excess < kCoverMin * (total - background)) continue;
    const double log_chance = LogHypergeometricTail(std::max({hosts_total, total, candidate.hosts}),
                                                    candidate.hosts, total, candidate.affected);
    if (log_chance + std::log(candidates.size()) >= std::log(kByChance)) continue;
    scope = {candidate.fact, candidate.value, candidate.hosts, candidate.affected};
  }
  return scope;
}

}  // namespace fleetmedic

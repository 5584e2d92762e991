// A fleet whose hosts log: which host sees which pattern in which minute, drawn from one seed. What
// the statistics of fleet issues are tried on.
#ifndef FLEETMEDIC_TESTS_SIM_PATTERN_FLEET_H_
#define FLEETMEDIC_TESTS_SIM_PATTERN_FLEET_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "stream/fleet_facts.h"

namespace fleetmedic {

constexpr int kMinutesPerDay = 24 * 60;

// Exact, by inversion; O(mean).
uint64_t DrawPoisson(Random* random, double mean);
// Gamma with this shape and mean 1 (Marsaglia and Tsang 2000): shape k makes a Poisson count
// negative binomial with that k.
double DrawGamma(Random* random, double shape);

struct PatternFleetOptions {
  uint32_t hosts = 7'000;
  uint32_t rack_hosts = 40;
  uint32_t patterns = 2'000;
  // Lines per minute of the whole fleet, log-uniform between the two.
  double rate_min = 0.001;
  double rate_max = 300;
  double season = 0.5;
  double rack_bursts_per_day = 20;
};

// Facts as a fleet has them: zones and instance types by rack, kernels, images, agent versions and
// workloads by host; the rarest kernel on 1 % of the hosts.
class SimHosts {
 public:
  explicit SimHosts(const PatternFleetOptions& options, Random* random);

  FleetFacts Facts() const;
  // Kernels are cohort key 0.
  static constexpr uint32_t kRareKernel = 5;
  std::vector<uint32_t> HostsWithKernel(uint32_t kernel) const;
  void SetKernel(uint32_t host, uint32_t kernel) { columns_[0][host] = kernel; }
  std::vector<uint32_t> HostsOfRack(uint32_t rack) const;
  uint32_t racks() const { return racks_; }

 private:
  struct Key {
    std::string name;
    uint32_t values_end = 0;
  };
  uint32_t racks_;
  std::vector<uint32_t> rack_of_host_;
  std::vector<Key> keys_;
  std::vector<std::vector<uint32_t>> columns_;
};

// A pattern's lines. Its rate is rate · season · noise; noise is a Gamma variable drawn anew every
// noise_minutes. Its hosts are all, those with one instance type, or a few that tell of it again
// and again.
struct SimPattern {
  double rate = 0;
  double phase = 0;        // of the season, in days
  double noise_shape = 0;  // 0: none
  int noise_minutes = 1;
  double noise = 1;
  std::vector<uint32_t> hosts;  // empty: all
  int64_t burst_until = 0;
};

// A rack whose hosts all see one pattern for a while.
struct RackBurst {
  uint32_t pattern = 0;
  uint32_t rack = 0;
  int64_t from = 0;
  int64_t until = 0;  // minutes, exclusive
  double rate = 0;    // lines per host and minute
  std::vector<uint32_t> hosts;
};

class PatternFleet {
 public:
  PatternFleet(const PatternFleetOptions& options, uint64_t seed);

  const SimHosts& hosts() const { return hosts_; }
  SimHosts* mutable_hosts() { return &hosts_; }
  std::vector<SimPattern>& patterns() { return patterns_; }
  const std::vector<RackBurst>& bursts() const { return bursts_; }
  Random* random() { return &random_; }

  // All lines of the minute: hit(pattern, host) for each.
  template <typename Hit>
  void Minute(int64_t minute, Hit hit);

 private:
  double RateAt(SimPattern* pattern, int64_t minute);
  void BeginBursts(int64_t minute);

  PatternFleetOptions options_;
  Random random_;
  SimHosts hosts_;
  std::vector<SimPattern> patterns_;
  std::vector<RackBurst> bursts_;  // that go on
};

template <typename Hit>
void PatternFleet::Minute(int64_t minute, Hit hit) {
  for (uint32_t p = 0; p < patterns_.size(); ++p) {
    SimPattern& pattern = patterns_[p];
    const uint64_t lines = DrawPoisson(&random_, RateAt(&pattern, minute));
    for (uint64_t i = 0; i < lines; ++i) {
      hit(p, pattern.hosts.empty() ? static_cast<uint32_t>(random_.Below(options_.hosts))
                                   : pattern.hosts[random_.Below(pattern.hosts.size())]);
    }
  }
  BeginBursts(minute);
  for (const RackBurst& burst : bursts_) {
    for (const uint32_t host : burst.hosts) {
      if (random_.Chance(burst.rate)) hit(burst.pattern, host);
    }
  }
}

}  // namespace fleetmedic

#endif  // FLEETMEDIC_TESTS_SIM_PATTERN_FLEET_H_

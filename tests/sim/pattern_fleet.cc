#include "tests/sim/pattern_fleet.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace fleetmedic {
namespace {

double DrawNormal(Random* random) {
  const double radius = std::sqrt(-2 * std::log(1 - random->Unit()));
  return radius * std::cos(2 * std::numbers::pi * random->Unit());
}

// Of values 1, 2, … with these shares.
uint32_t DrawValue(Random* random, const std::vector<double>& shares) {
  double left = random->Unit();
  for (uint32_t i = 0; i < shares.size(); ++i) {
    left -= shares[i];
    if (left < 0) return i + 1;
  }
  return static_cast<uint32_t>(shares.size());
}

}  // namespace

uint64_t DrawPoisson(Random* random, double mean) {
  uint64_t count = 0;
  while (mean > 30) {
    count += DrawPoisson(random, 30);
    mean -= 30;
  }
  double left = random->Unit();
  // Most minutes of a rare pattern are empty: no exponential for them.
  if (mean < 0.01 && left < 1 - mean) return count;
  double p = std::exp(-mean);
  for (uint64_t x = 0; x < 200; ++x) {
    left -= p;
    if (left < 0) return count + x;
    p *= mean / static_cast<double>(x + 1);
  }
  return count + 200;
}

double DrawGamma(Random* random, double shape) {
  if (shape < 1) {
    // Of shape + 1, made smaller; the mean is 1 again.
    const double wider = DrawGamma(random, shape + 1) * (shape + 1);
    return wider * std::pow(1 - random->Unit(), 1 / shape) / shape;
  }
  const double d = shape - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = DrawNormal(random);
    const double v = std::pow(1 + c * x, 3);
    if (v <= 0) continue;
    if (std::log(1 - random->Unit()) < 0.5 * x * x + d - d * v + d * std::log(v)) {
      return d * v / shape;
    }
  }
}

SimHosts::SimHosts(const PatternFleetOptions& options, Random* random)
    : racks_(options.hosts / options.rack_hosts) {
  const std::vector<std::pair<std::string, std::vector<double>>> by_host = {
      {"kernel", {0.6, 0.25, 0.1, 0.04, 0.01}},
      {"image", {0.55, 0.2, 0.15, 0.06, 0.03, 0.01}},
      {"agent_version", {0.9, 0.08, 0.02}},
      {"workload", std::vector<double>(25, 0.04)}};
  const std::vector<std::pair<std::string, std::vector<double>>> by_rack = {
      {"instance_type", {0.4, 0.2, 0.15, 0.1, 0.06, 0.05, 0.03, 0.01}},
      {"zone", {0.34, 0.33, 0.33}}};
  for (uint32_t host = 0; host < options.hosts; ++host) {
    rack_of_host_.push_back(1 + std::min(host / options.rack_hosts, racks_ - 1));
  }
  for (const auto& [name, shares] : by_host) {
    keys_.push_back({name, static_cast<uint32_t>(shares.size()) + 1});
    columns_.emplace_back();
    for (uint32_t host = 0; host < options.hosts; ++host) {
      columns_.back().push_back(DrawValue(random, shares));
    }
  }
  for (const auto& [name, shares] : by_rack) {
    keys_.push_back({name, static_cast<uint32_t>(shares.size()) + 1});
    std::vector<uint32_t> value_of_rack(racks_ + 1);
    for (uint32_t& value : value_of_rack) value = DrawValue(random, shares);
    columns_.emplace_back();
    for (uint32_t host = 0; host < options.hosts; ++host) {
      columns_.back().push_back(value_of_rack[rack_of_host_[host]]);
    }
  }
}

FleetFacts SimHosts::Facts() const {
  const auto hosts = static_cast<uint32_t>(rack_of_host_.size());
  FleetFacts facts{
      .hosts_end = hosts, .hosts_reporting = hosts, .rack = {"rack", rack_of_host_, racks_ + 1}};
  for (size_t k = 0; k < keys_.size(); ++k) {
    facts.cohorts.push_back({keys_[k].name, columns_[k], keys_[k].values_end + 1});
  }
  return facts;
}

std::vector<uint32_t> SimHosts::HostsWithKernel(uint32_t kernel) const {
  std::vector<uint32_t> hosts;
  for (uint32_t host = 0; host < columns_[0].size(); ++host) {
    if (columns_[0][host] == kernel) hosts.push_back(host);
  }
  return hosts;
}

std::vector<uint32_t> SimHosts::HostsOfRack(uint32_t rack) const {
  std::vector<uint32_t> hosts;
  for (uint32_t host = 0; host < rack_of_host_.size(); ++host) {
    if (rack_of_host_[host] == rack) hosts.push_back(host);
  }
  return hosts;
}

PatternFleet::PatternFleet(const PatternFleetOptions& options, uint64_t seed)
    : options_(options), random_(seed), hosts_(options, &random_) {
  const FleetFacts facts = hosts_.Facts();
  const std::vector<uint32_t>& instance_type = {facts.cohorts[4].value_of_host.begin(),
                                                facts.cohorts[4].value_of_host.end()};
  for (uint32_t p = 0; p < options.patterns; ++p) {
    SimPattern pattern;
    pattern.rate = options.rate_min * std::pow(options.rate_max / options.rate_min, random_.Unit());
    // Most of a fleet has its day at the same time.
    pattern.phase = random_.Chance(0.8) ? 0 : random_.Unit();
    const double kind = random_.Unit();
    if (kind >= 0.3) {
      // Dispersed by the minute, by the quarter of an hour, or by hours; 1/k from 0.1 to 1.
      pattern.noise_shape = 1 + 9 * random_.Unit();
      pattern.noise_minutes = kind < 0.55 ? 1 : kind < 0.8 ? 15 : 240;
    }
    if (random_.Chance(0.15)) {
      const auto type = static_cast<uint32_t>(1 + random_.Below(8));
      for (uint32_t host = 0; host < options.hosts; ++host) {
        if (instance_type[host] == type) pattern.hosts.push_back(host);
      }
    } else if (random_.Chance(0.1)) {
      for (int i = 0; i < 30; ++i) {
        pattern.hosts.push_back(static_cast<uint32_t>(random_.Below(options.hosts)));
      }
    }
    patterns_.push_back(std::move(pattern));
  }
}

double PatternFleet::RateAt(SimPattern* pattern, int64_t minute) {
  if (pattern->noise_shape > 0 && minute % pattern->noise_minutes == 0) {
    pattern->noise = DrawGamma(&random_, pattern->noise_shape);
  }
  const double day = static_cast<double>(minute % kMinutesPerDay) / kMinutesPerDay;
  const double season =
      1 + options_.season * std::sin(2 * std::numbers::pi * (day + pattern->phase));
  return pattern->rate * season * pattern->noise;
}

void PatternFleet::BeginBursts(int64_t minute) {
  std::erase_if(bursts_, [minute](const RackBurst& burst) { return burst.until <= minute; });
  if (!random_.Chance(options_.rack_bursts_per_day / kMinutesPerDay)) return;
  RackBurst burst;
  burst.pattern = static_cast<uint32_t>(random_.Below(patterns_.size()));
  burst.rack = static_cast<uint32_t>(1 + random_.Below(hosts_.racks()));
  burst.from = minute;
  burst.until = minute + 1 + static_cast<int64_t>(random_.Below(120));
  burst.rate = 0.05 + 0.95 * random_.Unit();
  burst.hosts = hosts_.HostsOfRack(burst.rack);
  // Two racks with one pattern within the hour are no longer one rack's trouble.
  SimPattern& pattern = patterns_[burst.pattern];
  if (pattern.burst_until + 70 > minute) return;
  pattern.burst_until = burst.until;
  bursts_.push_back(std::move(burst));
}

}  // namespace fleetmedic

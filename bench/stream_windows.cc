// The windows of a large fleet: 100,000 hosts, 5,000 rules, 50,000 templates. Rules are hit at
// rates that lie evenly over five powers of ten, 100,000 hosts a minute in all; templates each on
// twenty hosts an hour. Six facts make 500 cohorts.
#include <algorithm>
#include <cmath>
#include <string>

#include "base/random.h"
#include "bench/stream_parts.h"
#include "stream/fleet_detect.h"

namespace fleetmedic {
namespace {

constexpr uint32_t kHosts = 100'000;
constexpr size_t kRules = 5'000;
constexpr size_t kTemplates = 50'000;
constexpr size_t kRuleHits = 100'000;     // a minute
constexpr size_t kTemplateHits = 16'667;  // a minute
constexpr int64_t kStart = 29'454'000;    // minutes since the epoch
constexpr uint32_t kCohortValues[] = {10, 20, 5, 40, 3, 422};

struct BenchHit {
  PatternIndex pattern = 0;
  uint32_t host = 0;
};

class WindowsBench {
 public:
  explicit WindowsBench(uint64_t seed) : random_(seed), detect_({}, kStart) {
    double total = 0;
    for (size_t p = 0; p < kRules + kTemplates; ++p) {
      const bool rule = p < kRules;
      const auto index = detect_.Intern((rule ? "rule." : "template-") + std::to_string(p),
                                        rule ? PatternKind::kRule : PatternKind::kTemplate,
                                        FleetDetect::Before::kSilent);
      FLEETMEDIC_CHECK(index.has_value());
      patterns_.push_back(*index);
      if (rule) below_.push_back(total += std::pow(10, 5 * random_.Unit()));
    }
    racks_.resize(kHosts);
    for (uint32_t host = 0; host < kHosts; ++host) racks_[host] = 1 + host / 40;
    for (const uint32_t values : kCohortValues) {
      columns_.emplace_back(kHosts);
      for (uint32_t& value : columns_.back()) {
        value = 1 + static_cast<uint32_t>(random_.Below(values));
      }
    }
  }

  std::vector<BenchHit> DrawMinute() {
    std::vector<BenchHit> hits;
    hits.reserve(kRuleHits + kTemplateHits);
    for (size_t i = 0; i < kRuleHits + kTemplateHits; ++i) {
      size_t p = kRules + random_.Below(kTemplates);
      if (i < kRuleHits) {
        const auto at = std::ranges::upper_bound(below_, random_.Unit() * below_.back());
        p = std::min(kRules - 1, static_cast<size_t>(at - below_.begin()));
      }
      hits.push_back({patterns_[p], static_cast<uint32_t>(random_.Below(kHosts))});
    }
    return hits;
  }

  void Hit(const std::vector<BenchHit>& hits) {
    for (const BenchHit& hit : hits) detect_.Hit(hit.pattern, hit.host, detect_.present());
  }
  void EndOfMinute() {
    FleetFacts facts{
        .hosts_end = kHosts, .hosts_reporting = kHosts, .rack = {"rack", racks_, kHosts / 40 + 1}};
    for (size_t k = 0; k < columns_.size(); ++k) {
      facts.cohorts.push_back({"fact", columns_[k], kCohortValues[k] + 1});
    }
    events_.clear();
    detect_.EndOfMinute(detect_.present(), facts, &events_);
  }
  const FleetDetect& detect() const { return detect_; }

 private:
  Random random_;
  FleetDetect detect_;
  std::vector<PatternIndex> patterns_;
  std::vector<double> below_;  // sums of the rules' rates
  std::vector<uint32_t> racks_;
  std::vector<std::vector<uint32_t>> columns_;
  std::vector<FleetEvent> events_;
};

}  // namespace

Status BenchWindows(BenchRun* run) {
  WindowsBench bench(run->options().seed);
  // Until windows are full, baselines are learnt and every chatty pattern has its cohorts.
  for (int minute = 0; minute < 200; ++minute) {
    bench.Hit(bench.DrawMinute());
    bench.EndOfMinute();
  }
  const std::vector<BenchHit> hits = bench.DrawMinute();
  // The first time they move hosts, then they are known: both are what a replica does.
  const std::vector<double> minute = run->CpuSeconds([&] {
    bench.Hit(hits);
    bench.EndOfMinute();
  });
  const std::vector<double> end = run->CpuSeconds([&] { bench.EndOfMinute(); });
  const std::vector<double> known = run->CpuSeconds([&] { bench.Hit(hits); });
  run->AddTime("windows_minute", "ms", 1e3, minute);
  run->AddTime("windows_end_of_minute", "ms", 1e3, end);
  run->AddTime("windows_known_hit", "ns", 1e9 / static_cast<double>(hits.size()), known);
  run->Add({.name = "windows_memory",
            .unit = "MiB",
            .value = static_cast<double>(bench.detect().MemoryBytes()) / (1 << 20)});
  return {};
}

}  // namespace fleetmedic

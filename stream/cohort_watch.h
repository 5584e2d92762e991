// A chatty pattern by cohort: a fault on the 1 % of the hosts with one kernel drowns in what the
// pattern is seen on anyway, and stands out among the hosts of that kernel. Pure.
#ifndef FLEETMEDIC_STREAM_COHORT_WATCH_H_
#define FLEETMEDIC_STREAM_COHORT_WATCH_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "stream/baseline.h"
#include "stream/fleet_facts.h"
#include "stream/lag.h"
#include "stream/pattern_window.h"

namespace fleetmedic {

// The hosts with one value of FleetFacts::cohorts[key].
struct CohortRef {
  uint32_t key = 0;
  uint32_t value = 0;

  bool operator==(const CohortRef&) const = default;
};

// The fleet's cohorts, and what counting by them needs: one for all patterns.
class Cohorts {
 public:
  struct Limits {
    // Smaller ones are not tested: the fleet's test sees as much of them.
    uint32_t hosts_min = 20;
    // The largest are tested.
    size_t cohorts_max = 512;
  };
  struct Cohort {
    CohortRef ref;
    uint32_t hosts = 0;
  };

  explicit Cohorts(const Limits& limits) : limits_(limits) {}

  // Which there are now. Those with more than half of the hosts are none: what hits them hits the
  // fleet.
  void Measure(const FleetFacts& facts);
  // By key and value.
  std::span<const Cohort> tested() const { return tested_; }
  uint32_t HostsOf(CohortRef ref) const;
  // Cohorts that the last Measure left out for cohorts_max.
  size_t left_out() const { return left_out_; }

  // Distinct hosts of every cohort that saw the pattern within 10 and within 60 minutes, by the
  // facts of the last Measure.
  void Count(const PatternWindow& window);
  // The last Count's. `wide`: 60 minutes.
  uint32_t Seen(CohortRef ref, bool wide) const;

 private:
  size_t At(CohortRef ref) const { return begin_[ref.key] + ref.value; }

  const Limits limits_;
  std::vector<size_t> begin_;    // of each key in hosts_ and seen_; one more at the end
  std::vector<uint32_t> hosts_;  // by key and value
  // Of each host where its values are, the keys of one host side by side.
  std::vector<uint32_t> rows_;
  // Distinct hosts within 60 minutes, and above 32 bits within 10.
  std::vector<uint64_t> seen_;
  std::vector<Cohort> tested_;
  size_t left_out_ = 0;
};

struct CohortFinding {
  CohortRef cohort;
  size_t window = 0;          // an index of kWindowMinutes
  uint32_t cohort_hosts = 0;  // that there are
  uint32_t threshold = 0;
  Expectation expected;
  double probability = 1;
  std::vector<uint32_t> hosts;  // of the cohort, that saw the pattern; sorted
};

// How many hosts of a cohort see a pattern, compared with the rest of the fleet in the same window:
// so the day's season, and all noise that the fleet shares, is in neither. Sums over windows,
// weighted by age with the baseline's half-life; e is what the cohort would see as the rest does.
class CohortBaseline {
 public:
  // Before anything is known the cohort is as the rest is, to within a factor: as if so many hosts
  // of it had been counted.
  static constexpr double kPriorEvents = 4;
  static constexpr double kPriorDispersion = 0.25;

  // What is learnt, without what is held back: what a snapshot keeps. Weighted sums over minutes,
  // and their weight.
  struct State {
    float weight = 0;
    float as_rest = 0;     // of e
    float as_rest_sq = 0;  // of e²
    float count = 0;       // of x
    float pairs = 0;       // of x(x - 1)

    bool operator==(const State&) const = default;
  };

  CohortBaseline() = default;
  // What cannot be is taken for nothing known.
  explicit CohortBaseline(const State& state);
  State state() const;

  // Learnt an hour or two later (Lag). `minutes` divides an hour.
  void Observe(uint32_t count, double as_rest, int minutes);
  void Drop() { lag_ = {}; }
  // `unsure` is the relative variance of as_rest.
  Expectation Expect(double as_rest, double unsure, int window_minutes) const;

 private:
  struct Sums {
    float as_rest = 0;     // of e
    float as_rest_sq = 0;  // of e²
    float count = 0;       // of x
    float pairs = 0;       // of x(x - 1)
    Sums& operator+=(const Sums& more);
  };

  float weight_ = 0;  // minutes
  Sums sums_;
  Lag<Sums> lag_;
};

// The baselines of one pattern in every cohort. A round every kRoundMinutes.
//
// A cohort has a baseline of its own, for many patterns belong to some hosts by nature (errors of a
// GPU are seen where there is one): the share of a cohort in the fleet says little. One that
// appears later, as a new kernel does, is expected to be about as the rest is. In the first day of
// a pattern that goes for every cohort, so nothing is tested.
class CohortWatch {
 public:
  static constexpr int kRoundMinutes = 5;
  static constexpr int kLearnMinutes = 24 * 60;
  static constexpr size_t kTested = 2;  // windows: 10 and 60 minutes

  // What a successor goes on from: the baselines of the cohorts of which anything is learnt.
  struct Kept {
    CohortRef cohort;
    std::array<CohortBaseline::State, kTested> windows;

    bool operator==(const Kept&) const = default;
  };
  struct State {
    int watched_minutes = 0;
    std::vector<Kept> cohorts;  // by key and value

    bool operator==(const State&) const = default;
  };

  CohortWatch() = default;
  explicit CohortWatch(const State& state);
  State state() const;
  // That were learnt from since Keep was called.
  int unkept_minutes() const { return unkept_minutes_; }
  void Keep() { unkept_minutes_ = 0; }

  // What one round looks at. All live as long as the call.
  struct Round {
    const FleetFacts& facts;
    const PatternWindow& window;
    double level = 0;  // of one test
    uint32_t hosts_min = 5;
    double ratio_min = 3;
    bool learn = true;  // false: frozen
  };
  // Tests every cohort, then learns from those that nothing was found in. The likeliest to be more
  // than chance; none where what there is lies in one rack.
  std::optional<CohortFinding> Run(Cohorts* cohorts, const Round& round);
  // What was seen in the last hour or two was a fault.
  void Drop();
  // After Run of the same minute: the cohort's windows are below half of what would flag it.
  bool Calm(const Cohorts& cohorts, const Round& round, CohortRef ref) const;

  size_t MemoryBytes() const;

 private:
  using Entry = std::array<CohortBaseline, kTested>;
  // What a cohort of so many hosts, `seen` of which saw the pattern, would see as the rest does,
  // and the relative variance of that.
  struct AsRest {
    double hosts = 0;
    double unsure = 0;
  };

  static AsRest AsRestOf(const Cohorts::Cohort& cohort, uint32_t seen, const Round& round,
                         size_t t);
  Expectation ExpectOf(const Cohorts::Cohort& cohort, uint32_t seen, const Round& round,
                       size_t t) const;
  std::optional<CohortFinding> Test(const Cohorts::Cohort& cohort, const Cohorts& cohorts,
                                    const Round& round, size_t t, bool* over) const;
  void Learn(const Cohorts& cohorts, const Round& round, const std::vector<bool>& over);

  int watched_minutes_ = 0;
  int unkept_minutes_ = 0;
  std::vector<std::vector<Entry>> entries_;  // by key and value
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_COHORT_WATCH_H_

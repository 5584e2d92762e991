// What is usual for a pattern: how many hosts see it in a window, and how much that varies. Pure.
#ifndef FLEETMEDIC_STREAM_BASELINE_H_
#define FLEETMEDIC_STREAM_BASELINE_H_

#include <cstdint>

#include "stream/tail_probability.h"

namespace fleetmedic {

// Exponentially weighted, with a half-life of two days. Plain data: what a snapshot keeps.
struct BaselineState {
  // Minutes that were observed, each weighted by its age; never above 4155.
  double weight = 0;
  // Weighted sums of x/N and of x(x - 1)/N², with x hosts of N that report.
  double rate = 0;
  double pairs = 0;

  bool operator==(const BaselineState&) const = default;
};

// Kept per host that reports, so that a fleet that doubles is no surprise. Of the second moment it
// is the pairs that are kept: with mean m and variance v, E[x(x-1)] = m²(1 + 1/k) with the issue's
// k = m²/(v - m), and 1/k stays what it is when N changes. (Variances do not: the Poisson part
// grows with N and the rest with N².)
//
// How sure it is belongs to what is expected. A pattern that n hosts were seen with so far has a
// rate that is known to 1/sqrt(n): as a Gamma distribution with shape n + kPriorEvents over the
// rate, this makes the count negative binomial again, with (1 + 1/k)(1 + 1/(n + kPriorEvents)) - 1
// in place of 1/k. So a pattern that is new is expected to vary much, one never seen in days is
// expected 0.007 times an hour (the floor), and a fleet that began to be watched a minute ago
// flags what no unknown rate explains. And until a few days are known, what the days' season does
// to the variance is assumed (kPriorDispersion, weighted as kPriorMinutes that were observed before
// the first).
class Baseline {
 public:
  static constexpr double kHalfLifeMinutes = 2 * 24 * 60;
  static constexpr double kPriorEvents = 0.5;
  // A season of ±50 % makes 0.125.
  static constexpr double kPriorDispersion = 0.25;
  static constexpr double kPriorMinutes = 24 * 60;

  Baseline() = default;
  // What cannot be is taken for nothing known.
  explicit Baseline(const BaselineState& state);
  // As if `mean` of `hosts` had been seen in every window until `events` hosts were counted.
  static Baseline Assumed(double mean, double dispersion, double hosts, int window_minutes,
                          double events);

  // At the end of a window: `count` of `hosts` had the pattern. It stands for `minutes`, those
  // since the observation before. Requires hosts > 0.
  void Observe(uint32_t count, double hosts, int minutes = 1);
  // So many minutes' windows were empty.
  void ObserveNone(int64_t minutes);

  // Of the window's count on so many hosts. Requires known().
  Expectation Expect(double hosts, int window_minutes) const;
  bool known() const { return state_.weight > 0; }

  const BaselineState& state() const { return state_; }

 private:
  BaselineState state_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_BASELINE_H_

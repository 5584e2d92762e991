// What is usual for a pattern: how many hosts see it in a window, and how much that varies. Pure.
#ifndef FLEETMEDIC_STREAM_BASELINE_H_
#define FLEETMEDIC_STREAM_BASELINE_H_

#include <cstdint>

#include "stream/lag.h"
#include "stream/tail_probability.h"

namespace fleetmedic {

// Exponentially weighted, with a half-life of two days. Plain data: what a snapshot keeps.
struct BaselineState {
  // Minutes that were observed, each weighted by its age; never above 4185.
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
// rate that is known to 1/sqrt(n), and one whose rate drifts by the hours is known from T minutes
// to sqrt(240/(k·T)): as a Gamma distribution over the rate this makes the count negative binomial
// again, with (1 + 1/k)(1 + 1/n + 240/(k·T)) - 1 in place of 1/k. So a pattern that is new is
// expected to vary much, one never seen in days is expected 0.007 times an hour (the floor), and a
// fleet that began to be watched a minute ago flags nothing that an unknown rate explains. And 1/k
// itself is at first assumed: 1, as if half a day of that had been observed before.
class Baseline {
 public:
  static constexpr double kHalfLifeMinutes = 2 * 24 * 60;
  static constexpr double kPriorEvents = 0.5;
  static constexpr double kPriorDispersion = 1;
  static constexpr double kPriorMinutesFirst = 12 * 60;
  static constexpr double kDriftMinutes = 4 * 60;
  // Where the weight ends: one hour more and what two days' half-life takes of it in an hour.
  static const double kWeightMax;

  Baseline() = default;
  // What cannot be is taken for nothing known.
  explicit Baseline(const BaselineState& state);
  // What is left of the prior's weight when so much was observed: it fell as that of every minute
  // of then.
  static double PriorMinutes(double weight);

  // At the end of each minute: `count` of `hosts` had the pattern in the window. Learnt an hour or
  // two later (Lag). Requires hosts > 0.
  void Observe(uint32_t count, double hosts);
  // So many minutes' windows were empty.
  void ObserveNone(int64_t minutes);
  // Hosts that were counted for another pattern are counted for this one from now on: the two are
  // expected together, as if neither knew of the other.
  void Take(const Baseline& other);
  // What was observed within the last hour or two was a fault: it is not learnt.
  void Drop() { lag_ = {}; }

  // Of the window's count on so many hosts. Requires known().
  Expectation Expect(double hosts, int window_minutes) const;
  bool known() const { return state_.weight > 0; }

  // What is learnt, without what is held back.
  const BaselineState& state() const { return state_; }

 private:
  struct Sums {
    double rate = 0;
    double pairs = 0;
    Sums& operator+=(const Sums& more) {
      rate += more.rate;
      pairs += more.pairs;
      return *this;
    }
  };
  void Learn(const Sums& sums, int minutes);

  BaselineState state_;
  Lag<Sums> lag_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_BASELINE_H_

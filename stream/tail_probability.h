// How likely so many are by chance. The regularised incomplete beta and gamma functions are
// Boost.Math's, in tail_probability.cc alone. Pure.
#ifndef FLEETMEDIC_STREAM_TAIL_PROBABILITY_H_
#define FLEETMEDIC_STREAM_TAIL_PROBABILITY_H_

#include <cstdint>

namespace fleetmedic {

// What a count is expected to be: negative binomial with this mean and the variance
// mean + dispersion·mean², which is the NB(m, k) with dispersion = 1/k = (v - m)/m²;
// Poisson where the dispersion is 0 or less.
struct Expectation {
  double mean = 0;
  double dispersion = 0;

  double variance() const { return mean + (dispersion > 0 ? dispersion * mean * mean : 0); }

  bool operator==(const Expectation&) const = default;
};

// P(X >= count). About 1 µs.
double CountTail(const Expectation& expected, uint32_t count);

// The smallest count from `at_least` to `at_most` with CountTail < p; at_most + 1 where there is
// none. Requires at_least <= at_most < 2^32 - 1.
uint32_t SmallestUnlikely(const Expectation& expected, double p, uint32_t at_least,
                          uint32_t at_most);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_TAIL_PROBABILITY_H_

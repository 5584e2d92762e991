// The chance that so many of the hosts that are hit share something by chance. Pure.
#ifndef FLEETMEDIC_STREAM_HYPERGEOMETRIC_H_
#define FLEETMEDIC_STREAM_HYPERGEOMETRIC_H_

#include <cstdint>

namespace fleetmedic {

// ln n!, exact to a double's last digits.
double LogFactorial(uint64_t n);

// ln of the probability that, of `drawn` hosts drawn from `hosts` without putting back, at least
// `hit` are among the `marked` ones: the upper tail of the hypergeometric distribution, each term
// of it (Fisher's exact test, one-sided). 0 where it is certain, minus infinity where it cannot be.
// Relative error of the probability below 1e-8 for up to a million hosts. Requires marked and
// drawn <= hosts.
double LogHypergeometricTail(uint64_t hosts, uint64_t marked, uint64_t drawn, uint64_t hit);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_HYPERGEOMETRIC_H_

#include "stream/tail_probability.h"

#include <algorithm>

#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/gamma.hpp>

#include "base/result.h"

namespace fleetmedic {
namespace {

namespace policies = boost::math::policies;
// Doubles are enough at these tails, and no answer is an exception: out of range is 0 or 1 below.
using Policy = policies::policy<
    policies::promote_double<false>, policies::domain_error<policies::ignore_error>,
    policies::pole_error<policies::ignore_error>, policies::overflow_error<policies::ignore_error>,
    policies::evaluation_error<policies::ignore_error>>;

// Below it a negative binomial is a Poisson distribution to all digits that matter.
constexpr double kDispersionMin = 1e-9;

}  // namespace

double CountTail(const Expectation& expected, uint32_t count) {
  if (count == 0) return 1;
  if (!(expected.mean > 0)) return 0;
  const double x = count;
  if (!(expected.dispersion > kDispersionMin)) {
    return boost::math::gamma_p(x, expected.mean, Policy());
  }
  // m/(m + k), written so that a large k loses nothing.
  const double spread = expected.mean * expected.dispersion;
  return boost::math::ibeta(x, 1 / expected.dispersion, spread / (1 + spread), Policy());
}

uint32_t SmallestUnlikely(const Expectation& expected, double p, uint32_t at_least,
                          uint32_t at_most) {
  FLEETMEDIC_CHECK(at_least <= at_most && at_most < UINT32_MAX);
  if (CountTail(expected, at_least) < p) return at_least;
  // The tail falls with the count: find a step that is past the place, then halve.
  uint32_t likely = at_least;
  uint64_t step = std::max<uint64_t>(1, static_cast<uint64_t>(expected.mean / 4));
  uint32_t unlikely = at_most + 1;
  while (likely + step <= at_most) {
    const auto next = static_cast<uint32_t>(likely + step);
    if (CountTail(expected, next) < p) {
      unlikely = next;
      break;
    }
    likely = next;
    step *= 2;
  }
  while (unlikely - likely > 1) {
    const uint32_t middle = likely + (unlikely - likely) / 2;
    (CountTail(expected, middle) < p ? unlikely : likely) = middle;
  }
  return unlikely;
}

}  // namespace fleetmedic

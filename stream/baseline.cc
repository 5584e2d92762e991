#include "stream/baseline.h"

#include <algorithm>
#include <cmath>

#include "base/result.h"

namespace fleetmedic {
namespace {

// What a minute leaves of the weight of those before it: 2^(-1/2880).
const double kKeep = std::exp2(-1 / Baseline::kHalfLifeMinutes);

double KeepOf(int64_t minutes) {
  return minutes == 1 ? kKeep
                      : std::exp2(-static_cast<double>(minutes) / Baseline::kHalfLifeMinutes);
}

}  // namespace

Baseline::Baseline(const BaselineState& state) {
  const auto can_be = [](double sum) { return std::isfinite(sum) && sum >= 0; };
  if (!can_be(state.weight) || !can_be(state.rate) || !can_be(state.pairs)) return;
  state_ = state;
  state_.weight = std::min(state.weight, 1 / (1 - kKeep));
}

Baseline Baseline::Assumed(double mean, double dispersion, double hosts, int window_minutes,
                           double events) {
  BaselineState state;
  if (!(mean > 0) || !(hosts > 0)) return Baseline(state);
  state.weight = std::min(events * window_minutes / mean, 1 / (1 - kKeep));
  state.rate = state.weight * mean / hosts;
  state.pairs = state.weight * (mean / hosts) * (mean / hosts) * (1 + dispersion);
  return Baseline(state);
}

void Baseline::Observe(uint32_t count, double hosts, int minutes) {
  FLEETMEDIC_CHECK(hosts > 0 && minutes > 0);
  ObserveNone(minutes);
  if (count == 0) return;
  const double rate = count / hosts;
  state_.rate += minutes * rate;
  state_.pairs += minutes * rate * ((count - 1.0) / hosts);
}

void Baseline::ObserveNone(int64_t minutes) {
  if (minutes <= 0) return;
  const double keep = KeepOf(minutes);
  state_.weight = state_.weight * keep + (1 - keep) / (1 - kKeep);
  state_.rate *= keep;
  state_.pairs *= keep;
}

Expectation Baseline::Expect(double hosts, int window_minutes) const {
  FLEETMEDIC_CHECK(known());
  const double window = window_minutes;
  // Windows overlap: each host that was seen is in as many of them as they have minutes.
  const double events = state_.rate * hosts / window + kPriorEvents;
  const double seen =
      state_.rate > 0
          ? std::max(0.0, state_.pairs * state_.weight / (state_.rate * state_.rate) - 1)
          : 0;
  // The prior's weight has fallen as that of every minute of then.
  const double prior = kPriorMinutes * std::max(0.0, 1 - state_.weight * (1 - kKeep));
  const double dispersion =
      (seen * state_.weight + kPriorDispersion * prior) / (state_.weight + prior);
  return {.mean = events * window / state_.weight,
          .dispersion = (1 + dispersion) * (1 + 1 / events) - 1};
}

}  // namespace fleetmedic

#include "stream/baseline.h"

#include <algorithm>
#include <cmath>

#include "base/result.h"

namespace fleetmedic {

const double Baseline::kWeightMax =
    Lag<int>::kBlockMinutes /
    (1 - std::exp2(-Lag<int>::kBlockMinutes / Baseline::kHalfLifeMinutes));

Baseline::Baseline(const BaselineState& state) {
  const auto can_be = [](double sum) { return std::isfinite(sum) && sum >= 0; };
  if (!can_be(state.weight) || !can_be(state.rate) || !can_be(state.pairs)) return;
  state_ = state;
  state_.weight = std::min(state.weight, kWeightMax);
}

double Baseline::PriorMinutes(double weight) {
  return kPriorMinutesFirst * std::max(0.0, 1 - weight / kWeightMax);
}

void Baseline::Observe(uint32_t count, double hosts) {
  FLEETMEDIC_CHECK(hosts > 0);
  const double rate = count / hosts;
  const double others = count == 0 ? 0 : (count - 1) / hosts;
  lag_.Add({rate, rate * others}, 1,
           [this](const Sums& sums, int minutes) { Learn(sums, minutes); });
}

void Baseline::ObserveNone(int64_t minutes) {
  const auto add = [this](int64_t more) {
    lag_.Add({}, static_cast<int>(more), [this](const Sums& sums, int m) { Learn(sums, m); });
  };
  // Three times, and nothing but zeros is held back.
  for (int i = 0; i < 3 && minutes > 0; ++i) {
    const int64_t more = std::min<int64_t>(minutes, lag_.left());
    add(more);
    minutes -= more;
  }
  if (minutes <= 0) return;
  const int64_t rest = minutes % Lag<Sums>::kBlockMinutes;
  // Hour by hour in one: weight' = weight · keep^n + 60 (1 - keep^n) / (1 - keep).
  if (minutes > rest) {
    const double keep = std::exp2(-static_cast<double>(minutes - rest) / kHalfLifeMinutes);
    state_.weight = state_.weight * keep + kWeightMax * (1 - keep);
    state_.rate *= keep;
    state_.pairs *= keep;
  }
  add(rest);
}

void Baseline::Take(const Baseline& other) {
  // With x and y hosts of two patterns E[(x + y)(x + y - 1)] = E[x(x - 1)] + E[y(y - 1)] + 2
  // E[x]E[y], and sums over so many minutes are as many times that.
  const double weight = std::max(state_.weight, other.state_.weight);
  const auto sums_over = [weight](const BaselineState& state) {
    const double scale = state.weight > 0 ? weight / state.weight : 0;
    return Sums{state.rate * scale, state.pairs * scale};
  };
  const auto add = [](Sums* sums, const Sums& more, double minutes) {
    sums->pairs += more.pairs + 2 * sums->rate * more.rate / minutes;
    sums->rate += more.rate;
  };
  if (weight > 0) {
    Sums sums = sums_over(state_);
    add(&sums, sums_over(other.state_), weight);
    state_ = {.weight = weight, .rate = sums.rate, .pairs = sums.pairs};
  }
  lag_.Take(other.lag_, add);
}

void Baseline::Learn(const Sums& sums, int minutes) {
  const double keep = std::exp2(-minutes / kHalfLifeMinutes);
  state_.weight = state_.weight * keep + static_cast<double>(minutes);
  state_.rate = state_.rate * keep + sums.rate;
  state_.pairs = state_.pairs * keep + sums.pairs;
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
  const double prior = PriorMinutes(state_.weight);
  const double dispersion =
      (seen * state_.weight + kPriorDispersion * prior) / (state_.weight + prior);
  const double unsure = 1 / events + kDriftMinutes * dispersion / state_.weight;
  return {.mean = events * window / state_.weight,
          .dispersion = (1 + dispersion) * (1 + unsure) - 1};
}

}  // namespace fleetmedic

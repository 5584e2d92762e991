#include "stream/hypergeometric.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace fleetmedic {
namespace {

constexpr size_t kTableSize = 256;

double LogChoose(uint64_t n, uint64_t k) {
  return LogFactorial(n) - LogFactorial(k) - LogFactorial(n - k);
}

// ln P(H = hit).
double LogPoint(uint64_t hosts, uint64_t marked, uint64_t drawn, uint64_t hit) {
  return LogChoose(marked, hit) + LogChoose(hosts - marked, drawn - hit) - LogChoose(hosts, drawn);
}

}  // namespace

double LogFactorial(uint64_t n) {
  static const std::array<double, kTableSize> small = [] {
    std::array<double, kTableSize> table{};
    for (size_t i = 2; i < kTableSize; ++i) {
      table[i] = table[i - 1] + std::log(static_cast<double>(i));
    }
    return table;
  }();
  if (n < kTableSize) return small[n];
  // Stirling's series; from 256 on its next term, 1/(1260 n^5), is below 1e-15.
  constexpr double kHalfLogTwoPi = 0.91893853320467274178;
  const double x = static_cast<double>(n);
  const double inverse = 1.0 / x;
  return (x + 0.5) * std::log(x) - x + kHalfLogTwoPi +
         inverse * (1.0 / 12 - inverse * inverse / 360);
}

double LogHypergeometricTail(uint64_t hosts, uint64_t marked, uint64_t drawn, uint64_t hit) {
  const uint64_t least = marked + drawn > hosts ? marked + drawn - hosts : 0;
  const uint64_t most = std::min(marked, drawn);
  if (hit <= least) return 0;
  if (hit > most) return -std::numeric_limits<double>::infinity();
  // Terms are summed away from the middle, where each is smaller than the one before.
  constexpr double kNegligible = 1e-17;
  const double mean = static_cast<double>(marked) * static_cast<double>(drawn) / hosts;
  double term = 1;
  double sum = 1;
  if (static_cast<double>(hit) > mean) {
    for (uint64_t k = hit; k < most && term > kNegligible * sum; ++k) {
      term *= static_cast<double>(marked - k) * static_cast<double>(drawn - k) /
              (static_cast<double>(k + 1) * static_cast<double>(hosts + k + 1 - marked - drawn));
      sum += term;
    }
    return std::min(0.0, LogPoint(hosts, marked, drawn, hit) + std::log(sum));
  }
  for (uint64_t k = hit - 1; k > least && term > kNegligible * sum; --k) {
    term *= static_cast<double>(k) * static_cast<double>(hosts + k - marked - drawn) /
            (static_cast<double>(marked - k + 1) * static_cast<double>(drawn - k + 1));
    sum += term;
  }
  const double below = std::exp(LogPoint(hosts, marked, drawn, hit - 1)) * sum;
  return std::log1p(-std::min(below, 1.0));
}

}  // namespace fleetmedic

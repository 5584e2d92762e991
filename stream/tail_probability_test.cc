#include "stream/tail_probability.h"

#include <cmath>

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

// The sum of the probabilities from `count` on, each from the one before it.
double PlainTail(const Expectation& expected, uint32_t count) {
  const double m = expected.mean;
  const double d = expected.dispersion;
  long double p = d > 0 ? std::pow(1 + m * d, -1 / d) : std::exp(-m);
  long double tail = 0;
  for (uint32_t x = 0; x < 100'000; ++x) {
    if (x >= count) tail += p;
    if (x > count && p < tail * 1e-18L) break;
    p *= d > 0 ? (1 / d + x) * (m * d / (1 + m * d)) / (x + 1.0L) : m / (x + 1.0L);
  }
  return static_cast<double>(tail);
}

TEST(TailProbability, IsTheSumOfItsTerms) {
  for (const double mean : {0.001, 0.02, 0.5, 3.0, 40.0, 300.0}) {
    for (const double dispersion : {0.0, 0.001, 0.125, 1.0, 20.0}) {
      for (const uint32_t count : {0u, 1u, 5u, 12u, 100u, 400u}) {
        const double plain = PlainTail({mean, dispersion}, count);
        if (plain < 1e-250) continue;
        EXPECT_NEAR(CountTail({mean, dispersion}, count) / plain, 1, 1e-8)
            << mean << " " << dispersion << " " << count;
      }
    }
  }
}

TEST(TailProbability, AnswersWhereItsArgumentsEnd) {
  EXPECT_EQ(CountTail({0, 0}, 0), 1);
  EXPECT_EQ(CountTail({0, 0}, 1), 0);
  EXPECT_EQ(CountTail({3, 0}, 0), 1);
  EXPECT_NEAR(CountTail({3, 1e-12}, 9), CountTail({3, 0}, 9), 1e-12) << "Poisson in the limit";
  EXPECT_NEAR(CountTail({3, -1}, 9), CountTail({3, 0}, 9), 1e-12) << "v <= m is Poisson";
  EXPECT_GE(CountTail({1e6, 1e3}, 4'000'000), 0);
  EXPECT_EQ(CountTail({0.001, 0}, 4'000'000), 0);
  EXPECT_DOUBLE_EQ((Expectation{4, 0.5}.variance()), 12);
}

TEST(TailProbability, TheSmallestUnlikelyCountIsOneWhoseNeighbourIsLikely) {
  for (const double mean : {0.001, 0.5, 7.0, 250.0, 4000.0}) {
    for (const double dispersion : {0.0, 0.2, 3.0}) {
      for (const double p : {1e-3, 1e-8, 1e-12}) {
        const uint32_t count = SmallestUnlikely({mean, dispersion}, p, 1, 1'000'000);
        EXPECT_LT(CountTail({mean, dispersion}, count), p) << mean << " " << dispersion;
        if (count > 1) {
          EXPECT_GE(CountTail({mean, dispersion}, count - 1), p) << mean << " " << dispersion;
        }
      }
    }
  }
  EXPECT_EQ(SmallestUnlikely({0.001, 0}, 1e-8, 5, 100), 5u) << "never below the least";
  EXPECT_EQ(SmallestUnlikely({90, 0}, 1e-8, 5, 100), 101u) << "no count of the fleet is unlikely";
}

}  // namespace
}  // namespace fleetmedic

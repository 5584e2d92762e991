#include "base/random.h"

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

TEST(Random, TheSameSeedGivesTheSameSequence) {
  Random a(42);
  Random b(42);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(a.Next(), b.Next());
  // First output of SplitMix64 for seed 0, from its authors' reference implementation.
  EXPECT_EQ(Random(0).Next(), 0xe220a8397b1dcdafULL);
}

TEST(Random, BelowReachesEveryValueAndNoOther) {
  Random random(1);
  int counts[3] = {};
  for (int i = 0; i < 3000; ++i) ++counts[random.Below(3)];
  for (const int count : counts) EXPECT_GT(count, 800);
}

TEST(Random, UnitStaysInItsInterval) {
  Random random(7);
  for (int i = 0; i < 1000; ++i) {
    const double value = random.Unit();
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
  }
}

TEST(Entropy, HexHasTheAskedLength) {
  EXPECT_EQ(EntropyHex(5).size(), 10u);
  EXPECT_NE(EntropyHex(16), EntropyHex(16));
}

}  // namespace
}  // namespace fleetmedic

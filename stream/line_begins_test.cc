#include "stream/line_begins.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"

namespace fleetmedic {
namespace {

std::vector<size_t> BeginsBy(LineWay way, std::string_view text, const std::bitset<256>& bytes) {
  std::vector<size_t> begins;
  ForEachLineBeginBy(way, text, bytes, [&](size_t begin) { begins.push_back(begin); });
  return begins;
}

TEST(LineBegins, AreTheTextsAndThoseBehindLineEnds) {
  std::bitset<256> all;
  all.set();
  for (const LineWay way : {LineWay::kBest, LineWay::kPlain}) {
    EXPECT_TRUE(BeginsBy(way, "", all).empty());
    EXPECT_EQ(BeginsBy(way, "a\n\nb\n", all), (std::vector<size_t>{0, 2, 3}));
    EXPECT_EQ(BeginsBy(way, "a\nb", std::bitset<256>().set('b')), (std::vector<size_t>{2}));
    EXPECT_TRUE(BeginsBy(way, "a\n\n", std::bitset<256>()).empty());
  }
}

TEST(LineBegins, AreTheSameInBothWaysOfAnyText) {
  Random random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    const size_t bytes = random.Below(400);
    const double ends = random.Chance(0.5) ? 0.02 : 0.5;
    while (text.size() < bytes) {
      text += random.Chance(ends) ? '\n' : static_cast<char>(random.Below(256));
    }
    std::bitset<256> first;
    for (int i = 0; i < 128; ++i) first.set(random.Below(256));
    std::vector<size_t> expected;
    for (size_t i = 0; i < text.size(); ++i) {
      const bool begins = i == 0 || text[i - 1] == '\n';
      if (begins && first[static_cast<unsigned char>(text[i])]) expected.push_back(i);
    }
    ASSERT_EQ(BeginsBy(LineWay::kBest, text, first), expected);
    ASSERT_EQ(BeginsBy(LineWay::kPlain, text, first), expected);
  }
}

}  // namespace
}  // namespace fleetmedic

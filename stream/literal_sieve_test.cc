#include "stream/literal_sieve.h"

#include <algorithm>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "base/random.h"
#include "stream/candidates.h"

namespace fleetmedic {
namespace {

using Occurrences = std::set<std::pair<size_t, size_t>>;  // literal, begin

std::vector<LiteralSieve::Entry> EntriesOf(const std::vector<Literal>& literals,
                                           const GramCounts& counts = GramCounts()) {
  std::vector<LiteralSieve::Entry> entries;
  for (const Literal& literal : literals) {
    entries.push_back({literal, LiteralSieve::BestWindow(literal, counts).offset});
  }
  return entries;
}

Occurrences Sieved(const LiteralSieve& sieve, LiteralSieve::Way way, std::string_view text) {
  Occurrences found;
  sieve.ScanBy(way, text, [&](size_t literal, size_t begin) {
    EXPECT_TRUE(found.emplace(literal, begin).second) << "told twice";
  });
  return found;
}

// By Hyperscan's own search for literals.
Occurrences Searched(const std::vector<Literal>& literals, std::string_view text) {
  std::vector<CandidateExpression> expressions;
  for (const Literal& literal : literals) {
    expressions.push_back({literal.text, literal.ignore_case, true});
  }
  std::vector<CandidateProblem> problems;
  CandidateScanner scanner(CandidateDatabase::Compile(expressions, &problems));
  Occurrences found;
  scanner.ScanText(text, [&](size_t literal, size_t end) {
    found.emplace(literal, end - literals[literal].text.size());
  });
  return found;
}

TEST(LiteralSieve, FindsALiteralOfAnyLengthAtAnyPlace) {
  for (size_t length = LiteralSieve::kBytesMin; length <= 20; ++length) {
    const std::string text = std::string("Abcdefghijklmnopqrst").substr(0, length);
    for (const bool ignore_case : {false, true}) {
      std::string wanted = text;
      if (ignore_case) wanted[0] = 'a';
      const LiteralSieve sieve(EntriesOf({{wanted, ignore_case}}));
      for (size_t before = 0; before < 70; ++before) {
        for (const size_t after : {0u, 1u, 2u, 3u, 5u, 64u, 100u}) {
          // The bytes around are such as could be taken for its own.
          const std::string line = std::string(before, 'a') + text + std::string(after, 'b');
          const Occurrences expected = {{0, before}};
          ASSERT_EQ(Sieved(sieve, LiteralSieve::Way::kPlain, line), expected) << line;
          ASSERT_EQ(Sieved(sieve, LiteralSieve::Way::kBest, line), expected) << line;
        }
      }
    }
  }
}

TEST(LiteralSieve, TellsLettersCaseApartWhereItCounts) {
  const LiteralSieve sieve(EntriesOf({{"Error: disk", false}, {"error: disk", true}}));
  EXPECT_EQ(Sieved(sieve, LiteralSieve::Way::kBest, "ERROR: disk"), (Occurrences{{1, 0}}));
  EXPECT_EQ(Sieved(sieve, LiteralSieve::Way::kBest, "-Error: disk"), (Occurrences{{0, 1}, {1, 1}}));
  // Bytes that look alike when folded: '[' and '{', '@' and '`', NUL and space.
  const LiteralSieve signs(EntriesOf({{"a[b@c\\d", true}, {"a b c d", false}}));
  EXPECT_TRUE(Sieved(signs, LiteralSieve::Way::kBest, "a{b`c|d a" + std::string(1, '\0') + "b c d")
                  .empty());
}

TEST(LiteralSieve, FindsWhatHyperscanFinds) {
  Random random(11);
  for (int round = 0; round < 60; ++round) {
    // Few letters, so that literals overlap, repeat and stand in one another.
    const size_t letters = 1 + random.Below(round % 2 == 0 ? 3 : 60);
    const auto letter = [&] { return static_cast<char>('A' + random.Below(letters)); };
    std::set<Literal> some;
    for (size_t i = 0; i < 1 + random.Below(40); ++i) {
      Literal literal{"", random.Chance(0.3)};
      const size_t length = LiteralSieve::kBytesMin + random.Below(12);
      while (literal.text.size() < length) literal.text.push_back(letter());
      if (literal.ignore_case) {
        std::ranges::transform(literal.text, literal.text.begin(), [](char c) {
          return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        });
      }
      some.insert(literal);
    }
    const std::vector<Literal> literals(some.begin(), some.end());
    std::string text;
    const size_t pieces = random.Below(200);
    for (size_t i = 0; i < pieces; ++i) {
      if (random.Chance(0.3)) {
        text += literals[random.Below(literals.size())].text;
      } else if (random.Chance(0.2)) {
        text.push_back(static_cast<char>(random.Below(256)));
      } else {
        text.push_back(letter());
      }
    }
    GramCounts counts;
    if (random.Chance(0.5)) counts.Learn(text);
    const LiteralSieve sieve(EntriesOf(literals, counts));
    const Occurrences expected = Searched(literals, text);
    ASSERT_EQ(Sieved(sieve, LiteralSieve::Way::kPlain, text), expected) << round;
    ASSERT_EQ(Sieved(sieve, LiteralSieve::Way::kBest, text), expected) << round;
  }
}

TEST(LiteralSieve, WithoutLiteralsFindsNothing) {
  const LiteralSieve sieve(std::vector<LiteralSieve::Entry>{});
  EXPECT_TRUE(Sieved(sieve, LiteralSieve::Way::kBest, "anything").empty());
}

TEST(BestWindow, IsWhereTheTextsSeenSoFarAreNot) {
  GramCounts counts;
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "connection to upstream failed; ";
  counts.Learn(text);
  // "upstream " is everywhere, "zq" is nowhere.
  const SieveWindow rare = LiteralSieve::BestWindow({"upstream zqzq quits", false}, counts);
  EXPECT_GE(rare.offset + 3, 6);
  EXPECT_LT(rare.share, 1e-4);
  EXPECT_GT(LiteralSieve::BestWindow({"upstream", false}, counts).share, 0.02);
  // Places share counts, so a count is never below what is true.
  EXPECT_GE(counts.Share("conn"), 2000.0 / static_cast<double>(counts.places() + 5000));
}

TEST(GramCounts, StayBelowTheirLimit) {
  GramCounts counts;
  const std::string text(size_t{1} << 24, 'x');
  for (int i = 0; i < 20; ++i) counts.Learn(text);
  EXPECT_LT(counts.places(), GramCounts::kPlacesMax + text.size());
  EXPECT_GT(counts.Share("xxxx"), 0.9);
}

}  // namespace
}  // namespace fleetmedic

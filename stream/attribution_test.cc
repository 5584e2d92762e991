#include "stream/attribution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/math/distributions/hypergeometric.hpp>
#include <cmath>
#include <functional>
#include <ostream>

#include "base/random.h"
#include "stream/generated_fleet.h"
#include "stream/hypergeometric.h"

namespace fleetmedic {

void PrintTo(const WhyFact& fact, std::ostream* out) {
  *out << fact.key << "=" << fact.value << (fact.time == FactTime::kLately ? " lately" : "");
}

namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr WallTime kNow = WallFromMillis(1'790'000'000'000);

WhyFact Fact(std::string key, std::string value) { return {std::move(key), std::move(value)}; }
WhyFact Lately(std::string key, std::string value = "") {
  return {std::move(key), std::move(value), FactTime::kLately};
}

// 4,000 hosts: racks of 20, 4 zones of 50 racks, 5 pools, 2 kernels of other days, one image each.
HostFacts FactsOf(int i) {
  HostFacts facts;
  facts.host = HostId("h" + std::to_string(i));
  facts.rack = "r" + std::to_string(i / 20);
  facts.zone = "z" + std::to_string(i / 1000);
  facts.pool = "p" + std::to_string(i % 5);
  facts.kernel = i % 7 < 4 ? "6.1.90" : "6.1.91";
  facts.image = i % 3 == 0 ? "ami-1" : "ami-2";
  facts.instance_type = i % 11 < 6 ? "m5" : "c5";
  facts.labels["serial"] = std::to_string(i);
  return facts;
}

class AttributionTest : public ::testing::Test {
 protected:
  // `change` sees each host before the table does.
  void MakeFleet(
      const std::function<void(int, HostFacts*)>& change = [](int, HostFacts*) {},
      int hosts = 4000) {
    for (int i = 0; i < hosts; ++i) {
      HostFacts facts = FactsOf(i);
      change(i, &facts);
      table_.SetFacts(facts, kNow - Hours(3));
    }
  }
  void Hit(int i, WallTime first = kNow - Minutes(2)) {
    hit_.push_back(table_.Find(HostId("h" + std::to_string(i))).value());
    first_hits_.push_back(first);
  }
  WhyQuestion Question() const {
    WhyQuestion question;
    question.hit = hit_;
    question.first_hits = first_hits_;
    question.now = kNow;
    return question;
  }
  Why Explain() const { return ExplainHosts(table_, Question()); }

  HostTable table_;
  std::vector<HostIndex> hit_;
  std::vector<WallTime> first_hits_;
};

TEST(HypergeometricTail, IsWhatBoostMathSays) {
  Random random(3);
  for (int i = 0; i < 3000; ++i) {
    const uint64_t hosts = 10 + random.Below(i % 2 == 0 ? 60 : 20'000);
    const uint64_t marked = random.Below(hosts + 1);
    const uint64_t drawn = random.Below(std::min<uint64_t>(hosts, 400) + 1);
    const uint64_t most = std::min(marked, drawn);
    const uint64_t hit = 1 + random.Below(most + 1);
    const uint64_t least = marked + drawn > hosts ? marked + drawn - hosts : 0;
    const double log_p = LogHypergeometricTail(hosts, marked, drawn, hit);
    if (hit <= least || hit > most) {
      EXPECT_EQ(log_p, hit <= least ? 0 : -INFINITY);
      continue;
    }
    const boost::math::hypergeometric_distribution<double> boost_math(
        static_cast<unsigned>(marked), static_cast<unsigned>(drawn), static_cast<unsigned>(hosts));
    const double expected = cdf(complement(boost_math, static_cast<unsigned>(hit - 1)));
    if (expected < 1e-280) continue;
    EXPECT_NEAR(std::exp(log_p) / expected, 1, 1e-8)
        << hosts << " " << marked << " " << drawn << " " << hit;
  }
}

TEST(HypergeometricTail, IsExactWhereADoubleHasNoRoomForTheChance) {
  // 400 of 400 marked are the 400 drawn of 100,000: one of C(100000, 400).
  const double expected = LogFactorial(400) + LogFactorial(99'600) - LogFactorial(100'000);
  EXPECT_NEAR(LogHypergeometricTail(100'000, 400, 400, 400), expected, 1e-6);
  EXPECT_LT(expected, -2600);
  EXPECT_NEAR(LogFactorial(300), std::lgamma(301.0), 1e-9);
}

TEST_F(AttributionTest, NamesTheKernelThatOnlyTheHitRun) {
  MakeFleet([](int i, HostFacts* facts) {
    if (i % 97 == 0 && i < 3977) facts->kernel = "6.1.99";
  });
  for (int i = 0; i < 3977; i += 97) Hit(i);
  const Why why = Explain();
  ASSERT_THAT(why.causes, SizeIs(1));
  const WhyCause& cause = why.causes[0];
  EXPECT_THAT(cause.facts, ElementsAre(Fact("kernel", "6.1.99")));
  EXPECT_EQ(cause.hit_with, 41u);
  EXPECT_EQ(cause.hit, 41u);
  EXPECT_EQ(cause.hosts_with, 41u);
  EXPECT_EQ(cause.hosts, 4000u);
  EXPECT_LT(cause.log10_p, -80);
  EXPECT_NEAR(cause.llr, 41 * std::log(4000.0 / 41), 1e-9);
  EXPECT_FALSE(cause.likely);
  EXPECT_THAT(cause.same, IsEmpty());
  EXPECT_EQ(cause.changed_at, kWallNever);
  EXPECT_THAT(why.not_different,
              ElementsAre("cell", "pool", "rack", "zone", "image", "instance_type"));
}

TEST_F(AttributionTest, MergesFactsThatTheSameHostsHave) {
  MakeFleet([](int i, HostFacts* facts) {
    if (i % 40 != 0) return;
    facts->kernel = "6.1.99";
    facts->image = "ami-x";
    facts->labels["driver"] = "535";
  });
  for (int i = 0; i < 3200; i += 80) Hit(i);
  const Why why = Explain();
  ASSERT_THAT(why.causes, SizeIs(1));
  EXPECT_THAT(why.causes[0].facts, ElementsAre(Fact("kernel", "6.1.99")));
  EXPECT_THAT(why.causes[0].same,
              ElementsAre(ElementsAre(Fact("image", "ami-x")), ElementsAre(Fact("driver", "535"))));
  EXPECT_THAT(why.causes[0].ties, IsEmpty());
}

TEST_F(AttributionTest, NamesTwoFactsWhereOnlyBothTogetherTell) {
  MakeFleet([](int i, HostFacts* facts) {
    if (i % 10 < 2) facts->kernel = "6.1.99";
  });
  for (int i = 0; i < 4000; ++i) {
    if (i % 10 < 2 && i % 3 == 0 && i % 7 == 1) Hit(i);
  }
  ASSERT_GE(hit_.size(), 20u);
  const Why why = Explain();
  ASSERT_FALSE(why.causes.empty());
  EXPECT_THAT(why.causes[0].facts, ElementsAre(Fact("kernel", "6.1.99"), Fact("image", "ami-1")));
  EXPECT_EQ(why.causes[0].hit_with, why.hit);
}

TEST_F(AttributionTest, NamesThreeFactsWhereOnlyAllTogetherTell) {
  MakeFleet([](int i, HostFacts* facts) {
    facts->kernel = i % 10 < 3 ? "6.1.99" : "6.1.90";
    facts->image = i / 10 % 10 < 3 ? "ami-x" : "ami-1";
    facts->instance_type = i / 100 % 10 < 3 ? "gpu" : "m5";
  });
  for (int i = 0; i < 4000; ++i) {
    if (i % 10 < 3 && i / 10 % 10 < 3 && i / 100 % 10 < 3) Hit(i);
  }
  const Why why = Explain();
  ASSERT_THAT(why.causes, SizeIs(1));
  EXPECT_THAT(why.causes[0].facts,
              ::testing::UnorderedElementsAre(Fact("kernel", "6.1.99"), Fact("image", "ami-x"),
                                              Fact("instance_type", "gpu")));
  EXPECT_EQ(why.causes[0].hosts_with, why.hit);
}

TEST_F(AttributionTest, DoesNotNameASecondFactThatTellsNoMoreThanTheFirst) {
  MakeFleet([](int i, HostFacts* facts) {
    if (i % 20 == 0) facts->kernel = "6.1.99";
  });
  // Two of three of them on ami-2, as everywhere.
  for (int i = 0; i < 4000; i += 60) Hit(i == 0 ? 20 : i + (i % 180 == 0 ? 0 : 20));
  const Why why = Explain();
  ASSERT_THAT(why.causes, SizeIs(1));
  EXPECT_THAT(why.causes[0].facts, ElementsAre(Fact("kernel", "6.1.99")));
}

TEST_F(AttributionTest, BelowEightHostsItIsLikelyAndTiesAreListed) {
  MakeFleet([](int i, HostFacts* facts) {
    if (i % 100 == 0) facts->kernel = "6.1.99";
    if (i % 100 == 0 || i == 1) facts->image = "ami-x";
  });
  for (int i = 0; i < 500; i += 100) Hit(i);
  const Why why = Explain();
  ASSERT_THAT(why.causes, SizeIs(1));
  EXPECT_TRUE(why.causes[0].likely);
  EXPECT_THAT(why.causes[0].facts, ElementsAre(Fact("kernel", "6.1.99")));
  EXPECT_THAT(why.causes[0].ties, ElementsAre(ElementsAre(Fact("image", "ami-x"))));
}

TEST_F(AttributionTest, ThreeHostsAreNotEnoughToCompare) {
  MakeFleet();
  for (int i = 0; i < 3; ++i) Hit(i);
  const Why why = Explain();
  EXPECT_EQ(why.verdict, WhyVerdict::kTooFewHit);
  EXPECT_EQ(why.hit, 3u);
  EXPECT_THAT(why.causes, IsEmpty());
  EXPECT_EQ(CompareHosts(table_, Question()).verdict, WhyVerdict::kTooFewHit);
}

TEST_F(AttributionTest, WhereEverybodyIsHitThereIsNobodyToCompareWith) {
  MakeFleet([](int, HostFacts*) {}, 40);
  for (int i = 0; i < 38; ++i) Hit(i);
  EXPECT_EQ(Explain().verdict, WhyVerdict::kTooFewOthers);
}

TEST_F(AttributionTest, WhatIsExplainedIsSetAsideAndTheRestIsAskedAgain) {
  MakeFleet([](int i, HostFacts* facts) {
    if (i % 50 == 0) facts->kernel = "6.1.99";
  });
  for (int i = 0; i < 2000; i += 50) Hit(i);
  for (int i = 2001; i < 2020; ++i) Hit(i);  // rack r100
  Hit(3333);
  const Why why = Explain();
  ASSERT_THAT(why.causes, SizeIs(2));
  EXPECT_THAT(why.causes[0].facts, ElementsAre(Fact("kernel", "6.1.99")));
  EXPECT_EQ(why.causes[0].hit_with, 40u);
  EXPECT_EQ(why.causes[0].hit, 60u);
  EXPECT_EQ(why.causes[0].hosts_with, 80u);
  EXPECT_THAT(why.causes[1].facts, ElementsAre(Fact("rack", "r100")));
  EXPECT_EQ(why.causes[1].hit_with, 19u);
  EXPECT_EQ(why.causes[1].hit, 20u);
  EXPECT_EQ(why.causes[1].hosts_with, 19u) << "the twentieth runs 6.1.99";
  EXPECT_EQ(why.causes[1].hosts, 3920u);
  EXPECT_EQ(why.causes[1].hit_set_aside, 40u);
  EXPECT_THAT(why.not_different, Not(Contains("rack")));
}

TEST_F(AttributionTest, AChangeOfTheLastHourNamesItsTimeWhatWasBeforeAndHowLongAfter) {
  MakeFleet();
  for (int i = 0; i < 1200; i += 30) {
    HostFacts facts = FactsOf(i);
    facts.kernel = "6.1.99";
    facts.image = "ami-x";
    // The image has been there for long; only the kernel is new.
    facts.booted_at = kNow - Minutes(40);
    table_.SetFacts(facts, kNow - Minutes(40) + Seconds(i));
    Hit(i, kNow - Minutes(23) + Seconds(i));
  }
  const Why why = Explain();
  ASSERT_THAT(why.causes, SizeIs(1));
  const WhyCause& cause = why.causes[0];
  EXPECT_THAT(cause.facts, ElementsAre(Fact("kernel", "6.1.99")));
  EXPECT_THAT(cause.same, Contains(ElementsAre(Lately("kernel"))));
  EXPECT_THAT(cause.same, Contains(ElementsAre(Lately("boot"))));
  EXPECT_EQ(cause.changed_key, "kernel");
  EXPECT_EQ(cause.changed_at, kNow - Minutes(40) + Seconds(600));
  EXPECT_EQ(cause.changed_from, "6.1.90");
  EXPECT_EQ(cause.hit_after, Minutes(17));
}

TEST_F(AttributionTest, OfTwoFactsOfTheSameHostsTheOneThatChangedIsNamed) {
  MakeFleet([](int i, HostFacts* facts) {
    if (i % 30 == 0) facts->kernel = "6.1.99";
  });
  for (int i = 0; i < 4000; i += 30) {
    HostFacts facts = FactsOf(i);
    facts.kernel = "6.1.99";
    facts.labels["config"] = "new";
    table_.SetFacts(facts, kNow - Minutes(10));
    Hit(i, kNow - Minutes(12));
  }
  const Why why = Explain();
  ASSERT_THAT(why.causes, SizeIs(1));
  EXPECT_THAT(why.causes[0].facts, ElementsAre(Fact("config", "new")));
  EXPECT_THAT(why.causes[0].same, Contains(ElementsAre(Fact("kernel", "6.1.99"))));
  EXPECT_EQ(why.causes[0].changed_from, "");
  EXPECT_EQ(why.causes[0].hit_after, std::nullopt) << "they were hit before it changed";
}

TEST_F(AttributionTest, AChangeIsACauseWhateverItChangedTo) {
  MakeFleet();
  for (int i = 0; i < 600; i += 20) {
    HostFacts facts = FactsOf(i);
    facts.image = "ami-of-" + std::to_string(i);
    table_.SetFacts(facts, kNow - Minutes(5));
    Hit(i);
  }
  const Why why = Explain();
  ASSERT_FALSE(why.causes.empty());
  EXPECT_THAT(why.causes[0].facts, ElementsAre(Lately("image")));
}

TEST_F(AttributionTest, NamesTheJobThatTheHitRunAndThatItStartedLately) {
  MakeFleet();
  for (int i = 0; i < 4000; ++i) {
    const std::string host = "h" + std::to_string(i);
    table_.SetWork(HostId(host), {"job=web", "job=j" + std::to_string(i % 40)}, kNow - Hours(2));
  }
  for (int i = 0; i < 400; i += 10) {
    table_.SetWork(HostId("h" + std::to_string(i)),
                   {"job=web", "job=miner", "job=j" + std::to_string(i % 40)}, kNow - Minutes(9));
  }
  for (int i = 0; i < 400; i += 20) Hit(i);
  const Why why = Explain();
  ASSERT_THAT(why.causes, SizeIs(1));
  EXPECT_THAT(why.causes[0].facts, ElementsAre(Fact("job", "miner")));
  EXPECT_THAT(why.causes[0].same, ElementsAre(ElementsAre(Lately("job", "miner"))));
  EXPECT_EQ(why.causes[0].changed_at, kNow - Minutes(9));
}

TEST_F(AttributionTest, HostsThatToldNothingAreCountedAndLeftOut) {
  MakeFleet();
  for (int i = 0; i < 12; ++i) {
    hit_.push_back(table_.Add(HostId("dark-" + std::to_string(i))).value());
  }
  hit_.push_back(99'999);  // of nobody
  Hit(1);
  Hit(1);
  const Why why = Explain();
  EXPECT_EQ(why.untold, 12u);
  EXPECT_EQ(why.hit, 1u);
  EXPECT_EQ(why.hosts, 4000u);
}

TEST_F(AttributionTest, ComparesWithinAPopulationOnly) {
  MakeFleet([](int i, HostFacts* facts) {
    if (i % 101 == 0 || i >= 2000) facts->kernel = "6.1.99";
  });
  for (int i = 0; i < 2000; i += 202) Hit(i);
  HostBits first_half(table_.told().size());
  for (HostIndex h = 0; h < 2000; ++h) first_half[h / 64] |= uint64_t{1} << (h % 64);
  WhyQuestion question = Question();
  EXPECT_THAT(ExplainHosts(table_, question).causes, IsEmpty())
      << "more than half of all run it, and ten hosts cannot tell";
  question.population = first_half;
  const Why why = ExplainHosts(table_, question);
  ASSERT_THAT(why.causes, SizeIs(1));
  EXPECT_THAT(why.causes[0].facts, ElementsAre(Fact("kernel", "6.1.99")));
  EXPECT_EQ(why.causes[0].hosts_with, 20u);
  EXPECT_EQ(why.causes[0].hosts, 2000u);
}

TEST_F(AttributionTest, SaysWhatDiffersAlsoWhatTheHitLack) {
  MakeFleet([](int i, HostFacts* facts) {
    facts->labels["team"] = i % 2 == 0 ? "a" : "b";
    if (i % 5 != 0) facts->labels["tuned"] = "yes";
  });
  for (int i = 0; i < 2000; i += 10) Hit(i);
  const Differences differences = CompareHosts(table_, Question());
  ASSERT_EQ(differences.verdict, WhyVerdict::kCompared);
  EXPECT_EQ(differences.hit, 200u);
  std::map<std::string, DifferenceRow> rows;
  for (const DifferenceRow& row : differences.rows) {
    rows.emplace(row.fact.key + "=" + row.fact.value, row);
  }
  ASSERT_TRUE(rows.contains("tuned=yes"));
  EXPECT_EQ(rows["tuned=yes"].hit_share, 0);
  EXPECT_NEAR(rows["tuned=yes"].others_share, 3200.0 / 3800, 1e-9);
  ASSERT_TRUE(rows.contains("pool=p0"));
  EXPECT_EQ(rows["pool=p0"].hit_with, 200u);
  EXPECT_EQ(rows["pool=p0"].hosts_with, 800u);
  EXPECT_TRUE(rows.contains("team=a") && rows.contains("team=b") && rows.contains("zone=z3"));
  EXPECT_FALSE(rows.contains("kernel=6.1.90"));
  EXPECT_THAT(differences.not_different,
              ElementsAre("cell", "rack", "kernel", "image", "instance_type"));
  for (size_t i = 1; i < differences.rows.size(); ++i) {
    EXPECT_LE(differences.rows[i - 1].log10_p, differences.rows[i].log10_p);
  }
}

// The counts by columns and lists are those of asking each host, among any part of the fleet.
TEST(FactComparison, CountsWhatAskingEachHostCounts) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    Random random(seed);
    const HostTable table = GenerateFleet({.hosts = 700, .racks = 30}, kNow, &random);
    HostBits population(table.told().begin(), table.told().end());
    const double share = static_cast<double>(seed) / 6;
    std::vector<HostIndex> all;
    for (HostIndex h = 0; h < table.index_end(); ++h) {
      if (random.Chance(share))
        all.push_back(h);
      else
        population[h / 64] &= ~(uint64_t{1} << (h % 64));
    }
    std::vector<HostIndex> hit;
    for (const HostIndex h : all)
      if (random.Chance(0.2)) hit.push_back(h);
    FactComparison comparison(table, population, hit, kNow - Hours(1));
    // Everybody is asked as if all were hit.
    FactComparison everybody(table, population, all, kNow - Hours(1));
    const std::vector<ComparedFact> facts = comparison.Facts(1);
    EXPECT_GT(facts.size(), 100u);
    for (const ComparedFact& fact : facts) {
      uint32_t hosts = 0;
      for (const uint32_t since : everybody.HitSince(fact.fact)) {
        hosts += since != FactComparison::kHasNot ? 1 : 0;
      }
      uint32_t hits = 0;
      for (const uint32_t since : comparison.HitSince(fact.fact)) {
        hits += since != FactComparison::kHasNot ? 1 : 0;
      }
      const HostBits bits = comparison.Bits(fact.fact);
      EXPECT_EQ(fact.hosts, hosts);
      EXPECT_EQ(fact.hit, hits);
      EXPECT_EQ(CountBoth(bits, bits), hosts);
    }
  }
}

}  // namespace
}  // namespace fleetmedic

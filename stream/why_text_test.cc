#include "stream/why_text.h"

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

WhyFact Fact(std::string key, std::string value, FactTime time = FactTime::kAny) {
  return {std::move(key), std::move(value), time};
}

WhyCause Cause(WhyFacts facts, uint64_t hit_with, uint64_t hit, uint64_t others_with,
               uint64_t others) {
  WhyCause cause;
  cause.facts = std::move(facts);
  cause.hit_with = hit_with;
  cause.hit = hit;
  cause.hosts_with = hit_with + others_with;
  cause.hosts = hit + others;
  return cause;
}

Why WhyOf(std::vector<WhyCause> causes) {
  Why why;
  why.hit = causes.empty() ? 0 : causes[0].hit;
  why.hosts = causes.empty() ? 0 : causes[0].hosts;
  why.causes = std::move(causes);
  return why;
}

TEST(WhyText, OneCauseIsOneSentenceWithItsCounts) {
  EXPECT_EQ(WhyText(WhyOf({Cause({Fact("kernel", "6.1.99")}, 41, 41, 0, 3959)})),
            "41 of 41 hit run kernel 6.1.99; 0 of 3,959 others do.");
}

TEST(WhyText, EachKindOfFactHasItsVerb) {
  const struct {
    WhyFact fact;
    const char* says;
  } cases[] = {
      {Fact("rack", "r17"), "12 of 12 hit are in rack r17; 1 of 88 others is."},
      {Fact("zone", "b"), "12 of 12 hit are in zone b; 1 of 88 others is."},
      {Fact("instance_type", "c5"), "12 of 12 hit are instance type c5; 1 of 88 others is."},
      {Fact("agent_version", "1.4"), "12 of 12 hit run agent 1.4; 1 of 88 others does."},
      {Fact("task_image", "web:7"), "12 of 12 hit run task image web:7; 1 of 88 others does."},
      {Fact("team", "ads"), "12 of 12 hit have team ads; 1 of 88 others does."},
      {Fact("boot", "", FactTime::kLately),
       "12 of 12 hit booted in the last hour; 1 of 88 others did."},
      {Fact("kernel", "", FactTime::kLately),
       "12 of 12 hit changed kernel in the last hour; 1 of 88 others did."},
      {Fact("job", "web", FactTime::kLately),
       "12 of 12 hit started job web in the last hour; 1 of 88 others did."},
  };
  for (const auto& c : cases) EXPECT_EQ(CauseText(Cause({c.fact}, 12, 12, 1, 88)), c.says);
}

TEST(WhyText, FactsThatOnlyTogetherTellStandInOneSentence) {
  EXPECT_EQ(CauseText(Cause({Fact("kernel", "6.1.99"), Fact("pool", "web")}, 38, 41, 2, 3959)),
            "38 of 41 hit run kernel 6.1.99 and are in pool web; 2 of 3,959 others do.");
}

TEST(WhyText, WhatTheSameHostsHaveIsMergedAndAChangeHasItsTime) {
  WhyCause cause = Cause({Fact("kernel", "6.1.99")}, 41, 41, 0, 3959);
  cause.same = {{Fact("image", "ami-x")}, {Fact("kernel", "", FactTime::kLately)}};
  cause.changed_at = ParseWall("2026-03-01T02:13:40Z").value();
  cause.changed_key = "kernel";
  cause.changed_from = "6.1.98";
  cause.hit_after = Minutes(17) + Seconds(20);
  EXPECT_EQ(CauseText(cause),
            "41 of 41 hit run kernel 6.1.99 (≡ image ami-x); 0 of 3,959 others do. Kernel changed "
            "from 6.1.98 around 02:13 UTC, 17 min before the hits.");
  cause.changed_key = "boot";
  cause.hit_after = Seconds(40);
  EXPECT_EQ(CauseText(cause),
            "41 of 41 hit run kernel 6.1.99 (≡ image ami-x); 0 of 3,959 others do. They booted "
            "around 02:13 UTC, 40 s before the hits.");
  WhyCause job = Cause({Fact("job", "miner")}, 20, 20, 20, 3960);
  job.changed_at = cause.changed_at;
  job.changed_key = "job";
  EXPECT_EQ(CauseText(job),
            "20 of 20 hit run job miner; 20 of 3,960 others do. Job miner started around 02:13 "
            "UTC.");
}

TEST(WhyText, FewHostsAreLikelyAndTiesAreListed) {
  WhyCause cause = Cause({Fact("kernel", "6.1.99")}, 5, 5, 35, 3960);
  cause.likely = true;
  cause.ties = {{Fact("image", "ami-x")}, {Fact("zone", "b"), Fact("pool", "web")}};
  EXPECT_EQ(CauseText(cause),
            "Likely: 5 of 5 hit run kernel 6.1.99; 35 of 3,960 others do. As likely: image ami-x; "
            "zone b and pool web.");
}

TEST(WhyText, TwoCausesAreTwoSentencesAndWhatIsLeftIsSaid) {
  WhyCause second = Cause({Fact("rack", "r100")}, 19, 20, 0, 3900);
  second.hit_set_aside = 40;
  EXPECT_EQ(WhyText(WhyOf({Cause({Fact("kernel", "6.1.99")}, 40, 60, 40, 3940), second})),
            "40 of 60 hit run kernel 6.1.99; 40 of 3,940 others do. Of the 20 hit that this does "
            "not explain, 19 are in rack r100; 0 of 3,900 others are. 1 hit host is explained by "
            "nothing known.");
}

TEST(WhyText, OfManyCausesTwoAreToldAndTheOthersCounted) {
  std::vector<WhyCause> causes = {Cause({Fact("kernel", "a")}, 40, 100, 0, 900)};
  for (const char* rack : {"r1", "r2", "r3"}) {
    WhyCause next = Cause({Fact("rack", rack)}, 20, 60, 0, 800);
    next.hit_set_aside = 40;
    causes.push_back(next);
  }
  EXPECT_EQ(WhyText(WhyOf(causes)),
            "40 of 100 hit run kernel a; 0 of 900 others do. Of the 60 hit that this does not "
            "explain, 20 are in rack r1; 0 of 800 others are. 2 further causes explain 40 hit "
            "hosts.");
}

TEST(WhyText, WhereThereIsNoCauseItSaysSoAndWhatIsNoDifferent) {
  Why why;
  why.hit = 41;
  why.hosts = 4000;
  why.not_different = {"pool", "instance_type", "zone", "kernel", "team"};
  why.untold = 1;
  EXPECT_EQ(WhyText(why),
            "Nothing known sets the 41 hit apart from 3,959 others. Not different: pool, instance "
            "type, zone, 2 more. 1 hit host told no facts and was left out.");
}

TEST(WhyText, WhereThereIsNothingToCompareItSaysWhy) {
  Why why;
  why.verdict = WhyVerdict::kTooFewHit;
  why.hit = 3;
  why.hosts = 4000;
  EXPECT_EQ(WhyText(why), "Not enough hosts to compare (3).");
  why.verdict = WhyVerdict::kTooFewOthers;
  why.hit = 3999;
  EXPECT_EQ(WhyText(why), "Not enough other hosts to compare with: 3,999 of 4,000 are hit.");
}

TEST(WhyText, WhatAHostToldCanNeitherHideNorFlood) {
  const WhyCause cause =
      Cause({Fact("evil\x1b[2J", "a\nb" + std::string(500, 'x'))}, 12, 12, 0, 88);
  const std::string text = CauseText(cause);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_LT(text.size(), 250u);
}

TEST(WhyText, AnIssuesCausesAreWithinItsLimitsAndReadBack) {
  WhyCause cause = Cause({Fact("kernel", "", FactTime::kLately),
                          Fact("job", "w", FactTime::kLately), Fact("zone", "b")},
                         9, 9, 1, 90);
  for (int i = 0; i < 20; ++i) cause.same.push_back({Fact("team", std::to_string(i))});
  cause.log10_p = -7;
  FleetIssue issue;
  issue.id = "I-1";
  issue.pattern = "rule";
  issue.opened_at = WallFromMillis(1'790'000'000'000);
  issue.updated_at = issue.opened_at;
  issue.causes = IssueCauses(WhyOf(std::vector<WhyCause>(20, cause)));
  ASSERT_EQ(issue.causes.size(), FleetIssue::kCausesMax);
  const IssueCause& first = issue.causes[0];
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(first.facts, (Pairs{{"kernel", "changed in the last hour"},
                                {"job", "w (started in the last hour)"},
                                {"zone", "b"}}));
  EXPECT_EQ(first.same_hosts[1], "team=1");
  EXPECT_EQ(first.others_with, 1u);
  EXPECT_EQ(first.others, 90u);
  const Result<FleetIssue> read = FleetIssueFromJson(ToJson(issue));
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->causes, issue.causes);
}

}  // namespace
}  // namespace fleetmedic

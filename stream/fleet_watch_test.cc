#include "stream/fleet_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace fleetmedic {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kHosts = 200;
constexpr int kPerRack = 20;

std::string Name(int host) { return "web-" + std::to_string(host); }

class FleetWatchTest : public testing::Test {
 protected:
  FleetWatchTest() {
    AddHosts(&hosts_);
    watch_.UseRules({"k.io"}, now_);
  }

  void AddHosts(FleetHosts* hosts) const {
    for (int host = 0; host < kHosts; ++host) {
      HostFacts facts;
      facts.host = HostId(Name(host));
      facts.rack = "r" + std::to_string(host / kPerRack);
      facts.zone = host < kHosts / 2 ? "a" : "b";
      facts.kernel = host % 10 == 0 ? "6.1.99" : "6.1.1";
      hosts->TakeFacts(facts, now_);
      hosts->Heard(facts.host, now_);
    }
    (void)hosts->EndOfMinute(now_);
  }

  PatternCount Count(const std::vector<int>& hosts) {
    PatternCount count;
    count.pattern = "k.io";
    count.version = "v1";
    count.text = "«device» fails";
    count.first_seen = now_;
    count.minute = std::chrono::floor<std::chrono::minutes>(now_);
    count.first_offset = count.last_offset = ++offset_;
    count.lines = hosts.size();
    for (const int host : hosts) count.hosts.push_back(HostId(Name(host)));
    count.examples = {{count.hosts[0], "kernel", "sda fails", now_}};
    return count;
  }
  // Hours that pass with every host there and nothing said.
  void Quiet(FleetWatch* watch, Minutes span) {
    for (Minutes passed(0); passed < span; passed += Minutes(1)) {
      now_ += Minutes(1);
      for (int host = 0; host < kHosts; ++host) hosts_.Heard(HostId(Name(host)), now_);
      watch->Forget(hosts_.EndOfMinute(now_));
      watch->Advance(now_);
    }
  }
  std::vector<int> EveryTenth(int count) const {
    std::vector<int> hosts;
    for (int i = 0; i < count; ++i) hosts.push_back(i * 10);
    return hosts;
  }
  std::vector<FleetIssue> Say(const std::vector<int>& hosts) {
    now_ += Seconds(1);
    watch_.Take(Count(hosts), now_);
    watch_.Advance(now_);
    return watch_.TakeChanged();
  }

  WallTime now_ = WallTime{} + Hours(500'000) + Seconds(10);
  FleetHosts hosts_;
  FleetWatch watch_{{}, &hosts_, now_};
  int64_t offset_ = 0;
};

TEST_F(FleetWatchTest, TellsOfHostsThatChanceDoesNotExplainAtOnce) {
  Quiet(&watch_, Minutes(180));
  const std::vector<FleetIssue> issues = Say(EveryTenth(20));
  ASSERT_THAT(issues, SizeIs(1));
  const FleetIssue& issue = issues[0];
  EXPECT_EQ(issue.state, IssueState::kOpen);
  EXPECT_EQ(issue.pattern, "k.io");
  EXPECT_EQ(issue.version, "v1");
  EXPECT_EQ(issue.text, "«device» fails");
  EXPECT_EQ(issue.hosts_total, 20u);
  EXPECT_THAT(issue.hosts, SizeIs(20));
  EXPECT_EQ(issue.hosts_reporting, static_cast<uint64_t>(kHosts));
  EXPECT_LT(issue.log10_p, -7);
  EXPECT_EQ(issue.scope, (IssueScope{"kernel", "6.1.99"}));
  ASSERT_FALSE(issue.causes.empty());
  EXPECT_EQ(issue.causes[0].hit_with, 20u);
  EXPECT_EQ(issue.causes[0].others_with, 0u);
  EXPECT_EQ(issue.why, "20 of 20 hit run kernel 6.1.99; 0 of 180 others do.");
  EXPECT_EQ(issue.lines, 0u) << "those since it was opened";
  EXPECT_LE(issue.first_at, now_);
  EXPECT_GT(issue.first_at, now_ - Minutes(2));
  EXPECT_THAT(issue.examples, SizeIs(1));
  ASSERT_FALSE(issue.series.empty());
  EXPECT_EQ(issue.series.back().hosts, 20u);
}

TEST_F(FleetWatchTest, OneRackIsARacksTrouble) {
  Quiet(&watch_, Minutes(180));
  std::vector<int> rack;
  for (int host = 40; host < 60; ++host) rack.push_back(host);
  const std::vector<FleetIssue> issues = Say(rack);
  ASSERT_THAT(issues, SizeIs(1));
  EXPECT_EQ(issues[0].scope, (IssueScope{"rack", "r2"}));
}

TEST_F(FleetWatchTest, FewHostsAreNoIssue) {
  Quiet(&watch_, Minutes(180));
  EXPECT_THAT(Say({10, 50, 90, 130}), IsEmpty());
}

TEST_F(FleetWatchTest, KeepsItsNameWhileItGrowsAndTellsOfMoreHosts) {
  Quiet(&watch_, Minutes(180));
  const std::string id = Say(EveryTenth(10)).at(0).id;
  now_ += FleetWatch::kUpdateEvery;
  const std::vector<FleetIssue> more = Say({5, 15, 25});
  ASSERT_THAT(more, SizeIs(1));
  EXPECT_EQ(more[0].id, id);
  EXPECT_EQ(more[0].hosts_total, 13u);
  EXPECT_EQ(more[0].lines, 3u);
}

TEST_F(FleetWatchTest, ClosesWhenItIsOverAndSaysSoOnce) {
  Quiet(&watch_, Minutes(180));
  const std::string id = Say(EveryTenth(20)).at(0).id;
  Quiet(&watch_, Minutes(90));
  std::vector<FleetIssue> closed;
  for (FleetIssue& issue : watch_.TakeChanged()) {
    if (issue.state == IssueState::kClosed) closed.push_back(std::move(issue));
  }
  ASSERT_THAT(closed, SizeIs(1));
  EXPECT_EQ(closed[0].id, id);
  EXPECT_NE(closed[0].closed_at, kWallNever);
  EXPECT_EQ(closed[0].hosts_total, 20u);
  EXPECT_EQ(watch_.open_issues(), 0u);
}

TEST_F(FleetWatchTest, CountsThatComeTwiceChangeNothing) {
  Quiet(&watch_, Minutes(180));
  Say(EveryTenth(10));
  now_ += FleetWatch::kUpdateEvery;
  const PatternCount again = Count({5, 15});
  for (int i = 0; i < 3; ++i) watch_.Take(again, now_);
  watch_.Advance(now_);
  const std::vector<FleetIssue> issues = watch_.TakeChanged();
  ASSERT_THAT(issues, SizeIs(1));
  EXPECT_EQ(issues[0].hosts_total, 12u);
}

TEST_F(FleetWatchTest, ASuccessorGoesOnWithTheIssuesAndTheBaselines) {
  // Five hosts every ten minutes are usual.
  for (int i = 0; i < 60; ++i) {
    Say({1, 41, 81, 121, 161});
    Quiet(&watch_, Minutes(10));
  }
  (void)watch_.TakeChanged();
  std::vector<int> many;
  for (int host = 0; host < 100; ++host) many.push_back(host * 2);
  const std::vector<FleetIssue> issues = Say(many);
  ASSERT_THAT(issues, SizeIs(1));

  FleetHosts hosts;
  AddHosts(&hosts);
  FleetWatch next({}, &hosts, now_);
  ASSERT_TRUE(next.RestoreWhole(watch_.SavedWhole()));
  std::set<std::string> removed;
  const auto patterns = watch_.TakeChangedPatterns(&removed);
  ASSERT_THAT(patterns, SizeIs(2)) << "the pattern and its cohorts";
  EXPECT_THAT(removed, IsEmpty());
  for (const auto& [key, value] : patterns) {
    if (FleetWatch::CohortRowOf(key)) continue;
    ASSERT_TRUE(next.RestorePattern(key, Json::Parse(value.Dump()).value()));
  }
  auto saved = FleetWatch::SavedIssueFrom(Json::Parse(watch_.SavedIssue(issues[0]).Dump()).value());
  ASSERT_TRUE(saved) << saved.error().message;
  ASSERT_TRUE(next.RestoreIssue(saved->first, saved->second, now_));
  EXPECT_EQ(next.open_issues(), 1u);
  EXPECT_EQ(next.detect().State(*next.detect().Find("k.io")).baselines,
            watch_.detect().State(*watch_.detect().Find("k.io")).baselines);

  // The counts of the last hour come again, and no second issue of them.
  next.Take(Count(many), now_);
  next.Advance(now_);
  for (const FleetIssue& issue : next.TakeChanged()) EXPECT_EQ(issue.id, issues[0].id);
  EXPECT_EQ(next.open_issues(), 1u);
}

TEST_F(FleetWatchTest, AnIssueWhosePatternWasNotKeptYetGoesOn) {
  Quiet(&watch_, Minutes(300));
  FleetWatch next({}, &hosts_, now_);
  ASSERT_TRUE(next.RestoreWhole(watch_.SavedWhole()));
  FleetIssue issue;
  issue.id = "I-1";
  issue.pattern = "t-0123456789abcdef";
  issue.kind = PatternKind::kTemplate;
  issue.opened_at = now_;
  ASSERT_TRUE(next.RestoreIssue(issue, FleetReach::kFleet, now_));
  EXPECT_EQ(next.open_issues(), 1u);
  // It is expected as any template that was never seen, so it can be told that it is over.
  Quiet(&next, Minutes(90));
  const std::vector<FleetIssue> told = next.TakeChanged();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].id, "I-1");
  EXPECT_EQ(told[0].state, IssueState::kClosed);
}

TEST_F(FleetWatchTest, ARuleThatIsNotInUseAnyMoreEndsWithItsIssueAndSaysSo) {
  Quiet(&watch_, Minutes(180));
  const std::string id = Say(EveryTenth(20)).at(0).id;
  std::set<std::string> removed;
  (void)watch_.TakeChangedPatterns(&removed);
  watch_.UseRules({"k.net"}, now_);
  const std::vector<FleetIssue> closed = watch_.TakeChanged();
  ASSERT_THAT(closed, SizeIs(1));
  EXPECT_EQ(closed[0].id, id);
  EXPECT_EQ(closed[0].state, IssueState::kClosed);
  EXPECT_EQ(closed[0].closed_at, now_);
  EXPECT_EQ(closed[0].response, "Closed: the rule is not in use any more.");
  EXPECT_EQ(closed[0].why, "20 of 20 hit run kernel 6.1.99; 0 of 180 others do.");
  EXPECT_THAT(watch_.TakeChangedPatterns(&removed), SizeIs(1));
  EXPECT_THAT(removed, testing::ElementsAre("k.io"));

  // Counts that were on their way bring nothing back.
  EXPECT_THAT(Say(EveryTenth(20)), IsEmpty());
  EXPECT_FALSE(watch_.detect().Find("k.io"));
  // The rule that came is watched, and one that comes back learns anew.
  EXPECT_TRUE(watch_.detect().Find("k.net"));
  watch_.UseRules({"k.io", "k.net"}, now_);
  Quiet(&watch_, Minutes(180));
  EXPECT_THAT(Say(EveryTenth(20)), SizeIs(1));
}

TEST_F(FleetWatchTest, CountsOfARuleThatWeDoNotKnowYetAreTaken) {
  watch_.UseRules({"k.net"}, now_);
  Quiet(&watch_, std::chrono::ceil<Minutes>(FleetWatch::kEndedRuleKept));
  Say({1, 2, 3});
  EXPECT_TRUE(watch_.detect().Find("k.io"));
}

// A pattern that some hosts have at any time, so that it is tested by cohort.
class FleetWatchCohortTest : public FleetWatchTest {
 protected:
  // What a store would hold of the watch.
  void Keep(FleetWatch* watch) {
    std::set<std::string> removed;
    for (FleetWatch::Saved& saved : watch->TakeChangedPatterns(&removed)) {
      rows_[saved.key] = saved.value.Dump();
    }
    for (const std::string& key : removed) rows_.erase(key);
  }
  // Half of the minutes a host has it, and each minute two of kernel 6.1.99 that are sick.
  void Chat(FleetWatch* watch, FleetHosts* hosts, Minutes span, bool sick = false) {
    for (Minutes passed(0); passed < span; passed += Minutes(1)) {
      now_ += Minutes(1);
      for (int host = 0; host < kHosts; ++host) hosts->Heard(HostId(Name(host)), now_);
      watch->Forget(hosts->EndOfMinute(now_));
      if (random_.Chance(0.5)) watch->Take(Count({static_cast<int>(random_.Below(kHosts))}), now_);
      const int one = static_cast<int>(random_.Below(20));
      if (sick) watch->Take(Count({one * 10, (one + 7) % 20 * 10}), now_);
      watch->Advance(now_);
      Keep(watch);
    }
  }
  // A successor on what was kept; `with`: of which rows.
  std::unique_ptr<FleetWatch> Successor(FleetHosts* hosts, bool with_cohorts) {
    AddHosts(hosts);
    auto next = std::make_unique<FleetWatch>(FleetWatchOptions(), hosts, now_);
    EXPECT_TRUE(next->RestoreWhole(watch_.SavedWhole()));
    for (const auto& [key, value] : rows_) {
      if (FleetWatch::CohortRowOf(key)) continue;
      EXPECT_TRUE(next->RestorePattern(key, Json::Parse(value).value()));
    }
    for (const auto& [key, value] : rows_) {
      const std::optional<std::string> pattern = FleetWatch::CohortRowOf(key);
      if (!pattern || !with_cohorts) continue;
      const Status restored = next->RestoreCohorts(*pattern, Json::Parse(value).value());
      EXPECT_TRUE(restored) << restored.error().message;
    }
    return next;
  }
  std::vector<IssueScope> ScopesOf(FleetWatch* watch) {
    std::vector<IssueScope> scopes;
    for (const FleetIssue& issue : watch->TakeChanged()) scopes.push_back(issue.scope);
    return scopes;
  }

  std::map<std::string, std::string> rows_;
  Random random_{5};
};

TEST_F(FleetWatchCohortTest, ASuccessorTestsCohortsAtOnce) {
  Chat(&watch_, &hosts_, Hours(28));
  ASSERT_THAT(ScopesOf(&watch_), IsEmpty());
  ASSERT_THAT(rows_, SizeIs(2));
  const auto row = rows_.find("cohorts of k.io");
  ASSERT_NE(row, rows_.end());
  const Json kept = Json::Parse(row->second).value();
  EXPECT_EQ(kept["watched"].integer(), CohortWatch::kLearnMinutes);
  EXPECT_EQ(kept["cohorts"]["kernel"]["6.1.99"].array()->size(), 10u);
  EXPECT_EQ(kept["cohorts"]["kernel"]["6.1.1"].array(), nullptr) << "most hosts are no cohort";
  // Three cohorts: what docs/fleet_issues.md says of the room they take.
  EXPECT_LT(row->second.size(), 3u * 110 + 60) << row->second;

  const auto before = rows_;
  const WallTime then = now_;
  for (const bool with_cohorts : {false, true}) {
    rows_ = before;
    now_ = then;
    FleetHosts hosts;
    const auto next = Successor(&hosts, with_cohorts);
    // Facts have other numbers there, if any at all.
    Chat(next.get(), &hosts, Minutes(70));
    EXPECT_THAT(ScopesOf(next.get()), IsEmpty());
    Chat(next.get(), &hosts, Minutes(65), true);
    const std::vector<IssueScope> scopes = ScopesOf(next.get());
    if (with_cohorts) {
      ASSERT_FALSE(scopes.empty());
      EXPECT_EQ(scopes[0], (IssueScope{"kernel", "6.1.99"}));
    } else {
      EXPECT_THAT(scopes, IsEmpty()) << "so that the test above is one";
    }
  }
}

TEST_F(FleetWatchCohortTest, WhatWasKeptOfCohortsGoesWithThePattern) {
  Chat(&watch_, &hosts_, Hours(6));
  ASSERT_TRUE(rows_.contains("cohorts of k.io"));
  watch_.UseRules({}, now_);
  Keep(&watch_);
  EXPECT_THAT(rows_, IsEmpty());
}

TEST_F(FleetWatchCohortTest, ASecondRestartFindsWhatTheFirstDid) {
  Chat(&watch_, &hosts_, Hours(6));
  const std::string kept = rows_.at("cohorts of k.io");
  FleetHosts hosts;
  const auto next = Successor(&hosts, true);
  Keep(next.get());
  Chat(next.get(), &hosts, Minutes(30));
  EXPECT_EQ(rows_.at("cohorts of k.io"), kept) << "it is not written before it learnt an hour more";
}

TEST_F(FleetWatchCohortTest, WhatCannotBeReadOfCohortsIsRefused) {
  for (const char* const bad : {R"({"watched": 5, "cohorts": {"kernel": {"6.1.99": [1, 2]}}})",
                                R"({"watched": 5, "cohorts": {"kernel": {"6.1.99": "x"}}})"}) {
    EXPECT_FALSE(watch_.RestoreCohorts("k.io", Json::Parse(bad).value())) << bad;
  }
  const Json fine =
      Json::Parse(R"({"watched": -5, "cohorts": {"kernel": {"6.9": [1]}, "x": 1}})").value();
  EXPECT_FALSE(watch_.RestoreCohorts("k.unheard", fine));
  // Sums that cannot be are nothing known.
  const Json absurd =
      Json::Parse(R"({"cohorts": {"kernel": {"6.1.99": [-1, 1, 1, 1, 1, 1e300, 1, 1, 1, 1]}}})")
          .value();
  ASSERT_TRUE(watch_.RestoreCohorts("k.io", absurd));
  EXPECT_THAT(watch_.detect().CohortsOf(*watch_.detect().Find("k.io"))->cohorts, IsEmpty());
}

TEST_F(FleetWatchCohortTest, ARowOfManyCohortsHasALimit) {
  FleetHosts hosts;
  for (int host = 0; host < kHosts; ++host) {
    HostFacts facts;
    facts.host = HostId(Name(host));
    const std::string name = std::to_string(host / 2) + std::string(240, 'x');
    facts.kernel = facts.image = facts.agent_version = facts.instance_type = name;
    facts.zone = facts.pool = name;
    hosts.TakeFacts(facts, now_);
  }
  FleetWatchOptions options;
  options.detect.cohorts.hosts_min = 1;
  FleetWatch watch(options, &hosts, now_);
  watch.UseRules({"k.io"}, now_);
  Chat(&watch, &hosts, Hours(6));
  const size_t bytes = rows_.at("cohorts of k.io").size();
  EXPECT_GT(bytes, FleetWatch::kCohortRowBytesMax * 9 / 10);
  EXPECT_LT(bytes, FleetWatch::kCohortRowBytesMax * 11 / 10);
  EXPECT_GT(watch.cohorts_unkept(), 0u);
}

// Templates of which two turn out to be one.
class FleetWatchMergeTest : public FleetWatchTest {
 protected:
  PatternCount TemplateCount(const std::string& id, const std::vector<int>& hosts,
                             std::vector<std::string> aliases = {}) {
    PatternCount count = Count(hosts);
    count.pattern = id;
    count.kind = PatternKind::kTemplate;
    count.version = "";
    count.aliases = std::move(aliases);
    return count;
  }
  std::vector<FleetIssue> SayTemplate(const std::string& id, const std::vector<int>& hosts,
                                      std::vector<std::string> aliases = {}) {
    now_ += Seconds(1);
    watch_.Take(TemplateCount(id, hosts, std::move(aliases)), now_);
    watch_.Advance(now_);
    return watch_.TakeChanged();
  }
  // Ten hours in which five hosts have it every ten minutes.
  void MakeUsual(const std::string& id) {
    for (int i = 0; i < 60; ++i) {
      EXPECT_THAT(SayTemplate(id, i == 0 ? std::vector<int>{1} : kUsual), IsEmpty());
      Quiet(&watch_, Minutes(10));
    }
  }
  double Expected(const std::string& id) {
    return watch_.detect().ExpectedIn(*watch_.detect().Find(id), 2)->mean;
  }

  const std::vector<int> kUsual = {1, 41, 81, 121, 161};
};

TEST_F(FleetWatchMergeTest, UnderAnotherNameATemplateIsExpectedAsBefore) {
  MakeUsual("t-a");
  const double expected = Expected("t-a");
  EXPECT_GT(expected, 4);
  EXPECT_THAT(SayTemplate("t-b", kUsual, {"t-a"}), IsEmpty());
  EXPECT_FALSE(watch_.detect().Find("t-a"));
  EXPECT_NEAR(Expected("t-b"), expected, expected / 10);
  // So it would have been flagged.
  const std::vector<FleetIssue> issues = SayTemplate("t-c", kUsual);
  ASSERT_THAT(issues, SizeIs(1));
  EXPECT_EQ(issues[0].pattern, "t-c");
}

TEST_F(FleetWatchMergeTest, TheSameTwiceIsTakenOnce) {
  MakeUsual("t-a");
  SayTemplate("t-b", kUsual, {"t-a"});
  const double expected = Expected("t-b");
  for (int i = 0; i < 3; ++i) EXPECT_THAT(SayTemplate("t-b", kUsual, {"t-a"}), IsEmpty());
  EXPECT_DOUBLE_EQ(Expected("t-b"), expected);
}

TEST_F(FleetWatchMergeTest, WhoStillCountsTheOldNameCountsTheNew) {
  Quiet(&watch_, Minutes(600));
  SayTemplate("t-a", {1, 41});
  SayTemplate("t-b", {81}, {"t-a"});
  // Two of the old name, one of the new and three of who does not know it yet: six hosts are one
  // trouble.
  const std::vector<FleetIssue> issues = SayTemplate("t-a", {121, 161, 181});
  ASSERT_THAT(issues, SizeIs(1));
  EXPECT_EQ(issues[0].pattern, "t-b");
  EXPECT_EQ(issues[0].hosts_total, 6u);

  // So it is for a successor that reads the last hour again.
  FleetHosts hosts;
  AddHosts(&hosts);
  FleetWatch next({}, &hosts, now_);
  ASSERT_TRUE(next.RestoreWhole(watch_.SavedWhole()));
  std::set<std::string> removed;
  for (const auto& [key, value] : watch_.TakeChangedPatterns(&removed)) {
    ASSERT_TRUE(next.RestorePattern(key, Json::Parse(value.Dump()).value()));
  }
  next.Take(TemplateCount("t-a", {1, 41}), now_);
  EXPECT_FALSE(next.detect().Find("t-a"));
}

TEST_F(FleetWatchMergeTest, WhereTheNameTurnsBackTheHistoryFollows) {
  MakeUsual("t-a");
  SayTemplate("t-b", kUsual, {"t-a"});
  EXPECT_THAT(SayTemplate("t-a", kUsual, {"t-b"}), IsEmpty());
  EXPECT_FALSE(watch_.detect().Find("t-b"));
  EXPECT_GT(Expected("t-a"), 4);
}

TEST_F(FleetWatchMergeTest, AnOpenIssueGoesOnUnderItsId) {
  Quiet(&watch_, Minutes(600));
  const std::string id = SayTemplate("t-a", EveryTenth(10)).at(0).id;
  const std::vector<FleetIssue> moved = SayTemplate("t-b", {5}, {"t-a"});
  ASSERT_THAT(moved, SizeIs(1));
  EXPECT_EQ(moved[0].id, id);
  EXPECT_EQ(moved[0].pattern, "t-b");
  EXPECT_EQ(moved[0].hosts_total, 11u);
  Quiet(&watch_, Minutes(50));
  for (const FleetIssue& issue : watch_.TakeChanged()) {
    EXPECT_EQ(issue.state, IssueState::kOpen) << "its windows have the hosts of before";
  }
  Quiet(&watch_, Minutes(40));
  const std::vector<FleetIssue> closed = watch_.TakeChanged();
  ASSERT_THAT(closed, SizeIs(1));
  EXPECT_EQ(closed[0].id, id);
  EXPECT_EQ(closed[0].state, IssueState::kClosed);
}

TEST_F(FleetWatchMergeTest, OfTwoOpenIssuesOneGoesOnAndTheOtherNamesIt) {
  Quiet(&watch_, Minutes(600));
  const std::string from = SayTemplate("t-a", EveryTenth(10)).at(0).id;
  const std::string into = SayTemplate("t-b", {3, 23, 43, 63, 83, 103, 123}).at(0).id;
  now_ += FleetWatch::kUpdateEvery;
  const std::vector<FleetIssue> told = SayTemplate("t-b", {5}, {"t-a"});
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_EQ(told[0].id, from);
  EXPECT_EQ(told[0].state, IssueState::kClosed);
  EXPECT_EQ(told[0].response, "Closed: it is one with " + into + ".");
  EXPECT_EQ(told[1].id, into);
  EXPECT_EQ(told[1].hosts_total, 18u);
  EXPECT_EQ(watch_.open_issues(), 1u);
}

TEST_F(FleetWatchTest, WhatCannotBeReadOfAPredecessorIsRefused) {
  EXPECT_FALSE(watch_.RestoreWhole(Json::Parse("{}").value()));
  EXPECT_FALSE(watch_.RestorePattern("k.io", Json::Parse(R"({"kind": "rule"})").value()));
  FleetIssue issue;
  issue.id = "I-1";
  issue.pattern = "k.io";
  issue.state = IssueState::kClosed;
  EXPECT_FALSE(watch_.RestoreIssue(issue, FleetReach::kFleet, now_));
}

TEST(FleetHosts, AHostThatIsGoneForAnHourIsForgottenByNumberAfterItsWindows) {
  FleetHosts hosts;
  WallTime now = WallTime{} + Hours(500'000);
  hosts.Heard(HostId("a"), now);
  hosts.Heard(HostId("b"), now);
  EXPECT_THAT(hosts.EndOfMinute(now), IsEmpty());
  EXPECT_EQ(hosts.reporting(now), 2u);
  const HostIndex a = *hosts.IndexOf(HostId("a"));
  std::vector<HostIndex> forgotten;
  for (int i = 0; i < 130; ++i) {
    now += Minutes(1);
    hosts.Heard(HostId("b"), now);
    for (const HostIndex host : hosts.EndOfMinute(now)) forgotten.push_back(host);
  }
  EXPECT_THAT(forgotten, testing::ElementsAre(a));
  EXPECT_EQ(hosts.reporting(now), 1u);
}

}  // namespace
}  // namespace fleetmedic

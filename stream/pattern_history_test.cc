#include "stream/pattern_history.h"

#include <algorithm>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr WallTime kNow = WallFromMillis(1'767'225'600'000);  // 2026-01-01T00:00:00Z

std::vector<HostId> Hosts(int from, int count) {
  std::vector<HostId> hosts;
  for (int i = 0; i < count; ++i) hosts.emplace_back(fmt::format("host-{}", from + i));
  return hosts;
}

class PatternHistoryTest : public testing::Test {
 protected:
  // Of so many minutes ago.
  PatternCount Count(const std::string& pattern, int minutes_ago, int hosts, uint64_t lines = 10) {
    PatternCount count;
    count.pattern = pattern;
    count.kind = pattern.starts_with("t-") ? PatternKind::kTemplate : PatternKind::kRule;
    count.text = "Text of " + pattern;
    count.minute = kNow - Minutes(minutes_ago);
    count.first_seen = kNow - Hours(1000);
    count.first_offset = offset_;
    count.last_offset = offset_ + 9;
    offset_ += 10;
    count.lines = lines;
    count.hosts = Hosts(0, hosts);
    return count;
  }
  void Take(const PatternCount& count) { history_->Take(count, kNow); }
  // As always: the same hosts each minute of the last day.
  void TakeADayOf(const std::string& pattern, int hosts) {
    for (int ago = 1439; ago >= 0; ago -= 5) Take(Count(pattern, ago, hosts));
  }
  std::vector<std::string> Names(PatternQuery query) const {
    std::vector<std::string> names;
    for (const PatternSummary& item : history_->List(query, kNow).items) {
      names.push_back(item.pattern);
    }
    return names;
  }
  FleetIssue Issue(const std::string& id, const std::string& pattern) const {
    FleetIssue issue;
    issue.id = id;
    issue.pattern = pattern;
    issue.opened_at = issue.updated_at = kNow;
    issue.hosts = Hosts(0, 3);
    issue.hosts_total = 3;
    issue.why = "because";
    return issue;
  }

  std::optional<PatternHistory> history_{std::in_place};
  int64_t offset_ = 0;
};

TEST_F(PatternHistoryTest, WhatIsNewOnFewHostsComesBeforeWhatAllHostsAlwaysSay) {
  TakeADayOf("usual.everywhere", 900);
  TakeADayOf("usual.chatty", 1);
  for (int ago = 20; ago >= 0; --ago) {
    PatternCount count = Count("t-new", ago, 41);
    count.first_seen = kNow - Minutes(20);
    Take(count);
  }
  EXPECT_THAT(Names({}), ElementsAre("t-new", "usual.everywhere", "usual.chatty"));
  const PatternList list = history_->List({}, kNow);
  EXPECT_EQ(list.patterns_total, 3u);
  EXPECT_EQ(list.items[0].hosts, 41u);
  EXPECT_TRUE(list.items[0].is_new);
  EXPECT_TRUE(list.items[0].rising);
  EXPECT_GT(list.items[0].novelty, 0.9);
  EXPECT_FALSE(list.items[1].is_new);
  EXPECT_FALSE(list.items[1].rising);
  EXPECT_EQ(list.items[1].novelty, 0.01);
  EXPECT_EQ(list.items[1].hosts, 900u);
  EXPECT_EQ(list.items[1].text, "Text of usual.everywhere");
  PatternQuery query;
  query.sort = PatternSort::kHosts;
  EXPECT_THAT(Names(query), ElementsAre("usual.everywhere", "t-new", "usual.chatty"));
  query.sort = PatternSort::kNew;
  EXPECT_EQ(Names(query)[0], "t-new");
  query.sort = PatternSort::kName;
  EXPECT_EQ(Names(query)[0], "t-new");
}

TEST_F(PatternHistoryTest, WhatRisesIsToldFromWhatIsAsAlways) {
  TakeADayOf("disk.slow", 4);
  TakeADayOf("net.flap", 4);
  for (int ago = 6; ago >= 0; --ago) Take(Count("disk.slow", ago, 60));
  PatternQuery query;
  query.only_rising = true;
  EXPECT_THAT(Names(query), ElementsAre("disk.slow"));
}

TEST_F(PatternHistoryTest, OfAShortPastNothingIsCalledNovel) {
  Take(Count("disk.slow", 5, 100));
  Take(Count("disk.slow", 0, 100));
  EXPECT_EQ(history_->List({}, kNow).items[0].novelty, 0.01);
}

TEST_F(PatternHistoryTest, QueriesSelect) {
  Take(Count("disk.nvme_timeout", 3, 4));
  Take(Count("net.flap", 200, 4));
  PatternCount fresh = Count("t-9f", 3, 2);
  fresh.first_seen = kNow - Minutes(90);
  fresh.text = "mlx5_core «0000:3b:00.0»: Health poll failed";
  Take(fresh);
  PatternQuery query;
  EXPECT_THAT(Names(query), ElementsAre("disk.nvme_timeout", "t-9f")) << "an hour is the default";
  query.range = Hours(4);
  EXPECT_THAT(Names(query), SizeIs(3));
  query.words = {"HEALTH", "mlx5"};
  EXPECT_THAT(Names(query), ElementsAre("t-9f"));
  query.words = {"health", "nvme"};
  EXPECT_THAT(Names(query), IsEmpty());
  query.words = {};
  query.only_unmatched = true;
  EXPECT_THAT(Names(query), ElementsAre("t-9f"));
  query.new_since = kNow - Minutes(91);
  EXPECT_THAT(Names(query), ElementsAre("t-9f"));
  query.new_since = kNow - Minutes(89);
  EXPECT_THAT(Names(query), IsEmpty());
  PatternQuery one;
  one.items_max = 1;
  one.range = Hours(4);
  const PatternList list = history_->List(one, kNow);
  EXPECT_EQ(list.items.size(), 1u);
  EXPECT_EQ(list.matching_total, 3u);
}

TEST_F(PatternHistoryTest, AScopeCountsItsHostsAlone) {
  for (int i = 0; i < 10; ++i) {
    HostFacts facts;
    facts.host = HostId(fmt::format("host-{}", i));
    facts.rack = i < 3 ? "r1" : "r2";
    history_->TakeFacts(facts, kNow);
  }
  Take(Count("disk.slow", 1, 10));
  PatternCount other = Count("net.flap", 1, 0);
  other.hosts = Hosts(5, 2);
  Take(other);
  PatternQuery query;
  query.scope = {"rack", "r1"};
  const PatternList list = history_->List(query, kNow);
  ASSERT_EQ(list.items.size(), 1u);
  EXPECT_EQ(list.items[0].hosts, 3u);
  query.scope = {"rakc", "r1"};
  EXPECT_THAT(Names(query), IsEmpty()) << "a key that no host has selects nothing";
  query.scope = {"rack", "r9"};
  EXPECT_THAT(Names(query), IsEmpty());
}

TEST_F(PatternHistoryTest, APatternIsShownWithItsSeriesHostsExamplesAndValues) {
  PatternCount count = Count("t-9f", 2, 2, 7);
  count.examples = {{HostId("host-0"), "kernel", "nvme0: a", kNow - Minutes(2)},
                    {HostId("host-1"), "kernel", "nvme0: b", kNow - Minutes(1)}};
  count.variables = {{"1", {{"nvme0", 5}, {"nvme1", 2}}, 0}};
  Take(count);
  Take(count);  // a duplicate
  PatternCount next = Count("t-9f", 1, 3, 4);
  next.examples = {{HostId("host-0"), "kernel", "nvme1: c", kNow}};
  next.variables = {{"1", {{"nvme1", 4}}, 1}};
  Take(next);
  const Result<PatternDetail> detail = history_->Show("t-9f", Hours(1), kNow);
  ASSERT_TRUE(detail);
  EXPECT_EQ(detail->step, Minutes(1));
  ASSERT_EQ(detail->series.size(), 2u);
  EXPECT_EQ(detail->series[0].lines, 7u);
  EXPECT_EQ(detail->series[1].hosts, 3u);
  EXPECT_EQ(detail->summary.lines, 11u);
  ASSERT_EQ(detail->hosts.size(), 3u);
  EXPECT_EQ(detail->hosts[0].second, kNow - Minutes(1));
  ASSERT_EQ(detail->examples.size(), 2u) << "one for each host";
  EXPECT_EQ(detail->examples[0].line, "nvme1: c");
  ASSERT_EQ(detail->variables.size(), 1u);
  EXPECT_EQ(detail->variables[0].values.at("nvme1"), 6u);
  EXPECT_EQ(detail->variables[0].other_lines, 1u);
  EXPECT_EQ(history_->Show("t-9f", Hours(3), kNow)->step, Minutes(10));
  EXPECT_EQ(history_->Show("t-no", Hours(1), kNow).error().code, Code::kNotFound);
  const std::vector<uint64_t>& trend = detail->summary.trend;
  ASSERT_EQ(trend.size(), 60u);
  EXPECT_EQ(trend[57], 2u);
  EXPECT_EQ(trend[58], 3u);
  EXPECT_EQ(trend[59], 0u);
}

TEST_F(PatternHistoryTest, WhatDiffersIsToldOfTheHostsThatAreSelected) {
  for (int i = 0; i < 400; ++i) {
    HostFacts facts;
    facts.host = HostId(fmt::format("host-{}", i));
    facts.kernel = i < 41 ? "6.1.99" : "6.1.90";
    facts.pool = i % 2 == 0 ? "web" : "db";
    history_->TakeFacts(facts, kNow - Hours(9));
  }
  Take(Count("disk.slow", 30, 41));
  PatternCount later = Count("disk.slow", 5, 0);
  later.hosts = Hosts(0, 8);
  Take(later);
  const PatternDiff diff = history_->Diff("disk.slow", {}, kNow).value();
  EXPECT_TRUE(diff.enough);
  EXPECT_EQ(diff.hit, 41u);
  EXPECT_EQ(diff.others, 359u);
  EXPECT_EQ(diff.why, "41 of 41 hit run kernel 6.1.99; 0 of 359 others do.");
  ASSERT_FALSE(diff.rows.empty());
  EXPECT_EQ(diff.rows[0].fact, "kernel");
  EXPECT_EQ(diff.rows[0].hit_with, 41u);
  EXPECT_EQ(diff.rows[0].others_with, 0u);
  EXPECT_THAT(diff.not_different, testing::Contains("pool"));

  PatternSelection lately;
  lately.from = kNow - Minutes(10);
  lately.to = kNow;
  EXPECT_EQ(history_->Diff("disk.slow", lately, kNow)->hit, 8u);
  PatternSelection web;
  web.among = {{"pool", "web"}};
  EXPECT_EQ(history_->Diff("disk.slow", web, kNow)->hit, 21u);
  EXPECT_EQ(history_->Diff("disk.slow", web, kNow)->others, 179u);
  web.among = {{"pool", "wbe"}};
  EXPECT_EQ(history_->Diff("disk.slow", web, kNow).error().code, Code::kInvalidArgument);
  PatternSelection old;
  old.from = kNow - Hours(20);
  old.to = kNow - Hours(19);
  EXPECT_EQ(history_->Diff("disk.slow", old, kNow).error().code, Code::kInvalidArgument);
  EXPECT_EQ(history_->Diff("none", {}, kNow).error().code, Code::kNotFound);

  PatternCount few = Count("net.flap", 1, 3);
  Take(few);
  const PatternDiff none = history_->Diff("net.flap", {}, kNow).value();
  EXPECT_FALSE(none.enough);
  EXPECT_EQ(none.why, "Not enough hosts to compare (3).");
  EXPECT_TRUE(none.rows.empty());
}

TEST_F(PatternHistoryTest, ValuesPastTheMostFrequentAreOthers) {
  for (int i = 0; i < 40; ++i) {
    PatternCount count = Count("t-9f", 1, 1);
    count.variables = {{"1", {{fmt::format("v{}", i), static_cast<uint64_t>(i + 1)}}, 0}};
    Take(count);
  }
  const PatternVariable variable = history_->Show("t-9f", Hours(1), kNow)->variables[0];
  EXPECT_EQ(variable.values.size(), 16u);
  EXPECT_TRUE(variable.values.contains("v39"));
  uint64_t all = variable.other_lines;
  for (const auto& [value, lines] : variable.values) all += lines;
  EXPECT_EQ(all, 820u);
}

TEST_F(PatternHistoryTest, HostsAreComparedByTheJobsThatRunOnThem) {
  for (int host = 0; host < 100; ++host) {
    HostFacts facts;
    facts.host = Hosts(host, 1)[0];
    history_->TakeFacts(facts, kNow - Hours(2));
    ExecutorReport report;
    report.host = facts.host;
    report.complete = true;
    TaskStatus task;
    task.task = TaskId(fmt::format("task-{}", host));
    task.job = JobId(host < 20 ? "transcode" : "web");
    report.tasks = {task};
    history_->TakeWork(report, kNow - Minutes(90));
    // One that does not tell all says nothing.
    report.complete = false;
    report.tasks.clear();
    history_->TakeWork(report, kNow);
  }
  Take(Count("disk.slow", 5, 20));
  const PatternDiff diff = history_->Diff("disk.slow", {}, kNow).value();
  ASSERT_TRUE(diff.enough);
  const auto row = std::ranges::find(diff.rows, "transcode", &PatternDifference::value);
  ASSERT_NE(row, diff.rows.end());
  EXPECT_EQ(row->fact, "job");
  EXPECT_EQ(row->hit_with, 20u);
  EXPECT_EQ(row->others_with, 0u);
  EXPECT_THAT(diff.why, testing::HasSubstr("job transcode"));
}

TEST_F(PatternHistoryTest, HostsThatLeftAreComparedForTimesWhenTheyWereThere) {
  for (int host = 0; host < 100; ++host) {
    HostFacts facts;
    facts.host = Hosts(host, 1)[0];
    facts.rack = host % 2 == 0 ? "r1" : "r2";
    history_->TakeFacts(facts, kNow - Hours(10));
  }
  // The lowest 60 beat on; of those that left three hours ago ten were hit before.
  for (int host = 0; host < 100; ++host) {
    history_->Heard(Hosts(host, 1)[0], host < 60 ? kNow : kNow - Hours(3));
  }
  PatternCount before = Count("disk.slow", 200, 0);
  before.hosts = Hosts(60, 10);
  Take(before);
  Take(Count("disk.slow", 5, 20));
  EXPECT_EQ(history_->Diff("disk.slow", {}, kNow)->others, 80u);
  history_->Prune(kNow);
  EXPECT_EQ(history_->Diff("disk.slow", {}, kNow)->hit, 20u);
  EXPECT_EQ(history_->Diff("disk.slow", {}, kNow)->others, 40u);
  PatternSelection long_ago;
  long_ago.range = Hours(4);
  EXPECT_EQ(history_->Diff("disk.slow", long_ago, kNow)->hit, 30u);
  EXPECT_EQ(history_->Diff("disk.slow", long_ago, kNow)->others, 70u);
  PatternSelection rack;
  rack.among = {{"rack", "r1"}};
  EXPECT_EQ(history_->Diff("disk.slow", rack, kNow)->others, 20u);
  // One that comes back is of the fleet again.
  history_->Heard(Hosts(99, 1)[0], kNow);
  history_->Prune(kNow);
  EXPECT_EQ(history_->Diff("disk.slow", {}, kNow)->others, 41u);
}

TEST_F(PatternHistoryTest, HostsThatLeftGiveRoomWhenTheirMarksAreGone) {
  PatternHistoryLimits limits;
  limits.hosts.hosts_max = 50;
  history_.emplace(limits);
  Take(Count("disk.slow", 0, 50));
  const auto take_other_hosts = [&](WallTime now) {
    PatternCount count = Count("net.flap", 0, 0);
    count.minute = now;
    count.hosts = Hosts(1000, 50);
    history_->Take(count, now);
    return history_->Show("net.flap", Hours(1), now)->hosts.size();
  };
  WallTime now = kNow;
  for (; now < kNow + Hours(25); now += Minutes(30)) history_->Prune(now);
  EXPECT_EQ(take_other_hosts(now), 0u);
  for (; now < kNow + Hours(28); now += Minutes(30)) history_->Prune(now);
  EXPECT_EQ(take_other_hosts(now), 50u);
  EXPECT_FALSE(history_->Show("disk.slow", Hours(24), now))
      << "no mark of theirs has their numbers";
}

TEST_F(PatternHistoryTest, ATemplateUnderAnotherNameIsNotNew) {
  TakeADayOf("t-a", 20);
  const PatternSummary before = history_->List({}, kNow).items.at(0);
  PatternCount count = Count("t-b", 0, 20);
  count.aliases = {"t-a"};
  Take(count);
  const PatternList list = history_->List({}, kNow);
  ASSERT_EQ(list.items.size(), 1u);
  EXPECT_EQ(list.items[0].pattern, "t-b");
  EXPECT_EQ(list.items[0].novelty, before.novelty);
  EXPECT_EQ(list.items[0].lines, before.lines + 10);
}

TEST_F(PatternHistoryTest, WhatIsTooOldOrOfTheFutureIsPassedOver) {
  Take(Count("a", 1441, 1));
  Take(Count("b", -11, 1));
  Take(Count("c", -9, 1));
  EXPECT_EQ(history_->dropped().out_of_time, 2u);
  EXPECT_THAT(Names({}), ElementsAre("c"));
  history_->Prune(kNow + Hours(25));
  EXPECT_EQ(history_->List({}, kNow + Hours(25)).patterns_total, 0u);
  EXPECT_EQ(history_->Count(kNow).host_marks, 0u);
  EXPECT_EQ(history_->Count(kNow).text_bytes, 0u);
}

TEST_F(PatternHistoryTest, OfTooManyPatternsThoseSeenLastTheLongestAgoMakeRoom) {
  PatternHistoryLimits limits;
  limits.patterns_max = 32;
  history_.emplace(limits);
  history_->TakeIssue(Issue("I-1", "p0"));
  for (int i = 0; i < 100; ++i) Take(Count(fmt::format("p{}", i), 200 - i, 1));
  const PatternList list = history_->List({.range = Hours(4), .sort = PatternSort::kName}, kNow);
  EXPECT_LE(list.patterns_total, 32u);
  EXPECT_GE(list.patterns_total, 30u);
  EXPECT_EQ(list.items[0].pattern, "p0") << "an open issue is of it";
  EXPECT_TRUE(history_->Show("p99", Hours(4), kNow));
  EXPECT_FALSE(history_->Show("p5", Hours(4), kNow));
  EXPECT_EQ(history_->dropped().patterns + list.patterns_total, 100u);
}

TEST_F(PatternHistoryTest, HostsPastTheLimitAreToldAsAtLeast) {
  PatternHistoryLimits limits;
  limits.host_marks_max = 50;
  history_.emplace(limits);
  Take(Count("a", 100, 40));
  Take(Count("b", 1, 40));
  const PatternSummary b = history_->List({}, kNow).items[0];
  EXPECT_EQ(b.hosts, 10u);
  EXPECT_TRUE(b.hosts_cut);
  EXPECT_EQ(history_->dropped().hosts, 30u);
  history_->Prune(kNow);
  EXPECT_LT(history_->Count(kNow).host_marks, 50u) << "the older ones make room";
  Take(Count("b", 0, 40));
  EXPECT_EQ(history_->List({}, kNow).items[0].hosts, 40u);
}

TEST_F(PatternHistoryTest, TextsPastTheLimitAreNotTaken) {
  PatternHistoryLimits limits;
  limits.text_bytes_max = 5'000;
  history_.emplace(limits);
  for (int i = 0; i < 40; ++i) {
    PatternCount count = Count(fmt::format("p{}", i), 1, 1);
    count.examples = {{HostId("host-0"), "kernel", std::string(500, 'x'), kNow}};
    Take(count);
  }
  EXPECT_LT(history_->Count(kNow).text_bytes, 7'000u);
  EXPECT_GT(history_->dropped().texts, 20u);
  EXPECT_EQ(history_->Show("p39", Hours(1), kNow)->summary.text, "Text of p39");
}

TEST_F(PatternHistoryTest, TheNewestRecordOfAnIssueIsTheIssue) {
  Take(Count("disk.slow", 1, 3));
  history_->TakeIssue(Issue("I-1", "disk.slow"));
  EXPECT_EQ(history_->List({}, kNow).items[0].issue, "I-1");
  EXPECT_EQ(history_->Count(kNow).issue_hosts, 3u);
  FleetIssue closed = Issue("I-1", "disk.slow");
  closed.state = IssueState::kClosed;
  closed.updated_at = kNow + Minutes(1);
  history_->TakeIssue(closed);
  history_->TakeIssue(Issue("I-2", "net.flap"));
  EXPECT_EQ(history_->List({}, kNow).items[0].issue, "");
  const std::vector<FleetIssuePtr> issues = history_->Issues();
  ASSERT_EQ(issues.size(), 2u);
  EXPECT_EQ(issues[0]->id, "I-2") << "what is open comes first";
  EXPECT_EQ((*history_->Issue("I-1"))->state, IssueState::kClosed);
  EXPECT_EQ(history_->Issue("I-9").error().code, Code::kNotFound);
}

TEST_F(PatternHistoryTest, OfTooManyIssuesTheOldClosedOnesGo) {
  PatternHistoryLimits limits;
  limits.issues_max = 10;
  history_.emplace(limits);
  for (int i = 0; i < 30; ++i) {
    FleetIssue issue = Issue(fmt::format("I-{}", i), "p");
    if (i >= 5) issue.state = IssueState::kClosed;
    issue.updated_at = kNow + Minutes(i);
    history_->TakeIssue(issue);
  }
  EXPECT_EQ(history_->Issues().size(), 10u);
  EXPECT_TRUE(history_->Issue("I-0")) << "open";
  EXPECT_TRUE(history_->Issue("I-29"));
  EXPECT_FALSE(history_->Issue("I-6"));
}

}  // namespace
}  // namespace fleetmedic

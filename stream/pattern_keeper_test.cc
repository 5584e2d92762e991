#include "stream/pattern_keeper.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eventlog/memory_event_log.h"

namespace fleetmedic {
namespace {

using testing::HasSubstr;

class PatternKeeperTest : public testing::Test {
 protected:
  PatternKeeperTest() : log_(clock_, {.partitions = 4}) {
    options_.records_per_turn_max = 10;
    Restart();
  }
  void Restart() {
    keeper_.reset();
    keeper_ = std::make_unique<PatternKeeper>(&clock_, &log_, &metrics_, options_);
  }
  void Send(Topic topic, const std::string& key, const std::string& value) {
    const Record record{.key = key, .value = value};
    ASSERT_TRUE(log_.Append(topic, {&record, 1}));
  }
  void SendCount(const std::string& pattern, int hosts) {
    PatternCount count;
    count.pattern = pattern;
    count.text = "Text of " + pattern;
    count.minute = clock_.Wall();
    count.first_offset = count.last_offset = offset_++;
    count.lines = 5;
    for (int i = 0; i < hosts; ++i) count.hosts.emplace_back(fmt::format("host-{}", i));
    Send(Topic::kCounts, pattern, ToJson(count).Dump());
  }
  void Turn() {
    do {
      keeper_->Turn(clock_.Mono());
    } while (keeper_->NextWake() <= clock_.Mono());
  }

  SimulatedClock clock_;
  Metrics metrics_;
  MemoryEventLog log_;
  PatternKeeper::Options options_;
  int64_t offset_ = 0;
  std::unique_ptr<PatternKeeper> keeper_;
};

TEST_F(PatternKeeperTest, ReadsCountsIssuesAndHosts) {
  HostFacts facts;
  facts.host = HostId("host-1");
  facts.rack = "r7";
  Send(Topic::kHosts, "host-1", ToJson(facts).Dump());
  SendCount("disk.slow", 3);
  FleetIssue issue;
  issue.id = "I-1";
  issue.pattern = "disk.slow";
  issue.opened_at = issue.updated_at = clock_.Wall();
  issue.hosts = {HostId("host-1")};
  issue.hosts_total = 1;
  Send(Topic::kIssues, "I-1", ToJson(issue).Dump());
  EXPECT_TRUE(keeper_->List({}).reading);
  Turn();
  EXPECT_EQ(keeper_->News().counts, 1u);
  EXPECT_EQ(keeper_->News().issues, 1u);
  EXPECT_EQ(keeper_->News().issues_open, 1u);
  const PatternList list = keeper_->List({});
  EXPECT_FALSE(list.reading);
  ASSERT_EQ(list.items.size(), 1u);
  EXPECT_EQ(list.items[0].hosts, 3u);
  EXPECT_EQ(list.items[0].issue, "I-1");
  PatternQuery in_rack;
  in_rack.scope = {"rack", "r7"};
  EXPECT_EQ(keeper_->List(in_rack).items[0].hosts, 1u);
  EXPECT_EQ(keeper_->Issues().size(), 1u);
  EXPECT_EQ((*keeper_->Issue("I-1"))->pattern, "disk.slow");
  EXPECT_EQ(keeper_->Show("disk.slow", Hours(1))->hosts.size(), 3u);
  EXPECT_THAT(metrics_.Text(), HasSubstr("fleetmedic_issues_open 1\n"));
  EXPECT_THAT(keeper_->MetricsText(),
              HasSubstr("fleetmedic_pattern_hosts{kind=\"rule\",pattern=\"disk.slow\"} 3\n"));
}

TEST_F(PatternKeeperTest, ARestartKnowsWhatTheLogKeeps) {
  for (int i = 0; i < 35; ++i) SendCount("disk.slow", 3);
  Turn();
  const uint64_t lines = keeper_->List({}).items.at(0).lines;
  EXPECT_EQ(lines, 175u);
  Restart();
  keeper_->Turn(clock_.Mono());
  EXPECT_TRUE(keeper_->List({}).reading) << "it says so while there is more to read";
  Turn();
  EXPECT_EQ(keeper_->List({}).items.at(0).lines, lines);
  EXPECT_FALSE(keeper_->List({}).reading);
}

TEST_F(PatternKeeperTest, KnowsWhatRunsOnHostsAndWhichOfThemLeft) {
  for (int host = 0; host < 40; ++host) {
    HostFacts facts;
    facts.host = HostId(fmt::format("host-{}", host));
    Send(Topic::kHosts, facts.host.str(), ToJson(facts).Dump());
    ExecutorReport report;
    report.host = facts.host;
    report.complete = true;
    report.tasks.emplace_back();
    report.tasks[0].task = TaskId(fmt::format("task-{}", host));
    report.tasks[0].job = JobId(host < 10 ? "transcode" : "web");
    Send(Topic::kTasks, facts.host.str(), ToJson(report).Dump());
  }
  SendCount("disk.slow", 10);
  Turn();
  EXPECT_EQ(keeper_->Diff("disk.slow", {})->others, 30u);
  EXPECT_EQ(keeper_->Diff("disk.slow", {})->rows.at(0).fact, "job");
  clock_.Advance(Minutes(59));
  for (int host = 0; host < 20; ++host) {
    Send(Topic::kHealth, fmt::format("host-{}", host), "not looked at");
  }
  Turn();
  clock_.Advance(Minutes(3));
  SendCount("disk.slow", 10);
  Turn();
  EXPECT_EQ(keeper_->Diff("disk.slow", {.range = Minutes(1)})->hit, 10u);
  EXPECT_EQ(keeper_->Diff("disk.slow", {.range = Minutes(1)})->others, 10u);
}

TEST_F(PatternKeeperTest, WhatCannotBeReadIsCountedAndPassedOver) {
  for (const Topic topic : {Topic::kCounts, Topic::kIssues, Topic::kHosts, Topic::kTasks}) {
    Send(topic, "x", "{");
    Send(topic, "y", "{}");
    Send(topic, "z", "");
  }
  SendCount("disk.slow", 1);
  Turn();
  EXPECT_EQ(keeper_->List({}).items.size(), 1u);
  EXPECT_THAT(metrics_.Text(), HasSubstr("fleetmedic_pattern_keeper_refused_total 12\n"));
}

TEST_F(PatternKeeperTest, TheLastDayStays) {
  SendCount("old.one", 2);
  clock_.Advance(Hours(20));
  SendCount("disk.slow", 2);
  Turn();
  EXPECT_EQ(keeper_->List({.range = Hours(24)}).items.size(), 2u);
  clock_.Advance(Hours(6));
  Turn();
  EXPECT_EQ(keeper_->List({.range = Hours(24)}).items.size(), 1u);
  Restart();
  Turn();
  EXPECT_EQ(keeper_->List({.range = Hours(24)}).patterns_total, 1u);
}

}  // namespace
}  // namespace fleetmedic

#include "console/why.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "console/fake_remediator.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kHostile = "nvme0: timeout <script>\x1b[31m";

Json Detail(std::string_view text) { return Json::Parse(text).value(); }

AuditEntry Entry(uint64_t seq, Seconds at, std::string action, std::string why, Json detail,
                 std::string who = "fleetmedic", std::string result = "") {
  AuditEntry entry;
  entry.seq = seq;
  entry.at = kTestNow + at;
  entry.who = std::move(who);
  entry.action = std::move(action);
  entry.object = "host:web-1";
  entry.why = std::move(why);
  entry.result = std::move(result);
  entry.detail = std::move(detail);
  return entry;
}

Json Evidence() {
  Condition condition{"DiskHealth", "nvme0",      Verdict::kBad, Severity::kHard,
                      "Timeout",    "9 timeouts", kTestNow,      {kHostile}};
  Json item = ToJson(condition);
  item.Set("detector", "rule:disk.nvme");
  item.Set("origin", "disk.nvme@3fe1 logs/0@12");
  Json list(Json::Array{});
  list.Append(std::move(item));
  return list;
}

// One episode from the log line to the service, and an older one before it.
std::vector<AuditEntry> Episode() {
  std::vector<AuditEntry> entries = {
      Entry(1, Seconds(-900), "suspect", "an older episode",
            Detail(R"({"input": "report", "from": "healthy", "to": "suspect", "episode": 1,
                       "revision": 4, "want": "schedulable"})")),
      Entry(2, Seconds(1), "suspect", "DiskHealth(nvme0): 9 timeouts",
            Detail(R"({"input": "finding", "from": "healthy", "to": "suspect", "episode": 2,
                       "revision": 4, "want": "schedulable"})")),
      Entry(3, Seconds(31), "refuse", "limit fleet_window: 1 of 1 in 10m",
            Detail(R"({"input": "refused", "from": "suspect", "to": "suspect", "episode": 2,
                       "revision": 4, "want": "schedulable"})")),
      Entry(4, Seconds(40), "protect", "watching it", Json(), "op1 (token)", "o-3"),
      Entry(5, Seconds(50), "grant", "DiskHealth(nvme0)",
            Detail(R"({"grant": "g-1", "episode": 2, "limits": [
              {"name": "fleet_concurrent", "scope": "fleet", "kind": "concurrent", "used": 1,
               "max": 5},
              {"name": "pool_floor", "scope": "pool:web", "kind": "floor", "used": 8,
               "max": 6}]})"),
            "fleetmedic", "grant g-1"),
      Entry(6, Seconds(50), "taint", "DiskHealth(nvme0): 9 timeouts",
            Detail(R"({"input": "granted", "from": "suspect", "to": "tainted", "episode": 2,
                       "revision": 5, "want": "tainted"})")),
      Entry(7, Seconds(52), "drain", "the taint is acknowledged, and still bad",
            Detail(R"({"input": "view", "from": "tainted", "to": "draining", "episode": 2,
                       "revision": 6, "want": "drained"})")),
      Entry(8, Seconds(80), "drained", "verified by the scheduler's list: 0 tasks left",
            Detail(R"({"input": "view", "from": "draining", "to": "drained", "episode": 2,
                       "revision": 6, "want": "drained"})")),
      Entry(9, Seconds(81), "repair", "attempt 1: reboot for DiskHealth(nvme0)",
            Detail(R"({"input": "tick", "from": "drained", "to": "repairing", "episode": 2,
                       "revision": 6, "want": "drained"})")),
      Entry(10, Seconds(120), "probation", "reboot done: rebooted",
            Detail(R"({"input": "repaired", "from": "repairing", "to": "probation", "episode": 2,
                       "revision": 6, "want": "drained"})")),
  };
  for (const size_t with : {size_t{1}, size_t{5}, size_t{6}}) {
    entries[with].detail.Set("evidence", Evidence());
  }
  return entries;
}

HostRecord InProbation() {
  HostRecord record = TestHost("web-1");
  record.state = HostState::kProbation;
  record.since = kTestNow + Seconds(120);
  record.episode = 2;
  record.revision = 7;
  record.acknowledged = 6;
  record.tasks_left = 0;
  record.waits_for = "the scheduler: revision 7 is not acknowledged";
  return record;
}

std::vector<std::string> Texts(const std::vector<WhyLine>& lines) {
  std::vector<std::string> texts;
  for (const WhyLine& line : lines) {
    texts.push_back(std::string(WhyKindName(line.kind)) + ": " + line.text);
  }
  return texts;
}

TEST(Why, TheChainGoesFromTheLogLineToTheAct) {
  EXPECT_THAT(
      Texts(WhyLines(InProbation(), Episode())),
      ElementsAre(
          "line: " + kHostile, "finding: disk.nvme@3fe1 logs/0@12 (rule@version, place in the log)",
          "condition: DiskHealth(nvme0) is bad (hard, Timeout): 9 timeouts",
          "decision: suspect: DiskHealth(nvme0): 9 timeouts",
          "refusal: refuse: limit fleet_window: 1 of 1 in 10m",
          "override: protect by op1 (token): watching it",
          "grant: grant g-1 for DiskHealth(nvme0); with it: fleet_concurrent (fleet) 1 of 5, "
          "pool_floor (pool:web) 8 available of at least 6",
          "decision: taint: DiskHealth(nvme0): 9 timeouts", "directive: revision 5: tainted",
          "ack: the scheduler acknowledged revision 5",
          "decision: drain: the taint is acknowledged, and still bad",
          "directive: revision 6: drained",
          "ack: drained: verified by the scheduler's list: 0 tasks left",
          "repair: repair: attempt 1: reboot for DiskHealth(nvme0)",
          "repair: probation: reboot done: rebooted",
          "ack: the scheduler has not acknowledged revision 7 yet; its last is 6",
          "decision: waits for the scheduler: revision 7 is not acknowledged"));
}

TEST(Why, AProbeIsCalledAProbe) {
  HostRecord record = TestHost("web-1");
  record.state = HostState::kSuspect;
  record.waits_for = "limit fleet_concurrent: 2 of 2";
  TrackedCondition tracked;
  tracked.condition = {"DockerUnresponsive",
                       "",
                       Verdict::kBad,
                       Severity::kHard,
                       "InfoTimedOut",
                       "/info: no answer in 5s",
                       kTestNow,
                       {}};
  tracked.detector = "docker";
  record.conditions = {tracked};
  EXPECT_THAT(Texts(WhyLines(record, {})),
              ElementsAre("probe: detector docker: /info: no answer in 5s",
                          "condition: DockerUnresponsive is bad (hard, InfoTimedOut): /info: no "
                          "answer in 5s",
                          "refusal: waits for limit fleet_concurrent: 2 of 2"));
}

TEST(Why, AHealthyHostThatNeverWasIllHasNoLines) {
  EXPECT_TRUE(WhyLines(TestHost("web-1"), {}).empty());
}

TEST(Why, DrainedIsSaidOnlyFromTheSchedulersList) {
  HostRecord record = TestHost("web-1");
  record.state = HostState::kDraining;
  record.tasks_left = 0;
  record.tasks_total = 14;
  record.waits_for = "0 tasks to leave";
  for (const std::string& text : Texts(WhyLines(record, {}))) {
    EXPECT_THAT(text, testing::Not(HasSubstr("drained"))) << text;
  }
}

TEST(Why, LinesAreBoundedAndTheCutIsTold) {
  std::vector<AuditEntry> entries = Episode();
  for (uint64_t i = 0; i < 1000; ++i) {
    entries.push_back(Entry(11 + i, Seconds(200), "refuse", "limit " + std::to_string(i),
                            Detail(R"({"episode": 2})")));
  }
  const std::vector<WhyLine> lines = WhyLines(InProbation(), entries);
  EXPECT_EQ(lines.size(), kWhyLinesMax);
  EXPECT_THAT(lines.front().text, HasSubstr("earlier lines are in the audit"));
  EXPECT_EQ(Timeline(InProbation(), entries).size(), kTimelineItemsMax);
}

TEST(Why, EntriesThatAreNotAsExpectedAreShownAndNotBelieved) {
  HostRecord record = InProbation();
  std::vector<AuditEntry> entries = {
      Entry(1, Seconds(1), "suspect", "odd", Detail(R"({"episode": 2, "evidence": [7, {}, null],
             "limits": {"a": 1}, "revision": -5})"))};
  EXPECT_THAT(Texts(WhyLines(record, entries)), testing::Contains("decision: suspect: odd"));
}

TEST(Timeline, HasEachLaneInOrder) {
  const std::vector<TimelineItem> items = Timeline(InProbation(), Episode());
  std::vector<std::string> seen;
  for (const TimelineItem& item : items) {
    seen.push_back(std::string(LaneName(item.lane)) + " " + item.title + " " +
                   std::string(ToneName(item.tone)));
  }
  EXPECT_THAT(seen,
              ElementsAre("action suspect bad", "condition DiskHealth(nvme0) bad",
                          "log disk.nvme bad", "action suspect bad", "action refuse unknown",
                          "people op1 (token): protect info", "action grant info",
                          "action taint info", "action drain info", "action drained info",
                          "action repair info", "action probation info", "task 0 tasks left info"));
  EXPECT_EQ(items[7].until, kTestNow + Seconds(52)) << "a taint lasts until the drain";
  EXPECT_EQ(items[1].until, kTestNow + Seconds(80)) << "no entry after it has the condition";
  EXPECT_EQ(items[2].detail, kHostile);
}

}  // namespace
}  // namespace fleetmedic

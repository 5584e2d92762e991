#include "console/api_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "console/fake_remediator.h"

namespace fleetmedic {
namespace {

using testing::HasSubstr;

// `expected` is a JSON text written by hand; compared as values, shown as texts.
void ExpectJson(const Json& json, std::string_view expected) {
  const Result<Json> wanted = Json::Parse(expected);
  ASSERT_TRUE(wanted) << wanted.error().message;
  EXPECT_EQ(json.DumpPretty(), wanted->DumpPretty());
}

HostRecord SickHost() {
  HostRecord record = TestHost("web-1");
  record.state = HostState::kDraining;
  record.why = "DiskHealth(nvme0): 9 timeouts";
  record.waits_for = "9 tasks to leave";
  record.tasks_left = 9;
  record.attempt = 1;
  record.grant = GrantId("g-1");
  TrackedCondition bad;
  bad.condition = {"DiskHealth", "nvme0",      Verdict::kBad,         Severity::kHard,
                   "Timeout",    "9 timeouts", kTestNow - Minutes(5), {"nvme0: I/O 1 timeout"}};
  bad.detector = "rule:disk.nvme";
  bad.origin = "disk.nvme@3fe1 logs/0@12";
  bad.observed_at = kTestNow - Seconds(2);
  TrackedCondition fine;
  fine.condition = {"Network", "eth0", Verdict::kOk, Severity::kSoft, "", "", kTestNow, {}};
  fine.detector = "network";
  record.conditions = {bad, fine};
  return record;
}

TEST(ApiJson, AHostSummaryIsWhatTheContractSays) {
  ExpectJson(HostSummaryJson(SickHost(), true), R"j({
    "host": "web-1", "state": "draining", "since": "2025-12-31T23:00:00.000000Z",
    "why": "DiskHealth(nvme0): 9 timeouts", "waits_for": "9 tasks to leave",
    "held": false, "protected": false, "silent": true, "revision": 4, "acknowledged": 4,
    "attempt": 1, "tasks_total": 14, "tasks_left": 9, "tasks_known": true,
    "cell": "c1", "pool": "web", "rack": "r1", "zone": "z1", "kernel": "6.1.99", "image": "img",
    "agent_version": "0.1.0", "seen_at": "2025-12-31T23:59:59.000000Z", "conditions_total": 1,
    "conditions": [{"type": "DiskHealth", "unit": "nvme0", "verdict": "bad", "severity": "hard",
      "reason": "Timeout", "message": "9 timeouts", "since": "2025-12-31T23:55:00.000000Z",
      "evidence": ["nvme0: I/O 1 timeout"], "detector": "rule:disk.nvme",
      "origin": "disk.nvme@3fe1 logs/0@12", "observed_at": "2025-12-31T23:59:58.000000Z"}]})j");
}

TEST(ApiJson, AHostWhoseTasksNobodyToldIsNotDrained) {
  HostRecord record = TestHost("web-1");
  record.tasks_left = -1;
  record.tasks_total = -1;
  record.seen_at = kWallNever;
  const Json json = HostSummaryJson(record, true);
  EXPECT_EQ(json["tasks_known"].boolean(), false);
  EXPECT_EQ(json["tasks_left"].integer(), 0);
  EXPECT_TRUE(json["seen_at"].is_null()) << "1970 would be a lie";
}

TEST(ApiJson, ASummaryIsBoundedAndSaysHowManyThereAre) {
  HostRecord record = SickHost();
  record.conditions = std::vector<TrackedCondition>(100, record.conditions[0]);
  const Json json = HostSummaryJson(record, false);
  EXPECT_EQ(json["conditions"].array()->size(), 20u);
  EXPECT_EQ(json["conditions_total"].integer(), 100);
  EXPECT_EQ(HostDetailJson(record, false)["conditions"].array()->size(), 100u);
}

TEST(ApiJson, ADetailHasAllConditionsAndFactsWithLabels) {
  HostRecord record = SickHost();
  record.facts.labels = {{"team", "edge"}, {"pool", "a label never hides a fact"}};
  const Json json = HostDetailJson(record, false);
  EXPECT_EQ(json["conditions"].array()->size(), 2u);
  EXPECT_EQ(*json["facts"]["team"].string(), "edge");
  EXPECT_EQ(*json["facts"]["pool"].string(), "web");
  EXPECT_EQ(*json["facts"]["boot_id"].string(), "boot-1");
}

TEST(ApiJson, TheModeNamesEverySourceOfAHold) {
  FleetSnapshot fleet = TestFleet({});
  fleet.mode = Mode::kHold;
  fleet.mode_reason = "held by op2: bad rule";
  fleet.hold_file_present = true;
  fleet.hold_file_since = kTestNow - Minutes(1);
  fleet.overrides = {{OverrideId("o-7"),
                      OverrideKind::kHold,
                      {ScopeKind::kPool, "web"},
                      "op2",
                      "bad rule",
                      kTestNow,
                      kTestNow + Hours(4)},
                     {OverrideId("o-8"),
                      OverrideKind::kProtect,
                      {ScopeKind::kHost, "web-1"},
                      "op1",
                      "flash",
                      kTestNow}};
  fleet.brake.causes = {{"silent", "5 of 10 are silent", 5, kTestNow}};
  ExpectJson(ModeJson(fleet), R"j({
    "mode": "hold", "reason": "held by op2: bad rule", "hold_file": "/run/fleetmedic/HOLD",
    "holds": [
      {"source": "override", "id": "o-7", "scope": "pool:web", "who": "op2", "reason": "bad rule",
       "since": "2026-01-01T00:00:00.000000Z", "review_at": "2026-01-01T04:00:00.000000Z"},
      {"source": "file", "scope": "fleet", "who": "the file",
       "reason": "the file /run/fleetmedic/HOLD is there: remove it on the host",
       "since": "2025-12-31T23:59:00.000000Z", "path": "/run/fleetmedic/HOLD"}],
    "brake": {"tripped": true, "causes": [{"cause": "silent", "detail": "5 of 10 are silent",
      "since": "2026-01-01T00:00:00.000000Z"}]}})j");
}

TEST(ApiJson, WithoutALeaderTheModeIsDegradedAndTheHoldIsNotKnown) {
  FleetSnapshot fleet;
  fleet.mode = Mode::kAuto;
  fleet.trouble = "the store is read-only";
  const Json mode = ModeJson(fleet);
  EXPECT_EQ(*mode["mode"].string(), "degraded");
  EXPECT_THAT(*mode["reason"].string(), HasSubstr("the store is read-only"));
  EXPECT_EQ(*(*mode["holds"].array())[0]["source"].string(), "store");
}

TEST(ApiJson, LimitsAndGrantsAreWhatTheContractSays) {
  HostRecord repairing = TestHost("db-1");
  repairing.state = HostState::kRepairing;
  repairing.grant = GrantId("g-2");
  FleetSnapshot fleet = TestFleet({SickHost(), repairing});
  fleet.limits = {{"fleet_window", "fleet", LimitKind::kWindow, 1, 2, Minutes(10), kTestNow},
                  {"pool_floor", "pool:web", LimitKind::kFloor, 9, 6}};
  for (const auto& [id, host] : {std::pair("g-1", "web-1"), std::pair("g-2", "db-1")}) {
    Grant grant;
    grant.id = GrantId(id);
    grant.host = HostId(host);
    grant.cell = "c1";
    grant.pool = "web";
    grant.rack = "r1";
    grant.reason = "DiskHealth(nvme0)";
    grant.granted_at = kTestNow;
    fleet.grants.push_back(grant);
  }
  ExpectJson(LimitsJson(fleet), R"j({
    "limits": [
      {"name": "fleet_window", "scope": "fleet", "kind": "window", "used": 1, "max": 2,
       "window_ms": 600000, "next_at": "2026-01-01T00:00:00.000000Z"},
      {"name": "pool_floor", "scope": "pool:web", "kind": "floor", "used": 9, "max": 6}],
    "grants": [
      {"id": "g-1", "host": "web-1", "act": "drain", "cell": "c1", "pool": "web", "rack": "r1",
       "granted_at": "2026-01-01T00:00:00.000000Z", "reason": "DiskHealth(nvme0)"},
      {"id": "g-2", "host": "db-1", "act": "repair", "cell": "c1", "pool": "web", "rack": "r1",
       "granted_at": "2026-01-01T00:00:00.000000Z", "reason": "DiskHealth(nvme0)"}]})j");
}

TEST(ApiJson, FreshnessCountsTheSilent) {
  HostRecord silent = TestHost("web-2");
  silent.seen_at = kTestNow - Minutes(2);
  FleetSnapshot fleet = TestFleet({TestHost("web-1"), silent});
  fleet.log_lag = Millis(400);
  fleet.oldest_seen_at = silent.seen_at;
  ExpectJson(FreshnessJson(fleet, {}), R"j({"log_lag_ms": 400, "hosts_reporting": 1,
    "hosts_total": 2, "hosts_silent": 1, "oldest_ms": 120000, "leader": true, "trouble": ""})j");
}

TEST(ApiJson, WhatNeedsAPersonIsNamedAndBounded) {
  HostRecord retired = TestHost("web-1");
  retired.state = HostState::kRetired;
  retired.why = "the ladder is used up: DiskHealth(nvme0)";
  HostRecord blocked = TestHost("web-2");
  blocked.state = HostState::kDraining;
  blocked.blocked_by = "payments: 3 of 3 must stay";
  HostRecord silent = TestHost("web-3");
  silent.seen_at = kTestNow - Minutes(2);
  const Json::Array few = NeedsYou(TestFleet({retired, blocked, silent, TestHost("web-4")}), {});
  ASSERT_EQ(few.size(), 3u);
  EXPECT_EQ(*few[0]["host"].string(), "web-1");
  EXPECT_THAT(*few[1]["detail"].string(), HasSubstr("payments: 3 of 3 must stay"));
  EXPECT_EQ(*few[2]["what"].string(), "A host is silent");

  std::vector<HostRecord> many;
  for (int i = 0; i < 200; ++i) {
    many.push_back(retired);
    many.back().facts.host = HostId("h-" + std::to_string(i));
  }
  const Json::Array cut = NeedsYou(TestFleet(many), {});
  EXPECT_EQ(cut.size(), kNeedsYouMax);
  EXPECT_EQ(*cut.back()["detail"].string(), "151 more; see the hosts");
}

TEST(ApiJson, AnOpenFleetIssueNeedsAPersonAndSaysWhy) {
  FleetSnapshot snapshot = TestFleet({TestHost("web-1")});
  auto issue = std::make_shared<FleetIssue>();
  issue->id = "I-3fa94c21";
  issue->text = "«device» did not answer";
  issue->hosts_total = 41;
  issue->opened_at = kTestNow;
  issue->why = "41 of 41 hit run kernel 6.1.99; 0 of 3,959 others do.";
  snapshot.issues = {issue};
  Json::Array needs = NeedsYou(snapshot, {});
  ASSERT_EQ(needs.size(), 1u);
  EXPECT_EQ(*needs[0]["what"].string(),
            "A fleet issue is open: I-3fa94c21, «device» did not answer on 41 hosts");
  EXPECT_EQ(*needs[0]["detail"].string(), issue->why);
  snapshot.issues_stale = {issue->id};
  needs = NeedsYou(snapshot, {});
  EXPECT_EQ(needs[0]["what"].string()->find("A fleet issue is open and nobody watches it: I-3"),
            0U);
  EXPECT_NE(needs[0]["detail"].string()->find("it still holds drains. 41 of 41"),
            std::string::npos);
}

TEST(ApiJson, RecordsThatAreOlderThanTheSchedulerNeedSomebodyAndSayWhatDiffers) {
  FleetSnapshot snapshot;
  EXPECT_EQ(ReconcileJson(snapshot), Json::Parse(R"({"reconciling": false})").value());
  snapshot.reconcile = ReconcileMark{kTestNow, "restored from the backup of yesterday", true};
  EXPECT_EQ(ReconcileJson(snapshot)["listed"].boolean(), false);
  auto report = std::make_shared<ReconcileReport>();
  report->listed_at = kTestNow;
  report->hosts_listed = 40;
  report->differences_total = 1;
  report->differences = {{HostDifference::Kind::kNewer, HostId("web-1"), HostState::kHealthy, 3,
                          Want::kSchedulable, 5, Want::kTainted}};
  snapshot.reconcile_report = report;
  const Json json = ReconcileJson(snapshot);
  EXPECT_EQ(json["differences"].integer(), 1);
  EXPECT_EQ(*(*json["items"].array())[0]["text"].string(),
            "recorded as healthy, schedulable at revision 3; the scheduler has tainted at revision "
            "5: the scheduler's word is taken");
  const Json::Array needs = NeedsYou(snapshot, {});
  ASSERT_EQ(needs.size(), 1u);
  EXPECT_EQ(*needs[0]["what"].string(), "The records are older than the scheduler");
}

TEST(ApiJson, ManySilentHostsAreOneEntry) {
  std::vector<HostRecord> hosts;
  for (int i = 0; i < 20; ++i) {
    hosts.push_back(TestHost("h-" + std::to_string(i)));
    hosts.back().seen_at = kTestNow - Minutes(i + 1);
  }
  const Json::Array needs = NeedsYou(TestFleet(hosts), {});
  ASSERT_EQ(needs.size(), 1u);
  EXPECT_THAT(*needs[0]["detail"].string(), HasSubstr("20 hosts"));
}

TEST(ApiJson, AStateHoldsEveryPart) {
  const AuditEntry entry{7, kTestNow, "op1", "hold", "fleet", "bad rule", "o-1"};
  const Json state =
      StateJson(TestFleet({SickHost()}), {Seconds(30), "1.2.3", kWallNever}, {&entry, 1});
  for (const char* member : {"apiVersion", "now", "version", "mode", "freshness", "limits",
                             "grants", "hosts", "needs_you", "recent"}) {
    EXPECT_FALSE(state[member].is_null()) << member;
  }
  ExpectJson((*state["recent"].array())[0], R"j({"seq": 7, "at": "2026-01-01T00:00:00.000000Z",
    "who": "op1", "action": "hold", "object": "fleet", "why": "bad rule", "result": "o-1"})j");
}

TEST(ApiJson, HostileTextIsDataAndComesBackAsItWas) {
  const std::string hostile =
      "<img src=x onerror=\"alert(1)\">\x1b[31m\n\ndata: x\r\n\u202etxt.exe";
  HostRecord record = SickHost();
  Condition& condition = record.conditions.Edit()[0].condition;
  condition.message = hostile;
  condition.evidence = {hostile};
  const std::string text = HostSummaryJson(record, false).Dump();
  EXPECT_EQ(text.find('\n'), std::string::npos) << "a raw line break would forge an event";
  EXPECT_EQ(text.find('\r'), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  const Json back = Json::Parse(text).value();
  EXPECT_EQ(*(*(*back["conditions"].array())[0]["evidence"].array())[0].string(), hostile);
}

TEST(NotifyJsonTest, AChannelSaysWhetherItFails) {
  NotifyChannelState well;
  well.name = "web";
  well.kind = "slack";
  well.delivered_at = WallFromMillis(1'800'000'000'000);
  NotifyChannelState failing;
  failing.name = "oncall";
  failing.kind = "pagerduty";
  failing.failing_since = WallFromMillis(1'800'000'060'000);
  failing.error = "HTTP status 503";
  failing.queued = 3;
  EXPECT_EQ(NotifyJson(std::vector{well, failing}).Dump(),
            R"([{"channel":"web","delivered_at":"2027-01-15T08:00:00.000000Z","failing":false,)"
            R"("kind":"slack","queued":0},)"
            R"({"channel":"oncall","error":"HTTP status 503","failing":true,)"
            R"("failing_since":"2027-01-15T08:01:00.000000Z","kind":"pagerduty","queued":3}])");
}

}  // namespace
}  // namespace fleetmedic

#include "remediation/fleet_look.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr WallTime kNow{Seconds(1'700'000'000)};

// A healthy host that was heard of a moment ago.
HostRecord WellHost(const std::string& name) {
  HostRecord record;
  record.facts.host = HostId(name);
  record.facts.pool = "web";
  record.facts_known = true;
  record.seen_at = kNow - Seconds(1);
  record.detectors["docker"] = {1, kNow - Seconds(1)};
  return record;
}

TrackedCondition Bad(const std::string& detector, WallTime observed_at = kNow) {
  TrackedCondition tracked;
  tracked.condition.type = "Something";
  tracked.condition.verdict = Verdict::kBad;
  tracked.condition.severity = Severity::kHard;
  tracked.detector = detector;
  tracked.observed_at = observed_at;
  tracked.verdict_since = kNow;
  return tracked;
}

FleetLook LookAt(std::vector<HostRecord> records, bool silence_counts = true,
                 const std::set<HostId>& lent = {}) {
  std::map<HostId, std::shared_ptr<const HostRecord>> hosts;
  for (HostRecord& record : records) {
    const HostId id = record.facts.host;
    hosts[id] = std::make_shared<const HostRecord>(std::move(record));
  }
  const std::vector<std::string> ended = {"ended"};
  return LookAtFleet(RemediatorConfig(), hosts, ended, lent, silence_counts, kNow);
}

FleetLook LookAtOne(const std::function<void(HostRecord*)>& change) {
  HostRecord record = WellHost("h1");
  change(&record);
  return LookAt({record});
}

TEST(FleetLook, AWellHostIsAtRestAndAvailable) {
  const FleetLook look = LookAtOne([](HostRecord*) {});
  EXPECT_THAT(look.restless, IsEmpty());
  EXPECT_EQ(look.sample.hosts, 1);
  EXPECT_EQ(look.sample.disrupted, 0);
  EXPECT_EQ(look.census.fleet, (HostCount{1, 1}));
  EXPECT_EQ(look.silent, 0);
  EXPECT_EQ(look.oldest_seen_at, kNow - Seconds(1));
}

TEST(FleetLook, WhatMakesAHostRestlessUnavailableOrDisrupted) {
  struct Case {
    std::string what;
    std::function<void(HostRecord*)> change;
    bool restless;
    int available;
    int disrupted;
  };
  for (const Case& c : std::vector<Case>{
           {"a bad condition", [](HostRecord* r) { r->conditions = {Bad("docker")}; }, true, 1, 1},
           {"a wanted drain", [](HostRecord* r) { r->drain_wanted = true; }, true, 1, 0},
           {"lost by its scheduler", [](HostRecord* r) { r->scheduler_lost = true; }, true, 0, 0},
           {"a wait", [](HostRecord* r) { r->waits_for = "x"; }, true, 1, 0},
           {"suspect", [](HostRecord* r) { r->state = HostState::kSuspect; }, true, 0, 0},
           {"retired", [](HostRecord* r) { r->state = HostState::kRetired; }, true, 0, 1},
           {"an ended rule's word",
            [](HostRecord* r) {
              r->conditions = {Bad("rule:ended")};
              r->conditions.Edit()[0].condition.severity = Severity::kInfo;
            },
            true, 1, 0},
           {"a taint", [](HostRecord* r) { r->want = Want::kTainted; }, false, 0, 1},
           {"no facts", [](HostRecord* r) { r->facts_known = false; }, false, 0, 0},
           {"silence", [](HostRecord* r) { r->seen_at = kNow - Hours(1); }, false, 0, 0}}) {
    const FleetLook look = LookAtOne(c.change);
    EXPECT_EQ(!look.restless.empty(), c.restless) << c.what;
    EXPECT_EQ(look.census.fleet.available, c.available) << c.what;
    EXPECT_EQ(look.sample.disrupted, c.disrupted) << c.what;
  }
}

TEST(FleetLook, AHostThatIsLentIsNotAvailable) {
  const FleetLook look = LookAt({WellHost("h1"), WellHost("h2")}, true, {HostId("h1")});
  EXPECT_EQ(look.census.fleet, (HostCount{2, 1}));
  EXPECT_THAT(look.restless, IsEmpty());
}

TEST(FleetLook, SilenceIsCountedForTheBrakeOnlyWhereItIsTheAgents) {
  HostRecord silent = WellHost("h2");
  silent.seen_at = kNow - Hours(1);
  EXPECT_EQ(LookAt({WellHost("h1"), silent}).sample.silent, 1);
  EXPECT_EQ(LookAt({WellHost("h1"), silent}, false).sample.silent, 0);
  EXPECT_EQ(LookAt({WellHost("h1"), silent}, false).silent, 1);
  EXPECT_EQ(LookAt({WellHost("h1"), silent}).oldest_seen_at, silent.seen_at);
}

TEST(FleetLook, ARuleCountsEachHostOnceAndForItsWindow) {
  HostRecord twice = WellHost("h1");
  twice.conditions = {Bad("rule:oops"), Bad("rule:oops"), Bad("docker")};
  HostRecord once = WellHost("h2");
  once.conditions = {Bad("rule:oops"), Bad("rule:old", kNow - BrakeLimits().rule_window)};
  EXPECT_THAT(LookAt({twice, once}).sample.rule_hosts, ElementsAre(Pair("oops", 2)));
}

}  // namespace
}  // namespace fleetmedic

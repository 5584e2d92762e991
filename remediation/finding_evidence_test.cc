#include "remediation/evidence.h"

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

constexpr WallTime kStart = WallFromMillis(1'767'225'600'000);

class FindingEvidence : public ::testing::Test {
 protected:
  FindingEvidence() {
    record_.facts.host = HostId("web-1");
    record_.facts.boot_id = "boot-1";
    record_.facts.booted_at = kStart - Hours(1);
    record_.seen_at = kStart;
  }

  static Finding FindingAt(Seconds at, Clear clear, Verdict verdict = Verdict::kBad) {
    Finding finding;
    finding.host = HostId("web-1");
    finding.boot_id = "boot-1";
    finding.rule = "docker.silent";
    finding.condition.type = "DockerSilent";
    finding.condition.verdict = verdict;
    finding.condition.severity = Severity::kSoft;
    finding.clear = clear;
    finding.clear_after = Minutes(10);
    finding.first_at = finding.last_at = kStart + at;
    return finding;
  }
  Taken Find(const Finding& finding) {
    const Taken taken = TakeFinding(finding, finding.last_at, &record_);
    AgeEvidence(policy_, finding.last_at, &record_);
    return taken;
  }
  // What the detector sees, and then at which times it still sees it.
  void Probe(Seconds at, Verdict verdict, std::string unit = "") {
    HealthEvent event;
    event.host = HostId("web-1");
    event.boot_id = "boot-1";
    event.booted_at = record_.facts.booted_at;
    event.detector = "docker";
    event.sequence = ++sequence_;
    event.observed_at = kStart + at;
    Condition condition;
    condition.type = "DockerUnresponsive";
    condition.unit = std::move(unit);
    condition.verdict = verdict;
    event.conditions.push_back(condition);
    EXPECT_EQ(TakeReport(event, event.observed_at, &record_), Taken::kApplied);
    AgeEvidence(policy_, event.observed_at, &record_);
  }
  void Beat(Seconds at) {
    HealthEvent event;
    event.kind = HealthEventKind::kBeat;
    event.host = HostId("web-1");
    event.boot_id = "boot-1";
    event.booted_at = record_.facts.booted_at;
    event.observed_at = kStart + at;
    event.beats["docker"].sequence = sequence_;
    event.beats["docker"].observed_at = event.observed_at;
    EXPECT_EQ(TakeReport(event, event.observed_at, &record_), Taken::kApplied);
    AgeEvidence(policy_, event.observed_at, &record_);
  }
  size_t Found() const {
    size_t found = 0;
    for (const TrackedCondition& tracked : record_.conditions) {
      if (tracked.detector.starts_with("rule:")) ++found;
    }
    return found;
  }

  Policy policy_;
  HostRecord record_;
  uint64_t sequence_ = 0;
};

TEST_F(FindingEvidence, AFindingThatTakesBackClearsInTheOrderOfTheLines) {
  EXPECT_EQ(Find(FindingAt(Seconds(1), Clear::kBoot)), Taken::kApplied);
  // Both lines stood in one frame and have one time.
  EXPECT_EQ(Find(FindingAt(Seconds(1), Clear::kBoot, Verdict::kOk)), Taken::kApplied);
  EXPECT_EQ(Found(), 0u);
  EXPECT_EQ(Find(FindingAt(Seconds(1), Clear::kBoot)), Taken::kApplied);
  EXPECT_EQ(Found(), 1u);
  EXPECT_EQ(Find(FindingAt(Seconds(2), Clear::kBoot, Verdict::kOk)), Taken::kApplied);
  EXPECT_EQ(Find(FindingAt(Seconds(3), Clear::kBoot, Verdict::kOk)), Taken::kDuplicate);
  EXPECT_TRUE(record_.conditions.empty());
}

TEST_F(FindingEvidence, ATakingBackOfAnotherUnitOrOfBeforeChangesNothing) {
  EXPECT_EQ(Find(FindingAt(Seconds(5), Clear::kBoot)), Taken::kApplied);
  Finding other = FindingAt(Seconds(6), Clear::kBoot, Verdict::kOk);
  other.condition.unit = "eth1";
  EXPECT_EQ(Find(other), Taken::kDuplicate);
  EXPECT_EQ(Find(FindingAt(Seconds(4), Clear::kBoot, Verdict::kOk)), Taken::kDuplicate);
  EXPECT_EQ(Found(), 1u);
}

TEST_F(FindingEvidence, AnEventEndsInItsTimeWhateverComes) {
  Find(FindingAt(Seconds(0), Clear::kTime));
  Find(FindingAt(Seconds(500), Clear::kTime));
  EXPECT_EQ(Found(), 1u);
  AgeEvidence(policy_, kStart + Seconds(600), &record_);
  EXPECT_EQ(Found(), 0u);
  // A later one is an event of its own, even where nobody looked in between.
  Find(FindingAt(Seconds(700), Clear::kTime));
  EXPECT_EQ(TakeFinding(FindingAt(Seconds(1400), Clear::kTime), kStart + Seconds(1400), &record_),
            Taken::kApplied);
  ASSERT_EQ(Found(), 1u);
  EXPECT_EQ(record_.conditions[0].clears_at, kStart + Seconds(2000));
  EXPECT_EQ(record_.conditions[0].verdict_since, kStart + Seconds(1400));
}

TEST_F(FindingEvidence, AProbeClearsOnceItIsOkLateEnough) {
  Finding finding = FindingAt(Seconds(0), Clear::kProbe);
  finding.clear_probe = "DockerUnresponsive";
  finding.clear_after = Minutes(1);
  Probe(Seconds(-5), Verdict::kOk);
  Find(finding);
  Beat(Seconds(59));
  EXPECT_EQ(Found(), 1u) << "seen too soon after the line";
  Probe(Seconds(70), Verdict::kUnknown);
  EXPECT_EQ(Found(), 1u) << "unknown is not healthy";
  Probe(Seconds(80), Verdict::kBad);
  EXPECT_EQ(Found(), 1u);
  Probe(Seconds(90), Verdict::kOk);
  EXPECT_EQ(Found(), 0u);
}

TEST_F(FindingEvidence, AProbeOfTheSameUnitAloneClears) {
  Finding finding = FindingAt(Seconds(0), Clear::kProbe);
  finding.clear_probe = "DockerUnresponsive";
  finding.condition.unit = "eth0";
  finding.clear_after = Minutes(1);
  Find(finding);
  Probe(Seconds(70), Verdict::kOk, "eth1");
  EXPECT_EQ(Found(), 1u);
  Probe(Seconds(80), Verdict::kOk, "eth0");
  EXPECT_EQ(Found(), 0u);
}

TEST_F(FindingEvidence, ARepairForgetsWhatAProbeWouldClear) {
  Finding finding = FindingAt(Seconds(0), Clear::kProbe);
  finding.clear_probe = "DockerUnresponsive";
  Find(finding);
  ForgetClearableFindings(&record_);
  EXPECT_EQ(Found(), 0u);
}

TEST_F(FindingEvidence, WhatARuleFoundEndsWithTheRule) {
  Find(FindingAt(Seconds(0), Clear::kBoot));
  Finding other = FindingAt(Seconds(0), Clear::kBoot);
  other.rule = "docker.other";
  Find(other);
  Probe(Seconds(1), Verdict::kBad);
  EXPECT_EQ(RulesFound(record_), (std::vector<std::string>{"docker.silent", "docker.other"}));
  WithdrawRules(std::vector<std::string>{"docker.silent", "DockerUnresponsive"}, &record_);
  EXPECT_EQ(RulesFound(record_), std::vector<std::string>{"docker.other"});
  EXPECT_EQ(record_.conditions.size(), 2u);
}

}  // namespace
}  // namespace fleetmedic

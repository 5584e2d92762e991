#include "remediation/evidence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::Pair;
using testing::SizeIs;

// A host that two detectors speak for.
class EvidenceTest : public testing::Test {
 protected:
  EvidenceTest() {
    record_.facts.host = HostId("web-1");
    Report("docker", Verdict::kBad, 1);
    Report("gpu", Verdict::kOk, 1);
  }

  HealthEvent Event(std::string detector, uint64_t sequence) const {
    HealthEvent event;
    event.host = HostId("web-1");
    event.boot_id = "boot-1";
    event.booted_at = kBooted;
    event.detector = std::move(detector);
    event.sequence = sequence;
    event.observed_at = now_;
    return event;
  }
  void Report(const std::string& detector, Verdict verdict, uint64_t sequence) {
    HealthEvent event = Event(detector, sequence);
    Condition condition;
    condition.type = detector + "Condition";
    condition.verdict = verdict;
    condition.severity = Severity::kHard;
    event.conditions.push_back(condition);
    TakeReport(event, now_, &record_);
  }
  HealthEvent Beat(std::map<std::string, Millis> running) const {
    HealthEvent beat = Event("agent", 100);
    beat.kind = HealthEventKind::kBeat;
    beat.running = std::move(running);
    return beat;
  }

  static constexpr WallTime kBooted{Seconds(1'700'000'000)};
  WallTime now_ = kBooted + Hours(1);
  Policy policy_;
  HostRecord record_;
};

TEST_F(EvidenceTest, ABeatTakesBackWhatADetectorSaidThatRunsNoMore) {
  now_ += Seconds(10);
  TakeReport(Beat({{"gpu", Seconds(10)}}), now_, &record_);
  EXPECT_THAT(record_.detectors, ElementsAre(Pair("gpu", testing::_)));
  ASSERT_THAT(record_.conditions, SizeIs(1));
  EXPECT_EQ(record_.conditions[0].detector, "gpu");
  EXPECT_TRUE(Assess(policy_, record_, now_).all_ok);
}

TEST_F(EvidenceTest, ABeatThatDoesNotSayWhatRunsTakesNothingBack) {
  now_ += Seconds(10);
  TakeReport(Beat({}), now_, &record_);
  EXPECT_THAT(record_.conditions, SizeIs(2));
}

TEST_F(EvidenceTest, AnOldBeatTakesNothingBackFromADetectorThatStartedAfterIt) {
  const HealthEvent old = Beat({{"gpu", Seconds(10)}});
  now_ += Seconds(10);
  Report("docker", Verdict::kBad, 2);
  TakeReport(old, now_, &record_);
  EXPECT_THAT(record_.conditions, SizeIs(2));
}

TEST_F(EvidenceTest, FindingsOfRulesAreNoDetectors) {
  Finding finding;
  finding.host = HostId("web-1");
  finding.boot_id = "boot-1";
  finding.rule = "kernel.oops";
  finding.condition.type = "KernelOops";
  finding.condition.verdict = Verdict::kBad;
  finding.clear = Clear::kBoot;
  finding.first_at = finding.last_at = now_;
  ASSERT_EQ(TakeFinding(finding, now_, &record_), Taken::kApplied);
  now_ += Seconds(10);
  TakeReport(Beat({{"gpu", Seconds(10)}}), now_, &record_);
  EXPECT_THAT(record_.conditions, SizeIs(2));
}

TEST_F(EvidenceTest, ADetectorThatLooksSeldomIsBelievedUntilItMissedALook) {
  TakeReport(Beat({{"docker", Seconds(10)}, {"gpu", Seconds(60)}}), now_, &record_);
  Report("docker", Verdict::kOk, 2);
  const auto unknown_after = [this](Seconds span) {
    HealthEvent beat = Beat({});
    beat.observed_at = now_ + span;
    beat.beats["docker"] = {2, now_ + span};
    HostRecord later = record_;
    TakeReport(beat, now_ + span, &later);
    return Assess(policy_, later, now_ + span).unknown;
  };
  EXPECT_FALSE(unknown_after(Seconds(100)));
  EXPECT_TRUE(unknown_after(Seconds(131)));
  EXPECT_EQ(HostRecordFromJson(ToJson(record_)).value().detectors.at("gpu").every, Seconds(60));
}

TEST_F(EvidenceTest, AFaultThatIsLookedAtSeldomMayBeActedOnUntilALookWasMissed) {
  TakeReport(Beat({{"docker", Seconds(60)}, {"gpu", Seconds(60)}}), now_, &record_);
  const auto fresh_after = [this](Seconds span) {
    const Assessment seen = Assess(policy_, record_, now_ + span);
    EXPECT_NE(seen.worst, nullptr);
    EXPECT_EQ(seen.worst->condition.type, "dockerCondition");
    return seen.fresh;
  };
  ASSERT_LT(policy_.evidence_age_max, Seconds(60));
  EXPECT_TRUE(fresh_after(Seconds(61)));
  EXPECT_TRUE(fresh_after(Seconds(130)));
  EXPECT_FALSE(fresh_after(Seconds(131)));
}

}  // namespace
}  // namespace fleetmedic

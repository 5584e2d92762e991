#include "detectors/report/reporter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class ReporterTest : public testing::Test {
 protected:
  ReporterTest() : reporter_(Options()) { reporter_.SetBoot("boot-1", kBooted, clock_.Wall()); }

  static Reporter::Options Options() {
    Reporter::Options options;
    options.host = HostId("h");
    options.reserve_block = 10;
    return options;
  }
  void Take(Verdict verdict, std::string message = "m", std::string detector = "docker") {
    reporter_.Take({detector,
                    clock_.Wall(),
                    {MakeCondition("DockerUnresponsive", "", verdict, "R", std::move(message))}});
  }
  // Without beats.
  std::vector<HealthEvent> Events() {
    std::vector<HealthEvent> events = reporter_.Due(clock_.Mono());
    std::erase_if(events, [](const auto& e) { return e.kind == HealthEventKind::kBeat; });
    return events;
  }

  static constexpr WallTime kBooted{Seconds(1'700'000'000)};
  SimulatedClock clock_;
  Reporter reporter_;
};

TEST_F(ReporterTest, TellsAChangeAtOnceAndTheSameNotAgain) {
  Take(Verdict::kOk);
  ASSERT_THAT(Events(), SizeIs(1));
  clock_.Advance(Seconds(1));
  Take(Verdict::kOk, "another message");
  EXPECT_THAT(Events(), IsEmpty()) << "a message alone is no change";
  clock_.Advance(Seconds(1));
  Take(Verdict::kBad);
  const std::vector<HealthEvent> events = Events();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].sequence, 2u);
  EXPECT_EQ(events[0].conditions[0].verdict, Verdict::kBad);
}

TEST_F(ReporterTest, TellsEverythingAgainOnAPeriodWithTheNewestMessage) {
  Take(Verdict::kOk, "old");
  Events();
  clock_.Advance(Seconds(50));
  EXPECT_THAT(Events(), IsEmpty());
  clock_.Advance(Seconds(9));
  Take(Verdict::kOk, "new");
  EXPECT_THAT(Events(), IsEmpty());
  clock_.Advance(Seconds(1));
  const std::vector<HealthEvent> events = Events();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].conditions[0].message, "new");
}

TEST_F(ReporterTest, WhatIsToBeToldAgainBeforeTheNextBeatGoesWithThisOne) {
  Take(Verdict::kOk);
  Events();
  clock_.Advance(Seconds(5));
  Take(Verdict::kOk, "m", "disk");
  EXPECT_THAT(Events(), SizeIs(1));
  clock_.Advance(Seconds(45));
  EXPECT_THAT(Events(), IsEmpty());
  clock_.Advance(Seconds(10));
  EXPECT_THAT(Events(), SizeIs(2)) << "disk, too, after 55 s";
  EXPECT_GE(reporter_.NextDue(), clock_.Mono() + Seconds(5)) << "no turn for it alone";
}

TEST_F(ReporterTest, BeatsSayWhichSequenceStandsAndWhenItWasSeen) {
  Take(Verdict::kOk);
  reporter_.Due(clock_.Mono());
  clock_.Advance(Seconds(10));
  Take(Verdict::kOk);
  const std::vector<HealthEvent> events = reporter_.Due(clock_.Mono());
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].kind, HealthEventKind::kBeat);
  EXPECT_EQ(events[0].detector, "agent");
  ASSERT_TRUE(events[0].beats.contains("docker"));
  EXPECT_EQ(events[0].beats.at("docker").sequence, 1u);
  EXPECT_EQ(events[0].beats.at("docker").observed_at, clock_.Wall());
}

TEST_F(ReporterTest, BeatsDoNotRefreshWhatWasNotObserved) {
  Take(Verdict::kOk);
  const WallTime seen = clock_.Wall();
  reporter_.Due(clock_.Mono());
  clock_.Advance(Seconds(10));
  EXPECT_EQ(reporter_.Due(clock_.Mono())[0].beats.at("docker").observed_at, seen);
}

TEST_F(ReporterTest, BeatsTakeNumbersThatNoEventOfTheAgentHas) {
  Take(Verdict::kOk, "m", "agent");
  std::vector<uint64_t> sequences;
  for (int i = 0; i < 20; ++i) {
    for (const HealthEvent& event : reporter_.Due(clock_.Mono())) {
      sequences.push_back(event.sequence);
    }
    clock_.Advance(Seconds(10));
  }
  EXPECT_THAT(sequences, testing::WhenSorted(testing::ElementsAreArray(sequences)));
  EXPECT_EQ(std::adjacent_find(sequences.begin(), sequences.end()), sequences.end());
}

TEST_F(ReporterTest, KeepsSinceWhileTheVerdictStays) {
  const WallTime first = clock_.Wall();
  Take(Verdict::kBad, "a");
  clock_.Advance(Seconds(30));
  Take(Verdict::kBad, "b");
  EXPECT_EQ(reporter_.Conditions()[0].since, first);
  Take(Verdict::kUnknown);
  EXPECT_EQ(reporter_.Conditions()[0].since, clock_.Wall());
}

TEST_F(ReporterTest, DropsAReportThatIsOlderThanWhatItHolds) {
  clock_.Advance(Seconds(10));
  Take(Verdict::kOk);
  DetectorReport old{"docker",
                     clock_.Wall() - Seconds(5),
                     {MakeCondition("DockerUnresponsive", "", Verdict::kBad, "R", "m")}};
  EXPECT_FALSE(reporter_.Take(old));
  EXPECT_EQ(reporter_.Conditions()[0].verdict, Verdict::kOk);
}

TEST_F(ReporterTest, BelievesAClockThatWasSetBack) {
  clock_.Advance(Hours(2));
  Take(Verdict::kOk);
  clock_.JumpWall(-Hours(1));
  Take(Verdict::kBad);
  EXPECT_EQ(reporter_.Conditions()[0].verdict, Verdict::kBad);
}

TEST_F(ReporterTest, SequencesAndSinceGoOnThroughARestart) {
  Take(Verdict::kBad);
  const WallTime since = clock_.Wall();
  for (int i = 0; i < 25; ++i) {
    Events();
    clock_.Advance(Seconds(60));
  }
  // The newest state that was handed out before the last event.
  const std::optional<std::string> state = reporter_.TakeState();
  ASSERT_TRUE(state.has_value());
  Reporter next(Options());
  ASSERT_TRUE(next.Restore(*state));
  next.SetBoot("boot-1", kBooted, clock_.Wall());
  next.Take({"docker",
             clock_.Wall(),
             {MakeCondition("DockerUnresponsive", "", Verdict::kBad, "R", "m")}});
  const std::vector<HealthEvent> events = next.Due(clock_.Mono());
  EXPECT_GT(events[0].sequence, 25u);
  EXPECT_LE(events[0].sequence, 25u + 10u + 1u) << "skips no more than a block";
  EXPECT_EQ(events[0].conditions[0].since, since);
}

TEST_F(ReporterTest, EverySequenceIsReservedBeforeItIsUsed) {
  Take(Verdict::kBad);
  uint64_t reserved = 0;
  for (int i = 0; i < 50; ++i) {
    const std::vector<HealthEvent> events = reporter_.Due(clock_.Mono());
    if (const auto state = reporter_.TakeState()) {
      const Result<Json> json = Json::Parse(*state);
      ASSERT_TRUE(json);
      reserved = static_cast<uint64_t>(*(*json)["reserved"].integer());
    }
    for (const HealthEvent& event : events) EXPECT_LE(event.sequence, reserved);
    clock_.Advance(Seconds(30));
  }
}

TEST_F(ReporterTest, BeatsSayWhichDetectorsRun) {
  reporter_.SetRunning({{"agent", Seconds(5)}, {"docker", Seconds(10)}});
  Take(Verdict::kOk);
  const std::vector<HealthEvent> events = reporter_.Due(clock_.Mono());
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[1].running.at("docker"), Seconds(10));
  const auto again = HealthEventFromJson(ToJson(events[1]));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, events[1]);
}

TEST_F(ReporterTest, ADetectorThatRunsNoMoreIsForgottenOnceItsLastWordIsTold) {
  reporter_.SetRunning({{"agent", Seconds(5)}, {"docker", Seconds(10)}});
  Take(Verdict::kOk, "m", "agent");
  Take(Verdict::kBad);
  Events();
  clock_.Advance(Seconds(10));
  reporter_.Take({"docker", clock_.Wall(), {}});
  reporter_.SetRunning({{"agent", Seconds(5)}});
  std::vector<HealthEvent> events = reporter_.Due(clock_.Mono());
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_THAT(events[0].conditions, IsEmpty());
  EXPECT_FALSE(events[1].beats.contains("docker"));
  EXPECT_FALSE(events[1].running.contains("docker"));
  clock_.Advance(Minutes(5));
  for (const HealthEvent& event : Events()) EXPECT_EQ(event.detector, "agent");
  reporter_.SetRunning({{"agent", Seconds(5)}, {"docker", Seconds(10)}});
  Take(Verdict::kBad);
  events = Events();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].sequence, 3u) << "what the log holds of it stays behind it";
}

TEST_F(ReporterTest, ANewBootStartsAtOne) {
  Take(Verdict::kBad);
  Events();
  reporter_.SetBoot("boot-2", kBooted + Hours(1), clock_.Wall());
  const std::vector<HealthEvent> events = Events();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].sequence, 1u);
  EXPECT_EQ(events[0].boot_id, "boot-2");
}

TEST_F(ReporterTest, AStateThatCannotBeReadSkipsPastWhatThisBootCanHaveUsed) {
  Reporter next(Options());
  EXPECT_FALSE(next.Restore("{ torn"));
  next.SetBoot("boot-1", clock_.Wall() - Hours(1), clock_.Wall());
  next.Take({"docker", clock_.Wall(), {}});
  EXPECT_EQ(next.Due(clock_.Mono())[0].sequence, 3'600'001u);
}

TEST_F(ReporterTest, AnOldBootsStateIsNotThisBoots) {
  Take(Verdict::kBad);
  Events();
  const std::string state = reporter_.TakeState().value();
  Reporter next(Options());
  ASSERT_TRUE(next.Restore(state));
  next.SetBoot("boot-2", kBooted, clock_.Wall());
  next.Take({"docker", clock_.Wall(), {}});
  EXPECT_EQ(next.Due(clock_.Mono())[0].sequence, 1u);
}

TEST(CapConditionsTest, KeepsTheWorstAndDropsEvidenceFirst) {
  std::vector<Condition> conditions;
  for (int i = 0; i < 600; ++i) {
    Condition condition = MakeCondition("SystemdUnitFailed", std::to_string(i),
                                        i == 599 ? Verdict::kBad : Verdict::kOk, "R", "m");
    condition.evidence.assign(12, std::string(2000, 'e'));
    conditions.push_back(condition);
  }
  CapConditions(&conditions);
  EXPECT_LE(conditions.size(), HealthEvent::kConditionsMax);
  EXPECT_EQ(conditions[0].unit, "599");
  EXPECT_EQ(conditions[0].evidence.size(), Condition::kEvidenceLinesMax);
  HealthEvent event;
  event.host = HostId("h");
  event.conditions = conditions;
  EXPECT_LE(ToJson(event).Dump().size(), HealthEvent::kBytesMax);
}

}  // namespace
}  // namespace fleetmedic

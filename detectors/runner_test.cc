#include "detectors/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <utility>

#include "absl/synchronization/notification.h"
#include "base/thread_pool.h"
#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// Keeps work until the test runs it.
class HeldWorkers final : public Workers {
 public:
  explicit HeldWorkers(std::deque<std::function<void()>>* held) : held_(held) {}
  Status Submit(std::string_view, std::function<void()> work) override {
    held_->push_back(std::move(work));
    return {};
  }

 private:
  std::deque<std::function<void()>>* const held_;
};

struct Script {
  bool supported = true;
  Result<std::vector<Condition>> answer = std::vector<Condition>{};
  int probes = 0;
};

class ScriptedDetector final : public Detector {
 public:
  ScriptedDetector(std::string name, Millis interval, Script* script)
      : name_(std::move(name)), interval_(interval), script_(script) {}
  std::string_view name() const override { return name_; }
  std::vector<std::string> types() const override {
    return {"SystemdUnresponsive", "SystemdUnitFailed"};
  }
  bool Supported() const override { return script_->supported; }
  Millis interval() const override { return interval_; }
  Result<std::vector<Condition>> Probe(MonoTime) override {
    ++script_->probes;
    return script_->answer;
  }

 private:
  const std::string name_;
  const Millis interval_;
  Script* const script_;
};

class RunnerTest : public testing::Test {
 protected:
  RunnerTest()
      : runner_(
            &clock_, &metrics_,
            [this](std::string_view) { return std::make_unique<HeldWorkers>(&held_); },
            [this] { ++wakes_; },
            {.probe_deadline = Seconds(4), .stop_wait = Millis(0), .host = "h"}) {
    runner_.Add(std::make_unique<ScriptedDetector>("systemd", Seconds(10), &script_));
  }

  std::vector<DetectorReport> Turn() { return runner_.Turn(clock_.Mono(), clock_.Wall()); }
  void RunHeld() {
    auto work = std::move(held_.front());
    held_.pop_front();
    work();
  }

  SimulatedClock clock_;
  Metrics metrics_;
  std::deque<std::function<void()>> held_;
  int wakes_ = 0;
  Script script_;
  Runner runner_;
};

Condition Failed(std::string unit) {
  return MakeCondition("SystemdUnitFailed", unit, Verdict::kBad, "Failed", "it failed");
}

TEST_F(RunnerTest, ReportsWhatAProbeSawAsOfItsStart) {
  script_.answer = std::vector{Failed("a.service")};
  const WallTime started = clock_.Wall();
  EXPECT_THAT(Turn(), IsEmpty());
  clock_.Advance(Seconds(1));
  RunHeld();
  EXPECT_EQ(wakes_, 1);
  const std::vector<DetectorReport> reports = Turn();
  ASSERT_THAT(reports, SizeIs(1));
  EXPECT_EQ(reports[0].detector, "systemd");
  EXPECT_EQ(reports[0].observed_at, started);
  EXPECT_THAT(reports[0].conditions, ElementsAre(Failed("a.service")));
}

TEST_F(RunnerTest, StartsAProbeAtItsIntervalAndNotBefore) {
  Turn();
  RunHeld();
  Turn();
  clock_.Advance(Seconds(10) - Micros(1));
  Turn();
  EXPECT_EQ(script_.probes, 1);
  EXPECT_TRUE(held_.empty());
  clock_.Advance(Micros(1));
  Turn();
  EXPECT_EQ(held_.size(), 1u);
}

TEST_F(RunnerTest, TellsAHungProbeAsUnknownForWhatItLastSaid) {
  script_.answer = std::vector{Failed("a.service")};
  Turn();
  RunHeld();
  Turn();
  clock_.Advance(Seconds(10));
  EXPECT_THAT(Turn(), IsEmpty());
  clock_.Advance(Seconds(5) - Micros(1));
  EXPECT_THAT(Turn(), IsEmpty()) << "the deadline and a quarter of it are not over";
  clock_.Advance(Micros(1));
  const std::vector<DetectorReport> reports = Turn();
  ASSERT_THAT(reports, SizeIs(1));
  ASSERT_THAT(reports[0].conditions, SizeIs(2));
  for (const Condition& condition : reports[0].conditions) {
    EXPECT_EQ(condition.verdict, Verdict::kUnknown);
    EXPECT_EQ(condition.reason, "ProbeOverdue");
    EXPECT_THAT(condition.message, testing::HasSubstr("5s"));
  }
  EXPECT_EQ(reports[0].conditions[0].unit, "a.service");
  EXPECT_EQ(reports[0].conditions[1].type, "SystemdUnresponsive");
  EXPECT_THAT(runner_.Overdue(), SizeIs(1));
}

TEST_F(RunnerTest, NeverStartsASecondProbeWhileOneHangs) {
  Turn();
  for (int i = 0; i < 100; ++i) {
    clock_.Advance(Seconds(10));
    EXPECT_THAT(Turn(), SizeIs(1)) << "told once per interval";
  }
  EXPECT_EQ(held_.size(), 1u);
}

TEST_F(RunnerTest, DropsALateAnswerAndLooksAfreshAtOnce) {
  script_.answer = std::vector{Failed("old.service")};
  Turn();
  clock_.Advance(Seconds(30));
  EXPECT_THAT(Turn(), SizeIs(1));
  RunHeld();
  script_.answer = std::vector{Failed("new.service")};
  EXPECT_THAT(Turn(), IsEmpty()) << "what it saw is older than what was told";
  ASSERT_EQ(held_.size(), 1u) << "the fresh look";
  RunHeld();
  const std::vector<DetectorReport> reports = Turn();
  ASSERT_THAT(reports, SizeIs(1));
  EXPECT_EQ(reports[0].conditions[0].unit, "new.service");
  EXPECT_THAT(runner_.Overdue(), IsEmpty());
}

TEST_F(RunnerTest, TellsAnErrorAsUnknownNeverAsBad) {
  script_.answer = Fail(Code::kPermissionDenied, "no right");
  Turn();
  RunHeld();
  const std::vector<DetectorReport> reports = Turn();
  ASSERT_THAT(reports, SizeIs(1));
  ASSERT_THAT(reports[0].conditions, SizeIs(2));
  for (const Condition& condition : reports[0].conditions) {
    EXPECT_EQ(condition.verdict, Verdict::kUnknown);
    EXPECT_EQ(condition.reason, "ProbeFailed");
    EXPECT_EQ(condition.message, "no right");
  }
}

TEST_F(RunnerTest, SaysNothingOfASubsystemThatIsNotHere) {
  script_.supported = false;
  Turn();
  RunHeld();
  EXPECT_THAT(Turn(), IsEmpty());
  EXPECT_EQ(script_.probes, 0);
}

TEST_F(RunnerTest, LooksForASubsystemThatIsNotHereMoreSeldom) {
  Script absent{.supported = false};
  runner_.Add(std::make_unique<ScriptedDetector>("gpu", Seconds(1), &absent));
  Turn();
  RunHeld();
  RunHeld();
  Turn();
  clock_.Advance(Runner::kAbsentRest - Micros(1));
  Turn();
  EXPECT_THAT(held_, IsEmpty());
  absent.supported = true;
  clock_.Advance(Micros(1));
  Turn();
  ASSERT_THAT(held_, SizeIs(2));
  RunHeld();
  RunHeld();
  Turn();
  EXPECT_EQ(absent.probes, 1);
  clock_.Advance(Seconds(1));
  Turn();
  EXPECT_THAT(held_, SizeIs(1)) << "at its interval, now that it is here";
}

TEST_F(RunnerTest, WhatIsDueAMomentLaterIsStartedAlong) {
  Script other;
  Turn();
  RunHeld();
  Turn();
  clock_.Advance(ProbeSchedule::kTogether);
  runner_.Add(std::make_unique<ScriptedDetector>("docker", Seconds(10), &other));
  Turn();
  RunHeld();
  Turn();
  clock_.Advance(Seconds(10) - ProbeSchedule::kTogether);
  Turn();
  EXPECT_THAT(held_, SizeIs(2));
}

TEST_F(RunnerTest, AnswersOfOneStartAreTakenTogether) {
  Script other;
  runner_.Add(std::make_unique<ScriptedDetector>("docker", Seconds(10), &other));
  Turn();
  const MonoTime started = clock_.Mono();
  RunHeld();
  EXPECT_EQ(wakes_, 0) << "the other is outstanding";
  EXPECT_EQ(runner_.NextWake(), started + Runner::kGather) << "but not for long";
  RunHeld();
  EXPECT_EQ(wakes_, 1);
  EXPECT_THAT(Turn(), SizeIs(2));
  EXPECT_EQ(runner_.NextWake(), started + Seconds(10));
}

TEST_F(RunnerTest, AnAnswerThatComesLaterThanTheOthersIsTakenAtOnce) {
  Script other;
  runner_.Add(std::make_unique<ScriptedDetector>("docker", Seconds(10), &other));
  Turn();
  clock_.Advance(Runner::kGather);
  EXPECT_THAT(Turn(), IsEmpty());
  EXPECT_GT(runner_.NextWake(), clock_.Mono()) << "no turn after another";
  RunHeld();
  EXPECT_EQ(wakes_, 1);
  EXPECT_THAT(Turn(), SizeIs(1));
}

TEST_F(RunnerTest, AHungDetectorDoesNotDelayAnother) {
  Script other;
  runner_.Add(std::make_unique<ScriptedDetector>("docker", Seconds(10), &other));
  Turn();
  ASSERT_EQ(held_.size(), 2u);
  const auto hung = std::move(held_.front());
  held_.pop_front();
  for (int i = 0; i < 5; ++i) {
    RunHeld();
    Turn();
    clock_.Advance(Seconds(10));
    Turn();
  }
  EXPECT_EQ(other.probes, 5);
}

TEST_F(RunnerTest, ADetectorWithATimeOfItsOwnIsOverdueByThat) {
  struct Check final : Detector {
    std::string_view name() const override { return "check-slow"; }
    std::vector<std::string> types() const override { return {"SlowProblem"}; }
    bool Supported() const override { return true; }
    Millis interval() const override { return Minutes(10); }
    Millis probe_deadline() const override { return Seconds(40); }
    Result<std::vector<Condition>> Probe(MonoTime) override { return std::vector<Condition>{}; }
  };
  runner_.Add(std::make_unique<Check>());
  Turn();
  RunHeld();  // of the other detector
  Turn();
  clock_.Advance(Seconds(50) - Micros(1));
  Turn();
  EXPECT_THAT(runner_.Overdue(), IsEmpty());
  clock_.Advance(Micros(1));
  const std::vector<DetectorReport> reports = Turn();
  const auto slow = std::ranges::find(reports, "check-slow", &DetectorReport::detector);
  ASSERT_NE(slow, reports.end());
  ASSERT_THAT(slow->conditions, SizeIs(1));
  // A type of no table.
  EXPECT_EQ(slow->conditions[0].type, "SlowProblem");
  EXPECT_EQ(slow->conditions[0].verdict, Verdict::kUnknown);
}

TEST(RunnerThreadsTest, EndsThoughAProbeNeverComesBack) {
  SystemClock clock;
  // Outlives the test on purpose: the abandoned thread waits on it.
  static absl::Notification never;
  struct Hung final : Detector {
    std::string_view name() const override { return "docker"; }
    std::vector<std::string> types() const override { return {"DockerUnresponsive"}; }
    bool Supported() const override { return true; }
    Millis interval() const override { return Seconds(1); }
    Result<std::vector<Condition>> Probe(MonoTime) override {
      never.WaitForNotification();
      return Fail(Code::kIo, "");
    }
  };
  {
    Runner runner(&clock, nullptr,
                  [](std::string_view name) { return std::make_unique<ThreadPool>(name, 1, 1); },
                  {}, {.probe_deadline = Seconds(4), .stop_wait = Millis(20), .host = "h"});
    runner.Add(std::make_unique<Hung>());
    runner.Turn(clock.Mono(), clock.Wall());
  }
  never.Notify();
}

}  // namespace
}  // namespace fleetmedic

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detectors/systemd/systemd_detector.h"
#include "detectors/systemd/systemd_evaluate.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

SystemdUnit Unit(std::string name, std::string active, uint32_t restarts = 0) {
  SystemdUnit unit;
  unit.name = std::move(name);
  unit.active_state = std::move(active);
  unit.restarts = restarts;
  return unit;
}

// The titles of the bad conditions.
std::vector<std::string> Bad(const std::vector<Condition>& conditions) {
  std::vector<std::string> titles;
  for (const Condition& condition : conditions) {
    if (condition.verdict == Verdict::kBad) titles.push_back(ConditionTitle(condition));
  }
  return titles;
}

class EvaluateSystemdTest : public testing::Test {
 protected:
  EvaluateSystemdTest() {
    sample_.at = MonoTime(Hours(5));
    sample_.state = "running";
    sample_.uptime = Hours(1);
  }
  std::vector<Condition> Evaluate() {
    history_.Add(sample_, thresholds_.restart_loop_within);
    return EvaluateSystemd(sample_, history_, thresholds_);
  }

  SystemdSample sample_;
  SystemdHistory history_;
  SystemdThresholds thresholds_;
};

TEST_F(EvaluateSystemdTest, SaysOkOfEachTypeWhenAllIsWell) {
  sample_.units = {Unit("a.service", "active")};
  const std::vector<Condition> conditions = Evaluate();
  EXPECT_THAT(conditions, SizeIs(4));
  for (const Condition& condition : conditions) {
    EXPECT_EQ(condition.verdict, Verdict::kOk) << condition.type;
    EXPECT_EQ(condition.unit, "");
  }
}

TEST_F(EvaluateSystemdTest, NamesEachFailedUnit) {
  sample_.state = "degraded";
  sample_.units = {Unit("a.service", "failed"), Unit("b.mount", "failed"),
                   Unit("c.service", "active")};
  EXPECT_THAT(Bad(Evaluate()), ElementsAre("SystemdUnitFailed(a.service)",
                                           "SystemdUnitFailed(b.mount)", "SystemdDegraded"));
}

TEST_F(EvaluateSystemdTest, IgnoresUnitsByNameAndByGlob) {
  sample_.state = "degraded";
  thresholds_.ignore = {"a.service", "run-*.mount"};
  sample_.units = {Unit("a.service", "failed"), Unit("run-user-0.mount", "failed")};
  EXPECT_THAT(Bad(Evaluate()), IsEmpty()) << "degraded by nothing that matters";
  sample_.units.push_back(Unit("b.service", "failed"));
  EXPECT_THAT(Bad(Evaluate()), ElementsAre("SystemdUnitFailed(b.service)", "SystemdDegraded"));
}

TEST_F(EvaluateSystemdTest, TellsALoopByHowOftenItWasRestartedInTheWindow) {
  struct Look {
    Seconds after;
    uint32_t restarts;
    bool looping;
  };
  const Look looks[] = {
      {Seconds(0), 40, false},   // forty of long ago
      {Seconds(10), 42, false},  // two
      {Seconds(10), 43, true},   // three
      {Seconds(280), 43, true},  // from 300 s ago
      {Seconds(20), 43, false},  // older than five minutes
  };
  for (const Look& look : looks) {
    sample_.at += look.after;
    sample_.units = {Unit("a.service", "activating", look.restarts)};
    EXPECT_EQ(Bad(Evaluate()).size(), look.looping ? 1u : 0u)
        << look.restarts << " at " << look.after.count();
  }
}

TEST_F(EvaluateSystemdTest, ACountThatFellStartsAgain) {
  sample_.units = {Unit("a.service", "active", 50)};
  Evaluate();
  sample_.at += Seconds(10);
  sample_.units = {Unit("a.service", "active", 0)};
  EXPECT_THAT(Bad(Evaluate()), IsEmpty());
  sample_.at += Seconds(10);
  sample_.units = {Unit("a.service", "active", 3)};
  EXPECT_THAT(Bad(Evaluate()), ElementsAre("SystemdRestartLoop(a.service)"));
}

TEST_F(EvaluateSystemdTest, TellsNoLoopEarlyAfterTheBoot) {
  sample_.uptime = Minutes(4);
  sample_.units = {Unit("a.service", "activating", 0)};
  Evaluate();
  sample_.units = {Unit("a.service", "activating", 30)};
  EXPECT_THAT(Bad(Evaluate()), IsEmpty());
  sample_.uptime = Minutes(5);
  EXPECT_THAT(Bad(Evaluate()), SizeIs(1));
}

TEST_F(EvaluateSystemdTest, SaysWhatEachSystemStateMeans) {
  const std::pair<const char*, Verdict> cases[] = {
      {"running", Verdict::kOk},          {"starting", Verdict::kOk},
      {"initializing", Verdict::kOk},     {"degraded", Verdict::kBad},
      {"maintenance", Verdict::kBad},     {"stopping", Verdict::kUnknown},
      {"a later word", Verdict::kUnknown}};
  for (const auto& [state, verdict] : cases) {
    sample_.state = state;
    EXPECT_EQ(Evaluate().back().verdict, verdict) << state;
  }
}

TEST_F(EvaluateSystemdTest, StaysBoundedWithThousandsOfUnits) {
  for (int i = 0; i < 10'000; ++i) {
    sample_.units.push_back(Unit(std::to_string(i) + ".service", "failed"));
  }
  EXPECT_LE(Evaluate().size(), 210u);
}

TEST(GlobMatchesTest, KnowsStarAndQuestionMark) {
  EXPECT_TRUE(GlobMatches("a*c.service", "abbbc.service"));
  EXPECT_TRUE(GlobMatches("*", ""));
  EXPECT_TRUE(GlobMatches("user@?.service", "user@0.service"));
  EXPECT_TRUE(GlobMatches("*a*b", "xaxab"));
  EXPECT_FALSE(GlobMatches("a.service", "aXservice.service"));
  EXPECT_FALSE(GlobMatches("user@?.service", "user@10.service"));
  EXPECT_FALSE(GlobMatches("", "a"));
}

class ScriptedSource final : public SystemdSource {
 public:
  explicit ScriptedSource(Result<SystemdSample>* answer) : answer_(answer) {}
  bool Present() const override { return true; }
  Result<SystemdSample> Sample(MonoTime) override { return *answer_; }

 private:
  Result<SystemdSample>* const answer_;
};

TEST(SystemdDetectorTest, NoAnswerIsBadAndAllElseUnknown) {
  SystemdSample sample;
  sample.state = "running";
  sample.units = {Unit("a.service", "failed")};
  Result<SystemdSample> answer = sample;
  SystemdDetector detector(std::make_unique<ScriptedSource>(&answer), SystemdConfig());
  ASSERT_TRUE(detector.Probe(MonoTime{}));
  answer = Fail(Code::kDeadlineExceeded, "no answer");
  const auto conditions = detector.Probe(MonoTime{});
  ASSERT_TRUE(conditions);
  EXPECT_THAT(Bad(*conditions), ElementsAre("SystemdUnresponsive"));
  bool kept = false;
  for (const Condition& condition : *conditions) {
    if (condition.type == "SystemdUnresponsive") continue;
    EXPECT_EQ(condition.verdict, Verdict::kUnknown) << condition.type;
    kept = kept || condition.unit == "a.service";
  }
  EXPECT_TRUE(kept) << "what was bad is unknown now, not gone";
}

TEST(SystemdDetectorTest, ThatWeMayNotAskIsUnknown) {
  Result<SystemdSample> answer = Fail(Code::kPermissionDenied, "no right");
  SystemdDetector detector(std::make_unique<ScriptedSource>(&answer), SystemdConfig());
  EXPECT_FALSE(detector.Probe(MonoTime{}));
}

TEST(SystemdSourceTest, TellsABusThatNobodyListensOn) {
  TempFolder folder;
  SystemClock clock;
  const auto source =
      MakeBusSystemdSource(&clock, "unix:path=" + (folder / "socket"), folder / "marker");
  EXPECT_FALSE(source->Present());
  const auto sample = source->Sample(clock.Mono() + Seconds(1));
  ASSERT_FALSE(sample);
  EXPECT_EQ(sample.error().code, Code::kUnavailable) << sample.error().message;
}

TEST(SystemdSourceTest, ReadsTheFileOfADemonstrationBelowAnotherRootAlone) {
  TempFolder folder;
  ASSERT_TRUE(MakeFolders(folder / "run/fleetmedic-demo"));
  const std::string path = folder / "run/fleetmedic-demo/systemd.json";
  ASSERT_TRUE(WriteFileAtomic(path,
                              "{\"state\":\"degraded\",\"units\":[{\"name\":\"a.service\","
                              "\"active_state\":\"failed\",\"restarts\":3}]}"));
  SystemClock clock;
  HostConfig host;
  host.root = folder.path();
  const auto source = MakeSystemdSource(&clock, host, SystemdConfig());
  const auto sample = source->Sample(clock.Mono());
  ASSERT_TRUE(sample) << sample.error().message;
  ASSERT_THAT(sample->units, SizeIs(1));
  EXPECT_EQ(sample->units[0].restarts, 3u);
  ASSERT_TRUE(WriteFileAtomic(path, "{\"state\":\"running\",\"answers\":false}"));
  EXPECT_EQ(source->Sample(clock.Mono()).error().code, Code::kDeadlineExceeded);
}

}  // namespace
}  // namespace fleetmedic

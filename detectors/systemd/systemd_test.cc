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

// Empty where it is not told.
Condition Find(const std::vector<Condition>& conditions, const std::string& type,
               const std::string& unit = "") {
  for (const Condition& condition : conditions) {
    if (condition.type == type && condition.unit == unit) return condition;
  }
  return {};
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
    return EvaluateSystemd(sample_, thresholds_, &history_);
  }

  SystemdSample sample_;
  SystemdHistory history_;
  SystemdThresholds thresholds_;
};

TEST_F(EvaluateSystemdTest, SaysOkOfEachTypeWhenAllIsWell) {
  sample_.units = {Unit("a.service", "active")};
  const std::vector<Condition> conditions = Evaluate();
  EXPECT_THAT(conditions, SizeIs(5));
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

TEST_F(EvaluateSystemdTest, CallsAMissedWatchdogByItsName) {
  SystemdUnit failed = Unit("a.service", "failed");
  failed.result = "watchdog";
  sample_.units = {failed, Unit("b.service", "active", 0)};
  EXPECT_EQ(Find(Evaluate(), "SystemdUnitFailed", "a.service").reason, "Watchdog");
  // The look in which it is being killed; in the later ones it runs and its result is good.
  SystemdUnit killed = Unit("b.service", "deactivating", 2);
  killed.sub_state = "stop-watchdog";
  sample_.at += Seconds(10);
  sample_.units = {killed};
  Evaluate();
  sample_.at += Seconds(10);
  sample_.units = {Unit("b.service", "active", 3), Unit("c.service", "active", 0)};
  EXPECT_EQ(Find(Evaluate(), "SystemdRestartLoop", "b.service").reason, "Watchdog");
  sample_.at += Seconds(10);
  sample_.units = {Unit("c.service", "active", 3)};
  EXPECT_EQ(Find(Evaluate(), "SystemdRestartLoop", "c.service").reason, "Restarts");
}

TEST_F(EvaluateSystemdTest, TellsABootThatDoesNotFinish) {
  const struct {
    const char* sentence;
    const char* state;
    Millis uptime;
    Verdict verdict;
  } cases[] = {
      {"starting soon after the boot is how a boot looks", "starting", Minutes(29), Verdict::kOk},
      {"starting for half an hour is a boot that hangs", "starting", Minutes(30), Verdict::kBad},
      {"so is initializing", "initializing", Hours(3), Verdict::kBad},
      {"a degraded boot is finished", "degraded", Hours(3), Verdict::kOk},
      {"one that stops is not booting", "stopping", Hours(3), Verdict::kOk},
      {"nor is one in rescue", "maintenance", Hours(3), Verdict::kOk},
  };
  sample_.jobs = std::vector<SystemdJob>{{7, "net-up.service", "start", "running", true, false},
                                         {8, "multi-user.target", "start", "waiting"}};
  for (const auto& c : cases) {
    sample_.state = c.state;
    sample_.uptime = c.uptime;
    const Condition told = Find(Evaluate(), "SystemdBootUnfinished");
    EXPECT_EQ(told.verdict, c.verdict) << c.sentence;
    if (c.verdict == Verdict::kBad) {
      EXPECT_THAT(told.message, testing::HasSubstr("runs: start net-up.service")) << c.sentence;
      EXPECT_THAT(told.message, testing::Not(testing::HasSubstr("multi-user"))) << c.sentence;
    }
  }
}

SystemdRequiredUnit RequiredUnit(std::string name, std::string active, std::string file_state) {
  SystemdRequiredUnit unit;
  unit.name = std::move(name);
  unit.load_state = "loaded";
  unit.active_state = std::move(active);
  unit.file_state = std::move(file_state);
  return unit;
}

class RequiredUnitsTest : public EvaluateSystemdTest {
 protected:
  RequiredUnitsTest() {
    thresholds_.required = {"must", "log-*.service"};
    thresholds_.required_if_enabled = {"agent.service"};
    log_ = RequiredUnit("log-a.service", "active", "enabled");
  }
  // What is bad after this has been so for all of the grace.
  std::vector<std::string> BadAfterGrace(std::vector<SystemdRequiredUnit> units) {
    history_ = {};
    sample_.required = units;
    EXPECT_THAT(Bad(Evaluate()), IsEmpty()) << "within the grace";
    sample_.at += thresholds_.required_grace;
    return Bad(Evaluate());
  }

  SystemdRequiredUnit log_;
};

TEST_F(RequiredUnitsTest, JudgesEachByWhatItIsToTheHost) {
  const auto with = [](SystemdRequiredUnit unit, auto change) {
    change(unit);
    return unit;
  };
  const auto must = [](std::string active) {
    return RequiredUnit("must.service", std::move(active), "disabled");
  };
  const auto agent = [](std::string active, std::string file) {
    return RequiredUnit("agent.service", std::move(active), std::move(file));
  };
  const std::string down = "SystemdRequiredUnitDown(must.service)";
  const struct {
    const char* sentence;
    std::vector<SystemdRequiredUnit> units;
    std::vector<std::string> bad;
  } cases[] = {
      {"one that runs is well", {must("active")}, {}},
      {"one that is stopped is down, enabled or not", {must("inactive")}, {down}},
      {"one that failed is down", {must("failed")}, {down}},
      {"one that stops for so long is down", {must("deactivating")}, {down}},
      {"one that starts again and again is the restart loop's", {must("activating")}, {}},
      {"one whose start is queued is on its way",
       {with(must("inactive"), [](auto& unit) { unit.job = "start"; })},
       {}},
      {"one whose conditions are not met is not meant to run",
       {with(must("inactive"), [](auto& unit) { unit.skipped = true; })},
       {}},
      {"a oneshot that ran is done",
       {with(must("inactive"), [](auto& unit) { unit.finished = true; })},
       {}},
      {"one that is masked cannot be started",
       {with(must("inactive"), [](auto& unit) { unit.load_state = "masked"; })},
       {"SystemdRequiredUnitMissing(must.service)"}},
      {"a name that others refer to and nobody installed is missing",
       {with(must("inactive"),
             [](auto& unit) {
               unit.load_state = "not-found";
               unit.file_state = "";
             })},
       {"SystemdRequiredUnitMissing(must.service)"}},
      {"an agent that is enabled and stopped is down",
       {must("active"), agent("inactive", "enabled")},
       {"SystemdRequiredUnitDown(agent.service)"}},
      {"an agent that is disabled need not run",
       {must("active"), agent("inactive", "disabled")},
       {}},
      {"an agent that is masked need not run", {must("active"), agent("inactive", "masked")}, {}},
      {"an agent of an init script that is switched on must run",
       {must("active"), agent("failed", "generated")},
       {"SystemdRequiredUnitDown(agent.service)"}},
  };
  for (const auto& c : cases) {
    std::vector<SystemdRequiredUnit> units = c.units;
    units.push_back(log_);
    EXPECT_EQ(BadAfterGrace(units), c.bad) << c.sentence;
  }
}

TEST_F(RequiredUnitsTest, MissesWhatTheOperatorNamedAndNotWhatIsKnown) {
  EXPECT_THAT(BadAfterGrace({}), ElementsAre("SystemdRequiredUnitMissing(log-*.service)",
                                             "SystemdRequiredUnitMissing(must.service)"));
}

TEST_F(RequiredUnitsTest, ALookInWhichItRunsStartsTheGraceAgain) {
  thresholds_.required = {};
  const auto look = [&](const char* state) {
    sample_.required = std::vector{RequiredUnit("agent.service", state, "enabled")};
    sample_.at += Seconds(70);
    return Bad(Evaluate());
  };
  EXPECT_THAT(look("inactive"), IsEmpty());
  EXPECT_THAT(look("active"), IsEmpty());
  EXPECT_THAT(look("inactive"), IsEmpty());
  EXPECT_THAT(look("inactive"), IsEmpty());
  EXPECT_THAT(look("inactive"), SizeIs(1));
  EXPECT_THAT(look("active"), IsEmpty());
}

TEST_F(RequiredUnitsTest, IsQuietEarlyAfterTheBootAndUnknownWhereUnitsAreStoppedByIntent) {
  sample_.uptime = Minutes(1);
  EXPECT_THAT(BadAfterGrace({}), IsEmpty()) << "the host boots";
  sample_.uptime = Hours(1);
  for (const char* state : {"stopping", "maintenance"}) {
    sample_.state = state;
    sample_.at += Minutes(10);
    EXPECT_EQ(Find(Evaluate(), "SystemdRequiredUnitDown").verdict, Verdict::kUnknown) << state;
  }
  sample_.state = "running";
  sample_.required = Fail(Code::kPermissionDenied, "no right");
  EXPECT_EQ(Find(Evaluate(), "SystemdRequiredUnitMissing").verdict, Verdict::kUnknown);
}

class JobsTest : public EvaluateSystemdTest {
 protected:
  // What the job of the unit is after it was seen for `age`.
  Condition After(Millis age, std::vector<SystemdJob> jobs, const std::string& unit) {
    history_ = {};
    sample_.jobs = jobs;
    Evaluate();
    sample_.at += age;
    return Find(Evaluate(), "SystemdJobStuck", unit);
  }
};

TEST_F(JobsTest, JudgesEachByWhatItMayDo) {
  const SystemdJob hangs{1, "a.service", "start", "running"};
  const SystemdJob waits{2, "b.target", "start", "waiting"};
  const SystemdJob oneshot{3, "c.service", "start", "running", true, true};
  const SystemdJob stops{4, "c.service", "stop", "running", true, true};
  const SystemdJob endless{5, "d.service", "start", "running", false, true};
  const SystemdJob device{6, "dev-sdz.device", "start", "running"};
  const struct {
    const char* sentence;
    std::vector<SystemdJob> jobs;
    std::string unit;
    std::string reason;  // empty: nothing is told
    Severity severity;
  } cases[] = {
      {"a start that runs too long is stuck", {hangs}, "a.service", "Runs", Severity::kSoft},
      {"a wait for nothing is stuck", {waits}, "b.target", "Waits", Severity::kSoft},
      {"a wait for one that is told is only named",
       {hangs, waits},
       "b.target",
       "WaitsForAnother",
       Severity::kInfo},
      {"a oneshot may run long", {oneshot}, "c.service", "OneshotRuns", Severity::kInfo},
      {"but not stop for long", {stops}, "c.service", "Runs", Severity::kSoft},
      {"a start without a timeout may last", {endless}, "d.service", "NoTimeout", Severity::kInfo},
      {"a device may never come", {device}, "dev-sdz.device", "DeviceAwaited", Severity::kInfo},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(After(thresholds_.job_max - Millis(1), c.jobs, c.unit).type, "") << c.sentence;
    const Condition told = After(thresholds_.job_max, c.jobs, c.unit);
    EXPECT_EQ(told.verdict, Verdict::kBad) << c.sentence;
    EXPECT_EQ(told.reason, c.reason) << c.sentence;
    EXPECT_EQ(told.severity, c.severity) << c.sentence;
  }
}

TEST_F(JobsTest, AnotherJobOfTheUnitBeginsAnew) {
  sample_.jobs = std::vector<SystemdJob>{{1, "a.service", "start", "running"}};
  Evaluate();
  sample_.at += Minutes(11);
  EXPECT_THAT(Bad(Evaluate()), ElementsAre("SystemdJobStuck(a.service)"));
  sample_.jobs = std::vector<SystemdJob>{{2, "a.service", "start", "running"}};
  EXPECT_THAT(Bad(Evaluate()), IsEmpty());
  sample_.jobs = Fail(Code::kPermissionDenied, "no right");
  EXPECT_EQ(Find(Evaluate(), "SystemdJobStuck").verdict, Verdict::kUnknown);
}

TEST_F(JobsTest, OfManyTheOnesThatAreActedOnAreTold) {
  std::vector<SystemdJob> jobs;
  for (uint32_t i = 0; i < 10'000; ++i) {
    jobs.push_back({i, std::to_string(i) + ".service", "start", "running", true});
  }
  jobs.push_back({20'000, "z.service", "stop", "running"});
  sample_.jobs = jobs;
  thresholds_.job_max = Millis(0);
  EXPECT_EQ(Find(Evaluate(), "SystemdJobStuck", "z.service").severity, Severity::kSoft);
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

TEST(RequiredPatternTest, ANameWithoutATypeIsAServices) {
  EXPECT_EQ(RequiredPattern("auditd"), "auditd.service");
  EXPECT_EQ(RequiredPattern("dbus-org.freedesktop.login1"), "dbus-org.freedesktop.login1.service");
  EXPECT_EQ(RequiredPattern("data.mount"), "data.mount");
  EXPECT_EQ(RequiredPattern("falco*"), "falco*");
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
      MakeBusSystemdSource(&clock, "unix:path=" + (folder / "socket"), folder / "marker", {});
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
  EXPECT_FALSE(sample->required.has_value());
  EXPECT_FALSE(sample->jobs.has_value());
  ASSERT_TRUE(WriteFileAtomic(
      path,
      "{\"state\":\"running\","
      "\"required\":[{\"name\":\"a.service\",\"active_state\":\"inactive\"}],"
      "\"jobs\":[{\"id\":4,\"unit\":\"b.mount\",\"type\":\"start\",\"state\":\"running\"}]}"));
  const auto more = source->Sample(clock.Mono());
  ASSERT_TRUE(more) << more.error().message;
  ASSERT_TRUE(more->required.has_value() && *more->required);
  ASSERT_THAT(**more->required, SizeIs(1));
  EXPECT_EQ((**more->required)[0].file_state, "enabled");
  ASSERT_TRUE(more->jobs.has_value() && *more->jobs);
  EXPECT_THAT(**more->jobs, ElementsAre(SystemdJob{4, "b.mount", "start", "running"}));
  ASSERT_TRUE(WriteFileAtomic(path, "{\"state\":\"running\",\"answers\":false}"));
  EXPECT_EQ(source->Sample(clock.Mono()).error().code, Code::kDeadlineExceeded);
}

}  // namespace
}  // namespace fleetmedic

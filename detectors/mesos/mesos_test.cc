#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/file.h"
#include "detectors/mesos/mesos_evaluate.h"
#include "detectors/mesos/mesos_json.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = MesosAnswer::Kind;

// Written from Mesos' documentation: see testdata/README.md.
std::string Written(const std::string& name) {
  const auto text = ReadFile("detectors/mesos/testdata/" + name, 1 << 20);
  EXPECT_TRUE(text) << text.error().message;
  return text.value_or("");
}

MesosAnswer Replied(int status) { return {Kind::kReplied, status, ""}; }
MesosAnswer Ended(Kind kind) { return {kind, 0, "why"}; }

MesosSample Healthy() {
  MesosSample sample;
  sample.at = MonoTime(Hours(1));
  sample.seen = true;
  sample.limit = Millis(900);
  sample.health = sample.state_answer = sample.metrics_answer = sample.master_answer = Replied(200);
  sample.state = *MesosStateFromJson(Written("state.json"));
  sample.metrics = *MesosMetricsFromJson(Written("metrics.json"));
  sample.disk_used_share = 0.5;
  sample.checkpoint.kind = MesosCheckpoint::Kind::kReadable;
  sample.master = "127.0.0.1:5050";
  return sample;
}

// "type verdict reason" of everything that is not ok.
std::vector<std::string> NotOk(const MesosSample& sample, const MesosHistory& history) {
  std::vector<std::string> told;
  for (const Condition& condition : EvaluateMesos(sample, history, MesosThresholds())) {
    if (condition.verdict == Verdict::kOk) continue;
    told.push_back(condition.type + " " + std::string(VerdictName(condition.verdict)) + " " +
                   condition.reason);
  }
  return told;
}

TEST(EvaluateMesosTest, SaysWhatEachAnswerMeans) {
  struct Case {
    const char* sentence;
    std::function<void(MesosSample*)> change;
    std::vector<std::string> not_ok;
  };
  const std::vector<std::string> no_metrics = {
      "MesosAgentNotRegistered unknown CouldNotTell", "MesosRecoveryStuck unknown CouldNotTell",
      "MesosContainerErrors unknown CouldNotTell", "MesosExecutorsFailing unknown CouldNotTell"};
  const auto with = [&](std::string first) {
    std::vector<std::string> all = {std::move(first)};
    all.insert(all.end(), no_metrics.begin(), no_metrics.end());
    return all;
  };
  const auto silent = [](Kind kind, bool seen) {
    return [kind, seen](MesosSample* s) {
      s->health = Ended(kind);
      s->seen = seen;
      s->metrics_answer = MesosAnswer();
      s->metrics.clear();
    };
  };
  const Case cases[] = {
      {"all is well", [](MesosSample*) {}, {}},
      {"hung", silent(Kind::kTimedOut, true), with("MesosAgentUnresponsive bad TimedOut")},
      {"gone", silent(Kind::kNobody, true), with("MesosAgentUnresponsive bad Refused")},
      {"never there", silent(Kind::kNobody, false), with("MesosAgentUnresponsive unknown Refused")},
      {"no HTTP", silent(Kind::kBroken, true), with("MesosAgentUnresponsive unknown CouldNotTell")},
      {"not healthy",
       [](MesosSample* s) { s->health = Replied(500); },
       {"MesosAgentUnresponsive bad NotHealthy"}},
      {"metrics that need a password",
       [](MesosSample* s) {
         s->metrics_answer = Replied(401);
         s->metrics.clear();
       },
       {"MesosAgentNotRegistered unknown NoPermission", "MesosRecoveryStuck unknown NoPermission",
        "MesosContainerErrors unknown NoPermission", "MesosExecutorsFailing unknown NoPermission"}},
      {"errors of recovery",
       [](MesosSample* s) { s->metrics["slave/recovery_errors"] = 2; },
       {"MesosRecoveryStuck bad RecoveryErrors"}},
      {"the disk is fuller than the headroom",
       [](MesosSample* s) { s->disk_used_share = 0.91; },
       {"MesosDiskOverGcThreshold bad OverThreshold"}},
      {"sandboxes may have no age",
       [](MesosSample* s) { s->metrics["slave/executor_directory_max_allowed_age_secs"] = 0; },
       {"MesosDiskOverGcThreshold bad OverThreshold"}},
      {"a checkpoint that cannot be read",
       [](MesosSample* s) { s->checkpoint.kind = MesosCheckpoint::Kind::kUnreadable; },
       {"MesosCheckpointUnreadable bad Unreadable"}},
      {"a checkpoint that we may not read",
       [](MesosSample* s) { s->checkpoint.kind = MesosCheckpoint::Kind::kNoRight; },
       {"MesosCheckpointUnreadable unknown NoPermission"}},
      {"an agent that never registered has none",
       [](MesosSample* s) { s->checkpoint.kind = MesosCheckpoint::Kind::kNone; },
       {}},
      {"the master refuses",
       [](MesosSample* s) { s->master_answer = Ended(Kind::kNobody); },
       {"MesosMasterUnreachable bad Refused"}},
      {"the master is silent",
       [](MesosSample* s) { s->master_answer = Ended(Kind::kTimedOut); },
       {"MesosMasterUnreachable bad TimedOut"}},
      {"a master behind TLS takes the connection",
       [](MesosSample* s) { s->master_answer = Ended(Kind::kBroken); },
       {}},
      {"a master that is not known by number is not told of",
       [](MesosSample* s) {
         s->master.clear();
         s->master_answer = MesosAnswer();
       },
       {}},
  };
  for (const Case& c : cases) {
    MesosSample sample = Healthy();
    c.change(&sample);
    EXPECT_EQ(NotOk(sample, MesosHistory(Minutes(10))), c.not_ok) << c.sentence;
  }
}

TEST(EvaluateMesosTest, HasPatienceWithARegistration) {
  MesosHistory history(Minutes(10));
  MesosSample sample = Healthy();
  sample.metrics["slave/registered"] = 0;
  history.Add(sample);
  sample.at += Minutes(2) - Micros(1);
  history.Add(sample);
  EXPECT_THAT(NotOk(sample, history), IsEmpty());
  sample.at += Micros(1);
  history.Add(sample);
  EXPECT_THAT(NotOk(sample, history), ElementsAre("MesosAgentNotRegistered bad ReRegistering"));
  sample.state->id.clear();
  EXPECT_THAT(NotOk(sample, history), ElementsAre("MesosAgentNotRegistered bad NeverRegistered"));
  sample.metrics["slave/registered"] = 1;
  history.Add(sample);
  EXPECT_THAT(NotOk(sample, history), IsEmpty());
}

TEST(EvaluateMesosTest, HasPatienceWithARecovery) {
  MesosHistory history(Minutes(10));
  MesosSample sample = Healthy();
  sample.state_answer = Replied(503);
  history.Add(sample);
  sample.at += Minutes(15);
  sample.state_answer = Ended(Kind::kTimedOut);
  history.Add(sample);
  EXPECT_THAT(NotOk(sample, history), ElementsAre("MesosRecoveryStuck bad Recovering"))
      << "one look without an answer does not end it";
  sample.state_answer = Replied(200);
  history.Add(sample);
  EXPECT_THAT(NotOk(sample, history), IsEmpty());
}

TEST(EvaluateMesosTest, JudgesCountersByTheirGrowth) {
  MesosHistory history(Minutes(10));
  MesosSample sample = Healthy();
  history.Add(sample);
  EXPECT_THAT(NotOk(sample, history), IsEmpty()) << "what was counted before is nobody's news";
  sample.at += Minutes(1);
  sample.metrics["slave/container_launch_errors"] += 5;
  sample.metrics["slave/tasks_failed"] += 20;
  sample.metrics["slave/tasks_finished"] += 21;
  history.Add(sample);
  EXPECT_THAT(NotOk(sample, history), ElementsAre("MesosContainerErrors bad Grows"))
      << "most tasks end well";
  sample.at += Minutes(1);
  sample.metrics["slave/tasks_lost"] += 1;
  history.Add(sample);
  EXPECT_THAT(NotOk(sample, history),
              ElementsAre("MesosContainerErrors bad Grows", "MesosExecutorsFailing bad TasksFail"));
  sample.at += Minutes(11);
  history.Add(sample);
  sample.at += Minutes(11);
  history.Add(sample);
  EXPECT_THAT(NotOk(sample, history), IsEmpty());
}

TEST(MesosJsonTest, ReadsWhatIsDocumented) {
  const auto state = MesosStateFromJson(Written("state.json"));
  ASSERT_TRUE(state);
  EXPECT_EQ(state->id, "6f4c0d5e-93b1-4b9e-8a0d-2f7c1b9e0a11-S7");
  EXPECT_EQ(state->master_flag, "127.0.0.1:5050");
  EXPECT_EQ(state->work_dir, "/var/lib/mesos");
  EXPECT_EQ(state->gc_disk_headroom, 0.1);
  const auto metrics = MesosMetricsFromJson(Written("metrics.json"));
  ASSERT_TRUE(metrics);
  EXPECT_EQ(metrics->at("slave/registered"), 1.0);
  EXPECT_FALSE(metrics->contains("system/load_1min"));
}

TEST(MesosJsonTest, LeavesOutWhatItCannotRead) {
  for (const char* text : {"", "[]", "7", "{", "null"}) {
    EXPECT_EQ(MesosStateFromJson(text).error().code, Code::kCorrupt) << text;
    EXPECT_EQ(MesosMetricsFromJson(text).error().code, Code::kCorrupt) << text;
  }
  const auto state = MesosStateFromJson(
      R"({"id":7,"flags":{"work_dir":"relative","gc_disk_headroom":"1.5","master":[]}})");
  ASSERT_TRUE(state);
  EXPECT_EQ(state->id, "");
  EXPECT_EQ(state->work_dir, "");
  EXPECT_EQ(state->gc_disk_headroom, 0.1);
  std::string many = "{";
  for (int i = 0; i < 3000; ++i) many += "\"slave/x" + std::to_string(i) + "\":1,";
  many += R"("slave/text":"1"})";
  const auto metrics = MesosMetricsFromJson(many);
  ASSERT_TRUE(metrics);
  EXPECT_EQ(metrics->size(), kMesosMetricsMax);
}

TEST(MesosJsonTest, TakesAMasterOnlyByItsNumber) {
  EXPECT_EQ(NumericMaster("10.0.0.1:5050"), "10.0.0.1:5050");
  EXPECT_EQ(NumericMaster("10.0.0.1:5050/mesos"), "10.0.0.1:5050");
  for (const char* flag : {"", "zk://10.0.0.1:2181/mesos", "master-1:5050", "10.0.0.1",
                           "file:///etc/mesos/zk", "unix:/run/x", "10.0.0.1:0"}) {
    EXPECT_EQ(NumericMaster(flag), std::nullopt) << flag;
  }
}

}  // namespace
}  // namespace fleetmedic

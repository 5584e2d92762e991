#include "detectors/mesos/mesos_detector.h"

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "absl/synchronization/mutex.h"
#include "base/file.h"
#include "base/http_server.h"

namespace fleetmedic {
namespace {

// A Mesos agent's operator API as Apache Mesos documents it (docs/endpoints/slave/health.md,
// docs/endpoints/slave/state.md, docs/endpoints/metrics/snapshot.md, docs/monitoring.md): /health
// is a bare 200, /state is 503 while the agent recovers.
class Agent {
 public:
  Agent() {
    const auto route = [this](std::string path) {
      return HttpRoute{"GET", path, [this, path](const HttpRequest&) { return Answer(path); }};
    };
    bodies_["/health"] = "";
    for (const char* name : {"state", "metrics"}) {
      const auto text =
          ReadFile(std::string("detectors/mesos/testdata/") + name + ".json", 1 << 20);
      EXPECT_TRUE(text) << text.error().message;
      bodies_[std::string(name) == "state" ? "/state" : "/metrics/snapshot"] = text.value_or("");
    }
    server_ = std::make_unique<HttpServer>(
        std::vector<HttpRoute>{route("/health"), route("/state"), route("/metrics/snapshot")},
        &clock_, HttpServerOptions());
    EXPECT_TRUE(server_->Start(HttpAddress::Loopback(0)));
  }
  ~Agent() {
    Hang("");
    server_->Stop();
  }

  std::string address() const { return server_->address().Text(); }
  void Hang(const std::string& path) {
    const absl::MutexLock lock(&mutex_);
    hung_ = path;
  }
  void Recovering(bool recovering) {
    const absl::MutexLock lock(&mutex_);
    recovering_ = recovering;
  }
  // Replaces a text in /state or /metrics/snapshot.
  void Change(const std::string& path, const std::string& from, const std::string& to) {
    const absl::MutexLock lock(&mutex_);
    std::string& body = bodies_[path];
    const size_t at = body.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    body.replace(at, from.size(), to);
  }
  int Asked(const std::string& path) {
    const absl::MutexLock lock(&mutex_);
    return asked_[path];
  }

 private:
  bool Hangs(const std::string& path) {
    const absl::MutexLock lock(&mutex_);
    return hung_ == path;
  }
  HttpResponse Answer(const std::string& path) {
    if (Hangs(path)) {
      return HttpResponse::Stream("application/json", [this, path](HttpStream* stream) {
        while (Hangs(path) && stream->Wait(clock_.Mono() + Millis(20))) {
        }
      });
    }
    const absl::MutexLock lock(&mutex_);
    ++asked_[path];
    if (recovering_ && path == "/state") {
      return HttpResponse::Text(503, "Agent has not finished recovery");
    }
    return HttpResponse::Text(200, bodies_[path]);
  }

  SystemClock clock_;
  absl::Mutex mutex_;
  std::string hung_ ABSL_GUARDED_BY(mutex_);
  bool recovering_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<std::string, std::string> bodies_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int> asked_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<HttpServer> server_;
};

class MesosDetectorTest : public testing::Test {
 protected:
  void SetUp() override {
    host_.root = folder_.path();
    ASSERT_TRUE(MakeFolders(folder_ / "var/lib/mesos/meta/slaves/6f4c-S7"));
    ASSERT_TRUE(WriteFileAtomic(folder_ / "var/lib/mesos/meta/slaves/6f4c-S7/slave.info", "info"));
    // As Mesos makes it: an absolute link.
    ASSERT_EQ(::symlink("/var/lib/mesos/meta/slaves/6f4c-S7",
                        (folder_ / "var/lib/mesos/meta/slaves/latest").c_str()),
              0);
    config_.full_every = config_.state_every = Millis(0);
    config_.answer_max = Seconds(30);
  }
  void Start() {
    config_.address = agent_.address();
    config_.master = agent_.address();
    detector_ = std::make_unique<MesosDetector>(&clock_, host_, config_);
  }
  // "reason" by type of all that is not ok; how full the test's own disk is, is not its matter.
  std::map<std::string, std::string> NotOk(Millis limit = Seconds(30)) {
    const auto conditions = detector_->Probe(clock_.Mono() + limit);
    if (!conditions) ADD_FAILURE() << conditions.error().message;
    std::map<std::string, std::string> told;
    for (const Condition& condition : conditions.value_or(std::vector<Condition>{})) {
      if (condition.verdict == Verdict::kOk || condition.type == "MesosDiskOverGcThreshold")
        continue;
      told[condition.type] = condition.reason;
    }
    return told;
  }

  TempFolder folder_;
  SystemClock clock_;
  HostConfig host_;
  MesosConfig config_;
  Agent agent_;
  std::unique_ptr<MesosDetector> detector_;
};

using Told = std::map<std::string, std::string>;

TEST_F(MesosDetectorTest, IsThereWithAnAddressAUnitOrAWorkFolder) {
  EXPECT_TRUE(MesosDetector(&clock_, host_, config_).Supported()) << "a work folder";
  TempFolder bare;
  HostConfig other;
  other.root = bare.path();
  EXPECT_FALSE(MesosDetector(&clock_, other, config_).Supported());
  MesosConfig named = config_;
  named.address = "http://127.0.0.1:5051";
  EXPECT_TRUE(MesosDetector(&clock_, other, named).Supported());
  ASSERT_TRUE(MakeFolders(bare / "etc/systemd/system"));
  ASSERT_TRUE(WriteFileAtomic(bare / "etc/systemd/system/mesos-slave.service", "[Unit]\n"));
  EXPECT_TRUE(MesosDetector(&clock_, other, config_).Supported());
}

TEST_F(MesosDetectorTest, NothingIsBadOfAnAgentThatIsWell) {
  Start();
  EXPECT_EQ(NotOk(), Told());
  EXPECT_EQ(NotOk(), Told());
}

TEST_F(MesosDetectorTest, BetweenTwoLooksAtAllItAsksOnlyHealth) {
  config_.full_every = config_.state_every = Hours(1);
  Start();
  for (int look = 0; look < 3; ++look) EXPECT_EQ(NotOk(), Told());
  EXPECT_EQ(agent_.Asked("/metrics/snapshot"), 1);
  EXPECT_EQ(agent_.Asked("/state"), 1);
}

TEST_F(MesosDetectorTest, TellsAHungAgentAndThatItGoesOn) {
  config_.answer_max = Millis(200);
  Start();
  agent_.Hang("/health");
  EXPECT_EQ(NotOk()["MesosAgentUnresponsive"], "TimedOut");
  agent_.Hang("");
  detector_.reset();
  config_.answer_max = Seconds(30);
  Start();
  EXPECT_EQ(NotOk(), Told());
}

TEST_F(MesosDetectorTest, TellsOneThatDoesNotRegisterOrRecover) {
  config_.register_max = config_.recovery_max = Millis(0);
  Start();
  agent_.Change("/metrics/snapshot", "\"slave/registered\": 1.0", "\"slave/registered\": 0.0");
  EXPECT_EQ(NotOk(), (Told{{"MesosAgentNotRegistered", "ReRegistering"}}));
  agent_.Recovering(true);
  EXPECT_EQ(NotOk()["MesosRecoveryStuck"], "Recovering");
  agent_.Recovering(false);
  agent_.Change("/metrics/snapshot", "\"slave/registered\": 0.0", "\"slave/registered\": 1.0");
  EXPECT_EQ(NotOk(), Told());
}

TEST_F(MesosDetectorTest, CountsWhatFailsFromItsFirstLookOn) {
  Start();
  EXPECT_EQ(NotOk(), Told());
  agent_.Change("/metrics/snapshot", "launch_errors\": 9.0", "launch_errors\": 19.0");
  agent_.Change("/metrics/snapshot", "tasks_failed\": 150.0", "tasks_failed\": 190.0");
  EXPECT_EQ(NotOk(),
            (Told{{"MesosContainerErrors", "Grows"}, {"MesosExecutorsFailing", "TasksFail"}}));
}

TEST_F(MesosDetectorTest, ReadsTheCheckpoint) {
  const std::string info = folder_ / "var/lib/mesos/meta/slaves/6f4c-S7/slave.info";
  Start();
  ASSERT_TRUE(WriteFileAtomic(info, ""));
  EXPECT_EQ(NotOk(), (Told{{"MesosCheckpointUnreadable", "Unreadable"}}));
  ASSERT_EQ(::unlink(info.c_str()), 0);
  EXPECT_EQ(NotOk(), (Told{{"MesosCheckpointUnreadable", "Unreadable"}}));
  ASSERT_TRUE(RemoveTree(folder_ / "var/lib/mesos/meta/slaves/latest"));
  EXPECT_EQ(NotOk(), Told()) << "an agent that begins anew";
}

TEST_F(MesosDetectorTest, TellsAMasterThatRefuses) {
  Start();
  // A port that was free a moment ago.
  std::string refused;
  {
    const Agent gone;
    refused = gone.address();
  }
  config_.master = refused;
  detector_ = std::make_unique<MesosDetector>(&clock_, host_, config_);
  EXPECT_EQ(NotOk(), (Told{{"MesosMasterUnreachable", "Refused"}}));
}

}  // namespace
}  // namespace fleetmedic

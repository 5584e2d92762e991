#include "detectors/docker/docker_detector.h"

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/synchronization/mutex.h"
#include "base/http_server.h"

namespace fleetmedic {
namespace {

std::string Id(char digit) { return std::string(64, digit); }

// A Docker Engine of two containers, whose /top can be made to hang.
class Engine {
 public:
  explicit Engine(const std::string& socket) {
    const auto answer = [this](const std::string& name, std::string body) {
      return HttpRoute{"GET", name, [this, name, body](const HttpRequest& request) {
                         return Answer(name, request.path, body);
                       }};
    };
    HttpServerOptions options;
    options.streams_max = 16;
    server_ = std::make_unique<HttpServer>(
        std::vector<HttpRoute>{
            answer("/_ping", "OK"),
            answer("/containers/json", R"([{"Id":")" + Id('a') +
                                           R"(","State":"running","Names":["/one"]},{"Id":")" +
                                           Id('b') + R"(","State":"running","Names":["/two"]}])"),
            answer("/info", R"({"DockerRootDir":"/data","Driver":"overlay2"})"),
            answer("/version", R"({"Version":"20.10.24"})"),
            answer("/containers/{id}/top", R"({"Titles":[]})"),
            answer("/containers/{id}/logs", "x"),
        },
        &clock_, options);
    EXPECT_TRUE(server_->Start(HttpAddress::Unix(socket)));
  }
  ~Engine() {
    Hang("");
    server_->Stop();
  }

  // Paths that hold the text hang; an empty text frees all.
  void Hang(const std::string& text) {
    const absl::MutexLock lock(&mutex_);
    hung_ = text;
  }
  int Asked(const std::string& name) {
    const absl::MutexLock lock(&mutex_);
    return asked_[name];
  }

 private:
  bool Hangs(const std::string& path) {
    const absl::MutexLock lock(&mutex_);
    return !hung_.empty() && path.find(hung_) != std::string::npos;
  }
  HttpResponse Answer(const std::string& name, const std::string& path, const std::string& body) {
    {
      const absl::MutexLock lock(&mutex_);
      ++asked_[name];
    }
    if (!Hangs(path)) return HttpResponse::Text(200, body);
    return HttpResponse::Stream("application/json", [this, path](HttpStream* stream) {
      while (Hangs(path) && stream->Wait(clock_.Mono() + Millis(20))) {
      }
    });
  }

  SystemClock clock_;
  absl::Mutex mutex_;
  std::string hung_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int> asked_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<HttpServer> server_;
};

class DockerDetectorTest : public testing::Test {
 protected:
  void SetUp() override {
    host_.root = folder_.path();
    ASSERT_TRUE(MakeFolders(folder_ / "run"));
    ASSERT_TRUE(MakeFolders(folder_ / "data"));
    config_.full_every = Millis(0);
  }
  void Start() {
    engine_ = std::make_unique<Engine>(folder_ / "run/docker.sock");
    detector_ = std::make_unique<DockerDetector>(&clock_, host_, config_);
  }
  // "reason unit" of the condition of this type that is not ok, or "".
  std::string NotOk(const std::string& type, Millis limit = Seconds(3)) {
    const auto conditions = detector_->Probe(clock_.Mono() + limit);
    if (!conditions) ADD_FAILURE() << conditions.error().message;
    for (const Condition& condition : conditions.value_or(std::vector<Condition>{})) {
      if (condition.type == type && condition.verdict != Verdict::kOk) {
        return condition.reason + " " + condition.unit;
      }
    }
    return "";
  }

  TempFolder folder_;
  SystemClock clock_;
  HostConfig host_;
  DockerConfig config_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<DockerDetector> detector_;
};

TEST_F(DockerDetectorTest, IsNotSupportedWhereThereIsNoDocker) {
  const DockerDetector detector(&clock_, host_, config_);
  EXPECT_FALSE(detector.Supported());
}

TEST_F(DockerDetectorTest, AUnitWithoutASocketIsUnknownNotBad) {
  ASSERT_TRUE(MakeFolders(folder_ / "lib/systemd/system"));
  ASSERT_TRUE(WriteFileAtomic(folder_ / "lib/systemd/system/docker.service", "[Unit]\n"));
  DockerDetector detector(&clock_, host_, config_);
  ASSERT_TRUE(detector.Supported());
  const auto conditions = detector.Probe(clock_.Mono() + Seconds(1));
  ASSERT_TRUE(conditions);
  for (const Condition& condition : *conditions) {
    EXPECT_NE(condition.verdict, Verdict::kBad) << condition.type;
    if (condition.type == "DockerUnresponsive") {
      EXPECT_EQ(condition.verdict, Verdict::kUnknown);
    }
  }
}

TEST_F(DockerDetectorTest, OneThatIsInstalledAndNotInUseIsNotSupported) {
  ASSERT_TRUE(MakeFolders(folder_ / "run/systemd/system"));
  ASSERT_TRUE(MakeFolders(folder_ / "usr/lib/systemd/system"));
  ASSERT_TRUE(MakeFolders(folder_ / "proc/1"));
  ASSERT_TRUE(WriteFileAtomic(folder_ / "proc/1/comm", "systemd\n"));
  ASSERT_TRUE(WriteFileAtomic(folder_ / "usr/lib/systemd/system/docker.service", "[Unit]\n"));
  EXPECT_FALSE(DockerDetector(&clock_, host_, config_).Supported());
  // Enabled.
  const std::string wants = folder_ / "etc/systemd/system/multi-user.target.wants";
  ASSERT_TRUE(MakeFolders(wants));
  ASSERT_EQ(
      ::symlink("/usr/lib/systemd/system/docker.service", (wants + "/docker.service").c_str()), 0);
  EXPECT_TRUE(DockerDetector(&clock_, host_, config_).Supported());
  // Started by hand.
  ASSERT_TRUE(RemoveTree(wants));
  EXPECT_FALSE(DockerDetector(&clock_, host_, config_).Supported());
  ASSERT_TRUE(MakeFolders(folder_ / "proc/812"));
  ASSERT_TRUE(WriteFileAtomic(folder_ / "proc/812/comm", "dockerd\n"));
  EXPECT_TRUE(DockerDetector(&clock_, host_, config_).Supported());
}

TEST_F(DockerDetectorTest, NothingIsBadOfAnEngineThatAnswers) {
  Start();
  for (int look = 0; look < 4; ++look) {
    const auto conditions = detector_->Probe(clock_.Mono() + Seconds(30));
    ASSERT_TRUE(conditions);
    for (const Condition& condition : *conditions) {
      EXPECT_EQ(condition.verdict, Verdict::kOk)
          << condition.type << " " << condition.reason << " " << condition.message;
    }
  }
  EXPECT_GT(engine_->Asked("/containers/{id}/logs"), 0);
  EXPECT_EQ(engine_->Asked("/containers/{id}/top"), 4);
}

TEST_F(DockerDetectorTest, BetweenTwoLooksAtAllItOnlyPings) {
  config_.full_every = Hours(1);
  Start();
  for (int look = 0; look < 3; ++look) EXPECT_EQ(NotOk("DockerUnresponsive"), "");
  EXPECT_EQ(engine_->Asked("/_ping"), 3);
  EXPECT_EQ(engine_->Asked("/containers/json"), 1);
  engine_->Hang("/_ping");
  EXPECT_EQ(NotOk("DockerUnresponsive"), "PingTimedOut ");
  engine_->Hang("");
  EXPECT_EQ(NotOk("DockerUnresponsive", Seconds(30)), "");
  EXPECT_EQ(engine_->Asked("/containers/json"), 2) << "what came back is looked at in full";
}

TEST_F(DockerDetectorTest, AHungShimIsBlamedOnItsContainer) {
  Start();
  engine_->Hang("/" + Id('a') + "/top");
  EXPECT_EQ(NotOk("DockerShimHung"), "TopTimedOut aaaaaaaaaaaa");
  EXPECT_EQ(NotOk("ContainerdUnresponsive"), "") << "the other one answers";
  EXPECT_EQ(NotOk("DockerShimHung"), "TopTimedOut aaaaaaaaaaaa") << "and it stays";
  engine_->Hang("");
  EXPECT_EQ(NotOk("DockerShimHung", Seconds(30)), "");
}

TEST_F(DockerDetectorTest, WhenNoShimAnswersContainerdIsToBlame) {
  Start();
  engine_->Hang("/top");
  EXPECT_EQ(NotOk("ContainerdUnresponsive"), "TopTimedOut ");
  engine_->Hang("");
  EXPECT_EQ(NotOk("ContainerdUnresponsive", Seconds(30)), "");
}

TEST_F(DockerDetectorTest, ALogThatDoesNotComeIsTold) {
  Start();
  engine_->Hang("/logs");
  EXPECT_EQ(NotOk("DockerLogsStuck"), "") << "the first look asks for the versions";
  std::string told;
  for (int look = 0; look < 4 && told.empty(); ++look) told = NotOk("DockerLogsStuck");
  EXPECT_TRUE(told.starts_with("TimedOut ")) << told;
}

TEST_F(DockerDetectorTest, NeverWakesADaemonWhoseSocketSystemdHolds) {
  ASSERT_TRUE(MakeFolders(folder_ / "run/systemd/system"));
  ASSERT_TRUE(MakeFolders(folder_ / "proc/1"));
  ASSERT_TRUE(WriteFileAtomic(folder_ / "proc/1/comm", "systemd\n"));
  Start();
  EXPECT_FALSE(detector_->Supported()) << "it may be Podman's, or wait for its first client";
  EXPECT_EQ(NotOk("DockerUnresponsive"), "NotStarted ");
  EXPECT_EQ(engine_->Asked("/_ping"), 0);
  ASSERT_TRUE(MakeFolders(folder_ / "proc/812"));
  ASSERT_TRUE(WriteFileAtomic(folder_ / "proc/812/comm", "dockerd\n"));
  ASSERT_TRUE(WriteFileAtomic(folder_ / "proc/812/stat",
                              "812 (dockerd) S 1 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 0 17 0 99 1\n"));
  EXPECT_TRUE(detector_->Supported());
  EXPECT_EQ(NotOk("DockerUnresponsive", Seconds(30)), "") << "somebody has started it";
  ASSERT_TRUE(RemoveTree(folder_ / "proc/812"));
  const int asked = engine_->Asked("/_ping");
  EXPECT_EQ(NotOk("DockerUnresponsive"), "DaemonGone ");
  EXPECT_TRUE(detector_->Supported()) << "it ran";
  EXPECT_EQ(engine_->Asked("/_ping"), asked);
}

TEST_F(DockerDetectorTest, AsksWhereTheProcessesAreOutOfSight) {
  ASSERT_TRUE(MakeFolders(folder_ / "run/systemd/system"));
  Start();
  EXPECT_TRUE(detector_->Supported());
  EXPECT_EQ(NotOk("DockerUnresponsive", Seconds(30)), "");
}

TEST_F(DockerDetectorTest, AnotherDaemonAtTheSocketIsARestart) {
  config_.restarts_count = 2;
  Start();
  ASSERT_TRUE(MakeFolders(folder_ / "proc/12"));
  const auto run = [&](int start) {
    ASSERT_TRUE(WriteFileAtomic(
        folder_ / "proc/12/stat",
        "12 (dockerd) S 1 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 0 17 0 " + std::to_string(start) + " 1\n"));
  };
  ASSERT_TRUE(WriteFileAtomic(folder_ / "run/docker.pid", "12"));
  for (const int start : {100, 100, 200}) {
    run(start);
    EXPECT_EQ(NotOk("DockerRestarting", Seconds(30)), "");
  }
  run(300);
  EXPECT_EQ(NotOk("DockerRestarting", Seconds(30)), "Restarts ");
}

}  // namespace
}  // namespace fleetmedic

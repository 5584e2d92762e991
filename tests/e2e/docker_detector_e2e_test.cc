#include "detectors/docker/docker_detector.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detectors/containerd/containerd_detector.h"
#include "tests/e2e/docker_fixture.h"
#include "tests/e2e/fault_time.h"
#include "tests/e2e/wait.h"

namespace fleetmedic {
namespace {

// chattr +i and -i.
Status SetImmutable(const std::string& path, bool immutable) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) return FailErrno("open " + path, errno);
  int flags = 0;
  if (::ioctl(fd.get(), FS_IOC_GETFLAGS, &flags) != 0) return FailErrno("flags of " + path, errno);
  flags = immutable ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
  if (::ioctl(fd.get(), FS_IOC_SETFLAGS, &flags) != 0) return FailErrno("chattr " + path, errno);
  return {};
}

class DockerDetectorE2e : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "not root: cannot start a Docker daemon";
  }
  void TearDown() override { docker_.reset(); }

  void Start(DockerFixture::Options options = {}) {
    auto started = DockerFixture::Start(options);
    ASSERT_TRUE(started) << started.error().message;
    docker_ = *std::move(started);
    config_.socket = docker_->socket();
    config_.pid_file = docker_->pid_file();
    config_.full_every = Millis(0);
    config_.shims_every = Millis(0);
    config_.probes_every = Millis(0);
    detector_ = std::make_unique<DockerDetector>(&clock_, HostConfig(), config_);
    ASSERT_TRUE(detector_->Supported());
  }
  Condition Probe(const std::string& type) {
    const auto conditions = detector_->Probe(clock_.Mono() + Seconds(5));
    if (!conditions) ADD_FAILURE() << conditions.error().message;
    for (const Condition& condition : conditions.value_or(std::vector<Condition>{})) {
      if (condition.type == type) return condition;
    }
    return {};
  }
  bool BecomesVerdict(const std::string& type, Verdict verdict, Millis limit = Seconds(60)) {
    return WaitUntil(clock_, limit, [&] { return Probe(type).verdict == verdict; });
  }

  SystemClock clock_;
  DockerConfig config_;
  std::unique_ptr<DockerFixture> docker_;
  std::unique_ptr<DockerDetector> detector_;
};

TEST_F(DockerDetectorE2e, TellsAStoppedDaemonAndThatItGoesOn) {
  Start();
  ASSERT_TRUE(docker_->Run("one"));
  EXPECT_EQ(Probe("DockerUnresponsive").verdict, Verdict::kOk);
  EXPECT_EQ(Probe("ContainerdUnresponsive").verdict, Verdict::kOk);
  ASSERT_EQ(::kill(docker_->dockerd(), SIGSTOP), 0);
  const MonoTime asked = clock_.Mono();
  const Condition stopped = Probe("DockerUnresponsive");
  EXPECT_LT(clock_.Mono() - asked, Seconds(6));
  EXPECT_EQ(stopped.verdict, Verdict::kBad);
  EXPECT_EQ(stopped.reason, "PingTimedOut");
  EXPECT_EQ(Probe("ContainerdUnresponsive").verdict, Verdict::kUnknown);
  ASSERT_EQ(::kill(docker_->dockerd(), SIGCONT), 0);
  EXPECT_TRUE(BecomesVerdict("DockerUnresponsive", Verdict::kOk));
}

TEST_F(DockerDetectorE2e, TellsAKilledDaemonWhoseSocketStays) {
  Start();
  EXPECT_EQ(Probe("DockerUnresponsive").verdict, Verdict::kOk);
  ASSERT_EQ(::kill(docker_->dockerd(), SIGKILL), 0);
  EXPECT_TRUE(BecomesVerdict("DockerUnresponsive", Verdict::kBad));
  EXPECT_EQ(Probe("DockerUnresponsive").reason, "SocketMissing");
}

TEST_F(DockerDetectorE2e, TellsAStoppedContainerdThatAPingCannotSee) {
  Start();
  ASSERT_TRUE(docker_->Run("one"));
  EXPECT_EQ(Probe("ContainerdUnresponsive").verdict, Verdict::kOk);
  const auto containerd = docker_->Containerd();
  ASSERT_TRUE(containerd) << containerd.error().message;
  ASSERT_EQ(::kill(*containerd, SIGSTOP), 0);
  const Condition stopped = Probe("ContainerdUnresponsive");
  EXPECT_EQ(stopped.verdict, Verdict::kBad);
  EXPECT_EQ(stopped.reason, "InfoTimedOut");
  EXPECT_EQ(Probe("DockerUnresponsive").verdict, Verdict::kOk) << "the daemon itself answers";
  ASSERT_EQ(::kill(*containerd, SIGCONT), 0);
  EXPECT_TRUE(BecomesVerdict("ContainerdUnresponsive", Verdict::kOk));
}

TEST_F(DockerDetectorE2e, TellsAKilledContainerdUntilItIsBack) {
  Start();
  ASSERT_TRUE(docker_->Run("one"));
  EXPECT_EQ(Probe("ContainerdUnresponsive").verdict, Verdict::kOk);
  const auto containerd = docker_->Containerd();
  ASSERT_TRUE(containerd) << containerd.error().message;
  ASSERT_EQ(::kill(*containerd, SIGKILL), 0);
  const Condition killed = Probe("ContainerdUnresponsive");
  EXPECT_EQ(killed.verdict, Verdict::kBad);
  EXPECT_EQ(killed.reason, "TopUnavailable");
  EXPECT_TRUE(BecomesVerdict("ContainerdUnresponsive", Verdict::kOk));
}

TEST_F(DockerDetectorE2e, TellsAFullDataRootWhileEveryCallAnswers) {
  Start({.data_bytes_max = int64_t{50} << 20});
  EXPECT_EQ(Probe("DockerDataRootFull").verdict, Verdict::kOk);
  const std::string filler = docker_->data_root() + "/filler";
  {
    const UniqueFd fd(::open(filler.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    const std::string block(1 << 16, 'x');
    while (::write(fd.get(), block.data(), block.size()) > 0) {
    }
  }
  const Condition full = Probe("DockerDataRootFull");
  EXPECT_EQ(full.verdict, Verdict::kBad) << full.message;
  EXPECT_EQ(full.unit, docker_->data_root());
  EXPECT_EQ(Probe("DockerUnresponsive").verdict, Verdict::kOk);
  ASSERT_EQ(::unlink(filler.c_str()), 0);
  EXPECT_EQ(Probe("DockerDataRootFull").verdict, Verdict::kOk);
}

TEST_F(DockerDetectorE2e, TheCreateProbeSeesAFullDataRootToo) {
  config_.create_probe = true;
  Start({.data_bytes_max = int64_t{50} << 20});
  EXPECT_EQ(Probe("DockerUnresponsive").verdict, Verdict::kOk);
  EXPECT_EQ(docker_->Call("GET", "/containers/json?all=1").value_or("?"), "[]\n")
      << "the probe's container is gone again";
  const std::string images = docker_->Call("GET", "/images/json").value_or("?");
  EXPECT_NE(images.find("base:1"), std::string::npos) << images;
  EXPECT_EQ(images.find("fleetmedic-create-probe"), std::string::npos) << "and its image";
  {
    const UniqueFd fd(
        ::open((docker_->data_root() + "/filler").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    for (size_t bytes = 1 << 16; bytes > 0;) {
      const std::string block(bytes, 'x');
      if (::write(fd.get(), block.data(), block.size()) <= 0) bytes /= 2;
    }
  }
  const Condition full = Probe("DockerUnresponsive");
  EXPECT_EQ(full.verdict, Verdict::kBad);
  EXPECT_EQ(full.reason, "CreateFailed") << full.message;
}

TEST_F(DockerDetectorE2e, TellsAContainerThatCannotBeRemoved) {
  config_.removing_max = Millis(300);
  Start();
  const auto id = docker_->Run("stuck");
  ASSERT_TRUE(id) << id.error().message;
  ASSERT_TRUE(docker_->Run("other"));
  EXPECT_EQ(Probe("DockerContainerStuck").verdict, Verdict::kOk);
  const std::string file = docker_->data_root() + "/containers/" + *id + "/config.v2.json";
  ASSERT_TRUE(docker_->Call("POST", "/containers/" + *id + "/kill"));
  ASSERT_TRUE(SetImmutable(file, true));
  const auto removed = docker_->Call("DELETE", "/containers/" + *id + "?force=1");
  EXPECT_FALSE(removed);
  EXPECT_TRUE(BecomesVerdict("DockerContainerStuck", Verdict::kBad, Seconds(20)));
  EXPECT_EQ(Probe("DockerContainerStuck").unit, id->substr(0, 12));
  ASSERT_TRUE(SetImmutable(file, false));
  EXPECT_TRUE(docker_->Call("DELETE", "/containers/" + *id + "?force=1"));
  EXPECT_TRUE(BecomesVerdict("DockerContainerStuck", Verdict::kOk, Seconds(20)));
}

TEST_F(DockerDetectorE2e, AStoppedShimIsBlamedOnItsOwnContainer) {
  config_.shim_grace = Millis(0);
  Start();
  const auto one = docker_->Run("one");
  const auto two = docker_->Run("two");
  ASSERT_TRUE(one && two);
  EXPECT_EQ(Probe("DockerShimHung").verdict, Verdict::kOk);
  EXPECT_EQ(Probe("DockerShimMissing").verdict, Verdict::kOk);
  EXPECT_EQ(Probe("DockerShimOrphaned").verdict, Verdict::kOk);
  const auto shim = docker_->Shim(*one);
  ASSERT_TRUE(shim) << shim.error().message;
  ASSERT_EQ(::kill(*shim, SIGSTOP), 0);
  // Seen halted in /proc at once, and by /top when its turn comes.
  EXPECT_TRUE(WaitUntil(clock_, Seconds(60), [&] {
    const Condition hung = Probe("DockerShimHung");
    return hung.reason == "TopTimedOut" && hung.unit == one->substr(0, 12);
  }));
  EXPECT_EQ(Probe("ContainerdUnresponsive").verdict, Verdict::kOk);
  EXPECT_EQ(Probe("DockerUnresponsive").verdict, Verdict::kOk);
  ASSERT_EQ(::kill(*shim, SIGCONT), 0);
  EXPECT_TRUE(BecomesVerdict("DockerShimHung", Verdict::kOk));
}

TEST_F(DockerDetectorE2e, TellsARunningContainerWhoseShimIsGone) {
  config_.shim_grace = Millis(0);
  Start();
  const auto id = docker_->Run("one");
  ASSERT_TRUE(id) << id.error().message;
  EXPECT_EQ(Probe("DockerShimMissing").verdict, Verdict::kOk);
  const auto shim = docker_->Shim(*id);
  const auto containerd = docker_->Containerd();
  ASSERT_TRUE(shim && containerd);
  // So that nobody tells Docker of the shim's end.
  ASSERT_EQ(::kill(*containerd, SIGSTOP), 0);
  ASSERT_EQ(::kill(*shim, SIGKILL), 0);
  EXPECT_TRUE(BecomesVerdict("DockerShimMissing", Verdict::kBad));
  EXPECT_EQ(Probe("DockerShimMissing").unit, id->substr(0, 12));
  ASSERT_EQ(::kill(*containerd, SIGCONT), 0);
  EXPECT_TRUE(BecomesVerdict("DockerShimMissing", Verdict::kOk))
      << "now it has ended for Docker too";
}

TEST_F(DockerDetectorE2e, TellsAShimWhoseContainerIsForgottenAndTheRestart) {
  config_.shim_grace = Millis(0);
  config_.restarts_count = 1;
  Start();
  const auto lost = docker_->Run("lost");
  ASSERT_TRUE(lost) << lost.error().message;
  EXPECT_EQ(Probe("DockerShimOrphaned").verdict, Verdict::kOk);
  EXPECT_EQ(Probe("DockerRestarting").verdict, Verdict::kOk);
  ASSERT_TRUE(docker_->RestartDaemon([&] {
    ASSERT_TRUE(RemoveTree(docker_->data_root() + "/containers/" + *lost));
  })) << docker_->LogText();
  EXPECT_TRUE(BecomesVerdict("DockerShimOrphaned", Verdict::kBad));
  EXPECT_EQ(Probe("DockerShimOrphaned").unit, lost->substr(0, 12));
  EXPECT_EQ(Probe("DockerRestarting").verdict, Verdict::kBad);
  const auto shim = docker_->Shim(*lost);
  ASSERT_TRUE(shim) << shim.error().message;
  ASSERT_EQ(::kill(*shim, SIGKILL), 0);
  EXPECT_TRUE(BecomesVerdict("DockerShimOrphaned", Verdict::kOk));
}

TEST_F(DockerDetectorE2e, TellsACommandThatDoesNotComeBack) {
  config_.exec_probe = true;
  config_.exec_command = {"/bin/sleep", "98765"};
  Start();
  const auto id = docker_->Run("one");
  ASSERT_TRUE(id) << id.error().message;
  EXPECT_TRUE(BecomesVerdict("DockerExecStuck", Verdict::kBad));
  EXPECT_EQ(Probe("DockerExecStuck").unit, id->substr(0, 12));
  ASSERT_TRUE(docker_->Call("POST", "/containers/" + *id + "/kill"));
  EXPECT_TRUE(WaitUntil(clock_, Seconds(60), [&] {
    return Probe("DockerExecStuck").verdict != Verdict::kBad;
  })) << "with its container it is gone";
}

TEST_F(DockerDetectorE2e, AnExecThatComesBackIsNoFault) {
  config_.exec_probe = true;
  config_.exec_command = {"/bin/sleep", "0"};
  Start();
  ASSERT_TRUE(docker_->Run("one"));
  EXPECT_TRUE(BecomesVerdict("DockerExecStuck", Verdict::kOk));
}

TEST_F(DockerDetectorE2e, TellsALogThatCannotBeRead) {
  Start();
  const auto id = docker_->Run("one");
  ASSERT_TRUE(id) << id.error().message;
  EXPECT_TRUE(BecomesVerdict("DockerLogsStuck", Verdict::kOk));
  // Opening a FIFO that nobody writes to waits, as a dead network file system does.
  const std::string log = docker_->data_root() + "/containers/" + *id + "/" + *id + "-json.log";
  ASSERT_EQ(::unlink(log.c_str()), 0);
  ASSERT_EQ(::mkfifo(log.c_str(), 0600), 0);
  EXPECT_TRUE(BecomesVerdict("DockerLogsStuck", Verdict::kBad));
  EXPECT_EQ(Probe("DockerLogsStuck").unit, id->substr(0, 12));
  EXPECT_EQ(Probe("DockerUnresponsive").verdict, Verdict::kOk);
}

TEST_F(DockerDetectorE2e, TellsADataRootThatIsReadOnly) {
  Start();
  EXPECT_EQ(Probe("DockerDataRootReadOnly").verdict, Verdict::kOk);
  EXPECT_EQ(Probe("DockerStorageError").verdict, Verdict::kOk);
  const std::string path = docker_->data_root();
  ASSERT_EQ(::mount(path.c_str(), path.c_str(), nullptr, MS_BIND, nullptr), 0);
  ASSERT_EQ(::mount(nullptr, path.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr), 0);
  EXPECT_EQ(Probe("DockerDataRootReadOnly").verdict, Verdict::kBad);
  ASSERT_EQ(::umount2(path.c_str(), MNT_DETACH), 0);
  EXPECT_EQ(Probe("DockerDataRootReadOnly").verdict, Verdict::kOk);
  ASSERT_EQ(::mount("tmpfs", path.c_str(), "tmpfs", 0, "size=1m"), 0);
  EXPECT_EQ(Probe("DockerStorageError").reason, "DataRootMoved");
  ASSERT_EQ(::umount2(path.c_str(), MNT_DETACH), 0);
  EXPECT_EQ(Probe("DockerStorageError").verdict, Verdict::kOk);
}

// The times of docs/detectors.md: with the intervals that ship, from the fault, just after a look,
// to the return of the look that tells of it.
TEST_F(DockerDetectorE2e, TellsHardFaultsInTime) {
  Start();
  DockerConfig shipped;
  shipped.socket = docker_->socket();
  shipped.pid_file = docker_->pid_file();
  detector_ = std::make_unique<DockerDetector>(&clock_, HostConfig(), shipped);
  ContainerdConfig its;
  its.sockets = {docker_->containerd_socket()};
  its.folders = {};
  ContainerdDetector containerd(&clock_, HostConfig(), its);
  const auto containerd_pid = docker_->Containerd();
  ASSERT_TRUE(containerd_pid);
  const auto signal = [](pid_t pid, int number) {
    return [pid, number] { ASSERT_EQ(::kill(pid, number), 0); };
  };
  EXPECT_LT(FaultTime(clock_, detector_.get(), "docker: SIGSTOP dockerd", "DockerUnresponsive",
                      signal(docker_->dockerd(), SIGSTOP)),
            Seconds(20));
  ASSERT_EQ(::kill(docker_->dockerd(), SIGCONT), 0);
  EXPECT_LT(FaultTime(clock_, &containerd, "containerd: SIGSTOP containerd", "ContainerdNotServing",
                      signal(*containerd_pid, SIGSTOP)),
            Seconds(20));
  ASSERT_EQ(::kill(*containerd_pid, SIGCONT), 0);
  EXPECT_LT(FaultTime(clock_, &containerd, "containerd: SIGKILL containerd", "ContainerdNotServing",
                      signal(*containerd_pid, SIGKILL)),
            Seconds(20));
  EXPECT_LT(FaultTime(clock_, detector_.get(), "docker: SIGKILL dockerd", "DockerUnresponsive",
                      signal(docker_->dockerd(), SIGKILL)),
            Seconds(20));
}

}  // namespace
}  // namespace fleetmedic

// The real containerd, alone: no Docker stands before it.
#include "detectors/containerd/containerd_detector.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/child_process.h"
#include "tests/e2e/fault_time.h"
#include "tests/e2e/wait.h"

namespace fleetmedic {
namespace {

class ContainerdDetectorE2e : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "not root: cannot start containerd";
    ASSERT_TRUE(MakeFolders(folder_ / "root"));
    config_.sockets = {folder_ / "containerd.sock"};
    config_.folders = {folder_ / "root"};
    config_.folders_every = Millis(0);
    detector_ = std::make_unique<ContainerdDetector>(&clock_, HostConfig(), config_);
  }
  void TearDown() override {
    child_.reset();  // kills it, stopped or not
    (void)::umount2((folder_ / "root").c_str(), MNT_DETACH);
  }

  void Start() {
    const UniqueFd log(
        ::open((folder_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    ASSERT_TRUE(
        WriteFileAtomic(folder_ / "config.toml",
                        "version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n"));
    ChildOptions options;
    options.argv = {"containerd",      "--config",       folder_ / "config.toml",
                    "--root",          folder_ / "root", "--state",
                    folder_ / "state", "--address",      folder_ / "containerd.sock"};
    options.standard_output = {ChildStream::Kind::kFd, log.get()};
    options.standard_error = {ChildStream::Kind::kFd, log.get()};
    options.dies_with_thread = true;  // where the test itself is killed, too
    Result<Child> child = Child::Start(options);
    ASSERT_TRUE(child) << child.error().message;
    child_.emplace(*std::move(child));
    ASSERT_TRUE(WaitUntil(clock_, Seconds(60), [&] {
      return Probe("ContainerdNotServing").reason == "Serving";
    })) << ReadFile(folder_ / "log", 1 << 20).value_or("");
  }
  Condition Probe(const std::string& type) {
    const auto conditions = detector_->Probe(clock_.Mono() + Seconds(5));
    for (const Condition& condition : conditions.value_or(std::vector<Condition>{})) {
      if (condition.type == type) return condition;
    }
    return {};
  }

  SystemClock clock_;
  TempFolder folder_;
  ContainerdConfig config_;
  std::optional<Child> child_;
  std::unique_ptr<ContainerdDetector> detector_;
};

TEST_F(ContainerdDetectorE2e, SaysServingAndNothingElse) {
  Start();
  EXPECT_TRUE(detector_->Supported());
  EXPECT_EQ(Probe("ContainerdNotServing").verdict, Verdict::kOk);
  EXPECT_EQ(Probe("ContainerdRestarting").verdict, Verdict::kOk);
}

TEST_F(ContainerdDetectorE2e, TellsAStoppedOneAndThatItGoesOn) {
  Start();
  EXPECT_LT(FaultTime(clock_, detector_.get(), "containerd alone: SIGSTOP", "ContainerdNotServing",
                      [&] { ASSERT_EQ(::kill(child_->pid(), SIGSTOP), 0); }),
            Seconds(20));
  EXPECT_EQ(Probe("ContainerdNotServing").reason, "TimedOut");
  ASSERT_EQ(::kill(child_->pid(), SIGCONT), 0);
  EXPECT_TRUE(WaitUntil(clock_, Seconds(60),
                        [&] { return Probe("ContainerdNotServing").verdict == Verdict::kOk; }));
}

TEST_F(ContainerdDetectorE2e, TellsAKilledOneAndItsRestarts) {
  config_.restarts_count = 2;
  detector_ = std::make_unique<ContainerdDetector>(&clock_, HostConfig(), config_);
  Start();
  for (int restart = 0; restart < 2; ++restart) {
    EXPECT_EQ(Probe("ContainerdRestarting").verdict, Verdict::kOk);
    ASSERT_EQ(::kill(child_->pid(), SIGKILL), 0);
    EXPECT_TRUE(WaitUntil(clock_, Seconds(60),
                          [&] { return Probe("ContainerdNotServing").reason == "Refused"; }));
    child_.reset();
    Start();
  }
  EXPECT_EQ(Probe("ContainerdRestarting").verdict, Verdict::kBad);
}

TEST_F(ContainerdDetectorE2e, TellsAFullRoot) {
  ASSERT_EQ(::mount("tmpfs", (folder_ / "root").c_str(), "tmpfs", 0, "size=20m"), 0);
  Start();
  EXPECT_EQ(Probe("ContainerdStorageFull").verdict, Verdict::kOk);
  {
    const UniqueFd fd(
        ::open((folder_ / "root/filler").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    const std::string block(1 << 12, 'x');
    while (::write(fd.get(), block.data(), block.size()) > 0) {
    }
  }
  EXPECT_EQ(Probe("ContainerdStorageFull").verdict, Verdict::kBad);
  EXPECT_EQ(Probe("ContainerdNotServing").verdict, Verdict::kOk) << "its own check does not see it";
  ASSERT_EQ(::unlink((folder_ / "root/filler").c_str()), 0);
  EXPECT_EQ(Probe("ContainerdStorageFull").verdict, Verdict::kOk);
}

}  // namespace
}  // namespace fleetmedic

#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detectors/fixture_host.h"
#include "detectors/process/process_detector.h"

namespace fleetmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A copy of the recorded host, to be changed.
class ProcessDetectorTest : public FixtureHostTest {
 protected:
  ProcessDetectorTest() : FixtureHostTest("detectors/process/testdata/healthy") {}

  // As proc_pid_stat(5) has it.
  void PutProcess(int pid, char state, int parent = 1) {
    const std::string folder = "proc/" + std::to_string(pid);
    Put(folder + "/stat", std::to_string(pid) + " (worker) " + state + " " +
                              std::to_string(parent) +
                              " 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 109 1 2 3\n");
    Put(folder + "/status", "voluntary_ctxt_switches:\t4\nnonvoluntary_ctxt_switches:\t3\n");
    Put(folder + "/wchan", "rpc_wait_bit_killable");
    Put(folder + "/stack",
        "[<0>] rpc_wait_bit_killable+0x1e/0xb0 [sunrpc]\n[<0>] do_syscall_64+0x1/0x2\n");
    Put(folder + "/cgroup", "8:freezer:/docker/x\n4:memory:/system.slice/app.service\n0::/\n");
  }

  std::vector<Condition> Probe(ProcessDetector* detector, Micros later = Seconds(60)) {
    clock_.Advance(later);
    const auto conditions = detector->Probe(clock_.Mono() + Seconds(5));
    EXPECT_TRUE(conditions) << conditions.error().message;
    return conditions.value_or(std::vector<Condition>());
  }
  // Inotify is tried on the machine itself alone.
  static std::vector<std::string> Bad(const std::vector<Condition>& conditions) {
    std::vector<std::string> titles;
    for (const Condition& condition : conditions) {
      if (condition.verdict == Verdict::kOk || condition.type == "InotifyLimit") continue;
      titles.push_back(ConditionTitle(condition));
    }
    return titles;
  }
};

TEST_F(ProcessDetectorTest, FindsNothingOnTheRecordedHost) {
  ProcessDetector detector(&clock_, host_, ProcessConfig());
  ASSERT_TRUE(detector.Supported());
  for (int i = 0; i < 10; ++i) EXPECT_THAT(Bad(Probe(&detector)), IsEmpty());
}

TEST_F(ProcessDetectorTest, NamesABlockedProcessAndWhereItWaits) {
  PutProcess(70, 'D');
  ProcessDetector detector(&clock_, host_, ProcessConfig());
  for (int minute = 0; minute < 5; ++minute) EXPECT_THAT(Bad(Probe(&detector)), IsEmpty());
  const auto conditions = Probe(&detector);
  EXPECT_THAT(Bad(conditions), ElementsAre("ProcessBlocked"));
  EXPECT_THAT(conditions[0].evidence,
              ElementsAre("process 70 (worker) for 5m, of systemd unit app.service, in "
                          "rpc_wait_bit_killable; stack rpc_wait_bit_killable < do_syscall_64"));
  PutProcess(70, 'S');
  EXPECT_THAT(Bad(Probe(&detector, Seconds(15))), ElementsAre("ProcessBlocked")) << "no walk yet";
  EXPECT_THAT(Bad(Probe(&detector, Seconds(45))), IsEmpty());
}

TEST_F(ProcessDetectorTest, LeavesAFrozenContainerOut) {
  PutProcess(70, 'D');
  Put("sys/fs/cgroup/freezer/docker/x/freezer.state", "FROZEN\n");
  ProcessDetector detector(&clock_, host_, ProcessConfig());
  for (int minute = 0; minute < 7; ++minute) EXPECT_THAT(Bad(Probe(&detector)), IsEmpty());
  Put("sys/fs/cgroup/freezer/docker/x/freezer.state", "THAWED\n");
  EXPECT_THAT(Bad(Probe(&detector)), ElementsAre("ProcessBlocked"));
}

TEST_F(ProcessDetectorTest, NamesTheParentOfZombies) {
  for (int pid = 1000; pid < 1100; ++pid) PutProcess(pid, 'Z', 70);
  PutProcess(70, 'S');
  ProcessDetector detector(&clock_, host_, ProcessConfig());
  for (int minute = 0; minute < 5; ++minute) EXPECT_THAT(Bad(Probe(&detector)), IsEmpty());
  const auto conditions = Probe(&detector);
  EXPECT_THAT(Bad(conditions), ElementsAre("ZombieProcesses"));
  EXPECT_THAT(conditions[1].message, HasSubstr("100 of 70 (worker)"));
}

TEST_F(ProcessDetectorTest, SaysSoWhereProcessesAreHidden) {
  std::filesystem::remove_all(folder_ / "proc/1");
  ProcessDetector detector(&clock_, host_, ProcessConfig());
  const auto conditions = Probe(&detector);
  EXPECT_THAT(Bad(conditions),
              ElementsAre("ProcessBlocked", "ZombieProcesses", "ProcessFileLimit"));
  EXPECT_EQ(conditions[0].verdict, Verdict::kUnknown);
  EXPECT_THAT(conditions[0].message, HasSubstr("hidepid"));
}

TEST_F(ProcessDetectorTest, StopsAtItsDeadline) {
  const ProcessWalker walker(&clock_, folder_.path());
  EXPECT_EQ(walker.Walk(clock_.Mono()).cut, "time was up after 0 processes");
}

TEST_F(ProcessDetectorTest, SaysSoWhereProcessesAreTooManyToWalk) {
  const ProcessWalk walk = ProcessWalker(&clock_, folder_.path(), nullptr, 3).Walk(clock_.Mono());
  EXPECT_EQ(walk.reason, "TooMany");
  EXPECT_THAT(walk.cut, HasSubstr("/proc"));
}

TEST_F(ProcessDetectorTest, IsNotSupportedBelowABareFolder) {
  TempFolder bare;
  host_.root = bare.path();
  EXPECT_FALSE(ProcessDetector(&clock_, host_, ProcessConfig()).Supported());
}

TEST(ProcessDetectorHereTest, LooksAtThisMachine) {
  SystemClock clock;
  ProcessDetector detector(&clock, HostConfig(), ProcessConfig());
  ASSERT_TRUE(detector.Supported());
  const auto conditions = detector.Probe(clock.Mono() + Seconds(60));
  ASSERT_TRUE(conditions) << conditions.error().message;
  EXPECT_EQ((*conditions)[0].type, "ProcessBlocked");
  EXPECT_NE((*conditions)[0].verdict, Verdict::kBad) << "at the first look";
}

TEST(ProcessWalkerHereTest, SeesAZombieOfItsOwnAndHowManyFilesItHasOpen) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  ASSERT_GT(child, 0);
  siginfo_t info{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  std::vector<UniqueFd> files;
  for (int i = 0; i < 300; ++i) files.emplace_back(dup(STDERR_FILENO));
  SystemClock clock;
  const ProcessWalk walk = ProcessWalker(&clock, "/").Walk(clock.Mono() + Seconds(60));
  bool zombie = false;
  for (const Zombie& one : walk.zombies) {
    zombie |= one.key.pid == child && one.parent == getpid();
  }
  EXPECT_TRUE(zombie);
  for (const OpenFiles& one : walk.open_files) {  // Linux 6.2 and later
    if (one.pid == getpid()) {
      EXPECT_GE(one.open, 300u);
    }
  }
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
}

}  // namespace
}  // namespace fleetmedic

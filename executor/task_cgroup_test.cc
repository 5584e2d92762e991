// With real processes, in real cgroups where the machine lets us make them.
#include "executor/task_cgroup.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <optional>

#include "base/child_process.h"
#include "base/file.h"
#include "base/poll.h"
#include "executor/process_driver.h"

namespace fleetmedic {
namespace {

using testing::HasSubstr;

constexpr char kExecutor[] = "0123456789ab";

std::string Text(const std::string& path) { return ReadFile(path, 1 << 20).value_or("(none)"); }

// A folder with files that take writes, as a cgroup has them.
void MakeFiles(const std::string& folder, std::initializer_list<const char*> names) {
  ASSERT_TRUE(MakeFolders(folder));
  for (const char* name : names) ASSERT_TRUE(WriteFileAtomic(folder + "/" + name, ""));
}

TEST(TaskCgroupTest, LimitsAreWrittenAsEachVersionReadsThem) {
  const TempFolder folder;
  MakeFiles(folder / "v2", {"memory.max", "memory.swap.max", "cpu.max"});
  const TaskCgroup v2({.unified = true, .memory = folder / "v2", .cpu = folder / "v2"});
  ASSERT_TRUE(v2.Make({.cpu_milli = 1500, .memory_bytes = 64 << 20}));
  EXPECT_EQ(Text(folder / "v2/memory.max"), "67108864");
  EXPECT_EQ(Text(folder / "v2/memory.swap.max"), "0");
  EXPECT_EQ(Text(folder / "v2/cpu.max"), "150000 100000");

  MakeFiles(folder / "m", {"memory.limit_in_bytes", "memory.memsw.limit_in_bytes"});
  MakeFiles(folder / "c", {"cpu.cfs_quota_us", "cpu.cfs_period_us"});
  MakeFiles(folder / "p", {"pids.max"});
  const TaskCgroup v1({.memory = folder / "m", .cpu = folder / "c", .pids = folder / "p"});
  ASSERT_TRUE(v1.Make({.cpu_milli = 3, .memory_bytes = 64 << 20}));
  EXPECT_EQ(Text(folder / "m/memory.limit_in_bytes"), "67108864");
  EXPECT_EQ(Text(folder / "m/memory.memsw.limit_in_bytes"), "67108864");
  EXPECT_EQ(Text(folder / "c/cpu.cfs_period_us"), "100000");
  EXPECT_EQ(Text(folder / "c/cpu.cfs_quota_us"), "1000") << "the kernel's least";
  EXPECT_EQ(Text(folder / "p/pids.max"), "max");
}

TEST(TaskCgroupTest, WithoutResourcesNothingIsLimited) {
  const TempFolder folder;
  MakeFiles(folder / "v2", {"memory.max", "cpu.max"});
  ASSERT_TRUE(TaskCgroup({.unified = true, .memory = folder / "v2", .cpu = folder / "v2"})
                  .Make(Resources()));
  EXPECT_EQ(Text(folder / "v2/memory.max") + Text(folder / "v2/cpu.max"), "");
}

TEST(TaskCgroupTest, OfV2EachFolderOnTheWayGivesItsControllersOn) {
  const TempFolder folder;
  MakeFiles(folder.path(), {"cgroup.subtree_control"});
  ASSERT_TRUE(WriteFileAtomic(folder / "cgroup.controllers", "cpuset cpu io memory pids\n"));
  MakeFiles(folder / "a.slice/b", {"cgroup.subtree_control"});
  ASSERT_TRUE(WriteFileAtomic(folder / "a.slice/cgroup.subtree_control", "cpu memory\n"));
  MakeFiles(folder / "a.slice/b/trial=0123456789ab.task", {"memory.max", "cpu.max"});
  // It cannot be removed, being made of files: by then the rest has been done.
  EXPECT_FALSE(FindCgroupParent(folder.path(), "/a.slice/b", kExecutor));
  // The two writes of one plain file lie over each other.
  EXPECT_EQ(Text(folder / "cgroup.subtree_control"), "+cpuory");
  EXPECT_EQ(Text(folder / "a.slice/cgroup.subtree_control"), "cpu memory\n") << "given already";
  EXPECT_EQ(Text(folder / "a.slice/b/trial=0123456789ab.task/cpu.max"), "100000 100000");
}

TEST(TaskCgroupTest, SaysWhatIsMissing) {
  const TempFolder folder;
  ASSERT_TRUE(WriteFileAtomic(folder / "cgroup.controllers", "cpu io\n"));
  EXPECT_EQ(FindCgroupParent(folder.path(), "/fleetmedic", kExecutor).error().message,
            "no cgroup controller memory below " + folder.path());
}

TEST(TaskCgroupTest, KillsOfTheKernelAreReadFromEitherVersion) {
  const TempFolder folder;
  ASSERT_TRUE(WriteFileAtomic(folder / "memory.oom_control",
                              "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"));
  ASSERT_TRUE(WriteFileAtomic(folder / "memory.events", "low 0\noom 4\noom_kill 2\n"));
  EXPECT_EQ(TaskCgroup({.memory = folder.path()}).OomKills(), 3u);
  EXPECT_EQ(TaskCgroup({.unified = true, .memory = folder.path()}).OomKills(), 2u);
  EXPECT_EQ(TaskCgroup({.memory = folder / "none"}).OomKills(), 0u);
}

class TaskInCgroupTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string name = "fleetmedic-test-" + std::to_string(::getpid());
    Result<CgroupFolders> found = FindCgroupParent("/sys/fs/cgroup", "/" + name, kExecutor);
    if (!found) GTEST_SKIP() << found.error().message;
    parent_ = *std::move(found);
    job_.id = JobId("web");
    job_.restart = Restart::kNever;
    job_.resources = {.cpu_milli = 200, .memory_bytes = int64_t{32} << 20};
  }
  ~TaskInCgroupTest() override {
    driver_.reset();
    if (const Result<TaskRun> run = folder_of_task().ReadRun()) {
      (void)KillProcess(run->shim);
    }
    for (const std::string& name : TaskCgroupsOf(parent_, kExecutor)) {
      EXPECT_TRUE(TaskCgroup(parent_, name).KillAll());
      EXPECT_TRUE(UntilTrue([&] { return TaskCgroup(parent_, name).Remove().has_value(); }));
    }
    for (const std::string& folder : parent_.All()) ::rmdir(folder.c_str());
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }

  void Open(bool enforce = true) {
    ProcessDriverOptions options;
    options.folder = folder_ / "tasks";
    options.shim_argv = {EXECUTOR_TEST_SHIM};
    options.restart_burst_max = 3;
    options.restart_backoff = Millis(10);
    options.cgroup_parent = parent_;
    options.executor = kExecutor;
    options.enforce_limits = enforce;
    options.oom_cgroup_kept = oom_cgroup_kept_;
    driver_ = std::make_unique<ProcessDriver>(options, &clock_);
    const Status opened = driver_->Open();
    ASSERT_TRUE(opened) << opened.error().message;
  }
  void Run(const std::string& script) {
    job_.argv = {"sh", "-c", script};
    driver_->Run(task_, job_);
  }
  bool UntilTrue(const std::function<bool()>& condition) {
    const MonoTime deadline = clock_.Mono() + Seconds(30);
    while (clock_.Mono() < deadline) {
      if (condition()) return true;
      PollUntil({}, clock_, clock_.Mono() + Millis(5));
    }
    return false;
  }
  bool Until(const std::function<bool()>& condition) {
    return UntilTrue([&] {
      driver_->Poll();
      for (const TaskStatus& status : driver_->TakeChanged()) status_ = status;
      return condition();
    });
  }
  bool UntilState(TaskState state) {
    return Until([&] { return status_.state == state; });
  }
  bool UntilPrinted(const std::string& line) {
    return Until([&] { return Output().find(line) != std::string::npos; });
  }
  TaskFolder folder_of_task() const {
    return TaskFolder(folder_ / "tasks/" + TaskFolder::NameOf(task_));
  }
  std::string Output() const { return Text(folder_of_task().File("stdout.log")); }
  // What the task left in cgroups of its own.
  std::vector<std::string> Cgroups() const { return TaskCgroupsOf(parent_, kExecutor); }

  const TempFolder folder_;
  const SystemClock clock_;
  const TaskId task_{"web/7f-1"};
  Millis oom_cgroup_kept_{60'000};
  CgroupFolders parent_;
  Job job_;
  TaskStatus status_;
  std::unique_ptr<ProcessDriver> driver_;
};

TEST_F(TaskInCgroupTest, ATaskRunsInACgroupThatNamesItAndGoesWithIt) {
  Open();
  Run("cat /proc/self/cgroup; exit 0");
  ASSERT_TRUE(UntilState(TaskState::kFinished)) << status_.reason;
  EXPECT_THAT(Output(), HasSubstr("/web=web+7f-1=0123456789ab.task\n"));
  EXPECT_TRUE(Until([&] { return Cgroups().empty(); }));
}

TEST_F(TaskInCgroupTest, PastItsMemoryATaskIsKilledAndItsEndSaysSo) {
  oom_cgroup_kept_ = Millis(200);
  Open();
  Run("exec tail /dev/zero");  // keeps all that it reads
  ASSERT_TRUE(UntilState(TaskState::kFailed));
  EXPECT_EQ(status_.reason,
            "signal 9 (Killed); the kernel killed 1 of its processes for memory, its limit is 32 "
            "MiB");
  EXPECT_EQ(Cgroups().size(), 1u) << "kept for the agent";
  EXPECT_TRUE(Until([&] { return Cgroups().empty(); }));
}

TEST_F(TaskInCgroupTest, CpuPastTheLimitIsHeldBack) {
  Open();
  if (parent_.cpu.empty()) GTEST_SKIP() << "no cpu hierarchy here";
  Run("while :; do :; done");
  ASSERT_TRUE(UntilState(TaskState::kRunning));
  const std::string folder = TaskCgroup(parent_, Cgroups().at(0)).folders().cpu;
  EXPECT_TRUE(Until([&] {
    const std::string stat = Text(folder + "/cpu.stat");
    return stat.find("nr_throttled 0\n") == std::string::npos;
  })) << Text(folder + "/cpu.stat");
}

TEST_F(TaskInCgroupTest, WhereLimitsAreNotEnforcedATaskHasItsCgroupAlone) {
  Open(/*enforce=*/false);
  Run("echo up; exec sleep 1000");
  ASSERT_TRUE(UntilPrinted("up"));
  const std::string folder = TaskCgroup(parent_, Cgroups().at(0)).folders().memory;
  EXPECT_EQ(Text(folder + "/memory.limit_in_bytes").find(std::to_string(32 << 20)),
            std::string::npos);
}

TEST_F(TaskInCgroupTest, WhatHidFromEverythingElseEndsWithTheTask) {
  Open();
  // Neither the group, the mark, the signal at the shim's end nor its children lead to it.
  Run("setpriv --pdeathsig clear setsid env -i sleep 1004.25 & echo up; exec sleep 1000");
  ASSERT_TRUE(UntilPrinted("up"));
  const auto hidden = [&] {
    Command look;
    look.argv = {"pgrep", "-f", "^sleep 1004[.]25"};
    return RunCommand(look, clock_, clock_.Mono() + Seconds(10))->standard_output;
  };
  ASSERT_TRUE(Until([&] { return !hidden().empty(); }));
  ASSERT_TRUE(SignalProcess(folder_of_task().ReadRun()->shim, SIGKILL));
  ASSERT_TRUE(UntilState(TaskState::kFailed));
  EXPECT_EQ(hidden(), "");
  EXPECT_TRUE(Until([&] { return Cgroups().empty(); }));
}

TEST_F(TaskInCgroupTest, ARestartStartsProcessesAgain) {
  job_.restart = Restart::kAlways;
  Open();
  Run("sh -c 'echo up'; exit 1");
  ASSERT_TRUE(UntilState(TaskState::kFailed)) << status_.reason;
  EXPECT_EQ(Output(), "up\nup\nup\nup\n");
}

TEST_F(TaskInCgroupTest, ACgroupThatCannotBeMadeFailsTheTask) {
  Open();
  for (const std::string& folder : parent_.All()) ASSERT_EQ(::rmdir(folder.c_str()), 0);
  Run("exit 0");
  ASSERT_TRUE(UntilState(TaskState::kFailed));
  EXPECT_THAT(status_.reason, testing::StartsWith("cannot make the cgroup "));
  for (const std::string& folder : parent_.All()) ASSERT_EQ(::mkdir(folder.c_str(), 0755), 0);
}

TEST_F(TaskInCgroupTest, TheNextExecutorSweepsWhatIsOfNoTask) {
  const TaskCgroup left(parent_, TaskCgroupName(JobId("gone"), TaskId("gone/1"), kExecutor));
  const TaskCgroup others(parent_, TaskCgroupName(JobId("gone"), TaskId("gone/1"), "ba9876543210"));
  ASSERT_TRUE(left.Make(Resources()));
  ASSERT_TRUE(others.Make(Resources()));
  // One further in, as a task with the right to make them may have.
  const TaskCgroup inner(left.folders(), "inner");
  ASSERT_TRUE(inner.Make(Resources()));
  const std::string procs = inner.folders().memory + "/cgroup.procs";
  const pid_t child = ::fork();
  if (child == 0) {
    // The shell enters and stays.
    ::execl("/bin/sh", "sh", "-c", ("echo 0 > " + procs + "; exec sleep 1000").c_str(), nullptr);
    ::_exit(127);
  }
  ASSERT_GT(child, 0);
  ASSERT_TRUE(UntilTrue([&] { return Text(procs) == std::to_string(child) + "\n"; }));
  Open();
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  // A remain that was not reaped then keeps its cgroup until the next start.
  Open();
  EXPECT_TRUE(Cgroups().empty());
  EXPECT_TRUE(FsRoot().Exists(others.folders().memory));
  EXPECT_TRUE(others.Remove());
}

TEST_F(TaskInCgroupTest, ALiveTasksCgroupIsNotSwept) {
  Open();
  Run("echo up; exec sleep 1000");
  ASSERT_TRUE(UntilPrinted("up"));
  Open();
  ASSERT_TRUE(UntilState(TaskState::kRunning));
  EXPECT_EQ(Cgroups().size(), 1u);
  driver_->Stop(task_, job_);
  ASSERT_TRUE(UntilState(TaskState::kFinished));
  EXPECT_TRUE(Until([&] { return Cgroups().empty(); }));
}

}  // namespace
}  // namespace fleetmedic

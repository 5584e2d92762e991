// With real processes.
#include "executor/process_driver.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <optional>

#include "base/child_process.h"
#include "base/file.h"
#include "base/poll.h"
#include "base/random.h"

namespace fleetmedic {
namespace {

class ProcessDriverTest : public testing::Test {
 protected:
  ~ProcessDriverTest() override {
    driver_.reset();
    // Whatever a test left: first the shims, so that they start nothing, then the tasks.
    for (const TaskId& task : used_) {
      const TaskFolder folder(folder_ / "tasks/" + TaskFolder::NameOf(task));
      if (const Result<TaskRun> run = folder.ReadRun()) (void)SignalProcess(run->shim, SIGKILL);
      EXPECT_TRUE(KillProcessesWithMark(TaskMark(folder)));
      EXPECT_FALSE(FsRoot().Exists(folder.File("signalled-a-stranger")))
          << "a group was signalled by a number that was no longer the task's";
    }
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }

  void Open(int tasks_max = 512, size_t ended_max = 1000) {
    driver_ = std::make_unique<ProcessDriver>(ProcessDriverOptions{.folder = folder_ / "tasks",
                                                                   .shim_argv = shim_argv_,
                                                                   .tasks_max = tasks_max,
                                                                   .restart_burst_max = 3,
                                                                   .restart_backoff = Millis(10),
                                                                   .ended_max = ended_max},
                                              &clock_);
    const Status opened = driver_->Open();
    ASSERT_TRUE(opened) << opened.error().message;
  }

  Job ShellJob(const std::string& script, Restart restart = Restart::kNever) {
    Job job;
    job.id = JobId("web");
    job.argv = {"sh", "-c", script};
    job.restart = restart;
    job.stop_grace = Millis(10'000);
    return job;
  }
  TaskId Run(const std::string& id, const Job& job) {
    used_.insert(TaskId(id));
    driver_->Run(TaskId(id), job);
    return TaskId(id);
  }

  // Looks until the condition holds; bounded.
  bool Until(const std::function<bool()>& condition) {
    const MonoTime deadline = clock_.Mono() + Seconds(30);
    while (clock_.Mono() < deadline) {
      if (driver_ != nullptr) {
        driver_->Poll();
        for (const TaskStatus& status : driver_->TakeChanged()) states_[status.task] = status;
      }
      if (condition()) return true;
      PollUntil({}, clock_, clock_.Mono() + Millis(5));
    }
    return false;
  }
  bool UntilState(const TaskId& task, TaskState state) {
    return Until([&] { return states_[task].task == task && states_[task].state == state; });
  }
  // A line that the task printed.
  bool UntilPrinted(const TaskId& task, const std::string& line) {
    return Until([&] { return Output(task).find(line) != std::string::npos; });
  }
  std::string Output(const TaskId& task) {
    return ReadFile(FolderOf(task).File("stdout.log"), 10 << 20).value_or("");
  }
  TaskFolder FolderOf(const TaskId& task) {
    return TaskFolder(folder_ / "tasks/" + TaskFolder::NameOf(task));
  }
  std::vector<int> Processes(const TaskId& task) {
    return ProcessesWithMark(TaskMark(FolderOf(task)));
  }

  SystemClock clock_;
  TempFolder folder_;
  std::vector<std::string> shim_argv_ = {EXECUTOR_TEST_SHIM};
  std::unique_ptr<ProcessDriver> driver_;
  std::map<TaskId, TaskStatus> states_;
  std::set<TaskId> used_;
};

TEST_F(ProcessDriverTest, ATaskRunsWithItsOwnEnvironmentAndNothingOfOurs) {
  ::setenv("FLEETMEDIC_TEST_SECRET", "ours", 1);
  Open();
  Job job = ShellJob("env; pwd; exit 0");
  job.env = {{"COLOUR", "green"}};
  const TaskId task = Run("web/1", job);
  ASSERT_TRUE(UntilState(task, TaskState::kFinished));
  EXPECT_EQ(states_[task].reason, "exit code 0");
  const std::string output = Output(task);
  EXPECT_THAT(output, testing::HasSubstr("COLOUR=green\n"));
  EXPECT_THAT(output, testing::HasSubstr("FLEETMEDIC_TASK=web/1\n"));
  EXPECT_THAT(output, testing::HasSubstr("/work\n"));
  EXPECT_THAT(output, testing::Not(testing::HasSubstr("FLEETMEDIC_TEST_SECRET")));
}

TEST_F(ProcessDriverTest, ARunThatIsRepeatedChangesNothingAlsoAfterTheEnd) {
  Open();
  const Job job = ShellJob("echo started; exit 3");
  const TaskId task = Run("web/1", job);
  Run("web/1", job);
  ASSERT_TRUE(UntilState(task, TaskState::kFailed));
  EXPECT_EQ(states_[task].reason, "exit code 3");
  states_.clear();
  Run("web/1", job);
  ASSERT_TRUE(UntilState(task, TaskState::kFailed)) << "it is told again";
  Open();
  Run("web/1", job);
  ASSERT_TRUE(UntilState(task, TaskState::kFailed));
  EXPECT_EQ(Output(task), "started\n");
}

TEST_F(ProcessDriverTest, AStopIsGracefulFirst) {
  Open();
  const TaskId task =
      Run("web/1", ShellJob("trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done"));
  ASSERT_TRUE(UntilPrinted(task, "up"));
  ASSERT_TRUE(UntilState(task, TaskState::kRunning));
  driver_->Stop(task, Job());
  ASSERT_TRUE(UntilState(task, TaskState::kFinished));
  EXPECT_THAT(states_[task].reason, testing::StartsWith("stopped as asked"));
  EXPECT_THAT(Output(task), testing::HasSubstr("bye"));
  EXPECT_TRUE(Processes(task).empty());
}

TEST_F(ProcessDriverTest, ATaskThatIgnoresSigtermIsKilledAfterItsGrace) {
  Open();
  Job job = ShellJob("trap '' TERM; echo up; while :; do sleep 0.05; done");
  job.stop_grace = Millis(300);
  const TaskId task = Run("web/1", job);
  ASSERT_TRUE(UntilPrinted(task, "up"));
  const MonoTime asked = clock_.Mono();
  driver_->Stop(task, job);
  ASSERT_TRUE(UntilState(task, TaskState::kFinished));
  EXPECT_GE(clock_.Mono() - asked, Millis(300));
  EXPECT_EQ(states_[task].reason, "stopped as asked: signal 9 (Killed)");
  EXPECT_TRUE(Processes(task).empty());
}

TEST_F(ProcessDriverTest, WithinTheGraceTheOthersOfTheGroupMayEndInPeaceToo) {
  Open();
  const TaskId task = Run(
      "web/1", ShellJob("sh -c \"trap 'sleep 0.3; echo bye; exit 0' TERM; echo up; "
                        "while :; do sleep 0.05; done\" & trap 'exit 0' TERM; echo ready; wait"));
  // Both have their traps.
  ASSERT_TRUE(UntilPrinted(task, "up"));
  ASSERT_TRUE(UntilPrinted(task, "ready"));
  driver_->Stop(task, ShellJob(""));
  const MonoTime asked = clock_.Mono();
  ASSERT_TRUE(UntilState(task, TaskState::kFinished));
  EXPECT_THAT(Output(task), testing::HasSubstr("bye"));
  EXPECT_LT(clock_.Mono() - asked, Millis(8'000)) << "the remains of the first are no others";
}

TEST_F(ProcessDriverTest, EveryProcessOfATaskIsGoneBeforeItsEndIsTold) {
  Open();
  // One in its group, one in a session of its own, one that took the mark away as well.
  const TaskId task = Run("web/1", ShellJob("sleep 1001 & setsid sleep 1002 & "
                                            "setsid env -i sleep 1003.25 & echo up; exit 0"));
  ASSERT_TRUE(UntilState(task, TaskState::kFinished));
  EXPECT_TRUE(Processes(task).empty());
  Command look;
  look.argv = {"pgrep", "-f", "^sleep 1003[.]25"};
  const Result<CommandResult> found = RunCommand(look, clock_, clock_.Mono() + Seconds(10));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->standard_output, "");
}

TEST_F(ProcessDriverTest, ATaskSurvivesItsExecutorAndIsAdoptedOnce) {
  Open();
  const TaskId task = Run("web/1", ShellJob("echo up; exec sleep 1000"));
  ASSERT_TRUE(UntilPrinted(task, "up"));
  ASSERT_TRUE(UntilState(task, TaskState::kRunning));
  const int pid = states_[task].pid;
  for (int i = 0; i < 3; ++i) {
    states_.clear();
    Open();
    ASSERT_TRUE(UntilState(task, TaskState::kRunning));
    EXPECT_EQ(states_[task].pid, pid);
    Run("web/1", ShellJob("echo up; exec sleep 1000"));
  }
  EXPECT_EQ(Processes(task).size(), 1U);
  EXPECT_EQ(Output(task), "up\n");
  driver_->Stop(task, Job());
  ASSERT_TRUE(UntilState(task, TaskState::kFinished));
}

TEST_F(ProcessDriverTest, ATaskThatEndsWhileTheExecutorIsAwayIsFoundEnded) {
  Open();
  const TaskId task = Run("web/1", ShellJob("while [ ! -e go ]; do sleep 0.02; done; exit 7"));
  ASSERT_TRUE(UntilState(task, TaskState::kRunning));
  driver_.reset();
  ASSERT_TRUE(WriteFileAtomic(FolderOf(task).File("work/go"), "now\n"));
  ASSERT_TRUE(Until([&] { return FolderOf(task).ReadExit().has_value(); }));
  Open();
  ASSERT_TRUE(UntilState(task, TaskState::kFailed));
  EXPECT_THAT(states_[task].reason, testing::Eq("exit code 7"));
}

TEST_F(ProcessDriverTest, AStopThatWasWrittenBeforeTheExecutorDiedIsCarriedOut) {
  Open();
  const TaskId task = Run("web/1", ShellJob("exec sleep 1000"));
  ASSERT_TRUE(UntilState(task, TaskState::kRunning));
  driver_.reset();
  ASSERT_TRUE(FolderOf(task).WriteStop(Millis(0)));
  Open();
  ASSERT_TRUE(UntilState(task, TaskState::kFinished));
  EXPECT_TRUE(Processes(task).empty());
}

TEST_F(ProcessDriverTest, AKilledShimTakesItsTaskWithItAndTheNextStartsItOnce) {
  Open();
  const TaskId task =
      Run("web/1", ShellJob("echo up; setsid sleep 1001 & sleep 1002 & wait", Restart::kAlways));
  ASSERT_TRUE(UntilState(task, TaskState::kRunning));
  ASSERT_TRUE(UntilPrinted(task, "up\n"));
  ASSERT_TRUE(Until([&] { return Processes(task).size() == 3; }));
  const std::vector<int> before = Processes(task);
  ASSERT_TRUE(SignalProcess(FolderOf(task).ReadRun()->shim, SIGKILL));
  ASSERT_TRUE(UntilPrinted(task, "up\nup\n"));
  ASSERT_TRUE(Until([&] { return Processes(task).size() == 3; }));
  for (const int pid : Processes(task)) EXPECT_EQ(std::ranges::count(before, pid), 0);
  EXPECT_EQ(states_[task].restarts, 1);
}

TEST_F(ProcessDriverTest, ATaskThatMayNotRunTwiceFailsWhenItsShimIsKilled) {
  Open();
  const TaskId task = Run("web/1", ShellJob("echo up; exec sleep 1000"));
  ASSERT_TRUE(UntilPrinted(task, "up"));
  ASSERT_TRUE(SignalProcess(FolderOf(task).ReadRun()->shim, SIGKILL));
  ASSERT_TRUE(UntilState(task, TaskState::kFailed));
  EXPECT_EQ(states_[task].reason, "its supervisor was killed, and restart is never");
  EXPECT_EQ(Output(task), "up\n");
}

TEST_F(ProcessDriverTest, AShimThatIsKilledBeforeItsRecordIsDurableHasRunNothing) {
  shim_argv_.emplace_back("die-unrecorded");
  Open();
  const TaskId task = Run("web/1", ShellJob("echo up >> ran; exit 0"));
  ASSERT_TRUE(UntilState(task, TaskState::kFinished)) << states_[task].reason;
  ASSERT_TRUE(FsRoot().Exists(FolderOf(task).File("died-unrecorded"))) << "no shim was killed";
  EXPECT_EQ(ReadFile(FolderOf(task).File("work/ran"), 100).value_or(""), "up\n");
}

TEST_F(ProcessDriverTest, WhatHidFromItsShimIsKilledByNameBeforeTheEndIsTold) {
  Open();
  const TaskId task = Run("web/1", ShellJob("exec setpriv --pdeathsig clear env -i "
                                            "sh -c 'echo up; exec sleep 1000'"));
  ASSERT_TRUE(UntilPrinted(task, "up"));
  const TaskRun run = *FolderOf(task).ReadRun();
  ASSERT_TRUE(SignalProcess(run.shim, SIGKILL));
  ASSERT_TRUE(UntilState(task, TaskState::kFailed));
  EXPECT_FALSE(ProcessAlive(run.process));
  (void)SignalProcess(run.process, SIGKILL);
}

TEST_F(ProcessDriverTest, ATaskWhoseRecordCannotBeReadCountsAsStarted) {
  Open();
  const TaskId task = Run("web/1", ShellJob("echo up; exec sleep 1000"));
  ASSERT_TRUE(UntilPrinted(task, "up"));
  const ProcessName shim = FolderOf(task).ReadRun()->shim;
  driver_.reset();
  ASSERT_TRUE(SignalProcess(shim, SIGKILL));
  ASSERT_TRUE(Until([&] { return !ProcessAlive(shim); }));
  ASSERT_TRUE(WriteFileAtomic(FolderOf(task).File("run.json"), "{"));
  Open();
  ASSERT_TRUE(UntilState(task, TaskState::kFailed));
  EXPECT_EQ(states_[task].reason, "its supervisor was killed, and restart is never");
  EXPECT_EQ(Output(task), "up\n");
}

TEST_F(ProcessDriverTest, TheRestartPolicyRestartsUpToItsBurst) {
  Open();
  const TaskId always = Run("web/1", ShellJob("echo up; exit 1", Restart::kOnFailure));
  ASSERT_TRUE(UntilState(always, TaskState::kFailed));
  EXPECT_EQ(states_[always].reason, "restarted 3 times in a row, last: exit code 1");
  EXPECT_EQ(states_[always].restarts, 3);
  EXPECT_EQ(Output(always), "up\nup\nup\nup\n");
  const TaskId once = Run("web/2", ShellJob("echo up; exit 0", Restart::kOnFailure));
  ASSERT_TRUE(UntilState(once, TaskState::kFinished));
  Job batch = ShellJob("echo up; exit 0", Restart::kAlways);
  batch.kind = JobKind::kBatch;
  const TaskId done = Run("web/3", batch);
  ASSERT_TRUE(UntilState(done, TaskState::kFinished));
  EXPECT_EQ(Output(done), "up\n");
}

TEST_F(ProcessDriverTest, AShimThatKeepsBeingKilledReachesTheBurstToo) {
  Open();
  const TaskId task = Run("web/1", ShellJob("echo up; exec sleep 1000", Restart::kAlways));
  std::string printed;
  for (int i = 0; i <= 3; ++i) {
    printed += "up\n";
    ASSERT_TRUE(UntilPrinted(task, printed));
    ASSERT_TRUE(SignalProcess(FolderOf(task).ReadRun()->shim, SIGKILL));
  }
  ASSERT_TRUE(Until(
      [&] { return TaskEnded(states_[task].state) || Output(task).size() > printed.size(); }));
  EXPECT_EQ(states_[task].state, TaskState::kFailed);
  EXPECT_EQ(states_[task].reason, "restarted 3 times in a row, last: its supervisor was killed");
  EXPECT_EQ(states_[task].restarts, 3);
  EXPECT_EQ(Output(task), printed);
}

TEST_F(ProcessDriverTest, AShimThatIsKilledAfterALongRunStartsANewRow) {
  Open();
  const TaskId task = Run("web/1", ShellJob("echo up; exec sleep 1000", Restart::kAlways));
  ASSERT_TRUE(UntilPrinted(task, "up\n"));
  TaskRun run = *FolderOf(task).ReadRun();
  driver_.reset();
  ASSERT_TRUE(SignalProcess(run.shim, SIGKILL));
  ASSERT_TRUE(Until([&] { return !ProcessAlive(run.shim); }));
  run.restarts = 3;
  run.since -= Minutes(11);
  ASSERT_TRUE(FolderOf(task).WriteRun(run));
  Open();
  ASSERT_TRUE(UntilPrinted(task, "up\nup\n"));
  ASSERT_TRUE(UntilState(task, TaskState::kRunning));
  EXPECT_EQ(states_[task].restarts, 1);
}

TEST_F(ProcessDriverTest, AProgramThatIsNotThereFailsWithItsName) {
  Open();
  Job job = ShellJob("");
  job.argv = {"no-such-program\x1b[31m"};
  const TaskId task = Run("web/1", job);
  ASSERT_TRUE(UntilState(task, TaskState::kFailed));
  EXPECT_EQ(states_[task].reason,
            "cannot run the program \"no-such-program\\x1b[31m\": No such file or directory");
}

TEST_F(ProcessDriverTest, ARecycledProcessNumberIsNeverSignalled) {
  Open();
  const TaskId task = Run("web/1", ShellJob("exec sleep 1000", Restart::kAlways));
  ASSERT_TRUE(UntilState(task, TaskState::kRunning));
  TaskRun run = *FolderOf(task).ReadRun();
  ASSERT_TRUE(SignalProcess(run.shim, SIGKILL));
  driver_.reset();
  // The shim's number now means a stranger.
  ChildOptions options;
  options.argv = {"sleep", "1000"};
  const Result<Child> stranger = Child::Start(options);
  ASSERT_TRUE(stranger);
  ProcessName recycled = *NameProcess(stranger->pid());
  recycled.start_ticks += 1;
  run.shim = recycled;
  run.process = recycled;
  ASSERT_TRUE(FolderOf(task).WriteRun(run));
  EXPECT_EQ(SignalProcess(recycled, SIGKILL).error().code, Code::kNotFound);
  Open();
  driver_->Stop(task, Job());
  ASSERT_TRUE(UntilState(task, TaskState::kFinished));
  EXPECT_TRUE(NameProcess(stranger->pid())) << "the stranger lives";
}

TEST_F(ProcessDriverTest, AStopThatComesBeforeItsRunKeepsTheTaskFromStarting) {
  Open();
  const TaskId task("web/1");
  used_.insert(task);
  driver_->Stop(task, ShellJob(""));
  ASSERT_TRUE(UntilState(task, TaskState::kFinished));
  Open();
  Run("web/1", ShellJob("echo up"));
  ASSERT_TRUE(UntilState(task, TaskState::kFinished));
  EXPECT_EQ(Output(task), "");
}

TEST_F(ProcessDriverTest, ATaskWhoseSpecCannotBeWrittenFailsWithTheReason) {
  const std::string tasks = folder_ / "tasks";
  ASSERT_TRUE(MakeFolders(tasks));
  // A file system without space, of this test alone.
  ASSERT_EQ(::mount("none", tasks.c_str(), "tmpfs", 0, "size=4k,nr_inodes=2"), 0)
      << "needs the right to mount";
  Open();
  const TaskId task = Run("web/1", ShellJob("echo up"));
  const bool failed = UntilState(task, TaskState::kFailed);
  driver_.reset();
  EXPECT_EQ(::umount2(tasks.c_str(), MNT_DETACH), 0);
  ASSERT_TRUE(failed);
  EXPECT_THAT(states_[task].reason, testing::HasSubstr("No space left on device"));
}

TEST_F(ProcessDriverTest, PastItsLimitATaskIsRefusedByName) {
  Open(/*tasks_max=*/1);
  Run("web/1", ShellJob("exec sleep 1000"));
  const TaskId second = Run("web/2", ShellJob("exec sleep 1000"));
  ASSERT_TRUE(UntilState(second, TaskState::kFailed));
  EXPECT_EQ(states_[second].reason, "1 tasks run here already");
}

TEST_F(ProcessDriverTest, EndedTasksAreKeptUntilTheyWereReportedAndThenUpToTheLimit) {
  Open(512, /*ended_max=*/1);
  for (int i = 0; i < 3; ++i) Run("web/" + std::to_string(i), ShellJob("exit 0"));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(UntilState(TaskId("web/" + std::to_string(i)), TaskState::kFinished));
  }
  const auto folders = [&] { return FsRoot().List(folder_ / "tasks", 100)->size(); };
  EXPECT_EQ(folders(), 3U);
  std::vector<TaskStatus> told;
  for (const auto& [id, status] : states_) told.push_back(status);
  driver_->Reported(told);
  ASSERT_TRUE(Until([&] { return folders() == 1; }));
}

TEST_F(ProcessDriverTest, OutputIsBounded) {
  Open();
  const TaskId task = Run("web/1", ShellJob("yes 0123456789 | head -c 5000000; echo end"));
  ASSERT_TRUE(UntilState(task, TaskState::kFinished));
  const std::string newest = Output(task);
  EXPECT_LE(newest.size(), size_t{1} << 20);
  EXPECT_THAT(newest, testing::EndsWith("end\n"));
}

TEST_F(ProcessDriverTest, AFolderThatCannotBeReadIsLeftAloneAndCounted) {
  const std::string folder = folder_ / "tasks/broken";
  ASSERT_TRUE(MakeFolders(folder));
  ASSERT_TRUE(WriteFileAtomic(folder + "/spec.json", "{"));
  Open();
  EXPECT_EQ(driver_->unreadable_folders(), 1);
  EXPECT_TRUE(FsRoot().Exists(folder + "/spec.json"));
}

// An executor is killed fifty times at any moment of its start; no task ever runs twice.
TEST_F(ProcessDriverTest, FiftyKillsOfTheExecutorDoubleNothing) {
  constexpr int kTasks = 4;
  Random random(20'260'301);
  ChildOptions options;
  options.argv = {EXECUTOR_TEST_SHIM, "drive", folder_ / "tasks", std::to_string(kTasks)};
  for (int i = 0; i < kTasks; ++i) used_.insert(TaskId("web/" + std::to_string(i)));
  for (int round = 0; round < 50; ++round) {
    Result<Child> executor = Child::Start(options);
    ASSERT_TRUE(executor) << executor.error().message;
    PollUntil({}, clock_, clock_.Mono() + Micros(random.Below(60'000)));
    ASSERT_EQ(::kill(executor->pid(), SIGKILL), 0);
    for (const TaskId& task : used_) ASSERT_LE(Processes(task).size(), 1U) << "round " << round;
  }
  Open();
  Job job;
  job.id = JobId("web");
  job.argv = {"sleep", "1000"};
  for (const TaskId& task : used_) driver_->Run(task, job);
  for (const TaskId& task : used_) ASSERT_TRUE(UntilState(task, TaskState::kRunning));
  for (const TaskId& task : used_) {
    EXPECT_EQ(Processes(task).size(), 1U);
    EXPECT_EQ(states_[task].restarts, 0) << "its one start was its first";
  }
}

}  // namespace
}  // namespace fleetmedic

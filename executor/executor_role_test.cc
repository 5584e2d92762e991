// With real processes and a log in memory.
#include "executor/executor_role.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>

#include <set>

#include "base/poll.h"
#include "base/thread_pool.h"
#include "eventlog/fault_event_log.h"
#include "eventlog/memory_event_log.h"

namespace fleetmedic {
namespace {

class ExecutorRoleTest : public testing::Test {
 protected:
  ExecutorRoleTest() {
    config_.capacity = {.cpu_milli = 4000, .memory_bytes = 1 << 30};
    config_.report_every = Millis(50);
    config_.reboot_command = {"sh", "-c",
                              "echo boot-2 > " + (folder_ / "root/proc/sys/kernel/random/boot_id")};
    EXPECT_TRUE(MakeFolders(folder_ / "root/proc/sys/kernel/random"));
    EXPECT_TRUE(WriteFileAtomic(folder_ / "root/proc/sys/kernel/random/boot_id", "boot-1\n"));
    reports_ = std::move(*log_.OpenAt(Topic::kTasks, {}));
    Start();
  }
  ~ExecutorRoleTest() override {
    role_.reset();
    for (const TaskId& task : used_) {
      const TaskFolder folder(folder_ / "state/executor/tasks/" + TaskFolder::NameOf(task));
      if (const Result<TaskRun> run = folder.ReadRun()) (void)SignalProcess(run->shim, SIGKILL);
      EXPECT_TRUE(KillProcessesWithMark(TaskMark(folder)));
    }
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }

  std::unique_ptr<ExecutorRole> MakeRole() {
    return std::make_unique<ExecutorRole>(ExecutorParts{.clock = &clock_,
                                                        .log = &fault_log_,
                                                        .workers = &workers_,
                                                        .metrics = &metrics_,
                                                        .host = HostId("a"),
                                                        .state_dir = folder_ / "state",
                                                        .host_root = FsRoot(folder_ / "root"),
                                                        .shim_argv = {EXECUTOR_TEST_SHIM},
                                                        .wake = {}},
                                          config_);
  }
  void Start() {
    role_.reset();
    role_ = MakeRole();
    role_->Turn(clock_.Mono());
    ASSERT_NE(role_->driver(), nullptr);
  }

  void Append(const std::string& key, const std::string& value) {
    const Record record{.key = key, .value = value, .headers = {}, .timestamp = clock_.Wall()};
    ASSERT_TRUE(log_.Append(Topic::kCommands, std::span(&record, 1)));
  }
  void Command(CommandKind kind, const std::string& task, const std::string& script,
               const std::string& host = "a") {
    ExecutorCommand command;
    command.kind = kind;
    command.host = HostId(host);
    command.task = TaskId(task);
    command.job.id = JobId("web");
    command.job.argv = {"sh", "-c", script};
    command.job.restart = Restart::kNever;
    used_.insert(command.task);
    Append(host, ToJson(command).Dump());
  }

  // Turns the role until what it reported makes the condition hold; bounded.
  bool Until(const std::function<bool()>& condition) {
    const MonoTime deadline = clock_.Mono() + Seconds(30);
    while (clock_.Mono() < deadline) {
      role_->Turn(clock_.Mono());
      const Result<std::vector<LogRecord>> records = reports_->Poll(1000);
      for (const LogRecord& record : *records) {
        last_ = *ExecutorReportFromJson(*Json::Parse(record.record.value));
        EXPECT_GT(last_.sequence, sequence_) << "numbers grow, also over restarts";
        sequence_ = last_.sequence;
        for (const TaskStatus& status : last_.tasks) states_[status.task] = status;
        for (const RepairReport& repair : last_.repairs) repairs_[repair.id] = repair;
      }
      if (condition()) return true;
      PollUntil({}, clock_, clock_.Mono() + Millis(5));
    }
    return false;
  }
  bool UntilState(const std::string& task, TaskState state) {
    return Until(
        [&] { return states_.contains(TaskId(task)) && states_[TaskId(task)].state == state; });
  }

  TempFolder folder_;
  SystemClock clock_;
  MemoryEventLog log_{clock_};
  FaultEventLog fault_log_{&log_};
  ThreadPool workers_{"repairs", 1, 10};
  Metrics metrics_;
  ExecutorConfig config_;
  std::unique_ptr<ExecutorRole> role_;
  std::unique_ptr<Reader> reports_;
  ExecutorReport last_;
  uint64_t sequence_ = 0;
  std::map<TaskId, TaskStatus> states_;
  std::map<std::string, RepairReport> repairs_;
  std::set<TaskId> used_;
};

TEST_F(ExecutorRoleTest, ItRunsWhatItsHostIsToldAndReportsIt) {
  Command(CommandKind::kRun, "web/1", "exec sleep 1000");
  Command(CommandKind::kRun, "web/2", "exec sleep 1000", "b");
  ASSERT_TRUE(UntilState("web/1", TaskState::kRunning));
  ASSERT_TRUE(Until([&] { return last_.complete; }));
  EXPECT_EQ(last_.boot_id, "boot-1");
  EXPECT_EQ(last_.capacity.cpu_milli, 4000);
  EXPECT_EQ(last_.tasks.size(), 1U) << "another host's commands are not ours";
  Command(CommandKind::kStop, "web/1", "");
  ASSERT_TRUE(UntilState("web/1", TaskState::kFinished));
  ASSERT_TRUE(Until([&] { return last_.complete && last_.tasks.empty(); }));
}

TEST_F(ExecutorRoleTest, WhileTheLogIsAwayTheTasksGoOnAndTheNewestStateIsToldLater) {
  Command(CommandKind::kRun, "web/1", "while [ ! -e go ]; do sleep 0.02; done; exit 4");
  ASSERT_TRUE(UntilState("web/1", TaskState::kRunning));
  fault_log_.FailAt(LogCall::kAppend, 1, CallFault::kUnavailable, 1'000'000);
  fault_log_.FailAt(LogCall::kPoll, 1, CallFault::kUnavailable, 1'000'000);
  const TaskFolder folder(folder_ / "state/executor/tasks/" + TaskFolder::NameOf(TaskId("web/1")));
  ASSERT_TRUE(WriteFileAtomic(folder.File("work/go"), ""));
  ASSERT_TRUE(Until([&] { return folder.ReadExit().has_value(); }));
  EXPECT_EQ(states_[TaskId("web/1")].state, TaskState::kRunning);
  fault_log_.Heal();
  ASSERT_TRUE(UntilState("web/1", TaskState::kFailed));
  EXPECT_EQ(states_[TaskId("web/1")].reason, "exit code 4");
}

TEST_F(ExecutorRoleTest, ARestartedExecutorAdoptsItsTasksAndReadsOn) {
  Command(CommandKind::kRun, "web/1", "exec sleep 1000");
  ASSERT_TRUE(UntilState("web/1", TaskState::kRunning));
  const int pid = states_[TaskId("web/1")].pid;
  Command(CommandKind::kRun, "web/2", "exec sleep 1000");
  Start();
  ASSERT_TRUE(UntilState("web/2", TaskState::kRunning)) << "told while it was away";
  ASSERT_TRUE(Until([&] { return last_.complete && last_.tasks.size() == 2; }));
  EXPECT_EQ(states_[TaskId("web/1")].pid, pid) << states_[TaskId("web/1")].reason;
}

TEST_F(ExecutorRoleTest, AnExecutorThatNeverReadBeforeDoesNotRunThePast) {
  role_.reset();
  ASSERT_TRUE(RemoveTree(folder_ / "state"));
  Command(CommandKind::kRun, "web/1", "exec sleep 1000");
  Start();
  Command(CommandKind::kRun, "web/2", "exec sleep 1000");
  sequence_ = 0;
  ASSERT_TRUE(UntilState("web/2", TaskState::kRunning));
  EXPECT_FALSE(states_.contains(TaskId("web/1")));
}

TEST_F(ExecutorRoleTest, ARebootOfADemoHostIsDoneAtItsNewBoot) {
  ExecutorCommand command;
  command.kind = CommandKind::kRepair;
  command.host = HostId("a");
  command.repair.id = "a/1/1";
  command.repair.rung = Rung::kReboot;
  command.repair.boot_id = "boot-1";
  command.repair.start_before = clock_.Wall() + Minutes(1);
  Append("a", ToJson(command).Dump());
  ASSERT_TRUE(Until([&] { return repairs_.contains("a/1/1"); }));
  EXPECT_EQ(repairs_["a/1/1"].outcome, RepairOutcome::kDone);
  EXPECT_EQ(last_.boot_id, "boot-2");
}

TEST_F(ExecutorRoleTest, ABootIdThatCannotBeReadIsNoNewBoot) {
  const std::string file = folder_ / "root/proc/sys/kernel/random/boot_id";
  ASSERT_TRUE(Until([&] { return last_.boot_id == "boot-1"; }));
  ASSERT_TRUE(RemoveTree(file));
  const uint64_t seen = last_.sequence;
  ASSERT_TRUE(Until([&] { return last_.sequence >= seen + 2; }));
  EXPECT_EQ(last_.boot_id, "boot-1");
}

TEST_F(ExecutorRoleTest, WithoutABootIdItDoesNotStart) {
  const std::string file = folder_ / "root/proc/sys/kernel/random/boot_id";
  ASSERT_TRUE(RemoveTree(file));
  role_.reset();
  role_ = MakeRole();
  role_->Turn(clock_.Mono());
  EXPECT_EQ(role_->driver(), nullptr) << "it would report a boot that is none";
  ASSERT_TRUE(WriteFileAtomic(file, "boot-1\n"));
  ASSERT_TRUE(Until([&] { return role_->driver() != nullptr; }));
}

TEST_F(ExecutorRoleTest, ACommandThatCannotBeReadIsPutAsideAndTheNextIsTaken) {
  Append("a", "nonsense");
  Append("a", R"({"kind":"run","host":"b","task":"t","job":{"id":"j","argv":["x"]}})");
  Command(CommandKind::kRun, "web/1", "exec sleep 1000");
  ASSERT_TRUE(UntilState("web/1", TaskState::kRunning));
  const Result<std::unique_ptr<Reader>> reader = log_.OpenAt(Topic::kDeadLetter, {});
  ASSERT_TRUE(Until([&] {
    const Result<Reader::Lag> lag = (*reader)->Behind();
    return lag && lag->records == 2;
  }));
}

TEST_F(ExecutorRoleTest, TwoExecutorsOnOneStateFolderOneWorks) {
  ExecutorRole second({.clock = &clock_,
                       .log = &log_,
                       .workers = &workers_,
                       .metrics = &metrics_,
                       .host = HostId("a"),
                       .state_dir = folder_ / "state",
                       .host_root = FsRoot(folder_ / "root"),
                       .shim_argv = {EXECUTOR_TEST_SHIM},
                       .wake = {}},
                      config_);
  second.Turn(clock_.Mono());
  EXPECT_EQ(second.driver(), nullptr);
}

}  // namespace
}  // namespace fleetmedic

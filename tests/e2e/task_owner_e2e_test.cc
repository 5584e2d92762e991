// A task of our executor dies by the real kernel, for memory or by its own fault, and all that is
// said of it names task and job.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/poll.h"
#include "base/random.h"
#include "detectors/logs/kmsg_reader.h"
#include "detectors/logs/log_pump.h"
#include "detectors/memory/memory_detector.h"
#include "detectors/process/process_walk.h"
#include "eventlog/memory_event_log.h"
#include "executor/process_driver.h"
#include "stream/rule_check.h"
#include "stream/stream_role.h"

namespace fleetmedic {
namespace {

using ::testing::HasSubstr;

constexpr char kExecutor[] = "0123456789ab";

// What the agent would send, straight into the log.
class LogSink final : public FrameSink {
 public:
  explicit LogSink(EventLog* log) : log_(log) {}
  uint64_t PostFrame(SpooledFrame* frame) override {
    EXPECT_TRUE(log_->Append(Topic::kLogs, std::span(&frame->record, 1)));
    return ++ticket_;
  }
  uint64_t StoredTicket() const override { return ticket_; }

 private:
  EventLog* const log_;
  uint64_t ticket_ = 0;
};

class TaskOwnerE2eTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "not root: no cgroups, no kernel log";
    const std::string parent = "/fleetmedic-test-" + std::to_string(::getpid());
    Result<CgroupFolders> found = FindCgroupParent("/sys/fs/cgroup", parent, kExecutor);
    if (!found) GTEST_SKIP() << found.error().message;
    parent_ = *std::move(found);
    ProcessDriverOptions options;
    options.folder = folder_ / "tasks";
    options.shim_argv = {EXECUTOR_TEST_SHIM};
    options.cgroup_parent = parent_;
    options.executor = kExecutor;
    driver_ = std::make_unique<ProcessDriver>(options, &clock_);
    ASSERT_TRUE(driver_->Open());
    Diagnostics diagnostics;
    stream_ = std::make_unique<StreamRole>(
        CheckRules(ShippedRules(), &diagnostics),
        StreamRole::Parts{.clock = &clock_, .log = &log_, .metrics = &metrics_});
    LogPump::Options pumping;
    pumping.frames.host = HostId("web-1");
    pumping.cursor_path = folder_ / "cursors.json";
    pumping.wait_max = Millis(20);
    pumping.cgroup_of = [this](int pid, std::string_view name) { return pids_.Of(pid, name); };
    std::vector<std::unique_ptr<LogSource>> sources;
    sources.push_back(std::make_unique<KmsgReader>(&root_, &clock_, KmsgReader::Options{}));
    pump_ = std::make_unique<LogPump>(&clock_, nullptr, &sink_, pumping, std::move(sources));
    pump_->SetBoot("boot-1");
  }
  ~TaskOwnerE2eTest() override {
    if (driver_ == nullptr) return;
    driver_->Stop(task_, job_);
    Until([&] { return TaskEnded(status_.state); });
    driver_.reset();
    for (const std::string& name : TaskCgroupsOf(parent_, kExecutor)) {
      EXPECT_TRUE(TaskCgroup(parent_, name).Remove());
    }
    for (const std::string& folder : parent_.All()) EXPECT_EQ(::rmdir(folder.c_str()), 0);
  }

  void Run(std::vector<std::string> argv) {
    job_.id = JobId("web");
    job_.argv = std::move(argv);
    job_.restart = Restart::kNever;
    job_.stop_grace = Millis(0);
    job_.resources.memory_bytes = int64_t{32} << 20;
    driver_->Run(task_, job_);
  }
  bool Until(const std::function<bool()>& condition) {
    const MonoTime deadline = clock_.Mono() + Seconds(30);
    while (clock_.Mono() < deadline) {
      driver_->Poll();
      for (const TaskStatus& status : driver_->TakeChanged()) {
        status_ = status;
        if (status.pid > 0) pid_ = status.pid;
      }
      if (condition()) return true;
      PollUntil({}, clock_, clock_.Mono() + Millis(5));
    }
    return false;
  }
  // Of the rule and the task's first process; waits for it.
  Finding FindingOf(const std::string& rule) {
    Finding found;
    Until([&] {
      pump_->Cycle();
      stream_->Turn(clock_.Mono());
      const auto reader = log_.OpenAt(Topic::kFindings, {}).value();
      const std::vector<LogRecord> records = reader->Poll(10'000).value();
      for (const LogRecord& record : records) {
        const Finding one = FindingFromJson(Json::Parse(record.record.value).value()).value();
        const auto pid = one.captures.find("pid");
        const bool ours = pid != one.captures.end() && pid->second == std::to_string(pid_);
        if (one.rule == rule && ours) found = one;
      }
      return !found.rule.empty();
    });
    return found;
  }

  const FsRoot root_;
  const SystemClock clock_;
  const TempFolder folder_;
  // The kernel's log remembers tests of before.
  const TaskId task_{"web/" + EntropyHex(6)};
  const std::string told_ = "of task " + task_.str() + " of job web, cgroup ";
  MemoryEventLog log_{clock_};
  LogSink sink_{&log_};
  Metrics metrics_;
  PidCgroups pids_{root_};
  CgroupFolders parent_;
  Job job_;
  TaskStatus status_;
  int pid_ = 0;
  std::unique_ptr<ProcessDriver> driver_;
  std::unique_ptr<StreamRole> stream_;
  std::unique_ptr<LogPump> pump_;
};

TEST_F(TaskOwnerE2eTest, AnOomNamesTheTaskInEveryPlace) {
  MemoryDetector detector(&clock_, HostConfig(), MemoryConfig());
  ASSERT_TRUE(detector.Probe(clock_.Mono() + Seconds(30)));
  Run({"tail", "/dev/zero"});  // keeps all that it reads
  ASSERT_TRUE(Until([&] { return status_.state == TaskState::kFailed; }));
  // The executor's report,
  EXPECT_EQ(status_.reason,
            "signal 9 (Killed); the kernel killed 1 of its processes for memory, its limit is 32 "
            "MiB");
  // the agent's condition, though the task has ended,
  const auto conditions = detector.Probe(clock_.Mono() + Seconds(30));
  ASSERT_TRUE(conditions) << conditions.error().message;
  std::string told;
  for (const Condition& condition : *conditions) {
    if (condition.type == "OomKill") told += condition.message + "\n";
  }
  EXPECT_THAT(told, HasSubstr("1 process was killed for memory within 10m, " + told_));
  // and the finding in the kernel's log.
  const Finding finding = FindingOf("kernel.oom_kill_cgroup");
  EXPECT_THAT(finding.condition.message,
              HasSubstr("lost tail (" + std::to_string(pid_) + "), " + told_));
  EXPECT_EQ(finding.condition.unit, task_.str()) << "so that another task's kill is told too";
  EXPECT_EQ(finding.captures.at("owner_job"), "web");
  EXPECT_EQ(finding.captures.at("owner_task"), task_.str());
}

TEST_F(TaskOwnerE2eTest, ACrashNamesTheTaskOfAProcessThatWasSeenBefore) {
  Run({EXECUTOR_TEST_SHIM, "crash-when-there-is", "crash-now"});
  ASSERT_TRUE(Until([&] { return status_.state == TaskState::kRunning; }));
  // It is the program by then, and not the shim's child before it.
  const std::string comm = "/proc/" + std::to_string(pid_) + "/cmdline";
  ASSERT_TRUE(Until([&] {
    return ReadFile(comm, 4096).value_or("").find("crash-when-there-is") != std::string::npos;
  }));
  const ProcessWalker walker(&clock_, "/", &pids_);
  walker.Walk(clock_.Mono() + Seconds(30));
  const TaskFolder folder(folder_ / "tasks/" + TaskFolder::NameOf(task_));
  ASSERT_TRUE(WriteFileAtomic(folder.File("work/crash-now"), ""));
  ASSERT_TRUE(Until([&] { return status_.state == TaskState::kFailed; }));
  ASSERT_THAT(status_.reason, HasSubstr("signal 11"));
  const Finding finding = FindingOf("kernel.crash");
  EXPECT_THAT(finding.condition.message,
              HasSubstr(" (" + std::to_string(pid_) + ") crashed, " + told_));
  EXPECT_EQ(finding.captures.at("owner_task"), task_.str());
}

}  // namespace
}  // namespace fleetmedic

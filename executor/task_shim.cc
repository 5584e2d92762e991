#include "executor/task_shim.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/child_process.h"
#include "base/clock.h"
#include "base/file.h"
#include "executor/bounded_log.h"
#include "executor/task_cgroup.h"
#include "executor/task_folder.h"
#include "executor/task_start.h"

namespace fleetmedic {
namespace {

// A stop that came without its signal is seen after this.
constexpr Millis kLookEvery{1'000};
// A task that ran this long starts a new row of restarts.
constexpr Minutes kRestartsForgottenAfter{10};
const std::vector<std::string> kNoCgroup;

class Shim {
 public:
  Shim(const ProcessName& self, TaskFolder folder, TaskSpec spec)
      : folder_(std::move(folder)),
        spec_(std::move(spec)),
        out_log_(folder_.File("stdout.log")),
        err_log_(folder_.File("stderr.log")) {
    run_.shim = self;
    if (spec_.cgroup) cgroup_.emplace(*spec_.cgroup);
  }

  int Main() {
    TakeSignals();
    const Result<TaskRun> before = folder_.ReadRun();
    // What a killed shim left: nothing of it may run beside what is started now. The first process
    // by its name too: it may have no mark, and have rid itself of the signal at the shim's end.
    if (before && !KillProcess(before->process)) return 1;
    if (!KillProcessesWithMark(TaskMark(folder_))) return 1;
    if (cgroup_ && !cgroup_->KillAll()) return 1;
    if (before) run_.restarts = before->restarts;
    // A record that cannot be read is one: the task was started.
    const bool started = before || before.error().code != Code::kNotFound;
    if (started && spec_.job.restart == Restart::kNever) {
      return End(TaskState::kFailed, "its supervisor was killed, and restart is never");
    }
    if (before && !folder_.ReadStop() && !CountLostShim(*before)) {
      return End(TaskState::kFailed,
                 fmt::format("restarted {} times in a row, last: its supervisor was killed",
                             run_.restarts));
    }
    while (true) {
      if (folder_.ReadStop()) return End(TaskState::kFinished, "stopped before it ran");
      const std::optional<int> code = RunOnce();
      if (code) return *code;
    }
  }

 private:
  void TakeSignals() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&set, signal);
    ::sigprocmask(SIG_SETMASK, &set, nullptr);
    signals_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    FLEETMEDIC_CHECK(signals_.ok());
    // Orphans of the task come to us, so that we know when the last of them is gone.
    FLEETMEDIC_CHECK(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  }

  // The start that makes up for a killed shim is a restart like any other: false when there were
  // too many in a row.
  bool CountLostShim(const TaskRun& before) {
    const WallTime now = clock_.Wall();
    const bool long_run = before.process.pid > 0 && now - before.since >= kRestartsForgottenAfter;
    if (long_run) run_.restarts = 0;
    if (run_.restarts >= spec_.restart_burst_max) return false;
    ++run_.restarts;
    run_.since = now;
    // Durable before the start, so that a shim that dies in it is counted too. When it cannot be
    // written, neither can the start's own record, and that ends the task.
    (void)folder_.WriteRun(run_);
    return true;
  }

  // One start to its end; the exit code of the shim when it was the last.
  std::optional<int> RunOnce() {
    status_.reset();
    run_.since = clock_.Wall();
    const MonoTime started = clock_.Mono();
    // Written down first, let run then: were it the other way round, a shim that is killed between
    // the two would leave a task that ran and a folder that says it never did.
    if (const Status made = MakeCgroup(); !made) {
      return End(TaskState::kFailed, made.error().message);
    }
    const std::vector<std::string> cgroup = cgroup_ ? cgroup_->ProcsFiles() : kNoCgroup;
    Result<StartedTask> task = ForkTask(spec_.task, spec_.job, folder_, cgroup);
    if (!task) return End(TaskState::kFailed, task.error().message);
    out_ = std::move(task->standard_output);
    err_ = std::move(task->standard_error);
    pid_ = task->pid;
    const Result<ProcessName> name = NameProcess(pid_);
    run_.process = name.value_or(ProcessName{});
    Status runs = folder_.WriteRun(run_);
    if (runs) runs = LetRun(spec_.job, &*task);
    if (!runs) {
      // Another try would say the same: the program is not there, the folder is full.
      KillAll();
      return End(TaskState::kFailed, runs.error().message);
    }
    const bool asked = Supervise();
    KillAll();
    const ExitStatus status = status_.value_or(ExitStatus{0, SIGKILL});
    if (asked) return End(TaskState::kFinished, "stopped as asked: " + status.Text());
    if (clock_.Mono() - started >= kRestartsForgottenAfter) run_.restarts = 0;
    return AfterEnd(status, HowItEnded(status));
  }

  // Also where an earlier start of the task was: its processes are gone, the limits are set afresh.
  Status MakeCgroup() {
    if (!cgroup_) return {};
    FLEETMEDIC_RETURN_IF_ERROR(cgroup_->Make(spec_.limited ? spec_.job.resources : Resources()));
    oom_kills_ = cgroup_->OomKills();
    return {};
  }

  std::string HowItEnded(const ExitStatus& status) const {
    const uint64_t kills = cgroup_ ? cgroup_->OomKills() - oom_kills_ : 0;
    if (kills == 0) return status.Text();
    const double limit = static_cast<double>(spec_.job.resources.memory_bytes) / (1 << 20);
    return fmt::format("{}; the kernel killed {} of its processes for memory{}", status.Text(),
                       kills, spec_.limited ? fmt::format(", its limit is {:.0f} MiB", limit) : "");
  }

  std::optional<int> AfterEnd(const ExitStatus& status, const std::string& how) {
    const bool again = spec_.job.restart == Restart::kAlways
                           ? !(status.ok() && spec_.job.kind == JobKind::kBatch)
                           : spec_.job.restart == Restart::kOnFailure && !status.ok();
    if (!again) {
      return End(status.ok() ? TaskState::kFinished : TaskState::kFailed, how);
    }
    if (run_.restarts >= spec_.restart_burst_max) {
      return End(TaskState::kFailed,
                 fmt::format("restarted {} times in a row, last: {}", run_.restarts, how));
    }
    Millis wait = spec_.restart_backoff;
    for (int i = 0; i < run_.restarts && wait < spec_.restart_backoff_max; ++i) wait *= 2;
    ++run_.restarts;
    run_.process = {};
    run_.since = clock_.Wall();
    // What cannot be told is only a number; the task goes on.
    (void)folder_.WriteRun(run_);
    const MonoTime until = clock_.Mono() + std::min(wait, spec_.restart_backoff_max);
    while (clock_.Mono() < until && !folder_.ReadStop()) WaitForEvents(until);
    return std::nullopt;
  }

  // Until the task's first process has ended. True when a stop was asked for meanwhile.
  bool Supervise() {
    std::optional<MonoTime> kill_at;
    bool killed = false;
    while (!status_) {
      MonoTime until = clock_.Mono() + kLookEvery;
      if (!kill_at) {
        if (const std::optional<Millis> grace = folder_.ReadStop()) {
          kill_at = clock_.Mono() + *grace;
          ::kill(-pid_, SIGTERM);
        }
      }
      if (kill_at && !killed && clock_.Mono() >= *kill_at) {
        ::kill(-pid_, SIGKILL);
        killed = true;
      }
      if (kill_at && !killed) until = std::min(until, *kill_at);
      WaitForEvents(until);
    }
    // Within the grace the others of the task may end in peace too.
    while (kill_at && clock_.Mono() < *kill_at && GroupLives(pid_)) {
      WaitForEvents(std::min(*kill_at, clock_.Mono() + Millis(50)));
    }
    return kill_at.has_value();
  }

  // Nothing of the task is left when it returns, also of what left its group or session. The first
  // process is reaped last: until then its number, which is its group's too, is nobody else's.
  void KillAll() {
    if (pid_ > 0) ::kill(-pid_, SIGKILL);
    if (cgroup_) cgroup_->KillAll();
    KillProcessesWithMark(TaskMark(folder_));
    while (Reap()) KillChildren();
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
    // The kernel's list of children may pass one over when another goes while it is read.
    while (::waitpid(-1, nullptr, WNOHANG) >= 0) KillChildren();
    if (out_.ok()) out_log_.Drain(out_.get());
    if (err_.ok()) err_log_.Drain(err_.get());
    out_.reset();
    err_.reset();
  }

  void KillChildren() {
    // Orphans come to us, also those that took our mark away. None is reaped between the list and
    // the signal, so their numbers are theirs.
    for (const int child : ChildrenOf(::getpid())) ::kill(child, SIGKILL);
    KillProcessesWithMark(TaskMark(folder_));
    WaitForEvents(clock_.Mono() + Millis(50));
  }

  // Takes what has ended; of the first process it only learns how, KillAll reaps it. False when
  // nothing else is left.
  bool Reap() {
    siginfo_t info{};
    if (pid_ > 0 && !status_ &&
        ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        info.si_pid == pid_) {
      const bool exited = info.si_code == CLD_EXITED;
      status_ = ExitStatus{.exit_code = exited ? info.si_status : 0,
                           .signal = exited ? 0 : info.si_status};
    }
    bool left = pid_ > 0 && !status_;
    for (const int child : ChildrenOf(::getpid())) {
      if (child != pid_ && ::waitpid(child, nullptr, WNOHANG) == 0) left = true;
    }
    return left;
  }

  void WaitForEvents(MonoTime until) {
    pollfd fds[3] = {{.fd = signals_.get(), .events = POLLIN, .revents = 0},
                     {.fd = out_.get(), .events = POLLIN, .revents = 0},
                     {.fd = err_.get(), .events = POLLIN, .revents = 0}};
    const Millis wait = std::chrono::ceil<Millis>(std::max(Micros(0), until - clock_.Mono()));
    ::poll(fds, 3, static_cast<int>(std::min<int64_t>(wait.count(), 60'000)));
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof(info)) > 0) {
    }
    if (out_.ok() && fds[1].revents != 0 && !out_log_.Drain(out_.get())) out_.reset();
    if (err_.ok() && fds[2].revents != 0 && !err_log_.Drain(err_.get())) err_.reset();
    Reap();
  }

  int End(TaskState state, std::string reason) {
    TaskExit exit{.state = state,
                  .reason = std::move(reason),
                  .restarts = run_.restarts,
                  .at = clock_.Wall()};
    // Without it the executor would start the task again; the disk may be full for a while only. A
    // folder that is gone has nobody who would.
    while (FsRoot().Exists(folder_.path()) && !folder_.WriteExit(exit)) {
      WaitForEvents(clock_.Mono() + kLookEvery);
    }
    return 0;
  }

  const TaskFolder folder_;
  const TaskSpec spec_;
  const SystemClock clock_;
  std::optional<TaskCgroup> cgroup_;
  uint64_t oom_kills_ = 0;  // before the present start
  TaskRun run_;
  BoundedLog out_log_;
  BoundedLog err_log_;
  UniqueFd signals_;
  UniqueFd out_;
  UniqueFd err_;
  int pid_ = 0;
  std::optional<ExitStatus> status_;
};

// The lock is the shim's until its end, however that comes; the task does not inherit it.
UniqueFd TakeLock(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.ok() || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return UniqueFd();
  return fd;
}

}  // namespace

int TaskShimMain(const std::string& path) {
  const TaskFolder folder(path);
  const UniqueFd lock = TakeLock(folder.File("lock"));
  if (!lock.ok()) return 0;  // another one has the task
  if (folder.ReadExit()) return 0;
  Result<TaskSpec> spec = folder.ReadSpec();
  if (!spec) return 2;
  if (!MakeFolders(folder.File("work"), 0700)) return 2;
  const Result<ProcessName> self = NameProcess(::getpid());
  if (!self) return 2;
  return Shim(*self, folder, *std::move(spec)).Main();
}

}  // namespace fleetmedic

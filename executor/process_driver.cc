#include "executor/process_driver.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/file.h"
#include "base/logging.h"
#include "executor/task_shim.h"

namespace fleetmedic {
namespace {

constexpr size_t kFoldersMax = 100'000;
constexpr Millis kShimRestart{100};
constexpr Millis kShimRestartMax{30'000};

// Starts the shim in a session of its own, with nothing of ours open. It is our child until we end;
// then it goes to init.
Result<int> SpawnShim(std::vector<std::string> argv) {
  std::vector<char*> pointers;
  for (std::string& argument : argv) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  std::string path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  char* environment[] = {path.data(), nullptr};

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  sigset_t none;
  sigset_t all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setflags(
      &attributes,
      static_cast<short>(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, argv.front().c_str(), &actions, &attributes,
                                  pointers.data(), environment);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return FailErrno("cannot start the task's shim " + argv.front(), error);
  return static_cast<int>(pid);
}

}  // namespace

ProcessDriver::ProcessDriver(ProcessDriverOptions options, const Clock* clock)
    : options_(std::move(options)), clock_(*clock) {
  FLEETMEDIC_CHECK(!options_.shim_argv.empty());
}

Status ProcessDriver::Open() {
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(options_.folder, 0700));
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                              FsRoot().List(options_.folder, kFoldersMax));
  for (const std::string& name : names) Adopt(name);
  SweepCgroups();
  Poll();
  return {};
}

void ProcessDriver::Adopt(const std::string& name) {
  const TaskFolder folder(options_.folder + "/" + name);
  const Result<TaskSpec> spec = folder.ReadSpec();
  if (!spec && spec.error().code == Code::kNotFound) {
    // Without a spec nothing was started in it.
    (void)RemoveTree(folder.path());
    return;
  }
  if (!spec || TaskFolder::NameOf(spec->task) != name) {
    ++unreadable_folders_;
    LogError("a task's folder cannot be read; it is left alone",
             {{"folder", folder.path()}, {"error", spec ? "other task" : spec.error().message}});
    return;
  }
  Entry entry;
  entry.folder = folder;
  entry.status.task = spec->task;
  entry.status.job = spec->job.id;
  entry.status.state = TaskState::kStarting;
  entry.stop_grace = spec->job.stop_grace;
  entry.stop_asked = folder.ReadStop().has_value();
  entry.stop_written = entry.stop_asked;
  if (spec->cgroup) entry.cgroup.emplace(*spec->cgroup);
  entries_.insert_or_assign(spec->task, std::move(entry));
}

ProcessDriver::Entry* ProcessDriver::MakeEntry(const TaskId& task, const Job& job) {
  Entry entry;
  entry.folder = TaskFolder(options_.folder + "/" + TaskFolder::NameOf(task));
  entry.status.task = task;
  entry.status.job = job.id;
  entry.status.state = TaskState::kStarting;
  entry.status.since = clock_.Wall();
  entry.stop_grace = job.stop_grace;
  if (options_.cgroup_parent) {
    entry.cgroup.emplace(*options_.cgroup_parent, TaskCgroupName(job.id, task, options_.executor));
  }
  return &entries_.insert_or_assign(task, std::move(entry)).first->second;
}

Status ProcessDriver::Prepare(const Entry& entry, const TaskId& task, const Job& job) const {
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(entry.folder.path(), 0700));
  TaskSpec spec;
  spec.task = task;
  spec.job = job;
  spec.restart_burst_max = options_.restart_burst_max;
  spec.restart_backoff = options_.restart_backoff;
  if (entry.cgroup) spec.cgroup = entry.cgroup->folders();
  spec.limited = options_.enforce_limits;
  return entry.folder.WriteSpec(spec);
}

// What is left of tasks whose folders are gone.
void ProcessDriver::SweepCgroups() {
  if (!options_.cgroup_parent) return;
  std::set<std::string> known;
  for (const auto& [id, entry] : entries_) {
    if (entry.cgroup) known.insert(entry.cgroup->folders().memory);
  }
  for (const std::string& name : TaskCgroupsOf(*options_.cgroup_parent, options_.executor)) {
    const TaskCgroup cgroup(*options_.cgroup_parent, name);
    if (known.contains(cgroup.folders().memory)) continue;
    LogWarning("a cgroup of no task is removed", {{"cgroup", cgroup.folders().memory}});
    (void)cgroup.KillAll();
    if (const Status removed = cgroup.Remove(); !removed) {
      LogWarning("it is tried again at the next start", {{"error", removed.error().message}});
    }
  }
}

void ProcessDriver::RemoveCgroup(Entry* entry) {
  if (!entry->cgroup || !TaskEnded(entry->status.state) || entry->child_pid > 0) return;
  if (clock_.Mono() < entry->cgroup_due) return;
  // Remains that nobody has reaped yet keep it for a while.
  if (entry->cgroup->Remove()) entry->cgroup.reset();
}

void ProcessDriver::Run(const TaskId& task, const Job& job) {
  if (const auto found = entries_.find(task); found != entries_.end()) {
    if (TaskEnded(found->second.status.state)) found->second.changed = true;
    return;
  }
  const bool full = LiveCount() >= options_.tasks_max;
  Entry* entry = MakeEntry(task, job);
  if (full) {
    return TakeEnd(entry, TaskState::kFailed,
                   fmt::format("{} tasks run here already", options_.tasks_max), clock_.Wall());
  }
  if (const Status prepared = Prepare(*entry, task, job); !prepared) {
    (void)RemoveTree(entry->folder.path());
    return TakeEnd(entry, TaskState::kFailed, prepared.error().message, clock_.Wall());
  }
  StartShim(entry);
}

void ProcessDriver::Stop(const TaskId& task, const Job& job) {
  const auto found = entries_.find(task);
  if (found != entries_.end()) {
    Entry& entry = found->second;
    if (TaskEnded(entry.status.state)) {
      entry.changed = true;
      return;
    }
    entry.stop_asked = true;
    if (entry.status.state != TaskState::kStopping) {
      entry.status.state = TaskState::kStopping;
      entry.changed = true;
    }
    return WriteStop(&entry);
  }
  // A kRun that comes after its kStop must not start it: the folder says that it has ended.
  Entry* entry = MakeEntry(task, job);
  const std::string reason = "stopped before it was started";
  if (const Status prepared = Prepare(*entry, task, job); prepared) {
    (void)entry->folder.WriteExit(
        {.state = TaskState::kFinished, .reason = reason, .restarts = 0, .at = clock_.Wall()});
  }
  TakeEnd(entry, TaskState::kFinished, reason, clock_.Wall());
}

void ProcessDriver::WriteStop(Entry* entry) {
  if (entry->stop_written) return;
  if (const Status written = entry->folder.WriteStop(entry->stop_grace); !written) {
    LogError("cannot ask a task to stop",
             {{"task", entry->status.task.str()}, {"error", written.error().message}});
    return;
  }
  entry->stop_written = true;
  // Only so that it looks at once: it looks every second anyway.
  if (const Result<TaskRun> run = entry->folder.ReadRun()) {
    (void)SignalProcess(run->shim, SIGTERM);
  }
}

void ProcessDriver::StartShim(Entry* entry) {
  const MonoTime now = clock_.Mono();
  if (now < entry->next_start) return;
  Millis wait = kShimRestart;
  for (int i = 0; i < entry->starts && wait < kShimRestartMax; ++i) wait *= 2;
  entry->next_start = now + std::min(wait, kShimRestartMax);
  ++entry->starts;
  std::vector<std::string> argv = options_.shim_argv;
  argv.emplace_back(kTaskShimWord);
  argv.push_back(entry->folder.path());
  const Result<int> pid = SpawnShim(std::move(argv));
  if (pid) {
    entry->child_pid = *pid;
    return;
  }
  entry->status.reason = pid.error().message;
  entry->changed = true;
}

void ProcessDriver::TakeEnd(Entry* entry, TaskState state, const std::string& reason, WallTime at) {
  entry->status.state = state;
  entry->status.reason = reason;
  entry->status.pid = 0;
  entry->status.since = at;
  entry->changed = true;
  entry->reported = false;
  const bool told = entry->cgroup && entry->cgroup->OomKills() > 0;
  entry->cgroup_due = told ? clock_.Mono() + options_.oom_cgroup_kept : MonoTime{};
}

void ProcessDriver::TakeRun(Entry* entry, const TaskRun& run) {
  TaskStatus next = entry->status;
  if (run.process.pid > 0 && next.state == TaskState::kStarting) {
    next.state = TaskState::kRunning;
    next.reason.clear();
  }
  if (entry->stop_asked) next.state = TaskState::kStopping;
  next.pid = run.process.pid;
  next.restarts = run.restarts;
  next.since = run.since;
  if (next == entry->status) return;
  entry->status = std::move(next);
  entry->changed = true;
}

void ProcessDriver::Look(Entry* entry) {
  if (entry->child_pid > 0 && ::waitpid(entry->child_pid, nullptr, WNOHANG) != 0) {
    entry->child_pid = 0;
  }
  if (TaskEnded(entry->status.state)) return;
  if (entry->stop_asked) WriteStop(entry);
  const Result<TaskRun> run = entry->folder.ReadRun();
  if (run) TakeRun(entry, *run);
  // Asked before the end is looked for: a shim that ends in between has written it by then.
  const bool alive = entry->child_pid > 0 || (run && ProcessAlive(run->shim));
  const Result<TaskExit> exit = entry->folder.ReadExit();
  if (exit) {
    entry->status.restarts = exit->restarts;
    return TakeEnd(entry, exit->state, exit->reason, exit->at);
  }
  if (alive) return;
  if (run && entry->starts == 0) {
    LogWarning("a task lost its shim; it gets another", {{"task", entry->status.task.str()}});
  }
  StartShim(entry);
}

void ProcessDriver::Poll() {
  for (auto& [id, entry] : entries_) {
    Look(&entry);
    RemoveCgroup(&entry);
  }
  Prune();
}

void ProcessDriver::Prune() {
  std::vector<std::pair<WallTime, TaskId>> ended;
  for (const auto& [id, entry] : entries_) {
    if (TaskEnded(entry.status.state) && entry.reported && entry.child_pid == 0) {
      ended.emplace_back(entry.status.since, id);
    }
  }
  std::ranges::sort(ended);
  const WallTime now = clock_.Wall();
  size_t left = ended.size();
  for (const auto& [at, id] : ended) {
    if (left <= options_.ended_max && now - at <= options_.ended_age_max) break;
    (void)RemoveTree(entries_.at(id).folder.path());
    entries_.erase(id);
    --left;
  }
}

int ProcessDriver::LiveCount() const {
  return static_cast<int>(std::ranges::count_if(
      entries_, [](const auto& item) { return !TaskEnded(item.second.status.state); }));
}

bool ProcessDriver::Busy() const {
  return std::ranges::any_of(entries_, [](const auto& item) {
    return item.second.status.state == TaskState::kStarting ||
           item.second.status.state == TaskState::kStopping;
  });
}

std::vector<TaskStatus> ProcessDriver::TakeChanged() {
  std::vector<TaskStatus> changed;
  for (auto& [id, entry] : entries_) {
    if (!std::exchange(entry.changed, false)) continue;
    changed.push_back(entry.status);
  }
  return changed;
}

std::vector<TaskStatus> ProcessDriver::Live() const {
  std::vector<TaskStatus> live;
  for (const auto& [id, entry] : entries_) {
    if (!TaskEnded(entry.status.state)) live.push_back(entry.status);
  }
  return live;
}

void ProcessDriver::Reported(const std::vector<TaskStatus>& tasks) {
  for (const TaskStatus& status : tasks) {
    const auto found = entries_.find(status.task);
    if (found != entries_.end() && TaskEnded(status.state)) found->second.reported = true;
  }
}

}  // namespace fleetmedic

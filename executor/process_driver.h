// The driver `process`: tasks as plain processes of the host, each behind a shim (task_shim.h) that
// survives the executor.
#ifndef FLEETMEDIC_EXECUTOR_PROCESS_DRIVER_H_
#define FLEETMEDIC_EXECUTOR_PROCESS_DRIVER_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "executor/task_cgroup.h"
#include "executor/task_folder.h"

namespace fleetmedic {

struct ProcessDriverOptions {
  std::string folder;  // of the tasks' folders; made when it is missing
  // What starts a shim; "task-shim" and the folder are appended. {"/proc/self/exe"} in production.
  std::vector<std::string> shim_argv;
  int tasks_max = 512;  // live ones
  int restart_burst_max = 10;
  Millis restart_backoff{100};
  // Where each task gets a cgroup of its own (FindCgroupParent); none: nowhere.
  std::optional<CgroupFolders> cgroup_parent;
  std::string executor;        // of TaskCgroupName
  bool enforce_limits = true;  // the job's resources, in that cgroup
  // The cgroup of a task that lost processes for memory is kept for so long: the agent reads from
  // it whose they were.
  Millis oom_cgroup_kept{60'000};
  // Ended tasks are kept so that a repeated kRun changes nothing: this many of them for this long,
  // and in any case until they were reported.
  size_t ended_max = 1000;
  Millis ended_age_max = Hours(24);
};

// Owned by one thread; blocks on the disk, never on a task. A task id that was seen once is never
// started a second time here, whatever is killed when.
class ProcessDriver {
 public:
  // The clock is not owned.
  ProcessDriver(ProcessDriverOptions options, const Clock* clock);
  ProcessDriver(const ProcessDriver&) = delete;
  ProcessDriver& operator=(const ProcessDriver&) = delete;
  // The tasks run on.

  // Takes over what the folders say: adopts what runs, starts again what lost its shim, keeps what
  // ended. Before anything else.
  Status Open();

  // Repeated, they change nothing, except that a task that ended is told again by TakeChanged. What
  // cannot be started has failed, with the reason.
  void Run(const TaskId& task, const Job& job);
  void Stop(const TaskId& task, const Job& job);

  // Looks at every task. Due every 200 ms while something starts or stops, else every second.
  void Poll();
  bool Busy() const;

  // The state of each task that changed since the last call; newest state only.
  std::vector<TaskStatus> TakeChanged();
  // What runs now. With the changed ones it is the whole of what a report needs.
  std::vector<TaskStatus> Live() const;
  // The report with these is durable: those of them that ended may be forgotten when their time
  // comes.
  void Reported(const std::vector<TaskStatus>& tasks);

  int unreadable_folders() const { return unreadable_folders_; }

 private:
  struct Entry {
    TaskFolder folder{""};
    TaskStatus status;
    Millis stop_grace{0};
    int child_pid = 0;  // a shim that we started and that was not reaped
    bool stop_asked = false;
    bool stop_written = false;
    bool changed = true;
    bool reported = false;  // its end
    int starts = 0;         // of shims, by us
    MonoTime next_start{};
    std::optional<TaskCgroup> cgroup;  // until it is removed
    MonoTime cgroup_due{};             // when that is tried, once the task has ended
  };

  void Adopt(const std::string& name);
  Entry* MakeEntry(const TaskId& task, const Job& job);
  Status Prepare(const Entry& entry, const TaskId& task, const Job& job) const;
  void StartShim(Entry* entry);
  void Look(Entry* entry);
  void TakeRun(Entry* entry, const TaskRun& run);
  void TakeEnd(Entry* entry, TaskState state, const std::string& reason, WallTime at);
  void WriteStop(Entry* entry);
  void SweepCgroups();
  void RemoveCgroup(Entry* entry);
  void Prune();
  int LiveCount() const;

  const ProcessDriverOptions options_;
  const Clock& clock_;
  std::map<TaskId, Entry> entries_;
  int unreadable_folders_ = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_EXECUTOR_PROCESS_DRIVER_H_

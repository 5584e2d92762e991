// The files through which the executor and the shim of one task meet. Each is written whole; the
// folder outlives both.
//
//   spec.json    the executor's, before the shim is started: what runs
//   lock         held by the shim as long as it lives: there is never a second
//   run.json     the shim's: who runs now
//   stop.json    the executor's: the task shall end
//   exit.json    the shim's last act: how it ended. What has one never starts again
//   stdout.log, stderr.log, each with a predecessor .1
//   work/        the task's working folder
#ifndef FLEETMEDIC_EXECUTOR_TASK_FOLDER_H_
#define FLEETMEDIC_EXECUTOR_TASK_FOLDER_H_

#include <optional>
#include <string>

#include "executor/process_info.h"
#include "executor/task_cgroup.h"
#include "model/job.h"

namespace fleetmedic {

struct TaskSpec {
  TaskId task;
  Job job;
  int restart_burst_max = 10;
  Millis restart_backoff{100};  // the first wait, doubled by each restart in a row
  Millis restart_backoff_max{30'000};
  std::optional<CgroupFolders> cgroup;  // its own; none: it has none
  bool limited = false;                 // by the job's resources, in that cgroup
};

struct TaskRun {
  ProcessName shim;
  ProcessName process;  // pid 0 between two starts
  int restarts = 0;
  WallTime since = kWallNever;  // of the present start

  bool operator==(const TaskRun&) const = default;
};

struct TaskExit {
  TaskState state = TaskState::kFailed;  // kFinished or kFailed
  std::string reason;
  int restarts = 0;
  WallTime at = kWallNever;
};

// Blocks on the disk. Not synchronised.
class TaskFolder {
 public:
  explicit TaskFolder(std::string path) : path_(std::move(path)) {}

  // The name of a task's folder: what is readable of its id, and a hash of all of it.
  static std::string NameOf(const TaskId& task);

  const std::string& path() const { return path_; }
  std::string File(std::string_view name) const { return path_ + "/" + std::string(name); }

  // kNotFound where there is none; kCorrupt.
  Result<TaskSpec> ReadSpec() const;
  Result<TaskRun> ReadRun() const;
  Result<TaskExit> ReadExit() const;
  // Whether a stop was asked for, and the time between SIGTERM and SIGKILL.
  std::optional<Millis> ReadStop() const;

  // Durable when they return.
  Status WriteSpec(const TaskSpec& spec) const;
  Status WriteRun(const TaskRun& run) const;
  Status WriteStop(Millis grace) const;
  Status WriteExit(const TaskExit& exit) const;

 private:
  std::string path_;
};

// The entry of the environment that every process of a task has, unless it takes it away: by it a
// task's processes are found to be ended. It names the folder and not the task: two executors of
// one machine may run tasks of one name, and neither may touch the other's.
std::string TaskMark(const TaskFolder& folder);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_EXECUTOR_TASK_FOLDER_H_

// Forks the first process of a task. Only for a process with one thread.
#ifndef FLEETMEDIC_EXECUTOR_TASK_START_H_
#define FLEETMEDIC_EXECUTOR_TASK_START_H_

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "executor/task_folder.h"
#include "model/job.h"

namespace fleetmedic {

struct StartedTask {
  int pid = 0;               // leads a session and a process group of its own
  UniqueFd standard_output;  // our ends of pipes, not blocking
  UniqueFd standard_error;
  UniqueFd failure;  // the child's word that it gave up; its end says that it runs
  UniqueFd go;       // the child waits for ours, and gives up when we go without one
  UniqueFd go_read;  // the child's end of it, so that our word never meets a broken pipe
};

// Forks the task's process and holds it before its program: nothing of the job has run, and nothing
// will unless LetRun is called, also when we are killed. So that its pid can be written down first.
// The caller reaps it in any case.
// It is in the cgroup of these files (TaskCgroup::ProcsFiles) before its program runs.
Result<StartedTask> ForkTask(const TaskId& task, const Job& job, const TaskFolder& folder,
                             const std::vector<std::string>& cgroup_files);
// Returns once the program runs. Errors: those of execve(2) and of what comes before it; the
// message says which step. The child is then dead or about to be.
Status LetRun(const Job& job, StartedTask* started);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_EXECUTOR_TASK_START_H_

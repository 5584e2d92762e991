// Forks the first process of a task. Only for a process with one thread.
#ifndef FLEETMEDIC_EXECUTOR_TASK_START_H_
#define FLEETMEDIC_EXECUTOR_TASK_START_H_

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "model/job.h"

namespace fleetmedic {

struct StartedTask {
  int pid = 0;                 // leads a session and a process group of its own
  UniqueFd standard_output;    // our ends of pipes, not blocking
  UniqueFd standard_error;
};

// Returns once the program runs. Errors: those of execve(2) and of what comes before it; the
// message says which step.
Result<StartedTask> StartTask(const TaskId& task, const Job& job, const std::string& work_folder);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_EXECUTOR_TASK_START_H_

// The process between the executor and one task. It outlives the executor, so that an executor that
// is killed or replaced finds its tasks running; it never outlives the task.
//
//   argv0 task-shim FOLDER
//
// It holds the folder's lock, so there is never a second; it starts the task in a session of its
// own, restarts it as the job says, bounds its output, stops it when stop.json appears (SIGTERM
// only makes it look at once), and writes exit.json when no process of the task is left. When it is
// killed, the kernel kills the task's first process; the next shim of the folder kills what is left
// of the others before it starts anything.
//
// What a task gets: the job's environment and nothing of ours (PATH, LANG, FLEETMEDIC_TASK,
// FLEETMEDIC_JOB), its own working folder, at most 65,536 descriptors, no core dumps; a cgroup with
// the job's cpu and memory as its limits, where the executor may make one (task_cgroup.h).
#ifndef FLEETMEDIC_EXECUTOR_TASK_SHIM_H_
#define FLEETMEDIC_EXECUTOR_TASK_SHIM_H_

#include <string>

namespace fleetmedic {

constexpr char kTaskShimWord[] = "task-shim";

// The whole life of the shim; its answer is the process's exit code. Must be called first thing in
// main, before any thread is started: it forks, and the kernel ties the task's life to the calling
// thread.
int TaskShimMain(const std::string& folder);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_EXECUTOR_TASK_SHIM_H_

// Jobs and their tasks: what the bundled scheduler is asked to run, and what executors run.
#ifndef FLEETMEDIC_MODEL_JOB_H_
#define FLEETMEDIC_MODEL_JOB_H_

#include <map>
#include <string>
#include <vector>

#include "model/ids.h"

namespace fleetmedic {

struct Resources {
  int64_t cpu_milli = 0;  // thousandths of a core
  int64_t memory_bytes = 0;

  bool operator==(const Resources&) const = default;
};

Json ToJson(const Resources& resources);
Result<Resources> ResourcesFromJson(const Json& json);

// kService runs until it is removed; kBatch until each of its tasks has finished once.
enum class JobKind : uint8_t { kService, kBatch };
std::string_view JobKindName(JobKind kind);
std::optional<JobKind> ParseJobKind(std::string_view word);

enum class Restart : uint8_t { kAlways, kOnFailure, kNever };
std::string_view RestartName(Restart restart);
std::optional<Restart> ParseRestart(std::string_view word);

struct Job {
  JobId id;
  JobKind kind = JobKind::kService;
  int instances = 1;
  // argv[0] is a path or a name of the host's PATH. Never a shell line.
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;
  Resources resources;
  // An eviction is refused that would leave fewer healthy tasks than this. instances or more
  // means: never evict. Titus' availability percentage, as a count.
  int min_healthy = 0;
  // Only hosts of this pool; empty for any.
  std::string pool;
  // Whether tasks may be placed on tainted hosts (a log shipper, an antivirus).
  bool tolerates_taint = false;
  Restart restart = Restart::kAlways;
  // Between SIGTERM and SIGKILL.
  Millis stop_grace = Seconds(10);

  static constexpr int kInstancesMax = 100'000;
  static constexpr size_t kArgvMax = 256;
  static constexpr size_t kArgvBytesMax = 64 * 1024;

  bool operator==(const Job&) const = default;
};

Json ToJson(const Job& job);
// Validates too: instances in 0..kInstancesMax, argv not empty, resources not negative.
Result<Job> JobFromJson(const Json& json);

// Forward only, in this order; kLost and the two ends are final.
enum class TaskState : uint8_t {
  kPending,   // no host yet
  kStarting,  // assigned; the executor was told
  kRunning,
  kStopping,  // told to stop
  kFinished,  // ended by itself with exit code 0, or stopped as asked
  kFailed,    // ended otherwise, or could not be started
  kLost,      // its host is gone and did not come back with it
};
std::string_view TaskStateName(TaskState state);
std::optional<TaskState> ParseTaskState(std::string_view word);
// Finished, failed or lost.
bool TaskEnded(TaskState state);

// What a host runs or ran, the executor's word. A TaskId is never used twice: a replacement has
// an id of its own.
struct TaskStatus {
  TaskId task;
  JobId job;
  TaskState state = TaskState::kPending;
  int pid = 0;       // of the task's own first process; 0 where there is none
  int restarts = 0;  // by the restart policy, on this host
  std::string reason;
  WallTime since = kWallNever;

  bool operator==(const TaskStatus&) const = default;
};

Json ToJson(const TaskStatus& status);
Result<TaskStatus> TaskStatusFromJson(const Json& json);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_MODEL_JOB_H_

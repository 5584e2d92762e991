// What the bundled scheduler knows: hosts, jobs, tasks. Plain state and the operations that change
// it; the planners (placement.h, drain.h, reconcile.h) read it and decide. No clock, no I/O: `now`
// comes in, and what must be made durable comes out as changes.
#ifndef FLEETMEDIC_SCHEDULER_CLUSTER_H_
#define FLEETMEDIC_SCHEDULER_CLUSTER_H_

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/command.h"
#include "model/directive.h"
#include "model/host_facts.h"
#include "scheduler/change.h"
#include "scheduler/options.h"

namespace fleetmedic {

// A task that an executor reports and that the records do not have on that host. No machine ends
// it: people adopt it or stop it.
struct UnknownTask {
  TaskStatus status;
  bool stop_asked = false;  // by a person; forgotten by a restart, and then asked again
  std::optional<MonoTime> sent_at;
  int sends = 0;
};

struct ClusterHost {
  HostFacts facts;
  Resources capacity;   // by its last report
  Directive directive;  // revision 0: none was ever taken
  // Live tasks that are assigned to it, presumed lost or not.
  std::set<TaskId> tasks;
  std::map<TaskId, UnknownTask> unknown;
  // Why its drain does not go on, by the last plan.
  std::string blocked_by;

  // Not durable: after a restart a host counts as silent until it reports.
  std::optional<MonoTime> last_seen;
  MonoTime silent_since{};  // where last_seen is nothing
  std::string boot_id;
  uint64_t sequence = 0;  // of the last report of that boot
  std::deque<std::string> former_boots;
};

// The order of the values is the order in which a turn tries hosts: the reason of a task is the
// last filter that still had a host before it.
enum class UnplacedReason : uint8_t {
  kNone,            // not tried yet, or placed
  kNoHost,          // no host is known
  kPool,            // no host is in the job's pool
  kNotConnected,    // none of those reports
  kNotSchedulable,  // all of those are tainted or drained
  kUnknownTasks,    // all of those run tasks that are in no record, so their free room is not known
  kResources,       // none of those has the room
  kLaunchLimit,     // those that have took their launches of this turn
  kTurnLimit,       // this turn placed its maximum before it came to the task
};
std::string_view UnplacedReasonName(UnplacedReason reason);

struct ClusterTask {
  TaskId id;
  JobId job;
  uint64_t number = 0;  // grows with every task: of two the greater is the newer
  HostId host;          // empty while pending
  TaskState state = TaskState::kPending;
  Resources resources;  // as its job had them when it was made
  // Its executor reported it at least once: only then does its absence mean anything.
  bool heard = false;
  // Its host is silent for too long: replaced, not healthy, and perhaps still running there.
  bool presumed_lost = false;
  bool stop_asked = false;  // by us: its end is then no crash and no batch result
  std::string reason;
  int pid = 0;
  int restarts = 0;
  WallTime since = kWallNever;

  // Not durable.
  MonoTime changed_at{};  // of the state
  std::optional<MonoTime> sent_at;
  int sends = 0;
  UnplacedReason unplaced = UnplacedReason::kNone;
};

struct ClusterJob {
  Job job;
  bool removed = false;      // its tasks are being stopped; then it goes
  int finished = 0;          // batch: tasks that are done
  int failed = 0;            // batch with restart = never: tasks that failed and are not run again
  int crashes = 0;           // ends in a row that nobody asked for
  std::string last_crash;    // which task, where, why
  std::set<TaskId> live;     // not ended
  std::deque<TaskId> ended;  // oldest first

  // Not durable.
  MonoTime last_crash_at{};
  MonoTime next_start_at{};
};

enum class ReportOutcome : uint8_t { kTaken, kStale };

// Owned by one thread. Operations are atomic: after an error nothing has changed.
class Cluster {
 public:
  explicit Cluster(SchedulerOptions options);

  // From committed rows, on a cluster that is still empty. Rows that cannot be read are left out
  // and named in the answer, on the safe side: a host whose directive cannot be read is held
  // tainted until the next directive; a task whose row cannot be read is unknown when it is
  // reported, and tasks whose job cannot be read are left alone.
  std::vector<std::string> Restore(std::span<const ClusterRow> rows, MonoTime now);

  // kFull: options().hosts_max are known.
  Status ObserveHost(const HostFacts& facts, MonoTime now);
  // `observed_at`: when the executor made the report, on our clock (now less the record's age).
  // kStale: a report of the same boot with this sequence or a later one was taken, or it is of a
  // boot before the present one; nothing changed. A host that is not known is made known.
  Result<ReportOutcome> ObserveReport(const ExecutorReport& report, MonoTime observed_at,
                                      MonoTime now);

  // Reports could not be read up to now: the silence of every host is counted from here on.
  void WasDeaf(MonoTime now) { deaf_until_ = now; }

  // As SchedulerHook::Apply: kNotFound, kConflict.
  Result<HostView> ApplyDirective(const Directive& directive, MonoTime now);

  // Makes or replaces. instances, min_healthy, pool and tolerates_taint hold for what is decided
  // from now on; argv, env, resources and restart only for tasks that are made from now on.
  // kConflict: a job of this id is still being removed. kInvalidArgument, kFull.
  Status PutJob(const Job& job);
  // Its tasks are stopped, then it goes. kNotFound.
  Status RemoveJob(const JobId& id);
  // People say that a host is gone for good: its tasks are lost. Its directive is kept unless it is
  // kSchedulable, so that it cannot come back clean. kNotFound; kRefused while it is connected.
  Status ForgetHost(const HostId& id, MonoTime now);
  // People take an unknown task into its job. kNotFound: no such task, or no such job; kConflict:
  // the records say that this task ended.
  Status AdoptUnknown(const HostId& host, const TaskId& task, MonoTime now);
  // People stop one. kNotFound.
  Status StopUnknown(const HostId& host, const TaskId& task);

  // What the planners decided. Requires that the task is in a state that allows it.
  TaskId CreateTask(const JobId& job, MonoTime now);
  void DropPending(const TaskId& task);
  void Assign(const TaskId& task, const HostId& host, MonoTime now);
  // Asks a task with a host to end, or drops one without.
  void StopTask(const TaskId& task, std::string reason, MonoTime now);
  void PresumeLost(const TaskId& task);
  // Counts an end that nobody asked for against the task's job.
  void CountCrash(const ClusterTask& task, MonoTime now);
  void ForgetCrashes(const JobId& job);
  void EraseEnded(const JobId& job);
  void EraseRemovedJob(const JobId& job);
  void SetUnplaced(const TaskId& task, UnplacedReason reason);
  void SetBlockedBy(const HostId& host, std::string text);
  void MarkSent(const TaskId& task, MonoTime now);
  void MarkUnknownSent(const HostId& host, const TaskId& task, MonoTime now);

  const SchedulerOptions& options() const { return options_; }
  const std::map<HostId, ClusterHost>& hosts() const { return hosts_; }
  const std::map<JobId, ClusterJob>& jobs() const { return jobs_; }
  const std::map<TaskId, ClusterTask>& tasks() const { return tasks_; }
  // Requires that it is there.
  const ClusterTask& task(const TaskId& id) const;

  bool Connected(const ClusterHost& host, MonoTime now) const;
  // How long nothing was heard of it.
  Micros SilentFor(const ClusterHost& host, MonoTime now) const;
  // Running on a connected host, neither told to stop nor presumed lost. What is not known to be
  // well is not healthy.
  bool Healthy(const ClusterTask& task, MonoTime now) const;
  int HealthyTasks(const ClusterJob& job, MonoTime now) const;
  HostView ViewOf(const ClusterHost& host, MonoTime now) const;

  // The rows that changed since ClearChanges: to be committed before anything acts on them.
  const ChangeSet& changes() const { return changes_; }
  void ClearChanges() { changes_.clear(); }

 private:
  ClusterHost* MakeHost(const HostId& id, MonoTime now);
  void TakeStatus(ClusterHost* host, const TaskStatus& status, MonoTime now);
  void TakeUnknown(ClusterHost* host, const TaskStatus& status);
  void TakeAbsence(ClusterHost* host, const ExecutorReport& report, MonoTime now);
  // Into one of the three ends.
  void EndTask(ClusterTask* task, TaskState state, std::string reason, MonoTime now);
  bool RestoreRow(const ClusterRow& row, MonoTime now);
  void LinkRestored(MonoTime now);

  void SaveHost(const ClusterHost& host);
  void SaveJob(const ClusterJob& job);
  void SaveJobState(const ClusterJob& job);
  void SaveTask(const ClusterTask& task);
  void Save(ClusterTable table, const std::string& key, std::optional<std::string> value);

  const SchedulerOptions options_;
  std::map<HostId, ClusterHost> hosts_;
  std::map<JobId, ClusterJob> jobs_;
  std::map<TaskId, ClusterTask> tasks_;
  // Of hosts that were forgotten while they were not schedulable.
  std::map<HostId, Directive> kept_directives_;
  uint64_t next_number_ = 1;
  MonoTime deaf_until_{};
  ChangeSet changes_;
};

// How long the next start of a job waits after `crashes` ends in a row. The first round (every
// instance once, at most ten) waits the shortest time, each further one twice as long.
Millis CrashBackoff(const SchedulerOptions& options, int crashes, int instances);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_SCHEDULER_CLUSTER_H_

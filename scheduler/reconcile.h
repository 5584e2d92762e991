// What is wanted against what is there: which tasks are made, stopped, given up. Pure.
#ifndef FLEETMEDIC_SCHEDULER_RECONCILE_H_
#define FLEETMEDIC_SCHEDULER_RECONCILE_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/cluster.h"

namespace fleetmedic {

// Tasks of hosts that are silent past host_lost_after.
struct LostPlan {
  std::vector<TaskId> presume_lost;
  // So many hosts are silent at once that nothing is presumed; their number is in silent_hosts.
  bool frozen = false;
  int silent_hosts = 0;
};
LostPlan FindLost(const Cluster& cluster, MonoTime now);

struct ReconcilePlan {
  // New tasks, by job.
  std::vector<std::pair<JobId, int>> create;
  // To be stopped (dropped, where they have no host yet), with the reason.
  std::vector<std::pair<TaskId, std::string>> stop;
  // Of those in `stop`: not heard of within start_timeout. Counted as crashes of their job.
  std::vector<TaskId> start_timeouts;
  // Their row of crashes is over.
  std::vector<JobId> forget_crashes;
  // Nothing of them is left.
  std::vector<JobId> erase_jobs;
};

// The rules:
//   - A service has `instances` tasks that are neither ended nor told to stop nor presumed lost,
//     and as many more as `surge` says. A batch job has one for each of its instances that has not
//     finished; with restart = never a failed one is not run again.
//   - After ends that nobody asked for, the next start of the job waits (CrashBackoff).
//   - A task that was assigned and is not heard of for start_timeout on a connected host is
//     stopped: it may run all the same, so it is not simply forgotten.
//   - Surplus is stopped in this order: what has no host yet, what is starting, what is not
//     healthy, what is on a drained host, on a tainted one, and then the newest. So when a host
//     comes back with tasks that were presumed lost, their replacements go, first those that do not
//     run yet.
//   - A job that is being removed is stopped whole. A task whose job is not known is left alone.
ReconcilePlan Reconcile(const Cluster& cluster, const std::map<JobId, int>& surge, MonoTime now);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_SCHEDULER_RECONCILE_H_

#include "scheduler/reconcile.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace fleetmedic {
namespace {

int WantedTasks(const ClusterJob& job, const std::map<JobId, int>& surge) {
  if (job.removed) return 0;
  if (job.job.kind == JobKind::kBatch) {
    return std::max(0, job.job.instances - job.finished - job.failed);
  }
  const auto extra = surge.find(job.job.id);
  return job.job.instances + (extra == surge.end() ? 0 : extra->second);
}

// Greater goes first.
std::tuple<int, uint64_t> SurplusRank(const Cluster& cluster, const ClusterTask& task,
                                      MonoTime now) {
  const auto rank = [&] {
    if (task.state == TaskState::kPending) return 5;
    if (task.state == TaskState::kStarting) return 4;
    if (!cluster.Healthy(task, now)) return 3;
    const auto host = cluster.hosts().find(task.host);
    if (host == cluster.hosts().end()) return 0;
    switch (host->second.directive.want) {
      case Want::kDrained:
        return 2;
      case Want::kTainted:
        return 1;
      case Want::kSchedulable:
        return 0;
    }
    return 0;
  };
  return {rank(), task.number};
}

class Reconciler {
 public:
  Reconciler(const Cluster& cluster, MonoTime now)
      : cluster_(cluster), now_(now), creates_left_(cluster.options().creates_per_turn_max) {}

  void ReconcileJob(const ClusterJob& job, const std::map<JobId, int>& surge) {
    if (job.removed) return RemoveJob(job);
    if (job.crashes > 0 && now_ - job.last_crash_at > cluster_.options().crash_forgotten_after) {
      plan_.forget_crashes.push_back(job.job.id);
    }
    std::vector<const ClusterTask*> staying;
    for (const TaskId& id : job.live) {
      const ClusterTask& task = cluster_.task(id);
      if (task.state == TaskState::kStopping || task.presumed_lost) continue;
      if (StartedTooLate(task)) {
        plan_.stop.emplace_back(
            id, fmt::format("not running within {} on {}",
                            FormatDuration(cluster_.options().start_timeout), task.host.str()));
        plan_.start_timeouts.push_back(id);
        continue;
      }
      staying.push_back(&task);
    }
    const int wanted = WantedTasks(job, surge);
    const int have = static_cast<int>(staying.size());
    if (have < wanted) Create(job, wanted - have);
    if (have > wanted) StopSurplus(&staying, have - wanted);
  }

  ReconcilePlan Take() { return std::move(plan_); }

 private:
  bool StartedTooLate(const ClusterTask& task) const {
    if (task.state != TaskState::kStarting) return false;
    if (now_ - task.changed_at <= cluster_.options().start_timeout) return false;
    const auto host = cluster_.hosts().find(task.host);
    return host != cluster_.hosts().end() && cluster_.Connected(host->second, now_);
  }

  void RemoveJob(const ClusterJob& job) {
    if (job.live.empty()) return plan_.erase_jobs.push_back(job.job.id);
    for (const TaskId& id : job.live) {
      if (!cluster_.task(id).stop_asked) plan_.stop.emplace_back(id, "its job was removed");
    }
  }

  void Create(const ClusterJob& job, int count) {
    if (now_ < job.next_start_at) return;
    count = std::min(count, creates_left_);
    if (count <= 0) return;
    creates_left_ -= count;
    plan_.create.emplace_back(job.job.id, count);
  }

  void StopSurplus(std::vector<const ClusterTask*>* staying, int count) {
    std::ranges::sort(*staying, std::greater(),
                      [&](const ClusterTask* task) { return SurplusRank(cluster_, *task, now_); });
    for (int i = 0; i < count; ++i) {
      plan_.stop.emplace_back((*staying)[static_cast<size_t>(i)]->id,
                              "more tasks than the job wants");
    }
  }

  const Cluster& cluster_;
  const MonoTime now_;
  int creates_left_;
  ReconcilePlan plan_;
};

}  // namespace

LostPlan FindLost(const Cluster& cluster, MonoTime now) {
  LostPlan plan;
  int hosts_with_tasks = 0;
  for (const auto& [id, host] : cluster.hosts()) {
    const bool counted = std::ranges::any_of(
        host.tasks, [&](const TaskId& task) { return !cluster.task(task).presumed_lost; });
    if (!counted) continue;
    ++hosts_with_tasks;
    if (cluster.Connected(host, now)) continue;
    ++plan.silent_hosts;
    if (cluster.SilentFor(host, now) <= cluster.options().host_lost_after) continue;
    for (const TaskId& task : host.tasks) {
      if (!cluster.task(task).presumed_lost) plan.presume_lost.push_back(task);
    }
  }
  const SchedulerOptions& options = cluster.options();
  plan.frozen = plan.silent_hosts > options.silent_hosts_max &&
                plan.silent_hosts > options.silent_hosts_share_max * hosts_with_tasks;
  if (plan.frozen) plan.presume_lost.clear();
  return plan;
}

ReconcilePlan Reconcile(const Cluster& cluster, const std::map<JobId, int>& surge, MonoTime now) {
  Reconciler reconciler(cluster, now);
  for (const auto& [id, job] : cluster.jobs()) reconciler.ReconcileJob(job, surge);
  return reconciler.Take();
}

}  // namespace fleetmedic

#include "scheduler/views.h"

#include <algorithm>

#include <fmt/format.h>

namespace fleetmedic {
namespace {

std::string ConditionOf(const Cluster& cluster, const ClusterJob& job, int pending,
                        UnplacedReason unplaced, MonoTime now) {
  if (job.removed) return "being removed";
  if (job.crashes >= 3) {
    const auto wait = std::chrono::ceil<Seconds>(std::max(Micros(0), job.next_start_at - now));
    return fmt::format("crash loop: {} ends in a row, next start in {} s; last: {}", job.crashes,
                       wait.count(), job.last_crash);
  }
  if (pending > 0 && unplaced != UnplacedReason::kNone &&
      unplaced != UnplacedReason::kLaunchLimit && unplaced != UnplacedReason::kTurnLimit) {
    return fmt::format("{} tasks without a host: {}", pending, UnplacedReasonName(unplaced));
  }
  if (job.failed > 0) return fmt::format("{} tasks failed and are not run again", job.failed);
  const int healthy = cluster.HealthyTasks(job, now);
  if (job.job.kind == JobKind::kService && healthy < job.job.min_healthy) {
    return fmt::format("{} healthy tasks, min_healthy is {}", healthy, job.job.min_healthy);
  }
  return "";
}

JobView MakeView(const Cluster& cluster, const ClusterJob& job, MonoTime now) {
  JobView view;
  view.job = job.job;
  view.removed = job.removed;
  view.finished = job.finished;
  view.failed = job.failed;
  UnplacedReason unplaced = UnplacedReason::kNone;
  for (const TaskId& id : job.live) {
    const ClusterTask& task = cluster.task(id);
    if (task.state == TaskState::kPending) {
      ++view.pending;
      unplaced = std::max(unplaced, task.unplaced);
    }
    if (task.state == TaskState::kRunning) ++view.running;
    if (task.state == TaskState::kStopping) ++view.stopping;
    if (task.presumed_lost) ++view.presumed_lost;
    if (cluster.Healthy(task, now)) ++view.healthy;
  }
  view.condition = ConditionOf(cluster, job, view.pending, unplaced, now);
  return view;
}

}  // namespace

Json ToJson(const JobView& view) {
  Json json = ToJson(view.job);
  json.Set("removed", view.removed);
  json.Set("running", view.running);
  json.Set("healthy", view.healthy);
  json.Set("pending", view.pending);
  json.Set("stopping", view.stopping);
  json.Set("presumed_lost", view.presumed_lost);
  json.Set("finished", view.finished);
  json.Set("failed", view.failed);
  json.Set("condition", view.condition);
  return json;
}

Json ToJson(const TaskView& view) {
  Json json = ToJson(view.status);
  json.Set("host", view.host.str());
  json.Set("presumed_lost", view.presumed_lost);
  json.Set("unknown", view.unknown);
  json.Set("unplaced", view.unplaced);
  return json;
}

Result<JobView> ViewOfJob(const Cluster& cluster, const JobId& id, MonoTime now) {
  const auto found = cluster.jobs().find(id);
  if (found == cluster.jobs().end()) {
    return Fail(Code::kNotFound, fmt::format("job {} is not known", id.str()));
  }
  return MakeView(cluster, found->second, now);
}

std::vector<JobView> ListJobs(const Cluster& cluster, MonoTime now) {
  std::vector<JobView> views;
  for (const auto& [id, job] : cluster.jobs()) views.push_back(MakeView(cluster, job, now));
  return views;
}

std::vector<HostView> ListHosts(const Cluster& cluster, MonoTime now) {
  std::vector<HostView> views;
  for (const auto& [id, host] : cluster.hosts()) views.push_back(cluster.ViewOf(host, now));
  return views;
}

std::vector<TaskView> ListTasks(const Cluster& cluster, const HostId& host, const JobId& job) {
  std::vector<TaskView> views;
  for (const auto& [id, task] : cluster.tasks()) {
    if (!host.empty() && task.host != host) continue;
    if (!job.empty() && task.job != job) continue;
    TaskView view;
    view.status = {.task = id,
                   .job = task.job,
                   .state = task.state,
                   .pid = task.pid,
                   .restarts = task.restarts,
                   .reason = task.reason,
                   .since = task.since};
    view.host = task.host;
    view.presumed_lost = task.presumed_lost;
    view.unplaced = UnplacedReasonName(task.unplaced);
    views.push_back(std::move(view));
  }
  for (const auto& [id, record] : cluster.hosts()) {
    if (!host.empty() && id != host) continue;
    for (const auto& [task_id, unknown] : record.unknown) {
      if (!job.empty() && unknown.status.job != job) continue;
      TaskView view;
      view.status = unknown.status;
      view.host = id;
      view.unknown = true;
      views.push_back(std::move(view));
    }
  }
  return views;
}

}  // namespace fleetmedic

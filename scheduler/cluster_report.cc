// What executors report, taken into the cluster.

#include <algorithm>

#include <fmt/format.h>

#include "scheduler/cluster.h"

namespace fleetmedic {
namespace {

constexpr size_t kFormerBootsMax = 4;
constexpr size_t kReasonCharsMax = 300;

// The report's text is a stranger's: capped here, quoted where it is shown.
std::string Capped(const std::string& text) { return text.substr(0, kReasonCharsMax); }

}  // namespace

Result<ReportOutcome> Cluster::ObserveReport(const ExecutorReport& report, MonoTime observed_at,
                                             MonoTime now) {
  ClusterHost* host = MakeHost(report.host, now);
  if (host == nullptr) {
    return Fail(Code::kFull, fmt::format("{} hosts are known already", options_.hosts_max));
  }
  if (report.boot_id == host->boot_id) {
    if (host->last_seen && report.sequence <= host->sequence) return ReportOutcome::kStale;
  } else if (std::ranges::count(host->former_boots, report.boot_id) > 0) {
    return ReportOutcome::kStale;
  } else if (!host->boot_id.empty()) {
    host->former_boots.push_back(host->boot_id);
    if (host->former_boots.size() > kFormerBootsMax) host->former_boots.pop_front();
  }
  host->boot_id = report.boot_id;
  host->sequence = report.sequence;
  // Never back: a report that was long on its way does not make a host older than it is.
  host->last_seen = std::max(host->last_seen.value_or(observed_at), std::min(observed_at, now));
  if (host->capacity != report.capacity) {
    host->capacity = report.capacity;
    SaveHost(*host);
  }
  for (const TaskStatus& status : report.tasks) TakeStatus(host, status, now);
  if (report.complete) TakeAbsence(host, report, now);
  return ReportOutcome::kTaken;
}

void Cluster::TakeStatus(ClusterHost* host, const TaskStatus& status, MonoTime now) {
  const auto found = tasks_.find(status.task);
  if (found == tasks_.end() || found->second.host != host->facts.host ||
      TaskEnded(found->second.state)) {
    return TakeUnknown(host, status);
  }
  ClusterTask& task = found->second;
  if (TaskEnded(status.state)) {
    task.pid = 0;
    task.restarts = status.restarts;
    task.since = status.since;
    return EndTask(&task, status.state, Capped(status.reason), now);
  }
  const ClusterTask before = task;
  task.heard = true;
  task.presumed_lost = false;
  task.pid = status.pid;
  task.restarts = status.restarts;
  task.since = status.since;
  // Forward only: what we told it to stop stays so though the executor does not know it yet.
  if (status.state > task.state) {
    task.state = status.state;
    task.changed_at = now;
    task.reason = Capped(status.reason);
  }
  if (task.state != before.state || task.heard != before.heard || task.pid != before.pid ||
      task.presumed_lost != before.presumed_lost || task.restarts != before.restarts) {
    SaveTask(task);
  }
}

void Cluster::TakeUnknown(ClusterHost* host, const TaskStatus& status) {
  if (TaskEnded(status.state)) {
    host->unknown.erase(status.task);
    return;
  }
  const auto found = host->unknown.find(status.task);
  if (found != host->unknown.end()) {
    found->second.status = status;
  } else if (host->unknown.size() < static_cast<size_t>(options_.unknown_tasks_per_host_max)) {
    UnknownTask unknown;
    unknown.status = status;
    unknown.status.reason = Capped(status.reason);
    host->unknown.emplace(status.task, std::move(unknown));
  }
}

void Cluster::TakeAbsence(ClusterHost* host, const ExecutorReport& report, MonoTime now) {
  std::set<TaskId> present;
  for (const TaskStatus& status : report.tasks) present.insert(status.task);
  std::erase_if(host->unknown, [&](const auto& item) { return !present.contains(item.first); });
  const std::set<TaskId> assigned = host->tasks;
  for (const TaskId& id : assigned) {
    ClusterTask& task = tasks_.at(id);
    // What the executor was perhaps not told yet cannot be missing.
    if (present.contains(id) || !task.heard) continue;
    EndTask(&task, TaskState::kLost, "not in its host's complete report", now);
  }
}

void Cluster::EndTask(ClusterTask* task, TaskState state, std::string reason, MonoTime now) {
  FLEETMEDIC_CHECK(TaskEnded(state) && !TaskEnded(task->state));
  task->state = state;
  task->changed_at = now;
  task->heard = true;
  task->presumed_lost = false;
  task->pid = 0;
  // "Evicted" says more than "stopped as asked".
  if (!task->stop_asked || state != TaskState::kFinished) task->reason = std::move(reason);
  SaveTask(*task);
  if (const auto host = hosts_.find(task->host); host != hosts_.end()) {
    host->second.tasks.erase(task->id);
  }
  const auto found = jobs_.find(task->job);
  if (found == jobs_.end()) {
    Save(ClusterTable::kTasks, task->id.str(), std::nullopt);
    tasks_.erase(task->id);
    return;
  }
  ClusterJob& job = found->second;
  job.live.erase(task->id);
  job.ended.push_back(task->id);
  if (task->stop_asked || job.removed) return;
  if (job.job.kind == JobKind::kBatch) {
    if (state == TaskState::kFinished) ++job.finished;
    if (state != TaskState::kFinished && job.job.restart == Restart::kNever) ++job.failed;
    SaveJobState(job);
    if (state == TaskState::kFinished) return;
  }
  // A host that died is no fault of the job.
  if (state != TaskState::kLost) CountCrash(*task, now);
}

}  // namespace fleetmedic

#include "scheduler/scheduler_core.h"

#include <algorithm>

#include "scheduler/drain.h"
#include "scheduler/placement.h"
#include "scheduler/reconcile.h"

namespace fleetmedic {

std::vector<ExecutorCommand> SchedulerCore::Plan(MonoTime now) {
  summary_ = {};
  GiveUpLost(now);
  DrainAndReconcile(now);
  PlaceTasks(now);
  return DueCommands(now);
}

void SchedulerCore::GiveUpLost(MonoTime now) {
  const LostPlan lost = FindLost(cluster_, now);
  summary_.frozen = lost.frozen;
  summary_.silent_hosts = lost.silent_hosts;
  for (const TaskId& id : lost.presume_lost) cluster_.PresumeLost(id);
}

void SchedulerCore::DrainAndReconcile(MonoTime now) {
  const DrainPlan drain = PlanDrain(cluster_, now);
  for (const auto& [host, text] : drain.blocked_by) cluster_.SetBlockedBy(host, text);
  for (const auto& [id, host] : cluster_.hosts()) {
    if (!drain.blocked_by.contains(id) && !host.blocked_by.empty()) cluster_.SetBlockedBy(id, "");
    summary_.unknown_tasks += static_cast<int>(host.unknown.size());
  }
  for (const TaskId& id : drain.evict) cluster_.StopTask(id, "evicted: its host is drained", now);
  summary_.evicted = static_cast<int>(drain.evict.size());

  const ReconcilePlan plan = Reconcile(cluster_, drain.surge, now);
  for (const TaskId& id : plan.start_timeouts) cluster_.CountCrash(cluster_.task(id), now);
  for (const auto& [id, reason] : plan.stop) cluster_.StopTask(id, reason, now);
  for (const JobId& id : plan.forget_crashes) cluster_.ForgetCrashes(id);
  for (const JobId& id : plan.erase_jobs) cluster_.EraseRemovedJob(id);
  for (const auto& [id, count] : plan.create) {
    for (int i = 0; i < count; ++i) cluster_.CreateTask(id, now);
    summary_.created += count;
  }
  std::vector<JobId> full;
  for (const auto& [id, job] : cluster_.jobs()) {
    if (job.ended.size() > static_cast<size_t>(cluster_.options().ended_tasks_per_job_max)) {
      full.push_back(id);
    }
  }
  for (const JobId& id : full) cluster_.EraseEnded(id);
}

void SchedulerCore::PlaceTasks(MonoTime now) {
  for (const Placement& placement : Place(cluster_, now)) {
    if (placement.host.empty()) {
      cluster_.SetUnplaced(placement.task, placement.reason);
      ++summary_.unplaced;
    } else {
      cluster_.Assign(placement.task, placement.host, now);
      ++summary_.placed;
    }
  }
}

bool SchedulerCore::Due(const std::optional<MonoTime>& sent_at, int sends, MonoTime now) const {
  if (!sent_at) return true;
  const SchedulerOptions& options = cluster_.options();
  Millis wait = options.command_repeat_after;
  for (int i = 1; i < sends && wait < options.command_repeat_max; ++i) wait *= 2;
  return now - *sent_at >= std::min(wait, options.command_repeat_max);
}

std::vector<ExecutorCommand> SchedulerCore::DueCommands(MonoTime now) {
  std::vector<ExecutorCommand> commands;
  const auto room = [&] {
    if (commands.size() < static_cast<size_t>(cluster_.options().commands_per_turn_max)) {
      return true;
    }
    ++summary_.commands_left;
    return false;
  };
  for (const auto& [id, host] : cluster_.hosts()) {
    if (!cluster_.Connected(host, now)) continue;
    for (const TaskId& task_id : host.tasks) {
      const ClusterTask& task = cluster_.task(task_id);
      const bool run = task.state == TaskState::kStarting;
      if (!run && !(task.state == TaskState::kStopping && task.stop_asked)) continue;
      const auto job = cluster_.jobs().find(task.job);
      if (job == cluster_.jobs().end() || !Due(task.sent_at, task.sends, now) || !room()) continue;
      commands.push_back({.kind = run ? CommandKind::kRun : CommandKind::kStop,
                          .host = id,
                          .task = task_id,
                          .job = job->second.job,
                          .repair = {}});
      cluster_.MarkSent(task_id, now);
    }
    for (const auto& [task_id, unknown] : host.unknown) {
      if (!unknown.stop_asked || !Due(unknown.sent_at, unknown.sends, now) || !room()) continue;
      ExecutorCommand stop{
          .kind = CommandKind::kStop, .host = id, .task = task_id, .job = {}, .repair = {}};
      // The executor goes by what it runs; a command has a job with a program all the same.
      stop.job.id = unknown.status.job;
      stop.job.argv = {"unknown"};
      commands.push_back(std::move(stop));
      cluster_.MarkUnknownSent(id, task_id, now);
    }
  }
  return commands;
}

}  // namespace fleetmedic

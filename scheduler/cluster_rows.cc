// The cluster as rows, and back.

#include <algorithm>

#include <fmt/format.h>

#include "model/words.h"
#include "scheduler/cluster.h"

namespace fleetmedic {
namespace {

constexpr Words<ClusterTable, 5> kTables = {{{ClusterTable::kHosts, "hosts"},
                                             {ClusterTable::kDirectives, "directives"},
                                             {ClusterTable::kJobs, "jobs"},
                                             {ClusterTable::kJobStates, "job states"},
                                             {ClusterTable::kTasks, "tasks"}}};

Json TaskRow(const ClusterTask& task) {
  Json json;
  json.Set("task", task.id.str());
  json.Set("job", task.job.str());
  json.Set("number", task.number);
  if (!task.host.empty()) json.Set("host", task.host.str());
  json.Set("state", TaskStateName(task.state));
  json.Set("resources", ToJson(task.resources));
  json.Set("heard", task.heard);
  json.Set("presumed_lost", task.presumed_lost);
  json.Set("stop_asked", task.stop_asked);
  json.Set("reason", task.reason);
  json.Set("pid", task.pid);
  json.Set("restarts", task.restarts);
  json.Set("since", task.since);
  return json;
}

Result<ClusterTask> TaskFromRow(const Json& json) {
  ClusterTask task;
  int64_t pid = 0;
  int64_t restarts = 0;
  JsonReader in(json, "task row");
  ReadId(&in, "task", &task.id);
  ReadId(&in, "job", &task.job);
  in.Required("number", &task.number);
  if (!json["host"].is_null()) ReadId(&in, "host", &task.host);
  in.Word("state", &task.state, ParseTaskState);
  in.RequiredAs("resources", &task.resources, ResourcesFromJson);
  in.Required("heard", &task.heard);
  in.Required("presumed_lost", &task.presumed_lost);
  in.Required("stop_asked", &task.stop_asked);
  in.Required("reason", &task.reason);
  in.Required("pid", &pid);
  in.Required("restarts", &restarts);
  in.Required("since", &task.since);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  if ((task.state == TaskState::kPending) != task.host.empty()) {
    return Fail(Code::kCorrupt, "state and host contradict each other");
  }
  task.pid = static_cast<int>(pid);
  task.restarts = static_cast<int>(restarts);
  return task;
}

Json JobStateRow(const ClusterJob& job) {
  Json json;
  json.Set("removed", job.removed);
  json.Set("finished", job.finished);
  json.Set("failed", job.failed);
  json.Set("crashes", job.crashes);
  json.Set("last_crash", job.last_crash);
  return json;
}

Status ReadJobState(const Json& json, ClusterJob* job) {
  int64_t finished = 0;
  int64_t failed = 0;
  int64_t crashes = 0;
  JsonReader in(json, "job state row");
  in.Required("removed", &job->removed);
  in.Required("finished", &finished);
  in.Required("failed", &failed);
  in.Required("crashes", &crashes);
  in.Required("last_crash", &job->last_crash);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  job->finished = static_cast<int>(finished);
  job->failed = static_cast<int>(failed);
  job->crashes = static_cast<int>(crashes);
  return {};
}

}  // namespace

void Cluster::Save(ClusterTable table, const std::string& key, std::optional<std::string> value) {
  changes_.insert_or_assign(std::pair(table, key), std::move(value));
}

void Cluster::SaveHost(const ClusterHost& host) {
  Json row;
  row.Set("facts", ToJson(host.facts));
  row.Set("capacity", ToJson(host.capacity));
  Save(ClusterTable::kHosts, host.facts.host.str(), row.Dump());
}

void Cluster::SaveJob(const ClusterJob& job) {
  Save(ClusterTable::kJobs, job.job.id.str(), ToJson(job.job).Dump());
}

void Cluster::SaveJobState(const ClusterJob& job) {
  Save(ClusterTable::kJobStates, job.job.id.str(), JobStateRow(job).Dump());
}

void Cluster::SaveTask(const ClusterTask& task) {
  Save(ClusterTable::kTasks, task.id.str(), TaskRow(task).Dump());
}

bool Cluster::RestoreRow(const ClusterRow& row, MonoTime now) {
  const Result<Json> json = Json::Parse(row.value);
  if (!json) return false;
  switch (row.table) {
    case ClusterTable::kHosts: {
      const Result<HostFacts> facts = HostFactsFromJson((*json)["facts"]);
      const Result<Resources> capacity = ResourcesFromJson((*json)["capacity"]);
      if (!facts || !capacity || facts->host.str() != row.key) return false;
      ClusterHost* host = MakeHost(facts->host, now);
      if (host == nullptr) return false;
      host->facts = *facts;
      host->capacity = *capacity;
      return true;
    }
    case ClusterTable::kDirectives: {
      const Result<Directive> directive = DirectiveFromJson(*json);
      if (!directive || directive->host.str() != row.key) return false;
      kept_directives_[directive->host] = *directive;
      return true;
    }
    case ClusterTable::kJobs: {
      const Result<Job> job = JobFromJson(*json);
      if (!job || job->id.str() != row.key) return false;
      jobs_[job->id].job = *job;
      return true;
    }
    case ClusterTable::kJobStates: {
      const auto job = jobs_.find(JobId(row.key));
      if (job == jobs_.end()) return false;
      return ReadJobState(*json, &job->second).has_value();
    }
    case ClusterTable::kTasks: {
      Result<ClusterTask> task = TaskFromRow(*json);
      if (!task || task->id.str() != row.key) return false;
      task->changed_at = now;
      tasks_.emplace(task->id, *std::move(task));
      return true;
    }
  }
  return false;
}

void Cluster::LinkRestored(MonoTime now) {
  std::vector<std::pair<uint64_t, TaskId>> by_number;
  for (const auto& [id, task] : tasks_) by_number.emplace_back(task.number, id);
  std::ranges::sort(by_number);
  for (const auto& [number, id] : by_number) {
    const ClusterTask& task = tasks_.at(id);
    next_number_ = std::max(next_number_, number + 1);
    if (const auto job = jobs_.find(task.job); job != jobs_.end()) {
      if (TaskEnded(task.state)) job->second.ended.push_back(id);
      if (!TaskEnded(task.state)) job->second.live.insert(id);
    }
    if (TaskEnded(task.state) && !jobs_.contains(task.job)) {
      Save(ClusterTable::kTasks, id.str(), std::nullopt);
      tasks_.erase(id);
      continue;
    }
    if (TaskEnded(task.state) || task.host.empty()) continue;
    // A task keeps its host known, also where the host's own row is gone.
    if (ClusterHost* host = MakeHost(task.host, now); host != nullptr) host->tasks.insert(id);
  }
  for (auto& [id, job] : jobs_) {
    // A restart is no free round for a job that crashes.
    job.last_crash_at = now;
    job.next_start_at = now + CrashBackoff(options_, job.crashes, job.job.instances);
  }
}

std::vector<std::string> Cluster::Restore(std::span<const ClusterRow> rows, MonoTime now) {
  FLEETMEDIC_CHECK(hosts_.empty() && jobs_.empty() && tasks_.empty());
  std::vector<std::string> problems;
  // Directives first, so that a host is made with its own; jobs before what belongs to them.
  constexpr ClusterTable kOrder[] = {ClusterTable::kDirectives, ClusterTable::kHosts,
                                     ClusterTable::kJobs, ClusterTable::kJobStates,
                                     ClusterTable::kTasks};
  for (const ClusterTable table : kOrder) {
    for (const ClusterRow& row : rows) {
      if (row.table != table || RestoreRow(row, now)) continue;
      problems.push_back(fmt::format("{} row {} cannot be read", WordOf(kTables, table), row.key));
      if (table == ClusterTable::kDirectives && ValidId(row.key)) {
        Directive safe;
        safe.host = HostId(row.key);
        safe.want = Want::kTainted;
        safe.reason = "its directive cannot be read from the store";
        kept_directives_[safe.host] = safe;
      }
    }
  }
  LinkRestored(now);
  return problems;
}

}  // namespace fleetmedic

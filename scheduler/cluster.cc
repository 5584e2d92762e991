#include "scheduler/cluster.h"

#include <algorithm>

#include <fmt/format.h>

namespace fleetmedic {
namespace {

// Sums over every task of a host stay far from the end of int64.
constexpr int64_t kCpuMilliMax = 1'000'000'000;
constexpr int64_t kMemoryBytesMax = int64_t{1} << 50;
// "/", the incarnation, "-" and a number are appended to make a task id.
constexpr size_t kJobIdCharsMax = 200;

Status ValidateJob(const Job& job) {
  if (!ValidId(job.id.str()) || job.id.str().size() > kJobIdCharsMax) {
    return Fail(Code::kInvalidArgument,
                fmt::format("job.id: not an identifier of 1 to {} characters", kJobIdCharsMax));
  }
  if (job.resources.cpu_milli > kCpuMilliMax || job.resources.memory_bytes > kMemoryBytesMax) {
    return Fail(Code::kInvalidArgument,
                fmt::format("job.resources: more than {} cpu_milli or {} memory_bytes",
                            kCpuMilliMax, kMemoryBytesMax));
  }
  return {};
}

}  // namespace

std::string_view UnplacedReasonName(UnplacedReason reason) {
  switch (reason) {
    case UnplacedReason::kNone:
      return "";
    case UnplacedReason::kNoHost:
      return "no host is known";
    case UnplacedReason::kPool:
      return "no host is in the job's pool";
    case UnplacedReason::kNotConnected:
      return "no host of the pool is connected";
    case UnplacedReason::kNotSchedulable:
      return "every connected host is tainted or drained";
    case UnplacedReason::kUnknownTasks:
      return "the hosts run unknown tasks: adopt or stop them";
    case UnplacedReason::kResources:
      return "no host has enough free cpu and memory";
    case UnplacedReason::kLaunchLimit:
      return "the hosts with room took their launches this turn";
    case UnplacedReason::kTurnLimit:
      return "placements per turn are limited";
  }
  return "";
}

Millis CrashBackoff(const SchedulerOptions& options, int crashes, int instances) {
  if (crashes <= 0) return Millis(0);
  const int rounds = (crashes - 1) / std::clamp(instances, 1, 10);
  Millis wait = options.crash_backoff;
  for (int i = 0; i < rounds && wait < options.crash_backoff_max; ++i) wait *= 2;
  return std::min(wait, options.crash_backoff_max);
}

Cluster::Cluster(SchedulerOptions options) : options_(std::move(options)) {
  FLEETMEDIC_CHECK(ValidId(options_.incarnation) && options_.incarnation.size() <= 32);
}

const ClusterTask& Cluster::task(const TaskId& id) const {
  const auto found = tasks_.find(id);
  FLEETMEDIC_CHECK(found != tasks_.end());
  return found->second;
}

ClusterHost* Cluster::MakeHost(const HostId& id, MonoTime now) {
  const auto found = hosts_.find(id);
  if (found != hosts_.end()) return &found->second;
  if (hosts_.size() >= static_cast<size_t>(options_.hosts_max)) return nullptr;
  ClusterHost host;
  host.facts.host = id;
  // Until its agent tells them, its facts are not known: it is in no pool.
  host.facts.cell.clear();
  host.facts.pool.clear();
  host.directive.host = id;
  host.silent_since = now;
  if (const auto kept = kept_directives_.find(id); kept != kept_directives_.end()) {
    host.directive = kept->second;
    kept_directives_.erase(kept);
  }
  return &hosts_.emplace(id, std::move(host)).first->second;
}

Status Cluster::ObserveHost(const HostFacts& facts, MonoTime now) {
  ClusterHost* host = MakeHost(facts.host, now);
  if (host == nullptr) {
    return Fail(Code::kFull, fmt::format("{} hosts are known already", options_.hosts_max));
  }
  if (host->facts == facts) return {};
  // A record of an earlier boot that comes late says nothing new.
  if (facts.boot_id != host->facts.boot_id && facts.booted_at < host->facts.booted_at) return {};
  host->facts = facts;
  SaveHost(*host);
  return {};
}

Result<HostView> Cluster::ApplyDirective(const Directive& directive, MonoTime now) {
  const auto found = hosts_.find(directive.host);
  if (found == hosts_.end()) {
    return Fail(Code::kNotFound, fmt::format("host {} is not known", directive.host.str()));
  }
  ClusterHost& host = found->second;
  if (directive.revision < host.directive.revision) {
    return Fail(Code::kConflict,
                fmt::format("host {}: revision {} is held, {} is older", directive.host.str(),
                            host.directive.revision, directive.revision));
  }
  if (directive.revision > host.directive.revision) {
    host.directive = directive;
    host.blocked_by.clear();
    Save(ClusterTable::kDirectives, directive.host.str(), ToJson(directive).Dump());
  }
  return ViewOf(host, now);
}

Status Cluster::PutJob(const Job& job) {
  FLEETMEDIC_RETURN_IF_ERROR(ValidateJob(job));
  const auto found = jobs_.find(job.id);
  if (found != jobs_.end()) {
    if (found->second.removed) {
      return Fail(Code::kConflict, fmt::format("job {} is being removed; put it again when its "
                                               "tasks are gone",
                                               job.id.str()));
    }
    if (found->second.job == job) return {};
    if (found->second.job.kind != job.kind) {
      return Fail(Code::kConflict, fmt::format("job {} is of kind {}; remove it first",
                                               job.id.str(), JobKindName(found->second.job.kind)));
    }
    found->second.job = job;
    SaveJob(found->second);
    return {};
  }
  if (jobs_.size() >= static_cast<size_t>(options_.jobs_max)) {
    return Fail(Code::kFull, fmt::format("{} jobs are known already", options_.jobs_max));
  }
  ClusterJob made;
  made.job = job;
  // Tasks whose job could not be read from the store belong to it again.
  for (const auto& [id, task] : tasks_) {
    if (task.job == job.id) made.live.insert(id);
  }
  SaveJob(jobs_.emplace(job.id, std::move(made)).first->second);
  return {};
}

Status Cluster::RemoveJob(const JobId& id) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) {
    return Fail(Code::kNotFound, fmt::format("job {} is not known", id.str()));
  }
  if (found->second.removed) return {};
  found->second.removed = true;
  SaveJobState(found->second);
  return {};
}

Status Cluster::ForgetHost(const HostId& id, MonoTime now) {
  const auto found = hosts_.find(id);
  if (found == hosts_.end()) {
    return Fail(Code::kNotFound, fmt::format("host {} is not known", id.str()));
  }
  ClusterHost& host = found->second;
  if (Connected(host, now)) {
    return Fail(Code::kRefused, fmt::format("host {} reports; only a host that is gone can be "
                                            "forgotten",
                                            id.str()));
  }
  const std::set<TaskId> tasks = host.tasks;
  for (const TaskId& task : tasks) {
    EndTask(&tasks_.at(task), TaskState::kLost, "its host was forgotten", now);
  }
  Save(ClusterTable::kHosts, id.str(), std::nullopt);
  if (host.directive.want == Want::kSchedulable) {
    Save(ClusterTable::kDirectives, id.str(), std::nullopt);
  } else {
    kept_directives_[id] = host.directive;
  }
  hosts_.erase(found);
  return {};
}

Status Cluster::AdoptUnknown(const HostId& host_id, const TaskId& task_id, MonoTime now) {
  const auto host = hosts_.find(host_id);
  if (host == hosts_.end() || !host->second.unknown.contains(task_id)) {
    return Fail(Code::kNotFound,
                fmt::format("host {} reports no unknown task {}", host_id.str(), task_id.str()));
  }
  const TaskStatus status = host->second.unknown.at(task_id).status;
  if (tasks_.contains(task_id)) {
    return Fail(Code::kConflict,
                fmt::format("task {} is in the records as {}; it can only be "
                            "stopped on {}",
                            task_id.str(), TaskStateName(task(task_id).state), host_id.str()));
  }
  const auto job = jobs_.find(status.job);
  if (job == jobs_.end() || job->second.removed) {
    return Fail(Code::kNotFound,
                fmt::format("its job {} is not known; put the job first", status.job.str()));
  }
  ClusterTask task;
  task.id = task_id;
  task.job = status.job;
  task.number = next_number_++;
  task.host = host_id;
  task.state = status.state;
  task.resources = job->second.job.resources;
  task.heard = true;
  task.reason = "adopted";
  task.pid = status.pid;
  task.restarts = status.restarts;
  task.since = status.since;
  task.changed_at = now;
  host->second.unknown.erase(task_id);
  host->second.tasks.insert(task_id);
  job->second.live.insert(task_id);
  SaveTask(tasks_.emplace(task_id, std::move(task)).first->second);
  return {};
}

Status Cluster::StopUnknown(const HostId& host_id, const TaskId& task_id) {
  const auto host = hosts_.find(host_id);
  if (host == hosts_.end() || !host->second.unknown.contains(task_id)) {
    return Fail(Code::kNotFound,
                fmt::format("host {} reports no unknown task {}", host_id.str(), task_id.str()));
  }
  UnknownTask& unknown = host->second.unknown.at(task_id);
  unknown.stop_asked = true;
  return {};
}

TaskId Cluster::CreateTask(const JobId& job_id, MonoTime now) {
  ClusterJob& job = jobs_.at(job_id);
  ClusterTask task;
  task.number = next_number_++;
  task.id = TaskId(fmt::format("{}/{}-{}", job_id.str(), options_.incarnation, task.number));
  task.job = job_id;
  task.resources = job.job.resources;
  task.changed_at = now;
  job.live.insert(task.id);
  const TaskId id = task.id;
  const auto [made, fresh] = tasks_.emplace(id, std::move(task));
  FLEETMEDIC_CHECK(fresh);
  SaveTask(made->second);
  return id;
}

void Cluster::DropPending(const TaskId& id) {
  const auto found = tasks_.find(id);
  FLEETMEDIC_CHECK(found != tasks_.end() && found->second.state == TaskState::kPending);
  jobs_.at(found->second.job).live.erase(id);
  Save(ClusterTable::kTasks, id.str(), std::nullopt);
  tasks_.erase(found);
}

void Cluster::Assign(const TaskId& id, const HostId& host, MonoTime now) {
  ClusterTask& task = tasks_.at(id);
  FLEETMEDIC_CHECK(task.state == TaskState::kPending && task.host.empty());
  task.state = TaskState::kStarting;
  task.host = host;
  task.changed_at = now;
  task.unplaced = UnplacedReason::kNone;
  hosts_.at(host).tasks.insert(id);
  SaveTask(task);
}

void Cluster::StopTask(const TaskId& id, std::string reason, MonoTime now) {
  ClusterTask& task = tasks_.at(id);
  FLEETMEDIC_CHECK(!TaskEnded(task.state));
  if (task.state == TaskState::kPending) return DropPending(id);
  if (task.state == TaskState::kStopping && task.stop_asked) return;
  task.state = TaskState::kStopping;
  task.stop_asked = true;
  task.reason = std::move(reason);
  task.changed_at = now;
  task.sent_at.reset();
  task.sends = 0;
  SaveTask(task);
}

void Cluster::PresumeLost(const TaskId& id) {
  ClusterTask& task = tasks_.at(id);
  FLEETMEDIC_CHECK(!task.host.empty() && !TaskEnded(task.state));
  task.presumed_lost = true;
  SaveTask(task);
}

void Cluster::CountCrash(const ClusterTask& task, MonoTime now) {
  const auto found = jobs_.find(task.job);
  if (found == jobs_.end()) return;
  ClusterJob& job = found->second;
  if (job.crashes < 1'000'000) ++job.crashes;
  job.last_crash = fmt::format("{} on {}: {}", task.id.str(), task.host.str(), task.reason);
  job.last_crash_at = now;
  job.next_start_at = now + CrashBackoff(options_, job.crashes, job.job.instances);
  SaveJobState(job);
}

void Cluster::ForgetCrashes(const JobId& id) {
  ClusterJob& job = jobs_.at(id);
  job.crashes = 0;
  job.last_crash.clear();
  job.next_start_at = {};
  SaveJobState(job);
}

void Cluster::EraseEnded(const JobId& id) {
  ClusterJob& job = jobs_.at(id);
  while (job.ended.size() > static_cast<size_t>(options_.ended_tasks_per_job_max)) {
    Save(ClusterTable::kTasks, job.ended.front().str(), std::nullopt);
    tasks_.erase(job.ended.front());
    job.ended.pop_front();
  }
}

void Cluster::EraseRemovedJob(const JobId& id) {
  const auto found = jobs_.find(id);
  FLEETMEDIC_CHECK(found != jobs_.end() && found->second.removed && found->second.live.empty());
  for (const TaskId& task : found->second.ended) {
    Save(ClusterTable::kTasks, task.str(), std::nullopt);
    tasks_.erase(task);
  }
  Save(ClusterTable::kJobs, id.str(), std::nullopt);
  Save(ClusterTable::kJobStates, id.str(), std::nullopt);
  jobs_.erase(found);
}

void Cluster::SetUnplaced(const TaskId& task, UnplacedReason reason) {
  tasks_.at(task).unplaced = reason;
}

void Cluster::SetBlockedBy(const HostId& host, std::string text) {
  hosts_.at(host).blocked_by = std::move(text);
}

void Cluster::MarkSent(const TaskId& id, MonoTime now) {
  ClusterTask& task = tasks_.at(id);
  task.sent_at = now;
  ++task.sends;
}

void Cluster::MarkUnknownSent(const HostId& host, const TaskId& task, MonoTime now) {
  UnknownTask& unknown = hosts_.at(host).unknown.at(task);
  unknown.sent_at = now;
  ++unknown.sends;
}

bool Cluster::Connected(const ClusterHost& host, MonoTime now) const {
  return host.last_seen.has_value() && now - *host.last_seen <= options_.executor_silent_after;
}

Micros Cluster::SilentFor(const ClusterHost& host, MonoTime now) const {
  return now - std::max(host.last_seen.value_or(host.silent_since), deaf_until_);
}

bool Cluster::Healthy(const ClusterTask& task, MonoTime now) const {
  if (task.state != TaskState::kRunning || task.presumed_lost) return false;
  const auto host = hosts_.find(task.host);
  return host != hosts_.end() && Connected(host->second, now);
}

int Cluster::HealthyTasks(const ClusterJob& job, MonoTime now) const {
  return static_cast<int>(
      std::ranges::count_if(job.live, [&](const TaskId& id) { return Healthy(task(id), now); }));
}

HostView Cluster::ViewOf(const ClusterHost& host, MonoTime now) const {
  HostView view;
  view.host = host.facts.host;
  view.revision = host.directive.revision;
  view.want = host.directive.want;
  view.connected = Connected(host, now);
  view.tasks_left = static_cast<int>(host.tasks.size() + host.unknown.size());
  view.blocked_by = host.blocked_by;
  return view;
}

}  // namespace fleetmedic

#include "scheduler/drain.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace fleetmedic {
namespace {

// Beyond its grace, a task that was told to stop may take this long before the host says so.
constexpr Seconds kStopLateAfter{60};

// What one job can give up in this turn.
struct Allowance {
  const ClusterJob* job = nullptr;
  int healthy = 0;    // less what this plan evicts
  int replaced = 0;   // healthy tasks beyond its instances: as many can go at once
  bool wait = false;  // replacements are on their way
};

enum class Verdict : uint8_t { kGo, kWait, kBlocked };

class Drainer {
 public:
  Drainer(const Cluster& cluster, MonoTime now) : cluster_(cluster), now_(now) {}

  DrainPlan Plan() {
    std::vector<const ClusterHost*> hosts;
    for (const auto& [id, host] : cluster_.hosts()) {
      if (host.directive.want != Want::kDrained) continue;
      if (host.tasks.empty() && host.unknown.empty()) continue;
      hosts.push_back(&host);
    }
    CountMoving(hosts);
    // Stable: of equal ones the first by name.
    std::ranges::stable_sort(hosts, {}, [](const ClusterHost* host) { return host->tasks.size(); });
    std::vector<const ClusterHost*> rest;
    for (const ClusterHost* host : hosts) {
      if (!EmptyCompletely(*host)) rest.push_back(host);
    }
    for (const ClusterHost* host : rest) EmptyInPart(*host);
    return std::move(plan_);
  }

 private:
  // How many tasks of each job have to move, and with it how many replacements it may start.
  void CountMoving(const std::vector<const ClusterHost*>& hosts) {
    std::map<JobId, int> moving;
    for (const ClusterHost* host : hosts) {
      if (!cluster_.Connected(*host, now_)) continue;
      for (const TaskId& id : host->tasks) {
        const ClusterTask& task = cluster_.task(id);
        if (Leaving(task)) continue;
        ++moving[task.job];
      }
    }
    for (const auto& [id, count] : moving) {
      const auto found = cluster_.jobs().find(id);
      if (found == cluster_.jobs().end()) continue;
      allowances_[id] = AllowanceOf(found->second, count);
    }
  }

  Allowance AllowanceOf(const ClusterJob& job, int moving) {
    Allowance allowance;
    allowance.job = &job;
    allowance.healthy = cluster_.HealthyTasks(job, now_);
    allowance.replaced = std::max(0, allowance.healthy - job.job.instances);
    if (job.removed || job.job.kind == JobKind::kBatch) return allowance;
    if (job.job.min_healthy >= job.job.instances) return allowance;
    const SchedulerOptions& options = cluster_.options();
    const int surge_max =
        std::max(1, static_cast<int>(options.surge_share_max * job.job.instances));
    const int surge = std::min(moving, surge_max);
    plan_.surge[job.job.id] = surge;
    allowance.wait = ReplacementsComing(job, surge);
    return allowance;
  }

  // Whether waiting for a replacement makes sense: one is asked for in this turn, or is on its way.
  bool ReplacementsComing(const ClusterJob& job, int surge) const {
    if (job.crashes > 0) return false;
    int staying = 0;
    int coming = 0;
    bool refused = false;
    for (const TaskId& id : job.live) {
      const ClusterTask& task = cluster_.task(id);
      if (Leaving(task) || task.presumed_lost) continue;
      ++staying;
      if (task.state == TaskState::kRunning) continue;
      const bool late = now_ - task.changed_at > cluster_.options().start_timeout;
      const bool limited = task.unplaced == UnplacedReason::kLaunchLimit ||
                           task.unplaced == UnplacedReason::kTurnLimit ||
                           task.unplaced == UnplacedReason::kNone;
      if (task.state == TaskState::kPending && !limited) refused = true;
      if (!late && limited) ++coming;
    }
    return coming > 0 || (!refused && staying < job.job.instances + surge);
  }

  static bool Leaving(const ClusterTask& task) { return task.state == TaskState::kStopping; }

  // Takes the eviction from the allowance when it is allowed.
  static Verdict Ask(const ClusterTask& task, bool healthy, Allowance* allowance) {
    const Job& job = allowance->job->job;
    if (job.kind == JobKind::kBatch && job.restart == Restart::kNever &&
        task.state != TaskState::kStarting) {
      return Verdict::kBlocked;
    }
    const int after = allowance->healthy - (healthy ? 1 : 0);
    if (after < job.min_healthy) {
      return allowance->wait ? Verdict::kWait : Verdict::kBlocked;
    }
    if (!healthy) return Verdict::kGo;
    if (allowance->replaced > 0) {
      --allowance->replaced;
    } else if (allowance->wait) {
      return Verdict::kWait;
    }
    --allowance->healthy;
    return Verdict::kGo;
  }

  std::string LimitText(const ClusterTask& task) const {
    const auto found = cluster_.jobs().find(task.job);
    if (found == cluster_.jobs().end()) {
      return fmt::format("job {} of task {} is not known: put the job again", task.job.str(),
                         task.id.str());
    }
    const Job& job = found->second.job;
    if (job.kind == JobKind::kBatch && job.restart == Restart::kNever) {
      return fmt::format("job {}: batch with restart never, task {} may not be run again",
                         job.id.str(), task.id.str());
    }
    return fmt::format("job {}: min_healthy {} of {} ({} healthy)", job.id.str(), job.min_healthy,
                       job.instances, cluster_.HealthyTasks(found->second, now_));
  }

  // What keeps a host whatever its jobs allow.
  std::optional<std::string> HostBlock(const ClusterHost& host) const {
    if (!cluster_.Connected(host, now_)) {
      return fmt::format("host is not connected: {} tasks may still run on it",
                         host.tasks.size() + host.unknown.size());
    }
    if (!host.unknown.empty()) {
      return fmt::format("unknown task {}: adopt it or stop it", host.unknown.begin()->first.str());
    }
    for (const TaskId& id : host.tasks) {
      const ClusterTask& task = cluster_.task(id);
      if (task.state != TaskState::kStopping) continue;
      const auto job = cluster_.jobs().find(task.job);
      const Millis grace = job == cluster_.jobs().end() ? Millis(0) : job->second.job.stop_grace;
      if (now_ - task.changed_at <= grace + kStopLateAfter) continue;
      return fmt::format("job {}: task {} was told to stop and does not", task.job.str(), id.str());
    }
    return std::nullopt;
  }

  // All of the host's tasks or none.
  bool EmptyCompletely(const ClusterHost& host) {
    if (!cluster_.Connected(host, now_) || !host.unknown.empty()) return false;
    std::map<JobId, Allowance> tried = allowances_;
    std::vector<TaskId> evict;
    for (const TaskId& id : host.tasks) {
      const ClusterTask& task = cluster_.task(id);
      if (Leaving(task)) continue;
      const auto allowance = tried.find(task.job);
      if (allowance == tried.end()) return false;
      if (Ask(task, cluster_.Healthy(task, now_), &allowance->second) != Verdict::kGo) {
        return false;
      }
      evict.push_back(id);
    }
    allowances_ = std::move(tried);
    plan_.evict.insert(plan_.evict.end(), evict.begin(), evict.end());
    plan_.blocked_by[host.facts.host] = HostBlock(host).value_or("");
    return true;
  }

  void EmptyInPart(const ClusterHost& host) {
    std::string blocked = HostBlock(host).value_or("");
    if (cluster_.Connected(host, now_)) {
      for (const TaskId& id : host.tasks) {
        const ClusterTask& task = cluster_.task(id);
        if (Leaving(task)) continue;
        const auto allowance = allowances_.find(task.job);
        const Verdict verdict = allowance == allowances_.end()
                                    ? Verdict::kBlocked
                                    : Ask(task, cluster_.Healthy(task, now_), &allowance->second);
        if (verdict == Verdict::kGo) plan_.evict.push_back(id);
        if (verdict == Verdict::kBlocked && blocked.empty()) blocked = LimitText(task);
      }
    }
    plan_.blocked_by[host.facts.host] = std::move(blocked);
  }

  const Cluster& cluster_;
  const MonoTime now_;
  std::map<JobId, Allowance> allowances_;
  DrainPlan plan_;
};

}  // namespace

DrainPlan PlanDrain(const Cluster& cluster, MonoTime now) { return Drainer(cluster, now).Plan(); }

}  // namespace fleetmedic

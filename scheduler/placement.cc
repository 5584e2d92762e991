#include "scheduler/placement.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <unordered_map>

namespace fleetmedic {
namespace {

struct Candidate {
  const ClusterHost* host = nullptr;
  bool connected = false;
  int64_t free_cpu_milli = 0;
  int64_t free_memory_bytes = 0;
  int launches = 0;
};

// Where the tasks of one job stand, and where some of them failed.
struct JobSpread {
  std::unordered_map<HostId, int> failed;
  std::unordered_map<HostId, int> on_host;
  std::unordered_map<std::string, int> in_rack;
  std::unordered_map<std::string, int> in_zone;

  void Count(const ClusterHost& host) {
    ++on_host[host.facts.host];
    ++in_rack[host.facts.zone + "\n" + host.facts.rack];
    ++in_zone[host.facts.zone];
  }
};

template <typename Key>
int CountOf(const std::unordered_map<Key, int>& counts, const Key& key) {
  const auto found = counts.find(key);
  return found == counts.end() ? 0 : found->second;
}

// What is free, in thousandths of the host.
int64_t FreeShare(const Candidate& candidate) {
  const Resources& capacity = candidate.host->capacity;
  const auto share = [](int64_t free, int64_t all) {
    return all <= 0 ? 0.0 : static_cast<double>(free) / static_cast<double>(all);
  };
  const double least = std::min(share(candidate.free_cpu_milli, capacity.cpu_milli),
                                share(candidate.free_memory_bytes, capacity.memory_bytes));
  return static_cast<int64_t>(least * 1000);
}

class Placer {
 public:
  Placer(const Cluster& cluster, MonoTime now) : cluster_(cluster) {
    for (const auto& [id, host] : cluster.hosts()) {
      Candidate candidate;
      candidate.host = &host;
      candidate.connected = cluster.Connected(host, now);
      candidate.free_cpu_milli = host.capacity.cpu_milli;
      candidate.free_memory_bytes = host.capacity.memory_bytes;
      for (const TaskId& task : host.tasks) Take(&candidate, cluster.task(task).resources);
      candidates_.push_back(candidate);
    }
  }

  Placement PlaceOne(const ClusterTask& task) {
    const ClusterJob& job = cluster_.jobs().at(task.job);
    JobSpread& spread = SpreadOf(job);
    Candidate* best = nullptr;
    std::tuple<int, int, int, int, int64_t> best_score;
    UnplacedReason reason = UnplacedReason::kNoHost;
    for (Candidate& candidate : candidates_) {
      const UnplacedReason refusal = Refusal(candidate, job.job, task.resources);
      reason = std::max(reason, refusal);
      if (refusal != UnplacedReason::kNone) continue;
      const HostFacts& facts = candidate.host->facts;
      const std::tuple score(CountOf(spread.failed, facts.host),
                             CountOf(spread.on_host, facts.host),
                             CountOf(spread.in_rack, facts.zone + "\n" + facts.rack),
                             CountOf(spread.in_zone, facts.zone), -FreeShare(candidate));
      if (best != nullptr && score >= best_score) continue;
      best = &candidate;
      best_score = score;
    }
    if (best == nullptr) return {task.id, HostId(), reason};
    Take(best, task.resources);
    ++best->launches;
    spread.Count(*best->host);
    return {task.id, best->host->facts.host, UnplacedReason::kNone};
  }

 private:
  static void Take(Candidate* candidate, const Resources& resources) {
    candidate->free_cpu_milli -= resources.cpu_milli;
    candidate->free_memory_bytes -= resources.memory_bytes;
  }

  // The first filter that the host does not pass; kNone when it passes all.
  UnplacedReason Refusal(const Candidate& candidate, const Job& job,
                         const Resources& needed) const {
    const ClusterHost& host = *candidate.host;
    if (!job.pool.empty() && host.facts.pool != job.pool) return UnplacedReason::kPool;
    if (!candidate.connected) return UnplacedReason::kNotConnected;
    const Want want = host.directive.want;
    if (want == Want::kDrained || (want == Want::kTainted && !job.tolerates_taint)) {
      return UnplacedReason::kNotSchedulable;
    }
    if (!host.unknown.empty()) return UnplacedReason::kUnknownTasks;
    if (candidate.free_cpu_milli < needed.cpu_milli ||
        candidate.free_memory_bytes < needed.memory_bytes) {
      return UnplacedReason::kResources;
    }
    if (candidate.launches >= cluster_.options().launches_per_host_and_turn_max) {
      return UnplacedReason::kLaunchLimit;
    }
    return UnplacedReason::kNone;
  }

  JobSpread& SpreadOf(const ClusterJob& job) {
    const auto [found, fresh] = spreads_.try_emplace(job.job.id);
    if (!fresh) return found->second;
    for (const TaskId& id : job.live) {
      const auto host = cluster_.hosts().find(cluster_.task(id).host);
      if (host != cluster_.hosts().end()) found->second.Count(host->second);
    }
    for (const TaskId& id : job.ended) {
      const ClusterTask& task = cluster_.task(id);
      if (task.state == TaskState::kFailed && !task.stop_asked) ++found->second.failed[task.host];
    }
    return found->second;
  }

  const Cluster& cluster_;
  std::vector<Candidate> candidates_;
  std::map<JobId, JobSpread> spreads_;
};

}  // namespace

std::vector<Placement> Place(const Cluster& cluster, MonoTime now) {
  std::vector<const ClusterTask*> pending;
  for (const auto& [job_id, job] : cluster.jobs()) {
    if (job.removed) continue;
    for (const TaskId& id : job.live) {
      const ClusterTask& task = cluster.task(id);
      if (task.state == TaskState::kPending) pending.push_back(&task);
    }
  }
  if (pending.empty()) return {};
  std::ranges::sort(pending, {}, [](const ClusterTask* task) { return task->number; });
  Placer placer(cluster, now);
  std::vector<Placement> placements;
  int tried = 0;
  for (const ClusterTask* task : pending) {
    if (tried++ >= cluster.options().placements_per_turn_max) {
      placements.push_back({task->id, HostId(), UnplacedReason::kTurnLimit});
      continue;
    }
    placements.push_back(placer.PlaceOne(*task));
  }
  return placements;
}

}  // namespace fleetmedic

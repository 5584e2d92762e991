#include "scheduler/placement.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace fleetmedic {
namespace {

struct Candidate {
  const ClusterHost* host = nullptr;
  bool connected = false;
  int64_t free_cpu_milli = 0;
  int64_t free_memory_bytes = 0;
  size_t number = 0;
  size_t rack = 0;
  size_t zone = 0;
  int launches = 0;
};

// Where the tasks of one job stand, and where some of them failed: counts by the numbers that the
// placer gives to hosts, racks and zones. Seven thousand hosts are looked at for every task, so
// nothing is looked up by name there.
struct JobSpread {
  std::vector<int> failed;
  std::vector<int> on_host;
  std::vector<int> in_rack;
  std::vector<int> in_zone;
};

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
      candidate.number = candidates_.size();
      // A rack's name is its own only within its zone.
      candidate.zone = zones_.try_emplace(host.facts.zone, zones_.size()).first->second;
      candidate.rack =
          racks_.try_emplace(std::pair(host.facts.zone, host.facts.rack), racks_.size())
              .first->second;
      numbers_.emplace(id, candidate.number);
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
      const std::tuple score(spread.failed[candidate.number], spread.on_host[candidate.number],
                             spread.in_rack[candidate.rack], spread.in_zone[candidate.zone],
                             -FreeShare(candidate));
      if (best != nullptr && score >= best_score) continue;
      best = &candidate;
      best_score = score;
    }
    if (best == nullptr) return {task.id, HostId(), reason};
    Take(best, task.resources);
    ++best->launches;
    Count(*best, &spread);
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

  static void Count(const Candidate& candidate, JobSpread* spread) {
    ++spread->on_host[candidate.number];
    ++spread->in_rack[candidate.rack];
    ++spread->in_zone[candidate.zone];
  }

  JobSpread& SpreadOf(const ClusterJob& job) {
    const auto [found, fresh] = spreads_.try_emplace(job.job.id);
    JobSpread& spread = found->second;
    if (!fresh) return spread;
    spread.failed.resize(candidates_.size());
    spread.on_host.resize(candidates_.size());
    spread.in_rack.resize(racks_.size());
    spread.in_zone.resize(zones_.size());
    for (const TaskId& id : job.live) {
      const auto number = numbers_.find(cluster_.task(id).host);
      if (number != numbers_.end()) Count(candidates_[number->second], &spread);
    }
    for (const TaskId& id : job.ended) {
      const ClusterTask& task = cluster_.task(id);
      const auto number = numbers_.find(task.host);
      if (number == numbers_.end()) continue;
      if (task.state == TaskState::kFailed && !task.stop_asked) ++spread.failed[number->second];
    }
    return spread;
  }

  const Cluster& cluster_;
  std::vector<Candidate> candidates_;
  std::unordered_map<HostId, size_t> numbers_;
  std::map<std::string, size_t> zones_;
  std::map<std::pair<std::string, std::string>, size_t> racks_;
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

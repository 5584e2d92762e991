#include <algorithm>
#include <utility>

#include "detectors/proc_text.h"
#include "detectors/process/process_evaluate.h"

namespace fleetmedic {
std::optional<uint64_t> ParseSwitches(std::string_view status) {
  const auto counts = NamedCounts(status);
  const auto voluntary = counts.find("voluntary_ctxt_switches");
  const auto forced = counts.find("nonvoluntary_ctxt_switches");
  if (voluntary == counts.end() || forced == counts.end()) return std::nullopt;
  return voluntary->second + forced->second;
}

std::optional<uint64_t> ParseOpenFilesLimit(std::string_view limits) {
  constexpr std::string_view kName = "Max open files";
  for (const std::string_view line : Lines(limits)) {
    if (!line.starts_with(kName)) continue;
    const std::vector<std::string_view> fields = Fields(line.substr(kName.size()));
    return fields.empty() ? std::nullopt : ParseCount(fields[0]);
  }
  return std::nullopt;
}

void ProcessHistory::Add(ProcessWalk walk) {
  std::map<ProcessKey, Blocked> blocked;
  for (BlockedProcess& process : walk.blocked) {
    if (blocked.size() >= kBlockedMax) break;
    const auto before = blocked_.find(process.stat.key);
    const bool same = before != blocked_.end() && before->second.switches == process.switches;
    const MonoTime since = same ? before->second.since : walk.at;
    const ProcessKey key = process.stat.key;
    blocked[key] = {std::move(process.stat), process.switches, since};
  }
  blocked_ = std::move(blocked);
  std::map<ProcessKey, Undead> zombies;
  for (const Zombie& zombie : walk.zombies) {
    if (zombies.size() >= kZombiesMax) break;
    const auto before = zombies_.find(zombie.key);
    zombies[zombie.key] = {zombie.parent,
                           before == zombies_.end() ? walk.at : before->second.since};
  }
  zombies_ = std::move(zombies);
  walk_ = std::move(walk);
  walk_.blocked.clear();
  walk_.zombies.clear();
}

std::vector<ProcessStat> ProcessHistory::BlockedSince(MonoTime before) const {
  std::vector<std::pair<MonoTime, ProcessStat>> found;
  for (const auto& [key, process] : blocked_) {
    if (process.since <= before) found.emplace_back(process.since, process.stat);
  }
  std::ranges::stable_sort(found, {}, &std::pair<MonoTime, ProcessStat>::first);
  std::vector<ProcessStat> stats;
  for (auto& [since, stat] : found) stats.push_back(std::move(stat));
  return stats;
}

std::map<int, size_t> ProcessHistory::ZombiesSince(MonoTime before) const {
  std::map<int, size_t> by_parent;
  for (const auto& [key, zombie] : zombies_) {
    if (zombie.since <= before) ++by_parent[zombie.parent];
  }
  return by_parent;
}

}  // namespace fleetmedic

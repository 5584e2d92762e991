#include "detectors/memory/memory_evaluate.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "detectors/condition_types.h"
#include "detectors/proc_text.h"
#include "model/cgroup_owner.h"

namespace fleetmedic {
namespace {

// Of more cgroups with kills only the first are told by name.
constexpr size_t kKillUnitsMax = 16;
// Where more than this is available, tasks wait for memory at a limit of their own cgroup, and the
// host is not short of any.
constexpr double kPressureAvailableShareMax = 0.1;
// A share of a very large memory is plenty for a host.
constexpr uint64_t kAvailableShareBytesMax = uint64_t{1} << 30;
// Allocations up to order 3 are what the kernel itself tries hard to serve
// (PAGE_ALLOC_COSTLY_ORDER, include/linux/mmzone.h).
constexpr size_t kFragmentationOrder = 4;
// Ids of memory cgroups are 16 bits wide (MEM_CGROUP_ID_MAX, include/linux/memcontrol.h).
constexpr uint64_t kMemoryCgroupsMax = 65'535;
constexpr double kMemoryCgroupsShare = 0.9;

std::string Megabytes(uint64_t bytes) { return fmt::format("{:.1f} MB", bytes / 1e6); }

struct PressureType {
  std::string_view type;
  std::string_view what;     // who waits for what
  std::string_view counter;  // of MemoryHistory::counters()
  double threshold;
};

Condition EvaluatePressure(const PressureType& type, const PressureSample& sample,
                           const MemoryHistory& history, Millis window) {
  if (!sample.totals) {
    Condition unknown =
        MakeCondition(type.type, "", Verdict::kUnknown, sample.reason, sample.message);
    // A kernel without the figures is no reason to hold a host back.
    if (sample.reason == "NotSupported") unknown.severity = Severity::kInfo;
    return unknown;
  }
  const double share = history.counters().PerSecond(type.counter) / 1e6;
  const bool bad = history.Whole(type.counter) && share >= type.threshold;
  return MakeCondition(
      type.type, "", bad ? Verdict::kBad : Verdict::kOk, bad ? "Stalled" : "Flowing",
      fmt::format("{} for {:.1f} % of the last {} (bad from {:.0f} % of {})", type.what,
                  share * 100,
                  FormatDuration(std::chrono::duration_cast<Millis>(
                      std::chrono::duration_cast<Seconds>(history.counters().Span(type.counter)))),
                  type.threshold * 100, FormatDuration(window)));
}

void EvaluatePressures(const HostMemorySample& sample, const MemoryHistory& history,
                       const MemoryThresholds& thresholds, std::vector<Condition>* conditions) {
  conditions->push_back(EvaluatePressure(
      {"CpuPressure", "some tasks waited for a processor", "cpu.some", thresholds.cpu_some_share},
      sample.cpu, history, thresholds.window));
  Condition memory = EvaluatePressure({"MemoryPressure", "all tasks waited for memory",
                                       "memory.full", thresholds.memory_full_share},
                                      sample.memory, history, thresholds.window);
  if (memory.verdict == Verdict::kBad) {
    const double available = history.available().Highest();
    if (available > kPressureAvailableShareMax) {
      memory.severity = Severity::kInfo;
      memory.reason = "CgroupLimit";
    }
    memory.message += fmt::format("; up to {:.1f} % of memory were available", available * 100);
  }
  conditions->push_back(std::move(memory));
  conditions->push_back(EvaluatePressure(
      {"IoPressure", "all tasks waited for I/O", "io.full", thresholds.io_full_share}, sample.io,
      history, thresholds.window));
}

Condition EvaluateAvailable(const HostMemorySample& sample, const MemoryHistory& history,
                            const MemoryThresholds& thresholds) {
  const auto total = static_cast<double>(sample.total_bytes);
  const auto by_share = static_cast<uint64_t>(total * thresholds.available_share);
  uint64_t least = std::max(std::min(by_share, kAvailableShareBytesMax),
                            static_cast<uint64_t>(thresholds.available_bytes));
  // On the smallest machines the floor in bytes would be most of what there is.
  least = std::min(least, sample.total_bytes / 10);
  const bool bad = sample.total_bytes > 0 && history.available().Whole() &&
                   history.available().Highest() * total < static_cast<double>(least);
  return MakeCondition("MemoryLow", "", bad ? Verdict::kBad : Verdict::kOk,
                       bad ? "AvailableLow" : "Available",
                       fmt::format("{} of {} available (bad below {} for {})",
                                   Megabytes(sample.available_bytes), Megabytes(sample.total_bytes),
                                   Megabytes(least), FormatDuration(thresholds.window)));
}

void EvaluateSwap(const HostMemorySample& sample, const MemoryHistory& history,
                  const MemoryThresholds& thresholds, std::vector<Condition>* conditions) {
  const bool full = history.swap().Whole() && history.swap().Lowest() >= thresholds.swap_share;
  const uint64_t used =
      sample.swap_total_bytes - std::min(sample.swap_free_bytes, sample.swap_total_bytes);
  conditions->push_back(MakeCondition(
      "SwapFull", "", full ? Verdict::kBad : Verdict::kOk, full ? "SwapUsed" : "SwapLeft",
      sample.swap_total_bytes == 0
          ? std::string("the host has no swap")
          : fmt::format("{} of {} swap used (bad from {:.0f} % for {})", Megabytes(used),
                        Megabytes(sample.swap_total_bytes), thresholds.swap_share * 100,
                        FormatDuration(thresholds.window))));
  const double rate = history.counters().PerSecond("swap_in");
  const bool busy = history.Whole("swap_in") && rate >= thresholds.swap_in_per_second;
  conditions->push_back(MakeCondition(
      "SwapBusy", "", busy ? Verdict::kBad : Verdict::kOk, busy ? "SwappingIn" : "Quiet",
      fmt::format("{:.0f} pages a second read back from swap (bad from {} for {})", rate,
                  thresholds.swap_in_per_second, FormatDuration(thresholds.window))));
}

Condition EvaluateFragmentation(const HostMemorySample& sample, const MemoryHistory& history,
                                const MemoryThresholds& thresholds) {
  std::map<int, uint64_t> blocks_by_node;
  for (const FreeBlocks& zone : sample.free_blocks) {
    if (zone.zone == "DMA") continue;
    uint64_t& blocks = blocks_by_node[zone.node];
    for (size_t order = kFragmentationOrder; order < zone.by_order.size(); ++order) {
      blocks += zone.by_order[order] << (order - kFragmentationOrder);
    }
  }
  const uint64_t failed = history.counters().Growth("compact_fail");
  for (const auto& [node, blocks] : blocks_by_node) {
    if (failed == 0 || blocks >= static_cast<uint64_t>(thresholds.fragmentation_blocks)) continue;
    return MakeCondition(
        "MemoryFragmented", "", Verdict::kBad, "NoLargeBlocks",
        fmt::format("node {}: {} free blocks of 64 KiB or more (bad below {}), and {} compactions "
                    "failed within {}",
                    node, blocks, thresholds.fragmentation_blocks, failed,
                    FormatDuration(thresholds.window)));
  }
  if (blocks_by_node.empty()) {
    return MakeCondition("MemoryFragmented", "", Verdict::kUnknown, "NoBuddyInfo",
                         "/proc/buddyinfo could not be read");
  }
  return MakeCondition("MemoryFragmented", "", Verdict::kOk, "LargeBlocksLeft",
                       "blocks of 64 KiB or more are free on every node, or can be made");
}

Condition EvaluateCgroups(const HostMemorySample& sample, const MemoryThresholds& thresholds) {
  if (!sample.cgroups) {
    return MakeCondition("CgroupLeak", "", Verdict::kOk, "NotCounted",
                         "too few memory cgroups to count, or none");
  }
  const auto& [live, dying] = *sample.cgroups;
  const bool many = live >= static_cast<uint64_t>(kMemoryCgroupsMax * kMemoryCgroupsShare);
  const bool leak = dying >= static_cast<uint64_t>(thresholds.dying_cgroups);
  Condition condition = MakeCondition(
      "CgroupLeak", "", many || leak ? Verdict::kBad : Verdict::kOk,
      many   ? "CgroupsGone"
      : leak ? "CgroupsDying"
             : "CgroupsLeft",
      fmt::format("{} memory cgroups of at most {}, {} more are removed and still hold memory (bad "
                  "from {:.0f}, or {} dying)",
                  live, kMemoryCgroupsMax, dying, kMemoryCgroupsMax * kMemoryCgroupsShare,
                  thresholds.dying_cgroups));
  if (!many) condition.severity = Severity::kInfo;
  return condition;
}

void EvaluateKills(const HostMemorySample& sample, const MemoryHistory& history,
                   const MemoryThresholds& thresholds, std::vector<Condition>* conditions) {
  if (!sample.oom_kills) {
    conditions->push_back(MakeCondition("OomKill", "", Verdict::kUnknown, "NotSupported",
                                        "this kernel does not count oom_kill in /proc/vmstat"));
    return;
  }
  const std::string within = FormatDuration(thresholds.oom_window);
  const std::vector<CgroupKills> kills = history.Kills();
  for (size_t i = 0; i < std::min(kills.size(), kKillUnitsMax); ++i) {
    const auto& [cgroup, count] = kills[i];
    std::string message = fmt::format("{} {} killed for memory within {}", count,
                                      count == 1 ? "process was" : "processes were", within);
    if (cgroup.empty()) {
      message += "; which cgroup they were of cannot be told";
      if (!sample.unnamed_why.empty()) message += ": " + sample.unnamed_why;
    } else {
      const std::string owner = OwnerOfCgroup(cgroup).Text();
      message += (owner.empty() ? "" : ", of " + owner) + ", cgroup " + Quote(cgroup, 200);
    }
    conditions->push_back(
        MakeCondition("OomKill", VisibleText(cgroup), Verdict::kBad, "Killed", std::move(message)));
  }
  if (kills.empty()) {
    conditions->push_back(MakeCondition("OomKill", "", Verdict::kOk, "NoneKilled",
                                        "no process was killed for memory within " + within));
  }
}

}  // namespace

std::optional<PressureTotals> ParsePressure(std::string_view text) {
  std::optional<PressureTotals> totals;
  for (const std::string_view line : Lines(text)) {
    const std::vector<std::string_view> fields = Fields(line);
    for (const std::string_view field : fields) {
      if (!field.starts_with("total=")) continue;
      const std::optional<uint64_t> total = ParseCount(field.substr(6));
      if (!total) continue;
      if (fields[0] == "some") {
        if (!totals) totals.emplace();
        totals->some_us = *total;
      } else if (fields[0] == "full" && totals) {
        totals->full_us = *total;
      }
    }
  }
  return totals;
}

std::vector<FreeBlocks> ParseBuddyInfo(std::string_view text) {
  std::vector<FreeBlocks> zones;
  for (const std::string_view line : Lines(text)) {
    // Node 0, zone   Normal    481    338 ...
    const std::vector<std::string_view> fields = Fields(line);
    if (fields.size() < 5 || fields[0] != "Node" || fields[2] != "zone") continue;
    FreeBlocks zone;
    std::string_view node = fields[1];
    if (node.ends_with(',')) node.remove_suffix(1);
    zone.node = static_cast<int>(ParseCount(node).value_or(0));
    zone.zone = fields[3];
    for (size_t i = 4; i < fields.size(); ++i) {
      zone.by_order.push_back(ParseCount(fields[i]).value_or(0));
    }
    zones.push_back(std::move(zone));
  }
  return zones;
}

bool TakeMemoryTexts(std::string_view meminfo, std::string_view vmstat, HostMemorySample* sample) {
  const auto memory = NamedCounts(meminfo);
  const auto bytes = [&memory](std::string_view name) {
    const auto found = memory.find(name);
    return found == memory.end() ? 0 : found->second * 1024;
  };
  const uint64_t huge = bytes("Hugetlb");
  sample->total_bytes = bytes("MemTotal") - std::min(huge, bytes("MemTotal"));
  sample->available_bytes = bytes("MemAvailable");
  sample->swap_total_bytes = bytes("SwapTotal");
  sample->swap_free_bytes = bytes("SwapFree");
  const auto counters = NamedCounts(vmstat);
  const auto count = [&counters](std::string_view name) -> std::optional<uint64_t> {
    const auto found = counters.find(name);
    if (found == counters.end()) return std::nullopt;
    return found->second;
  };
  sample->pages_swapped_in = count("pswpin").value_or(0);
  sample->compactions_failed = count("compact_fail").value_or(0);
  sample->oom_kills = count("oom_kill");
  return memory.contains("MemAvailable") && memory.contains("MemTotal");
}

std::vector<Condition> EvaluateMemory(const HostMemorySample& sample, const MemoryHistory& history,
                                      const MemoryThresholds& thresholds) {
  std::vector<Condition> conditions;
  EvaluatePressures(sample, history, thresholds, &conditions);
  conditions.push_back(EvaluateAvailable(sample, history, thresholds));
  EvaluateKills(sample, history, thresholds, &conditions);
  EvaluateSwap(sample, history, thresholds, &conditions);
  conditions.push_back(EvaluateFragmentation(sample, history, thresholds));
  conditions.push_back(EvaluateCgroups(sample, thresholds));
  return conditions;
}

}  // namespace fleetmedic

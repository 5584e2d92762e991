// What the memory of a host, and the pressure on it, mean. Pure.
#ifndef FLEETMEDIC_DETECTORS_MEMORY_MEMORY_EVALUATE_H_
#define FLEETMEDIC_DETECTORS_MEMORY_MEMORY_EVALUATE_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "detectors/counter_window.h"
#include "model/condition.h"

namespace fleetmedic {

// A file of /proc/pressure (Documentation/accounting/psi.rst): for how long, since the boot, some
// tasks, or all that were not idle, waited for a resource.
struct PressureTotals {
  uint64_t some_us = 0;
  uint64_t full_us = 0;  // 0 where the kernel does not say (cpu before 5.13)

  bool operator==(const PressureTotals&) const = default;
};

// None for a text without a line "some".
std::optional<PressureTotals> ParsePressure(std::string_view text);

struct PressureSample {
  std::optional<PressureTotals> totals;
  // Without totals: why, for a condition.
  std::string reason;
  std::string message;
};

// Free blocks of one zone of /proc/buddyinfo (proc_buddyinfo(5)), by order.
struct FreeBlocks {
  int node = 0;
  std::string zone;
  std::vector<uint64_t> by_order;

  bool operator==(const FreeBlocks&) const = default;
};
std::vector<FreeBlocks> ParseBuddyInfo(std::string_view text);

// Processes of one cgroup that the kernel killed for memory since the look before.
struct CgroupKills {
  std::string cgroup;  // below the root of the hierarchy: "/docker/0123..."
  uint64_t kills = 0;

  bool operator==(const CgroupKills&) const = default;
};

struct CgroupCount {
  uint64_t live = 0;
  uint64_t dying = 0;  // removed, and kept by memory that is still charged to them
};

struct HostMemorySample {
  MonoTime at{};
  PressureSample cpu, memory, io;
  uint64_t total_bytes = 0;  // without what is set aside for huge pages
  uint64_t available_bytes = 0;
  uint64_t swap_total_bytes = 0;
  uint64_t swap_free_bytes = 0;
  // Counters of /proc/vmstat.
  uint64_t pages_swapped_in = 0;
  uint64_t compactions_failed = 0;
  std::optional<uint64_t> oom_kills;  // none before Linux 4.13
  // Those of oom_kills that a cgroup is known of; what is left over, and why.
  std::vector<CgroupKills> cgroup_kills;
  std::string unnamed_why;
  std::vector<FreeBlocks> free_blocks;
  std::optional<CgroupCount> cgroups;
};

// Takes total, available and swap from /proc/meminfo and the counters from /proc/vmstat; false
// where the kernel does not say how much is available (before 3.14).
bool TakeMemoryTexts(std::string_view meminfo, std::string_view vmstat, HostMemorySample* sample);

struct MemoryThresholds {
  Millis window = Minutes(3);
  double cpu_some_share = 0.95;
  double memory_full_share = 0.6;
  double io_full_share = 0.9;
  double available_share = 0.02;
  int64_t available_bytes = int64_t{100} << 20;
  double swap_share = 0.9;
  int swap_in_per_second = 500;
  Millis oom_window = Minutes(10);
  int fragmentation_blocks = 16;
  int dying_cgroups = 10'000;
};

// The highest and the lowest of what was seen within a window.
class LevelWindow {
 public:
  void Add(double level, MonoTime now, Millis window);
  // The whole window was seen.
  bool Whole() const { return whole_; }
  double Highest() const;
  double Lowest() const;

 private:
  std::deque<std::pair<MonoTime, double>> looks_;
  bool whole_ = false;
};

// What the looks before said. Owned by one thread.
class MemoryHistory {
 public:
  static constexpr size_t kKillsMax = 256;

  MemoryHistory(Millis window, Millis oom_window)
      : window_(window), oom_window_(oom_window), counters_(window) {}

  void Add(const HostMemorySample& sample);

  // Named "cpu.some", "memory.full", "io.full" (microseconds), "swap_in" (pages), "compact_fail".
  const CounterWindow& counters() const { return counters_; }
  // Whether the counter was watched for the whole window.
  bool Whole(std::string_view counter) const { return counters_.Span(counter) >= window_; }

  // Shares in use.
  const LevelWindow& available() const { return available_; }
  const LevelWindow& swap() const { return swap_; }

  // Kills within the OOM window, by cgroup ("" for those without one), most first.
  std::vector<CgroupKills> Kills() const;

 private:
  struct Kill {
    MonoTime at{};
    std::string cgroup;
    uint64_t kills = 0;
  };
  void AddKills(const HostMemorySample& sample);

  const Millis window_;
  const Millis oom_window_;
  CounterWindow counters_;
  LevelWindow available_;  // of total
  LevelWindow swap_;
  MonoTime thinned_at_{};
  std::optional<uint64_t> oom_kills_;
  // Kills that cgroups told of before /proc/vmstat did: it is read first.
  uint64_t told_ahead_ = 0;
  std::deque<Kill> kills_;
};

// `history` holds the sample already.
std::vector<Condition> EvaluateMemory(const HostMemorySample& sample, const MemoryHistory& history,
                                      const MemoryThresholds& thresholds);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_MEMORY_MEMORY_EVALUATE_H_

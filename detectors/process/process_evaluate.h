// What the processes of a host, and the limits on them, mean. Pure.
#ifndef FLEETMEDIC_DETECTORS_PROCESS_PROCESS_EVALUATE_H_
#define FLEETMEDIC_DETECTORS_PROCESS_PROCESS_EVALUATE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/process_stat.h"
#include "base/time.h"
#include "model/condition.h"

namespace fleetmedic {

// The sum of voluntary and forced context switches in /proc/PID/status. While it stands still the
// process was never run: what khungtaskd of the kernel goes by.
std::optional<uint64_t> ParseSwitches(std::string_view status);

// The soft limit "Max open files" of /proc/PID/limits; none for "unlimited".
std::optional<uint64_t> ParseOpenFilesLimit(std::string_view limits);

struct BlockedProcess {
  ProcessStat stat;
  uint64_t switches = 0;
};

struct Zombie {
  ProcessKey key;
  int parent = 0;
};

// A process that has nearly as many files open as it may.
struct OpenFiles {
  int pid = 0;
  std::string name;
  uint64_t open = 0;
  uint64_t limit = 0;
};

// One walk of /proc.
struct ProcessWalk {
  MonoTime at{};
  std::vector<BlockedProcess> blocked;
  std::vector<Zombie> zombies;
  std::vector<OpenFiles> open_files;
  // Why not every process was seen; empty: all were.
  std::string reason;
  std::string cut;
};

// What is looked up only of a process that is blocked for long.
struct BlockedDetail {
  // Its cgroup is frozen (v1: the freezer shows as 'D'), as by `docker pause`.
  bool frozen = false;
  std::string wait_channel;        // /proc/PID/wchan; empty: not to be seen
  std::vector<std::string> stack;  // the innermost functions of /proc/PID/stack
  std::string cgroup;
};

enum class InotifyTry : uint8_t {
  kNotTried,  // only root's use can be tried, and we are not root
  kMade,
  kInstancesUsedUp,
  kWatchesUsedUp,
};

struct ProcessSample {
  MonoTime at{};
  std::map<ProcessKey, BlockedDetail> details;
  std::map<int, std::string> parent_names;  // of zombies
  // Whole-host counts and limits; none where the file could not be read.
  std::optional<uint64_t> threads;
  std::optional<uint64_t> pid_max;
  std::optional<uint64_t> threads_max;
  std::optional<uint64_t> files;
  std::optional<uint64_t> files_max;
  InotifyTry inotify = InotifyTry::kNotTried;
  std::optional<uint64_t> inotify_instances_max;
  std::optional<uint64_t> inotify_watches_max;
};

struct ProcessThresholds {
  Millis blocked_for = Minutes(5);
  int zombies = 100;
  Millis zombies_for = Minutes(5);
  double pids_share = 0.9;
  double files_share = 0.9;
  double process_files_share = 0.95;
};

// What the walks before said. Owned by one thread.
class ProcessHistory {
 public:
  static constexpr size_t kBlockedMax = 4096;
  static constexpr size_t kZombiesMax = 16'384;

  void Add(ProcessWalk walk);

  // Blocked since `before` or earlier, without having been run, longest first.
  std::vector<ProcessStat> BlockedSince(MonoTime before) const;
  MonoTime BlockedAt(const ProcessKey& key) const { return blocked_.at(key).since; }

  // Zombies that were there at `before`, by parent.
  std::map<int, size_t> ZombiesSince(MonoTime before) const;

  // The newest; its lists are kept where they are told from.
  const ProcessWalk& walk() const { return walk_; }

 private:
  struct Blocked {
    ProcessStat stat;
    uint64_t switches = 0;
    MonoTime since{};
  };
  struct Undead {
    int parent = 0;
    MonoTime since{};
  };
  ProcessWalk walk_;
  std::map<ProcessKey, Blocked> blocked_;
  std::map<ProcessKey, Undead> zombies_;
};

// `history` holds the newest walk already.
std::vector<Condition> EvaluateProcess(const ProcessSample& sample, const ProcessHistory& history,
                                       const ProcessThresholds& thresholds);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_PROCESS_PROCESS_EVALUATE_H_

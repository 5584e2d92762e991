// What the kernel of a host says of itself, and of the boots before. Pure.
#ifndef FLEETMEDIC_DETECTORS_KERNEL_KERNEL_EVALUATE_H_
#define FLEETMEDIC_DETECTORS_KERNEL_KERNEL_EVALUATE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/condition.h"

namespace fleetmedic {

// The letters of a value of /proc/sys/kernel/tainted, lowest bit first, as the kernel prints them
// after "Tainted:" (Documentation/admin-guide/tainted-kernels.rst); '?' for a bit without one.
std::string TaintLetters(uint64_t tainted);
// "D (kernel died: oops or BUG), O (out-of-tree module)".
std::string DescribeTaints(std::string_view letters);

// The boots in a piece of /var/log/wtmp (utmp(5)) that starts with a whole record, oldest first.
std::vector<WallTime> ParseBoots(std::string_view wtmp);

// Negative, 0 or positive: runs of digits are compared as numbers, all else as text.
int CompareVersions(std::string_view a, std::string_view b);
// The newest of the installed kernels of the same flavour ("-amd64", "-cloud-amd64"), where it is
// newer than the running one and that one is installed itself.
std::optional<std::string> NewerKernel(std::string_view running,
                                       const std::vector<std::string>& installed);

struct CrashDump {
  std::string path;
  WallTime at = kWallNever;

  bool operator==(const CrashDump&) const = default;
};

struct KernelSample {
  WallTime now = kWallNever;
  std::optional<Seconds> uptime;
  std::optional<uint64_t> tainted;
  std::vector<CrashDump> dumps;
  // Why not every folder that may hold some was read; empty: all were.
  std::string dumps_reason;
  std::string dumps_cut;
  // None: there is no wtmp, or it cannot be read. Else with this boot, oldest first.
  std::optional<std::vector<WallTime>> boots;
  bool reboot_flagged = false;               // /run/reboot-required
  std::vector<std::string> reboot_packages;  // who asks for it
  std::string running;                       // uname -r
  std::vector<std::string> installed;
  std::optional<uint64_t> entropy;            // bits
  std::optional<uint64_t> entropy_pool;       // bits; 256 where the entropy is only counted up once
  std::optional<uint64_t> hung_task_seconds;  // none: not in this kernel
  std::optional<uint64_t> soft_watchdog;
};

struct KernelThresholds {
  std::string taints = "BDM";  // letters that are soft
  Millis boot_recent = Minutes(10);
  int boot_loop_count = 3;
  Millis boot_loop_within = Hours(1);
  Millis crash_for = Hours(24);
};

std::vector<Condition> EvaluateKernel(const KernelSample& sample,
                                      const KernelThresholds& thresholds);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_KERNEL_KERNEL_EVALUATE_H_

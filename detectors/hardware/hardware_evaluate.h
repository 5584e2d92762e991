// What a host's own hardware counters mean for it. Pure.
#ifndef FLEETMEDIC_DETECTORS_HARDWARE_HARDWARE_EVALUATE_H_
#define FLEETMEDIC_DETECTORS_HARDWARE_HARDWARE_EVALUATE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "detectors/counter_window.h"
#include "model/condition.h"

namespace fleetmedic {

// A memory module of EDAC, or what its controller could not say of which module it was. Counts are
// since the driver was loaded (Documentation/admin-guide/ras.rst).
struct MemorySample {
  std::string unit;   // "mc0/dimm3", "mc0" for what belongs to no module
  std::string label;  // "CPU_SrcID#0_MC#0_Chan#1_DIMM#0"
  uint64_t corrected = 0;
  uint64_t uncorrected = 0;
};

// Counts of one device since it came (Documentation/ABI/testing/sysfs-bus-pci-devices-aer_stats).
struct PcieSample {
  std::string address;  // "0000:00:1b.0"
  std::string driver;   // empty: none
  // By name; without what enumeration provokes, see IsProbeError.
  std::map<std::string, uint64_t> correctable;
  std::map<std::string, uint64_t> nonfatal;
  std::map<std::string, uint64_t> fatal;
};

// Lines of a name, which may have blanks in it, and a count; the totals are left out.
std::map<std::string, uint64_t> AerCounts(std::string_view text);

// An unsupported request: what asking a device for something that it has not got counts as, which
// also happens when devices are looked for.
bool IsProbeError(std::string_view name);

// One processor's thermal_throttle folder (arch/x86/kernel/cpu/mce/therm_throt.c), since boot.
struct ThrottleSample {
  std::string unit;  // "package-0", "cpu3"
  uint64_t events = 0;
  std::optional<uint64_t> throttled_ms;  // kernels since 5.5
};

// "0-3,8" as of /sys/devices/system/cpu; none where it is of another form or names more than
// cpus_max.
std::optional<std::set<int>> ParseCpuList(std::string_view text, size_t cpus_max);

struct HotSensor {
  std::string unit;   // "coretemp/temp1"
  std::string label;  // "Package id 0"
  bool emergency = false;
  std::optional<int64_t> millidegrees;
  std::optional<int64_t> limit_millidegrees;
};

// A part that the host does not have is empty or none: nothing is said of it then.
struct HardwareSample {
  bool has_memory = false;
  std::vector<MemorySample> memory;
  bool has_pcie = false;
  std::vector<PcieSample> pcie;
  bool has_throttle = false;
  std::vector<ThrottleSample> throttle;
  std::optional<std::set<int>> present;
  std::optional<std::set<int>> online;
  bool siblings_off = false;  // smt/control says that they are to be
  bool has_sensors = false;
  std::vector<HotSensor> hot;  // those whose alarm is on
};

struct HardwareThresholds {
  uint64_t corrected_max = 100;  // of one module within the window
  uint64_t pcie_correctable_max = 1000;
  double throttled_share = 0.1;
  uint64_t throttle_events_max = 100;  // where the time is not counted
};

// What was seen before. Owned by one thread.
class HardwareHistory {
 public:
  HardwareHistory(Millis error_window, Millis throttle_window)
      : errors_(error_window), throttle_(throttle_window) {}

  // Each sample once, in order of time.
  void Add(const HardwareSample& sample, MonoTime now);

  const CounterWindow& errors() const { return errors_; }
  const CounterWindow& throttle() const { return throttle_; }
  // Whether the module's uncorrected errors became more while the agent looked.
  bool UncorrectedGrew(std::string_view unit) const;
  // Processors that were online at some look and are not now.
  const std::set<int>& went_offline() const { return went_offline_; }
  // At how many looks in a row the alarm was on.
  int HotLooks(std::string_view unit) const;

 private:
  CounterWindow errors_;
  CounterWindow throttle_;
  std::map<std::string, uint64_t, std::less<>> uncorrected_at_first_;
  std::set<std::string, std::less<>> uncorrected_grew_;
  std::set<int> were_online_;
  std::set<int> went_offline_;
  std::map<std::string, int, std::less<>> hot_looks_;
};

// `history` holds `sample` already.
std::vector<Condition> EvaluateHardware(const HardwareSample& sample,
                                        const HardwareHistory& history,
                                        const HardwareThresholds& thresholds);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_HARDWARE_HARDWARE_EVALUATE_H_

// What the block devices of a host mean for it. Pure.
#ifndef FLEETMEDIC_DETECTORS_DISK_DISK_EVALUATE_H_
#define FLEETMEDIC_DETECTORS_DISK_DISK_EVALUATE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "detectors/counter_window.h"
#include "model/condition.h"

namespace fleetmedic {

// One line of /proc/diskstats (Documentation/admin-guide/iostats.rst), since the device came.
struct DiskCounters {
  uint64_t reads = 0;    // completed
  uint64_t read_ms = 0;  // spent by all of them, waiting included
  uint64_t writes = 0;   // completed
  uint64_t write_ms = 0;
  uint64_t others = 0;     // discards and flushes completed; 0 on kernels that do not count them
  uint64_t in_flight = 0;  // a gauge
  uint64_t busy_ms = 0;    // at least one was under way

  bool operator==(const DiskCounters&) const = default;
};

struct DiskLine {
  std::string name;    // "sda", "cciss/c0d0"
  std::string number;  // "8:0"
  DiskCounters counters;
};

// Lines that cannot be read are left out.
std::vector<DiskLine> DisksFromDiskstats(std::string_view text);

// A redundant md array (Documentation/admin-guide/md.rst).
struct ArraySample {
  uint64_t degraded = 0;    // members that are missing
  uint64_t disks = 0;       // members that there should be
  std::string state;        // array_state: "clean", "active", "broken", ...
  std::string sync_action;  // "idle", "recover", "resync", "check", ...
  std::string sync_done;    // "12 / 345" sectors, or "none"
};

struct DiskSample {
  std::string name;    // "sda"
  std::string number;  // "8:0"
  // None where only the state is looked at: arrays and device mapper, whose members are judged.
  std::optional<DiskCounters> counters;
  bool rotational = false;
  bool read_only = false;
  std::string scsi_state;  // "running", "offline", ...; empty where the device is not SCSI's
  std::optional<uint64_t> scsi_errors;
  std::optional<uint64_t> scsi_timeouts;
  std::optional<ArraySample> array;
  // Of the device, its partitions, and the arrays and mappings upon it; shortest first.
  std::vector<std::string> mount_points;
  bool mounted_writable = false;
};

struct DiskThresholds {
  double slow_await_ms = 500;
  double slow_await_rotational_ms = 1000;
  uint64_t slow_ios_min = 100;
  Millis hung_after = Seconds(60);
  uint64_t errors_max = 10;
  uint64_t timeouts_max = 3;
};

// What was seen of the disks before. Owned by one thread.
class DiskHistory {
 public:
  // `window` for latency, `error_window` for SCSI's counters.
  DiskHistory(Millis window, Millis error_window) : counters_(window), errors_(error_window) {}

  // Each sample once, in order of time.
  void Add(const std::vector<DiskSample>& disks, MonoTime now);

  const CounterWindow& counters() const { return counters_; }
  const CounterWindow& errors() const { return errors_; }

  // For how long something was in flight and nothing was completed: 0 while it is not so, or was
  // seen so at fewer than kStallLooksMin looks (the machine may have slept between two).
  Micros StalledFor(std::string_view disk) const;
  // Whether fewer were in flight while the disk was working: a count that never falls to what it
  // is now is a count, and not one that leaked.
  bool InFlightRose(std::string_view disk) const;

  static constexpr int kStallLooksMin = 3;

 private:
  struct Progress {
    uint64_t completed = 0;
    uint64_t in_flight = 0;
    std::optional<uint64_t> in_flight_working;  // the fewest, at looks when it was working or idle
    MonoTime stalled_since{};
    int stalled_looks = 0;
    MonoTime last{};
  };

  CounterWindow counters_;
  CounterWindow errors_;
  std::map<std::string, Progress, std::less<>> progress_;
};

// `history` holds `disks` already.
std::vector<Condition> EvaluateDisk(const std::vector<DiskSample>& disks,
                                    const DiskHistory& history, const DiskThresholds& thresholds);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_DISK_DISK_EVALUATE_H_

// What NVMe controllers say of themselves, and what it means for a host. Pure.
#ifndef FLEETMEDIC_DETECTORS_NVME_NVME_EVALUATE_H_
#define FLEETMEDIC_DETECTORS_NVME_NVME_EVALUATE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "detectors/counter_window.h"
#include "model/condition.h"

namespace fleetmedic {

// Log page 02h, SMART / Health Information, of the NVM Express Base Specification (revision 1.4,
// section 5.14.1.2). Numbers of 128 bits are cut to the greatest of 64.
struct NvmeHealth {
  static constexpr size_t kPageBytes = 512;

  // Bits of `critical_warning`.
  static constexpr uint8_t kSpareLow = 1 << 0;
  static constexpr uint8_t kTemperature = 1 << 1;
  static constexpr uint8_t kReliabilityDegraded = 1 << 2;
  static constexpr uint8_t kMediaReadOnly = 1 << 3;
  static constexpr uint8_t kBackupFailed = 1 << 4;
  static constexpr uint8_t kPersistentMemory = 1 << 5;

  uint8_t critical_warning = 0;
  uint16_t kelvin = 0;  // 0: not told
  uint8_t spare_percent = 0;
  uint8_t spare_threshold_percent = 0;
  uint8_t used_percent = 0;  // of the endurance that the maker promises; 255 is "254 or more"
  uint64_t power_on_hours = 0;
  uint64_t unsafe_shutdowns = 0;
  uint64_t media_errors = 0;
  uint64_t error_log_entries = 0;
  uint32_t warning_temperature_minutes = 0;
  uint32_t critical_temperature_minutes = 0;

  bool operator==(const NvmeHealth&) const = default;
};

// kCorrupt where it is not 512 bytes.
Result<NvmeHealth> ParseNvmeHealth(std::string_view page);

struct NvmeSample {
  std::string name;   // "nvme0"
  std::string model;  // as the device spells it
  std::string state;  // "live", "resetting", "dead", ...; empty where the kernel does not say
  // The newest answer, which may be older than the sample. kUnsupported: this controller has no
  // such page. None: it was not asked, for its state.
  std::optional<Result<NvmeHealth>> health;
};

struct NvmeThresholds {
  Millis not_live_max = Seconds(60);
  int used_percent_max = 100;
  uint64_t media_errors_max = 1;
  uint64_t warning_minutes_max = 10;
};

// What was seen before. Owned by one thread.
class NvmeHistory {
 public:
  explicit NvmeHistory(Millis window) : counters_(window) {}

  void AddState(const std::vector<NvmeSample>& controllers, MonoTime now);
  // Only answers that are fresh: the window keeps a bounded number of looks.
  void AddHealth(std::string_view name, const NvmeHealth& health, MonoTime now);

  const CounterWindow& counters() const { return counters_; }
  // For how long every look found the controller in another state than live.
  Micros NotLiveFor(std::string_view name) const;

 private:
  CounterWindow counters_;
  std::map<std::string, MonoTime, std::less<>> not_live_since_;
  MonoTime last_{};
};

// `history` holds the samples already.
std::vector<Condition> EvaluateNvme(const std::vector<NvmeSample>& controllers,
                                    const NvmeHistory& history, const NvmeThresholds& thresholds);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_NVME_NVME_EVALUATE_H_

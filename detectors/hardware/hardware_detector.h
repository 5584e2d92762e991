// Watches the hardware counters of a host: memory errors (EDAC), PCIe errors (AER), thermal
// throttling, processors offline, critical temperatures.
#ifndef FLEETMEDIC_DETECTORS_HARDWARE_HARDWARE_DETECTOR_H_
#define FLEETMEDIC_DETECTORS_HARDWARE_HARDWARE_DETECTOR_H_

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "config/hardware_config.h"
#include "config/host_config.h"
#include "detectors/detector.h"
#include "detectors/hardware/hardware_evaluate.h"

namespace fleetmedic {

// Reads files of /sys below the host's root. What a host does not have (a virtual machine has none
// of it but processors) is not told of. Machine checks are found by the rules over the kernel log:
// /sys holds only their configuration.
class HardwareDetector final : public Detector {
 public:
  HardwareDetector(const Clock* clock, const HostConfig& host, const HardwareConfig& config);

  std::string_view name() const override { return "hardware"; }
  std::vector<std::string> types() const override;
  bool Supported() const override;
  Millis interval() const override { return config_.interval; }
  Result<std::vector<Condition>> Probe(MonoTime deadline) override;

 private:
  void SampleMemory(HardwareSample* sample) const;
  void SampleController(const std::string& controller, HardwareSample* sample) const;
  void SamplePcie(HardwareSample* sample) const;
  void SampleCpus(HardwareSample* sample);
  void FindThrottleCounters(const std::set<int>& online);
  void SampleSensors(HardwareSample* sample) const;
  // Empty or none where it cannot be read.
  std::string Text(const std::string& path) const;
  std::optional<uint64_t> Count(const std::string& path) const;
  std::vector<std::string> Names(const std::string& folder) const;

  // Where the counters of each package and core are: one processor of it stands for all.
  struct ThrottleCounters {
    std::string unit;
    std::string path;  // without "_throttle_count"
  };

  const Clock* const clock_;
  const FsRoot root_;
  const HardwareConfig config_;
  HardwareHistory history_;
  std::set<int> throttle_of_;  // the processors for which these were looked up
  std::vector<ThrottleCounters> throttle_counters_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_HARDWARE_HARDWARE_DETECTOR_H_

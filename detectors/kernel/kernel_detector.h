// Watches what the kernel of a host says of itself: taints, crash dumps, boots, updates that wait
// for a reboot, entropy, and its own watchdogs.
#ifndef FLEETMEDIC_DETECTORS_KERNEL_KERNEL_DETECTOR_H_
#define FLEETMEDIC_DETECTORS_KERNEL_KERNEL_DETECTOR_H_

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "config/host_config.h"
#include "config/kernel_config.h"
#include "detectors/detector.h"
#include "detectors/kernel/kernel_evaluate.h"

namespace fleetmedic {

class KernelDetector final : public Detector {
 public:
  // The clock is not owned.
  KernelDetector(const Clock* clock, const HostConfig& host, const KernelConfig& config);

  std::string_view name() const override { return "kernel"; }
  std::vector<std::string> types() const override;
  // The host has a /proc/sys/kernel/tainted.
  bool Supported() const override;
  Millis interval() const override { return config_.interval; }
  Result<std::vector<Condition>> Probe(MonoTime deadline) override;

 private:
  void FindDumps(KernelSample* sample) const;
  // With `kdump`, the folders that hold a dump; else every entry.
  void AddEntries(const std::string& folder, bool kdump, KernelSample* sample) const;
  bool IsKdump(const std::string& path) const;
  void ReadReboot(KernelSample* sample) const;

  const Clock* const clock_;
  const FsRoot root_;
  const KernelConfig config_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_KERNEL_KERNEL_DETECTOR_H_

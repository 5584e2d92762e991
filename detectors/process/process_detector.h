// Watches the processes of a host: those that are blocked in the kernel, zombies, and the limits on
// process ids, files and inotify.
#ifndef FLEETMEDIC_DETECTORS_PROCESS_PROCESS_DETECTOR_H_
#define FLEETMEDIC_DETECTORS_PROCESS_PROCESS_DETECTOR_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "config/host_config.h"
#include "config/process_config.h"
#include "detectors/detector.h"
#include "detectors/process/process_evaluate.h"
#include "detectors/process/process_walk.h"

namespace fleetmedic {

// Limits are read at every probe, processes every config.walk_every.
class ProcessDetector final : public Detector {
 public:
  // The clock is not owned. `cgroups` learns from the walks; may be null.
  ProcessDetector(const Clock* clock, const HostConfig& host, const ProcessConfig& config,
                  std::shared_ptr<PidCgroups> cgroups = nullptr);

  std::string_view name() const override { return "process"; }
  std::vector<std::string> types() const override;
  // The host has a /proc/loadavg.
  bool Supported() const override;
  Millis interval() const override { return config_.interval; }
  Result<std::vector<Condition>> Probe(MonoTime deadline) override;

 private:
  void Walk(MonoTime deadline);
  void ReadLimits(ProcessSample* sample) const;

  const Clock* const clock_;
  const FsRoot root_;
  const ProcessConfig config_;
  const std::shared_ptr<PidCgroups> cgroups_;
  const ProcessWalker walker_;
  ProcessHistory history_;
  std::optional<MonoTime> walked_at_;
  // Of the newest walk.
  std::map<ProcessKey, BlockedDetail> details_;
  std::map<int, std::string> parent_names_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_PROCESS_PROCESS_DETECTOR_H_

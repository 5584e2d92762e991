// Watches the clock of a host: synchronised, right, and read from a good source.
#ifndef FLEETMEDIC_DETECTORS_CLOCK_CLOCK_DETECTOR_H_
#define FLEETMEDIC_DETECTORS_CLOCK_CLOCK_DETECTOR_H_

#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "config/clock_config.h"
#include "config/host_config.h"
#include "detectors/clock/clock_evaluate.h"
#include "detectors/detector.h"

namespace fleetmedic {

// adjtimex(2) with modes 0, which changes nothing and needs no right. Errors: kPermissionDenied
// where a seccomp filter refuses it all the same.
Result<KernelTime> ReadKernelTime();

class ClockDetector final : public Detector {
 public:
  using ReadTime = std::function<Result<KernelTime>()>;

  ClockDetector(const Clock* clock, const HostConfig& host, const ClockConfig& config,
                ReadTime read_time = ReadKernelTime);

  std::string_view name() const override { return "clock"; }
  std::vector<std::string> types() const override;
  // Below a root that is a folder there is no clock of its own unless it has the files of one.
  bool Supported() const override;
  Millis interval() const override { return config_.interval; }
  Result<std::vector<Condition>> Probe(MonoTime deadline) override;

 private:
  ClockSample Sample() const;

  const Clock* const clock_;
  const FsRoot root_;
  const ClockConfig config_;
  const ReadTime read_time_;
  ClockHistory history_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_CLOCK_CLOCK_DETECTOR_H_

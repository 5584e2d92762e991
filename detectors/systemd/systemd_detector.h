// Watches systemd and its units.
#ifndef FLEETMEDIC_DETECTORS_SYSTEMD_SYSTEMD_DETECTOR_H_
#define FLEETMEDIC_DETECTORS_SYSTEMD_SYSTEMD_DETECTOR_H_

#include <memory>
#include <string>
#include <vector>

#include "config/host_config.h"
#include "config/systemd_config.h"
#include "detectors/detector.h"
#include "detectors/systemd/systemd_source.h"

namespace fleetmedic {

// No answer in time, or nobody at the bus, is SystemdUnresponsive, bad, and everything else is
// unknown then. That we may not ask is unknown alone.
class SystemdDetector final : public Detector {
 public:
  SystemdDetector(std::unique_ptr<SystemdSource> source, const SystemdConfig& config);

  std::string_view name() const override { return "systemd"; }
  std::vector<std::string> types() const override;
  bool Supported() const override { return source_->Present(); }
  Millis interval() const override { return config_.interval; }
  Result<std::vector<Condition>> Probe(MonoTime deadline) override;

 private:
  const SystemdConfig config_;
  const SystemdThresholds thresholds_;
  const std::unique_ptr<SystemdSource> source_;
  SystemdHistory history_;
  std::vector<Condition> last_;  // of the last look that systemd answered
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_SYSTEMD_SYSTEMD_DETECTOR_H_

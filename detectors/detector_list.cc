#include "detectors/detector_list.h"

#include "detectors/docker_detector.h"
#include "detectors/filesystem_detector.h"
#include "detectors/systemd_detector.h"

namespace fleetmedic {

std::vector<std::unique_ptr<Detector>> MakeDetectors(const Clock* clock, const HostConfig& host,
                                                     const DetectorsConfig& config) {
  std::vector<std::unique_ptr<Detector>> detectors;
  if (config.filesystem_interval > Millis(0)) {
    detectors.push_back(std::make_unique<FilesystemDetector>(clock, host, config));
  }
  if (config.systemd_interval > Millis(0)) {
    detectors.push_back(
        std::make_unique<SystemdDetector>(MakeSystemdSource(clock, host, config), config));
  }
  if (config.docker_interval > Millis(0)) {
    detectors.push_back(std::make_unique<DockerDetector>(clock, host, config));
  }
  return detectors;
}

}  // namespace fleetmedic

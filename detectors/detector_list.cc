#include "detectors/detector_list.h"

#include "detectors/filesystem_detector.h"

namespace fleetmedic {

std::vector<std::unique_ptr<Detector>> MakeDetectors(const Clock* clock, const HostConfig& host,
                                                     const DetectorsConfig& config) {
  std::vector<std::unique_ptr<Detector>> detectors;
  if (config.filesystem_interval > Millis(0)) {
    detectors.push_back(std::make_unique<FilesystemDetector>(clock, host, config));
  }
  return detectors;
}

}  // namespace fleetmedic

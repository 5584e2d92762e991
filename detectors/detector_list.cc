#include "detectors/detector_list.h"

namespace fleetmedic {

std::vector<std::unique_ptr<Detector>> MakeDetectors(const Clock* clock, const HostConfig& host,
                                                     const DetectorsConfig& config) {
  (void)clock; (void)host; (void)config;
  return {};
}

}  // namespace fleetmedic

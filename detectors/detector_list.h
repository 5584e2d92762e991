// The table of detectors that the agent runs.
#ifndef FLEETMEDIC_DETECTORS_DETECTOR_LIST_H_
#define FLEETMEDIC_DETECTORS_DETECTOR_LIST_H_

#include <memory>
#include <vector>

#include "base/clock.h"
#include "config/config.h"
#include "detectors/detector.h"

namespace fleetmedic {

// Those whose interval is not 0. `clock` is not owned.
std::vector<std::unique_ptr<Detector>> MakeDetectors(const Clock* clock, const HostConfig& host,
                                                     const DetectorsConfig& config);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_DETECTOR_LIST_H_

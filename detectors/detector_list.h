// The table of detectors that the agent runs.
#ifndef FLEETMEDIC_DETECTORS_DETECTOR_LIST_H_
#define FLEETMEDIC_DETECTORS_DETECTOR_LIST_H_

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "config/config.h"
#include "detectors/detector.h"
#include "detectors/pid_cgroups.h"

namespace fleetmedic {

// Those whose interval is not 0. `clock` is not owned. `self` is the path of this program, which
// the GPU detector starts as its child (`self gpu-probe LIBRARY`); empty: no GPU detector.
// `cgroups` learns from the processes that are seen; may be null.
std::vector<std::unique_ptr<Detector>> MakeDetectors(const Clock* clock, const HostConfig& host,
                                                     const DetectorsConfig& config,
                                                     const std::string& self,
                                                     std::shared_ptr<PidCgroups> cgroups);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_DETECTOR_LIST_H_

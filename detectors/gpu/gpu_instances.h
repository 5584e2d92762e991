// How many NVIDIA GPUs the machines of a cloud have, by the name of their type. Pure.
#ifndef FLEETMEDIC_DETECTORS_GPU_GPU_INSTANCES_H_
#define FLEETMEDIC_DETECTORS_GPU_GPU_INSTANCES_H_

#include <string_view>

namespace fleetmedic {

// EC2's types, which are the DMI product names of its Nitro machines; by AWS's documentation
// ("Accelerated computing instances", and the table of AWS Batch's "Running GPU jobs"). 0: no such
// type is known, or it has none.
int GpusOfInstanceType(std::string_view type);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_GPU_GPU_INSTANCES_H_

#include "detectors/gpu/gpu_instances.h"

#include <utility>

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

TEST(GpusOfInstanceType, KnowsTheTypesOfEc2) {
  const std::pair<const char*, int> types[] = {{"g4dn.xlarge", 1},
                                               {"g4dn.16xlarge", 1},
                                               {"g4dn.12xlarge", 4},
                                               {"g4dn.metal", 8},
                                               {"g5.2xlarge", 1},
                                               {"g5.24xlarge", 4},
                                               {"g5.48xlarge", 8},
                                               {"g5g.16xlarge", 2},
                                               {"g6e.12xlarge", 4},
                                               {"p3.2xlarge", 1},
                                               {"p3.16xlarge", 8},
                                               {"p4d.24xlarge", 8},
                                               {"p5.48xlarge", 8},
                                               {"p5.4xlarge", 1},
                                               // None, or not known: as the PCI bus shows.
                                               {"m5.xlarge", 0},
                                               {"g4ad.xlarge", 0},
                                               {"p4d.48xlarge", 0},
                                               {"g5.large", 0},
                                               {"g5.", 0},
                                               {"g5", 0},
                                               {".xlarge", 0},
                                               {"", 0},
                                               {"KVM", 0},
                                               {"Google Compute Engine", 0}};
  for (const auto& [type, gpus] : types) EXPECT_EQ(GpusOfInstanceType(type), gpus) << type;
}

}  // namespace
}  // namespace fleetmedic

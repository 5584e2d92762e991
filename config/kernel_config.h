// [detectors.kernel], with the defaults that ship.
#ifndef FLEETMEDIC_CONFIG_KERNEL_CONFIG_H_
#define FLEETMEDIC_CONFIG_KERNEL_CONFIG_H_

#include <string>

#include "base/time.h"

namespace fleetmedic {

struct KernelConfig {
  Millis interval = Seconds(15);
  std::string taints = "BDM";  // letters of tainted-kernels.rst that are bad: page, died, machine
  Millis boot_recent = Minutes(10);
  int boot_loop_count = 3;  // boots ...
  Millis boot_loop_within = Hours(1);
  Millis crash_for = Hours(24);  // how long a crash dump is news
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_KERNEL_CONFIG_H_

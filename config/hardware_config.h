// [detectors.hardware], with the defaults that ship.
#ifndef FLEETMEDIC_CONFIG_HARDWARE_CONFIG_H_
#define FLEETMEDIC_CONFIG_HARDWARE_CONFIG_H_

#include "base/time.h"

namespace fleetmedic {

struct HardwareConfig {
  Millis interval = Seconds(30);
  // Corrected memory errors of one module within error_window. mcelog logs a module from 10 in 24
  // hours on (mcelog.conf, [dimm]); a host is given up for it at ten times that in an hour.
  int corrected_max = 100;
  int pcie_corrected_max = 1000;
  Millis error_window = Hours(1);
  double throttled_share = 0.1;   // of the time within throttle_window
  int throttle_events_max = 100;  // on kernels that do not count the time
  Millis throttle_window = Minutes(5);
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_HARDWARE_CONFIG_H_

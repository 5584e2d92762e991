// [detectors.gpu], with the defaults that ship.
#ifndef FLEETMEDIC_CONFIG_GPU_CONFIG_H_
#define FLEETMEDIC_CONFIG_GPU_CONFIG_H_

#include <string>

#include "base/time.h"

namespace fleetmedic {

struct GpuConfig {
  Millis interval = Seconds(1);     // between two looks at the PCI bus
  Millis nvml_every = Seconds(10);  // between two questions to the driver
  // Programs start in this time where persistence mode keeps the driver ready; without it the
  // driver first starts every GPU (NVIDIA, "Driver Persistence": 1-3 s for each).
  Millis hung_after = Seconds(5);
  Millis hung_after_cold = Seconds(30);
  // Where persistence mode keeps the driver ready, it is asked for temperatures at every look and
  // has so long to answer, which takes milliseconds; 0: it is not asked. With the interval above a
  // driver that hangs is told of within 2 s.
  Millis ping_max = Millis(900);
  std::string library = "libnvidia-ml.so.1";
  int expected = 0;                   // GPUs; 0: as its EC2 type has, else as the PCI bus shows
  Millis error_window = Minutes(15);  // errors are told this long after they were counted
  // Replays and CRC errors, which a link mends by itself, within error_window; DCGM's health watch
  // fails a link at 100 CRC errors a second. One recovery is always told.
  int nvlink_errors_max = 90'000;
  Millis throttled_after = Seconds(60);
  Millis fabric_grace = Minutes(5);
  double clock_low_share = 0.5;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_GPU_CONFIG_H_

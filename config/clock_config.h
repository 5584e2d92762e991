// [detectors.clock], with the defaults that ship.
#ifndef FLEETMEDIC_CONFIG_CLOCK_CONFIG_H_
#define FLEETMEDIC_CONFIG_CLOCK_CONFIG_H_

#include "base/time.h"

namespace fleetmedic {

struct ClockConfig {
  Millis interval = Seconds(30);
  bool required = false;  // a clock that nobody synchronises is wrong
  Millis grace = Minutes(10);
  Millis offset_max = Millis(50);  // NodeClockSkewDetected of prometheus node_exporter's mixin
  // The kernel adds 500 ppm to it: 1 s between two polls of systemd-timesyncd at their rarest
  // (2048 s), 5 s after three hours without one.
  Millis maximum_error_max = Seconds(5);
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_CLOCK_CONFIG_H_

// What the bundled scheduler is told, with the defaults that ship.
#ifndef FLEETMEDIC_CONFIG_SCHEDULER_CONFIG_H_
#define FLEETMEDIC_CONFIG_SCHEDULER_CONFIG_H_

#include "base/time.h"

namespace fleetmedic {

// [scheduler]
struct SchedulerConfig {
  Millis turn_every = Millis(200);
  Millis executor_silent_after = Seconds(30);
  Millis host_lost_after = Minutes(5);  // silent for longer: its tasks are replaced elsewhere
  Millis start_timeout = Seconds(60);   // told to start, and not heard of
  Millis lease_ttl = Seconds(10);
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_SCHEDULER_CONFIG_H_

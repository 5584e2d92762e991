// [detectors.nvme], with the defaults that ship.
#ifndef FLEETMEDIC_CONFIG_NVME_CONFIG_H_
#define FLEETMEDIC_CONFIG_NVME_CONFIG_H_

#include "base/time.h"

namespace fleetmedic {

struct NvmeConfig {
  Millis interval = Seconds(30);
  Millis health_every = Minutes(5);  // the state is read at each look
  Millis not_live_max = Seconds(60);
  int used_percent_max = 100;  // of the endurance that the maker promises
  int media_errors_max = 1;    // within error_window, as what follows
  int warning_minutes_max = 10;
  Millis error_window = Hours(10);
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_NVME_CONFIG_H_

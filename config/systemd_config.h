// [detectors.systemd], with the defaults that ship.
#ifndef FLEETMEDIC_CONFIG_SYSTEMD_CONFIG_H_
#define FLEETMEDIC_CONFIG_SYSTEMD_CONFIG_H_

#include <string>
#include <vector>

#include "base/time.h"

namespace fleetmedic {

struct SystemdConfig {
  Millis interval = Seconds(10);
  std::string bus;             // address; empty: the system bus below the host's root
  int restart_loop_count = 3;  // restarts of one unit ...
  Millis restart_loop_within = Minutes(5);
  Millis boot_grace = Minutes(5);   // no restart loops are told this early after a boot
  std::vector<std::string> ignore;  // names or globs of units whose failure is no matter
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_SYSTEMD_CONFIG_H_

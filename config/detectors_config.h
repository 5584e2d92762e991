// The typed configuration of the detectors, with the defaults that ship: a table for each,
// [detectors.NAME]. An interval of 0 switches a detector off.
#ifndef FLEETMEDIC_CONFIG_DETECTORS_CONFIG_H_
#define FLEETMEDIC_CONFIG_DETECTORS_CONFIG_H_

#include <cstdint>
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

struct DockerConfig {
  Millis interval = Seconds(10);
  std::string socket = "/run/docker.sock";
  Millis removing_max = Minutes(5);  // a container may take this long to go
  bool create_probe = false;
  double full_share = 0.99;  // of bytes or inodes below the data root
};

struct FilesystemConfig {
  Millis interval = Seconds(15);
  double full_share = 0.95;  // of bytes, soft ...
  double full_hard_share = 0.99;
  double inodes_share = 0.95;
};

struct DetectorsConfig {
  SystemdConfig systemd;
  DockerConfig docker;
  FilesystemConfig filesystem;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_DETECTORS_CONFIG_H_

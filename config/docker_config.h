// [detectors.docker], with the defaults that ship.
#ifndef FLEETMEDIC_CONFIG_DOCKER_CONFIG_H_
#define FLEETMEDIC_CONFIG_DOCKER_CONFIG_H_

#include <string>

#include "base/time.h"

namespace fleetmedic {

struct DockerConfig {
  Millis interval = Seconds(10);
  std::string socket = "/run/docker.sock";
  Millis removing_max = Minutes(5);  // a container may take this long to go
  bool create_probe = false;
  double full_share = 0.99;  // of bytes or inodes below the data root
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_DOCKER_CONFIG_H_

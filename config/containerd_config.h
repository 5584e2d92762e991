// [detectors.containerd], with the defaults that ship.
#ifndef FLEETMEDIC_CONFIG_CONTAINERD_CONFIG_H_
#define FLEETMEDIC_CONFIG_CONTAINERD_CONFIG_H_

#include <string>
#include <vector>

#include "base/time.h"

namespace fleetmedic {

struct ContainerdConfig {
  Millis interval = Seconds(1);
  Millis answer_max = Millis(900);  // a health check that takes longer is not answered
  // Debian's and Kubernetes' own, and the one that dockerd starts where there is none.
  std::vector<std::string> sockets = {"/run/containerd/containerd.sock",
                                      "/run/docker/containerd/containerd.sock"};
  // Its defaults for root and state (containerd-config.toml(5)).
  std::vector<std::string> folders = {"/var/lib/containerd", "/run/containerd"};
  Millis folders_every = Seconds(10);
  int restarts_count = 3;
  Millis restarts_within = Minutes(10);
  double full_share = 0.99;  // of bytes or inodes below a folder
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_CONTAINERD_CONFIG_H_

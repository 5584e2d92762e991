// [detectors.docker], with the defaults that ship.
#ifndef FLEETMEDIC_CONFIG_DOCKER_CONFIG_H_
#define FLEETMEDIC_CONFIG_DOCKER_CONFIG_H_

#include <map>
#include <string>
#include <vector>

#include "base/time.h"

namespace fleetmedic {

struct DockerConfig {
  Millis interval = Seconds(1);     // between two pings
  Millis full_every = Seconds(10);  // between two looks at all
  Millis ping_max = Millis(900);    // a ping that takes longer is not answered
  std::string socket = "/run/docker.sock";
  std::string pid_file = "/run/docker.pid";
  Millis removing_max = Minutes(5);  // a container may take this long to go
  Millis shims_every = Seconds(60);  // between two scans of the processes
  Millis shim_grace = Minutes(2);    // shims come and go a little after their containers
  int restarts_count = 3;            // of dockerd ...
  Millis restarts_within = Minutes(10);
  // A Linux bridge takes 1023 ports (BR_PORT_BITS 10 of the kernel's net/bridge/br_private.h).
  int containers_max = 1000;
  double full_share = 0.99;                     // of bytes or inodes below the data root
  std::string storage_driver;                   // expected; empty: that of the first look
  std::map<std::string, std::string> versions;  // expected beginnings, by component
  // Containers with this label, and those whose names begin so, have an executor: a process whose
  // command line holds executor_command. For Mesos: "mesos-" and "--container={name}".
  std::string executor_label;
  std::vector<std::string> executor_names;
  std::string executor_command;  // empty: off
  bool logs_probe = true;
  bool exec_probe = false;
  std::vector<std::string> exec_command = {"/bin/true"};
  bool create_probe = false;
  Millis probes_every = Minutes(1);  // between two exec or two create probes
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_DOCKER_CONFIG_H_

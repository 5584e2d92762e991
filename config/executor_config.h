// What an executor is told, with the defaults that ship.
#ifndef FLEETMEDIC_CONFIG_EXECUTOR_CONFIG_H_
#define FLEETMEDIC_CONFIG_EXECUTOR_CONFIG_H_

#include <string>
#include <vector>

#include "base/time.h"
#include "model/job.h"

namespace fleetmedic {

// [executor]
struct ExecutorConfig {
  Resources capacity;  // zero: the machine's
  Millis report_every = Seconds(5);
  int tasks_max = 512;
  // Below this, in the machine's own hierarchies, each task gets a cgroup of its own; empty: none.
  std::string cgroup_parent = "/fleetmedic";
  bool enforce_limits = true;  // the job's cpu and memory, in that cgroup
  int restart_burst_max = 10;  // by the restart policy, backed off between
  // argv; empty refuses the repair with that reason.
  std::vector<std::string> reboot_command;
  std::vector<std::string> restart_unit_command = {"systemctl", "restart", "--", "{unit}"};
  Millis repair_timeout = Minutes(5);
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_EXECUTOR_CONFIG_H_

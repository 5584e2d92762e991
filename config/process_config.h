// [detectors.process], with the defaults that ship.
#ifndef FLEETMEDIC_CONFIG_PROCESS_CONFIG_H_
#define FLEETMEDIC_CONFIG_PROCESS_CONFIG_H_

#include "base/time.h"

namespace fleetmedic {

struct ProcessConfig {
  Millis interval = Seconds(15);
  Millis walk_every = Minutes(1);   // /proc is walked this often
  Millis blocked_for = Minutes(5);  // khungtaskd of the kernel speaks after 2 minutes
  int zombies = 100;
  Millis zombies_for = Minutes(5);
  double pids_share = 0.9;            // of kernel.pid_max or threads-max
  double files_share = 0.9;           // of fs.file-max
  double process_files_share = 0.95;  // of a process's own RLIMIT_NOFILE
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_PROCESS_CONFIG_H_

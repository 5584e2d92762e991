// [detectors.memory], with the defaults that ship.
#ifndef FLEETMEDIC_CONFIG_MEMORY_CONFIG_H_
#define FLEETMEDIC_CONFIG_MEMORY_CONFIG_H_

#include <cstdint>

#include "base/time.h"

namespace fleetmedic {

struct MemoryConfig {
  Millis interval = Seconds(15);
  Millis window = Minutes(3);      // pressure and levels have to last this long
  double cpu_some_share = 0.95;    // of the window
  double memory_full_share = 0.6;  // DefaultMemoryPressureLimit of systemd-oomd (oomd.conf(5))
  double io_full_share = 0.9;
  double available_share = 0.02;                 // of memory; but at least ...
  int64_t available_bytes = int64_t{100} << 20;  // the kubelet's memory.available<100Mi
  double swap_share = 0.9;                       // SwapUsedLimit of systemd-oomd
  int swap_in_per_second = 500;                  // major faults of Prometheus' node-mixin
  Millis oom_window = Minutes(10);               // a kill is told for this long
  int fragmentation_blocks = 16;                 // 1 MiB in pieces of 64 KiB, of a node
  int dying_cgroups = 10'000;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_MEMORY_CONFIG_H_

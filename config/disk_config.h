// [detectors.disk], with the defaults that ship.
#ifndef FLEETMEDIC_CONFIG_DISK_CONFIG_H_
#define FLEETMEDIC_CONFIG_DISK_CONFIG_H_

#include "base/time.h"

namespace fleetmedic {

struct DiskConfig {
  Millis interval = Seconds(15);
  // An I/O, on average over the window. Disks and cloud volumes promise single milliseconds; a
  // queue of 32 (NCQ) at 10 ms a seek makes 320 ms on a disk that turns and is only busy.
  Millis slow_await = Millis(500);
  Millis slow_await_rotational = Seconds(1);
  Millis slow_window = Minutes(5);
  int slow_ios_min = 100;  // fewer within the window say nothing
  // Twice the kernel's own time-out of a command, 30 s for SCSI (sd) and NVMe
  // (nvme_core.io_timeout).
  Millis hung_after = Seconds(60);
  int errors_max = 10;  // SCSI commands that failed, or timed out, within ...
  int timeouts_max = 3;
  Millis error_window = Minutes(10);
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_DISK_CONFIG_H_

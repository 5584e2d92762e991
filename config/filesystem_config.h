// [detectors.filesystem], with the defaults that ship.
#ifndef FLEETMEDIC_CONFIG_FILESYSTEM_CONFIG_H_
#define FLEETMEDIC_CONFIG_FILESYSTEM_CONFIG_H_

#include "base/time.h"

namespace fleetmedic {

struct FilesystemConfig {
  Millis interval = Seconds(15);
  double full_share = 0.95;  // of bytes, soft ...
  double full_hard_share = 0.99;
  double inodes_share = 0.95;
  double tmp_share = 0.95;  // of bytes or inodes of /tmp, /var/tmp and /run, where they are memory
  // When NFS over TCP says "not responding" (nfs(5): timeo=600, retrans=2).
  Millis hung_after = Minutes(3);
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_FILESYSTEM_CONFIG_H_

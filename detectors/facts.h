// What a host is, read from the files that say so.
#ifndef FLEETMEDIC_DETECTORS_FACTS_H_
#define FLEETMEDIC_DETECTORS_FACTS_H_

#include <string>

#include "base/file.h"
#include "config/host_config.h"
#include "model/host_facts.h"

namespace fleetmedic {

// From below the root, each empty where its file is missing:
//   host           config.name, else proc/sys/kernel/hostname, else etc/hostname
//   kernel         proc/sys/kernel/osrelease
//   image          etc/os-release: IMAGE_ID and IMAGE_VERSION, else PRETTY_NAME
//   instance_type  sys/devices/virtual/dmi/id/product_name
//   boot_id        proc/sys/kernel/random/boot_id, where it is an identifier
//   booted_at      proc/stat: btime
// and the rest from the config. kInvalidArgument where there is no name that may be a host's.
Result<HostFacts> ReadFacts(const FsRoot& root, const HostConfig& config,
                            const std::string& agent_version);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_FACTS_H_

// What the agent's process itself uses.
#ifndef FLEETMEDIC_DETECTORS_AGENT_OWN_USAGE_H_
#define FLEETMEDIC_DETECTORS_AGENT_OWN_USAGE_H_

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace fleetmedic {

struct OwnUsage {
  int64_t resident_bytes = 0;
  Micros cpu{0};  // of all threads, since the start of the process
};

// Of this process: its own /proc, whatever root its host has.
Result<OwnUsage> ReadOwnUsage();

// The second field of /proc/PID/statm, resident pages, in bytes (proc(5)).
Result<int64_t> ResidentBytes(std::string_view statm, int64_t page_bytes);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_AGENT_OWN_USAGE_H_

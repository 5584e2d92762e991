// One look at every host: what the brake, the budget and people are told of the whole. Pure.
#ifndef FLEETMEDIC_REMEDIATION_FLEET_LOOK_H_
#define FLEETMEDIC_REMEDIATION_FLEET_LOOK_H_

#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "config/remediator_config.h"
#include "model/host_record.h"
#include "ratelimit/brake.h"
#include "ratelimit/budget.h"

namespace fleetmedic {

struct FleetLook {
  BrakeSample sample;  // without the log's lag
  Census census;
  // Hosts to which a tick may have something to say: most, most of the time, are not among them.
  std::vector<HostId> restless;
  int silent = 0;  // agents, whether their silence counts or not
  WallTime oldest_seen_at = kWallNever;
};

// Whether the host could take work now: healthy, schedulable and heard of.
bool Available(const Policy& policy, const HostRecord& record, WallTime now);

// `ended_rules`: not in use any more; what they found is to be dropped. `lent`: hosts that others
// disrupt under a grant; they count as not available. `silence_counts`: we have been here long
// enough for an agent's silence to be its own.
FleetLook LookAtFleet(const RemediatorConfig& config,
                      const std::map<HostId, std::shared_ptr<const HostRecord>>& hosts,
                      std::span<const std::string> ended_rules, const std::set<HostId>& lent,
                      bool silence_counts, WallTime now);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_REMEDIATION_FLEET_LOOK_H_

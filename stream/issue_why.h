// The why of a fleet issue, in the issue's own words. Pure.
#ifndef FLEETMEDIC_STREAM_ISSUE_WHY_H_
#define FLEETMEDIC_STREAM_ISSUE_WHY_H_

#include <span>

#include "base/time.h"
#include "model/fleet_issue.h"
#include "stream/host_table.h"

namespace fleetmedic {

struct HostHit {
  HostIndex host = 0;
  WallTime first = kWallNever;
};

// Sets the issue's causes, why, not_different and response from the hosts that it hit, compared
// with all others of the table.
void ExplainIssue(const HostTable& table, std::span<const HostHit> hits, WallTime now,
                  FleetIssue* issue);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_ISSUE_WHY_H_

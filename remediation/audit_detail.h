// What a page says beside its text, for those who pass it on: whom it touches. Pure.
#ifndef FLEETMEDIC_REMEDIATION_AUDIT_DETAIL_H_
#define FLEETMEDIC_REMEDIATION_AUDIT_DETAIL_H_

#include "base/json.h"
#include "model/fleet_issue.h"
#include "model/host_record.h"
#include "ratelimit/brake.h"

namespace fleetmedic {

// {"episode", "blast": {"hosts", "tasks"?, "pools", "cells"}}: a member that is not known is not
// there.
Json HostDetail(const HostRecord& record);
// {"title", "ends"?, "blast"}
Json IssueDetail(const FleetIssue& issue);
// {"cause", "level", "blast"}
Json BrakeDetail(const BrakeCause& cause);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_REMEDIATION_AUDIT_DETAIL_H_

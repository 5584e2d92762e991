// Whose the process of a finding was, told with the finding. Pure.
#ifndef FLEETMEDIC_STREAM_FINDING_OWNER_H_
#define FLEETMEDIC_STREAM_FINDING_OWNER_H_

#include <map>
#include <string>
#include <string_view>

#include "model/finding.h"
#include "model/log_frame.h"

namespace fleetmedic {

// What a finding of the process's end is about, as a unit: the task, the container, the pod or the
// unit of systemd; empty where none is known. An event is told once in a while for each unit: so
// that the end of one task does not hide another's.
std::string OwnerUnit(std::string_view cgroup);

// The cgroup that the agent found of the process that the captures name as "pid"; empty: none.
std::string_view CgroupOfPid(const LogFrame& frame,
                             const std::map<std::string, std::string>& captures);

// Adds to the message ", of task web/1 of job web, cgroup /fleetmedic/...", and the captures
// "cgroup", "owner_job", "owner_task", "owner_container", ... (CgroupOwner). Nothing for an empty
// path, or where the finding has a capture "cgroup" already.
void AddOwner(std::string_view cgroup, Finding* finding);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_FINDING_OWNER_H_

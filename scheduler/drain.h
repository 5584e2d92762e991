// Which tasks leave the hosts that shall be drained, and when. Pure.
#ifndef FLEETMEDIC_SCHEDULER_DRAIN_H_
#define FLEETMEDIC_SCHEDULER_DRAIN_H_

#include <map>
#include <string>
#include <vector>

#include "scheduler/cluster.h"

namespace fleetmedic {

struct DrainPlan {
  // To be stopped now, in this order.
  std::vector<TaskId> evict;
  // Tasks that a job shall have beyond its instances, so that a replacement runs before its task
  // leaves. Also where nothing is evicted yet.
  std::map<JobId, int> surge;
  // For every host that shall be drained and is not empty: why it does not go on; empty where it
  // does (tasks are stopping, or replacements are starting).
  std::map<HostId, std::string> blocked_by;
};

// The rules:
//   - An eviction never leaves a job fewer healthy tasks than its min_healthy. Healthy is what runs
//     on a connected host and is neither told to stop nor presumed lost; everything else is not.
//   - min_healthy of instances or more means never. No replacement is started for such a job: a
//     person who wants its tasks to move raises its instances, and then the rule above lets them.
//   - For the other services a replacement is started first. Its task leaves when the replacement
//     runs. When there is no room for the replacement, when it does not come up within
//     start_timeout, or when the job crashes anyway, the task leaves as soon as min_healthy allows.
//   - A batch task leaves at once when min_healthy allows, and is run again under a new id; with
//     restart = never it may not be run again and is never evicted.
//   - Hosts that can be emptied completely go first, the emptiest first; what is left of the jobs'
//     allowance goes to the others. A host that cannot go on names the first job and limit that
//     block it.
//   - A host that is not connected evicts nothing: nobody could confirm it.
DrainPlan PlanDrain(const Cluster& cluster, MonoTime now);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_SCHEDULER_DRAIN_H_

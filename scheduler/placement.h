// Which host each pending task goes to. Pure.
#ifndef FLEETMEDIC_SCHEDULER_PLACEMENT_H_
#define FLEETMEDIC_SCHEDULER_PLACEMENT_H_

#include <vector>

#include "scheduler/cluster.h"

namespace fleetmedic {

struct Placement {
  TaskId task;
  HostId host;                                    // empty: it was not placed ...
  UnplacedReason reason = UnplacedReason::kNone;  // ... for this reason

  bool operator==(const Placement&) const = default;
};

// One entry for each pending task, oldest first. A host takes a task only when
//   - it is in the job's pool (a host whose facts are not known is in none),
//   - its executor reported within options().executor_silent_after,
//   - it is schedulable; tainted is enough for a job that tolerates it, drained never is,
//   - it runs no unknown task, because nobody knows what that takes,
//   - what is free of its last told capacity is enough. Tasks that are being stopped or are
//     presumed lost still take their room: memory is never promised twice,
//   - it took fewer than launches_per_host_and_turn_max of this turn.
// Of those: the one where the job failed least, then with the fewest of the job's tasks on the
// host, in its rack, in its zone, then the most free room, then the first by name.
std::vector<Placement> Place(const Cluster& cluster, MonoTime now);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_SCHEDULER_PLACEMENT_H_

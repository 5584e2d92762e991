// The limits of the bundled scheduler. Those that an operator turns are in [scheduler] of the
// config; the rest are here with the values that ship.
#ifndef FLEETMEDIC_SCHEDULER_OPTIONS_H_
#define FLEETMEDIC_SCHEDULER_OPTIONS_H_

#include <string>

#include "base/time.h"

namespace fleetmedic {

struct SchedulerOptions {
  // Part of every task id that this instance of the scheduler gives, so that no id is given twice
  // even after the store was lost: a text that no earlier instance had.
  std::string incarnation = "0";

  // A host whose report is older is not connected: nothing is placed on it, and its tasks are not
  // healthy.
  Millis executor_silent_after = Seconds(30);
  // Silent for longer, its tasks are presumed lost and replaced.
  Millis host_lost_after = Minutes(5);
  // ... unless hosts with tasks that are silent at once number more than both of these: then it is
  // the way to them that broke, and nothing is presumed (frozen).
  double silent_hosts_share_max = 0.10;
  int silent_hosts_max = 3;

  // From the assignment to a host until its executor says that the task runs.
  Millis start_timeout = Seconds(60);
  // A command that the report does not confirm is repeated after this, then twice as long, ...
  Millis command_repeat_after = Seconds(5);
  Millis command_repeat_max = Seconds(60);
  // Ends in a row of a job's tasks: the next start waits this long, then twice as long, ...
  Millis crash_backoff = Seconds(1);
  Millis crash_backoff_max = Minutes(5);
  // Without an end for this long, the row is over.
  Millis crash_forgotten_after = Minutes(10);

  // Of one turn.
  int commands_per_turn_max = 2000;
  int creates_per_turn_max = 1000;
  int placements_per_turn_max = 500;
  int launches_per_host_and_turn_max = 1;
  // Replacements that one job may have beyond its instances during drains: this share, at least 1.
  double surge_share_max = 0.10;

  // Ended tasks that are kept, of one job: for people, and to keep off hosts where a job fails.
  int ended_tasks_per_job_max = 20;
  int jobs_max = 10'000;
  int hosts_max = 20'000;
  int unknown_tasks_per_host_max = 1000;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_SCHEDULER_OPTIONS_H_

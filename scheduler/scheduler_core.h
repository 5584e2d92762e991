// The bundled scheduler without its role: the cluster and its planners, turned by whoever has the
// time. The role (scheduler_role.h) puts a store and a log around it; the simulator turns the same
// code with neither.
//
//   core.Restore(rows, now);
//   core.cluster().ObserveReport(...);  ApplyDirective, PutJob, ...
//   std::vector<ExecutorCommand> commands = core.Plan(now);
//   commit core.cluster().changes(); ClearChanges();     // before anything below is seen outside
//   append the commands to the log
//
// A crash between the commit and the append only delays: commands are made again from the rows
// until the executor's report confirms them.
#ifndef FLEETMEDIC_SCHEDULER_SCHEDULER_CORE_H_
#define FLEETMEDIC_SCHEDULER_SCHEDULER_CORE_H_

#include <string>
#include <vector>

#include "scheduler/cluster.h"
#include "scheduler/views.h"

namespace fleetmedic {

// Owned by one thread. Deterministic: the same calls give the same commands.
class SchedulerCore {
 public:
  explicit SchedulerCore(SchedulerOptions options) : cluster_(std::move(options)) {}

  // As Cluster::Restore.
  std::vector<std::string> Restore(std::span<const ClusterRow> rows, MonoTime now) {
    return cluster_.Restore(rows, now);
  }

  Cluster& cluster() { return cluster_; }
  const Cluster& cluster() const { return cluster_; }

  // Decides everything that is due, applies it to the cluster, and answers the commands that are
  // due: new ones, and those that no report confirmed for command_repeat_after. At most
  // commands_per_turn_max; the rest comes with the next call. Only for connected hosts.
  std::vector<ExecutorCommand> Plan(MonoTime now);

  // What the last Plan saw.
  struct Summary {
    bool frozen = false;  // too many silent hosts at once: nothing is presumed lost
    int silent_hosts = 0;
    int evicted = 0;
    int created = 0;
    int placed = 0;
    int unplaced = 0;
    int unknown_tasks = 0;
    int commands_left = 0;  // due, and over this turn's limit
  };
  const Summary& summary() const { return summary_; }

 private:
  void GiveUpLost(MonoTime now);
  void DrainAndReconcile(MonoTime now);
  void PlaceTasks(MonoTime now);
  std::vector<ExecutorCommand> DueCommands(MonoTime now);
  bool Due(const std::optional<MonoTime>& sent_at, int sends, MonoTime now) const;

  Cluster cluster_;
  Summary summary_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_SCHEDULER_SCHEDULER_CORE_H_

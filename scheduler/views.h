// What the API shows of the cluster.
#ifndef FLEETMEDIC_SCHEDULER_VIEWS_H_
#define FLEETMEDIC_SCHEDULER_VIEWS_H_

#include <string>
#include <vector>

#include "scheduler/cluster.h"

namespace fleetmedic {

struct JobView {
  Job job;
  bool removed = false;
  int running = 0;  // on hosts, by the last word of their executors
  int healthy = 0;
  int pending = 0;
  int stopping = 0;
  int presumed_lost = 0;
  int finished = 0;  // batch
  int failed = 0;    // batch that is not run again
  // What is wrong with the job, for people: crash loop, no room. Empty where nothing is.
  std::string condition;
};

struct TaskView {
  TaskStatus status;
  HostId host;
  bool presumed_lost = false;
  // Reported by the host and in no record: adopt it or stop it.
  bool unknown = false;
  // Why a pending task has no host.
  std::string unplaced;
};

Json ToJson(const JobView& view);
Json ToJson(const TaskView& view);

// kNotFound.
Result<JobView> ViewOfJob(const Cluster& cluster, const JobId& id, MonoTime now);
std::vector<JobView> ListJobs(const Cluster& cluster, MonoTime now);
std::vector<HostView> ListHosts(const Cluster& cluster, MonoTime now);
// Empty ids: of all. Unknown tasks too; in the order of their ids.
std::vector<TaskView> ListTasks(const Cluster& cluster, const HostId& host, const JobId& job);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_SCHEDULER_VIEWS_H_

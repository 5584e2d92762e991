// The typed configuration of every role, with the defaults that ship. Plain structs: text becomes
// these (config/load.h), is validated whole, and engines are made of the result. A role includes
// the header of its own part.
#ifndef FLEETMEDIC_CONFIG_CONFIG_H_
#define FLEETMEDIC_CONFIG_CONFIG_H_

#include <string>
#include <vector>

#include "config/api_config.h"
#include "config/detectors_config.h"
#include "config/executor_config.h"
#include "config/host_config.h"
#include "config/notify_config.h"
#include "config/remediator_config.h"
#include "config/scheduler_config.h"

namespace fleetmedic {

// [event_log]
struct EventLogConfig {
  int partitions = 1;  // of each topic, in a file that is made
};

// [stream]
struct StreamConfig {
  std::vector<std::string> rules;     // files or folders; empty: the packs that ship
  bool templates = true;              // mine lines that no rule matches
  bool fleet_issues = true;           // say when a pattern hits more hosts than chance explains
  double false_issues_per_day = 0.1;  // expected, of all patterns together
  int issue_hosts_min = 5;            // fewer are no fleet issue
};

struct Config {
  std::string state_dir = "/var/lib/fleetmedic";
  std::string run_dir = "/run/fleetmedic";
  std::string log_level = "info";
  EventLogConfig event_log;
  HostConfig host;
  AgentConfig agent;
  DetectorsConfig detectors;
  StreamConfig stream;
  RemediatorConfig remediator;
  ApiConfig api;
  SchedulerConfig scheduler;
  ExecutorConfig executor;
  NotifyConfig notify;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_CONFIG_H_

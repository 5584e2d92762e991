// [detectors.mesos], with the defaults that ship.
#ifndef FLEETMEDIC_CONFIG_MESOS_CONFIG_H_
#define FLEETMEDIC_CONFIG_MESOS_CONFIG_H_

#include <string>

#include "base/time.h"

namespace fleetmedic {

// The agent of Apache Mesos; the defaults named are those of its docs/configuration/agent.md.
struct MesosConfig {
  Millis interval = Seconds(1);             // between two /health
  Millis full_every = Seconds(10);          // between two looks at all
  Millis state_every = Minutes(1);          // between two /state, which can be large
  Millis answer_max = Millis(900);          // a /health that takes longer is not answered
  std::string address;                      // empty: http://127.0.0.1:5051, where there is an agent
  std::string master;                       // "10.0.0.1:5050"; empty: the agent's own --master
  std::string work_dir = "/var/lib/mesos";  // until the agent has said its own
  Millis register_max = Minutes(2);   // registration_backoff_factor 1 s grows to at most 1 min
  Millis recovery_max = Minutes(15);  // recovery_timeout
  Millis failures_within = Minutes(10);
  int launch_errors = 5;
  int tasks_failed = 20;
  double failed_share = 0.5;  // of the tasks that ended
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_MESOS_CONFIG_H_

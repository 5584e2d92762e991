// [detectors.systemd], with the defaults that ship.
#ifndef FLEETMEDIC_CONFIG_SYSTEMD_CONFIG_H_
#define FLEETMEDIC_CONFIG_SYSTEMD_CONFIG_H_

#include <string>
#include <vector>

#include "base/time.h"

namespace fleetmedic {

struct SystemdConfig {
  Millis interval = Seconds(10);
  std::string bus;             // address; empty: the system bus below the host's root
  int restart_loop_count = 3;  // restarts of one unit ...
  Millis restart_loop_within = Minutes(5);
  Millis boot_grace = Minutes(5);   // no restart loops are told this early after a boot
  std::vector<std::string> ignore;  // names or globs of units whose failure is no matter
  // Names or globs of units that must be there and run.
  std::vector<std::string> required;
  // The same of units that must run where they are enabled: the names that the vendors' packages
  // install.
  std::vector<std::string> required_if_enabled = {
      // Security agents.
      "auditd.service", "cbagentd.service", "ds_agent.service", "falco*.service",
      "falcon-sensor.service", "ir_agent.service", "mdatp.service", "nessusagent.service",
      "osqueryd.service", "qualys-cloud-agent.service", "sentinelone.service", "traps_pmd.service",
      "wazuh-agent.service", "xagt.service",
      // Log shippers and telemetry.
      "SplunkForwarder.service", "amazon-cloudwatch-agent.service", "auditbeat.service",
      "datadog-agent.service", "elastic-agent.service", "filebeat.service", "fluent-bit.service",
      "fluentd.service", "google-cloud-ops-agent*.service", "otelcol*.service", "promtail.service",
      "rsyslog.service", "syslog-ng.service", "td-agent*.service", "vector.service",
      // What stands between a host or its containers and the cloud's metadata.
      "*imds-proxy*.service", "*metadata-proxy*.service", "amazon-ssm-agent.service",
      "google-guest-agent.service", "walinuxagent.service"};
  Millis required_grace = Minutes(2);  // a package's upgrade stops and starts its unit
  // Past DefaultTimeoutStartSec and DefaultTimeoutStopSec (90 s, systemd-system.conf(5)) by far.
  Millis job_max = Minutes(10);
  Millis boot_max = Minutes(30);  // a boot that is not finished then
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_SYSTEMD_CONFIG_H_

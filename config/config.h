// The typed configuration of every role, with the defaults that ship. Plain structs: text becomes
// these (config/load.h), is validated whole, and engines are made of the result.
#ifndef FLEETMEDIC_CONFIG_CONFIG_H_
#define FLEETMEDIC_CONFIG_CONFIG_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/detectors_config.h"
#include "model/command.h"
#include "model/condition.h"
#include "model/limits.h"
#include "model/override.h"

namespace fleetmedic {

// [host]: what the operator says of this host; the agent finds out the rest.
struct HostConfig {
  std::string name;  // empty: the machine's host name
  std::string cell = "default";
  std::string pool = "default";
  std::string rack;
  std::string zone;
  std::map<std::string, std::string> labels;
  std::string root = "/";  // the folder that stands for the host's file system
};

struct TailedFile {
  std::string path;  // on the host; no pattern
};

// [agent]
struct AgentConfig {
  Millis beat_every = Seconds(10);
  Millis repeat_every = Seconds(60);  // everything again, changed or not
  Millis probe_deadline = Seconds(5);
  int64_t spool_bytes_max = int64_t{64} << 20;
  int64_t log_lines_per_second_max = 2000;  // of one source; beyond it lines are counted as lost
  Millis log_flush_after = Millis(100);
  bool read_kernel_log = true;
  bool read_journal = true;
  std::vector<TailedFile> files;
  std::string journal_dir;  // empty: the machine's own journal
};

// What to do about a condition type.
struct ConditionPolicy {
  std::vector<Rung> ladder;       // gentlest first; empty: the default ladder
  bool repair_in_place = false;   // try the first rung before any drain
  bool ignore = false;            // seen and shown, never acted on
  std::optional<Millis> confirm;  // in place of the severity's
};

// [policy]
struct Policy {
  Severity severity_min = Severity::kSoft;
  Millis confirm_hard = Seconds(30);
  Millis confirm_soft = Seconds(300);
  Millis settle = Seconds(120);
  Millis evidence_age_max = Seconds(30);
  Millis silent_after = Seconds(30);
  Millis acknowledge_deadline = Minutes(5);
  Millis drain_deadline = Minutes(30);
  Millis repair_deadline = Minutes(15);
  Millis probation_deadline = Hours(1);
  // After a repair the host may still report what was wrong before it: this long it is no relapse.
  Millis relapse_grace = Seconds(30);
  Millis refused_retry = Seconds(15);  // a refused grant is asked for again after this
  int attempts_max = 3;                // repairs in one episode, over all rungs
  std::vector<Rung> default_ladder = {Rung::kReboot};
  std::map<std::string, ConditionPolicy> conditions = {};
};

// [remediator]
struct RemediatorConfig {
  Mode mode = Mode::kShadow;  // kAuto or kShadow
  Policy policy;
  std::vector<Limit> limits = ShippedLimits();
  BrakeLimits brake;
  Millis lease_ttl = Seconds(10);
  Millis list_every = Seconds(5);  // the scheduler's view of all hosts
  Millis apply_deadline = Seconds(5);
  std::string hold_file;  // empty: RUN_DIR/HOLD
  // Hosts that are shown and never acted on, by name: protected for as long as the config says so.
  std::vector<std::string> watch_only;
};

// [api]
struct ApiConfig {
  std::string listen_address = "127.0.0.1";
  uint16_t port = 7480;  // 0: any that is free
  int streams_max = 64;
  std::string token_file;  // empty: STATE_DIR/api-token, made at the first start
};

// [stream]
struct StreamConfig {
  std::vector<std::string> rules;  // files or folders; empty: the packs that ship
};

// [scheduler]
struct SchedulerConfig {
  Millis turn_every = Millis(200);
  Millis executor_silent_after = Seconds(30);
  Millis host_lost_after = Minutes(5);  // silent for longer: its tasks are replaced elsewhere
  Millis start_timeout = Seconds(60);   // told to start, and not heard of
  Millis lease_ttl = Seconds(10);
};

// [executor]
struct ExecutorConfig {
  Resources capacity;  // zero: the machine's
  Millis report_every = Seconds(5);
  int tasks_max = 512;
  int restart_burst_max = 10;  // by the restart policy, backed off between
  // argv; empty refuses the repair with that reason.
  std::vector<std::string> reboot_command;
  std::vector<std::string> restart_unit_command = {"systemctl", "restart", "--", "{unit}"};
  Millis repair_timeout = Minutes(5);
};

struct Config {
  std::string state_dir = "/var/lib/fleetmedic";
  std::string run_dir = "/run/fleetmedic";
  std::string log_level = "info";
  HostConfig host;
  AgentConfig agent;
  DetectorsConfig detectors;
  StreamConfig stream;
  RemediatorConfig remediator;
  ApiConfig api;
  SchedulerConfig scheduler;
  ExecutorConfig executor;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_CONFIG_H_

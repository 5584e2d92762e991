// What systemd says of its units, and what that means for the host. Pure.
#ifndef FLEETMEDIC_DETECTORS_SYSTEMD_SYSTEMD_EVALUATE_H_
#define FLEETMEDIC_DETECTORS_SYSTEMD_SYSTEMD_EVALUATE_H_

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "detectors/condition_list.h"
#include "model/condition.h"

namespace fleetmedic {

struct SystemdUnit {
  std::string name;
  std::string active_state;  // "failed", "active", "activating", ...
  std::string sub_state;     // "auto-restart", ...
  std::string result;        // of a service: "exit-code", "start-limit-hit", ...
  uint32_t restarts = 0;     // NRestarts of a service

  bool operator==(const SystemdUnit&) const = default;
};

// A unit that a pattern of the required ones matches.
struct SystemdRequiredUnit {
  std::string name;
  std::string load_state;    // "loaded", "masked", ...; empty: systemd has not loaded it
  std::string active_state;  // "inactive" where it is not loaded
  std::string sub_state;
  std::string file_state;  // "enabled", "disabled", "masked", "generated", ...; empty: no file
  std::string job;         // the type of the job that is queued for it, or empty
  bool skipped = false;    // its Condition...= were not met when it was to start
  bool finished = false;   // Type=oneshot that ran and left nothing

  bool operator==(const SystemdRequiredUnit&) const = default;
};

struct SystemdJob {
  uint32_t id = 0;
  std::string unit;
  std::string type;   // "start", "stop", ...
  std::string state;  // "waiting" or "running"
  bool oneshot = false;
  bool no_timeout = false;  // TimeoutStartUSec= is infinity

  bool operator==(const SystemdJob&) const = default;
};

struct SystemdSample {
  MonoTime at{};
  // SystemState of org.freedesktop.systemd1.Manager: "running", "degraded", ...
  std::string state;
  // Since the boot of the host (or of the container that systemd runs in).
  Micros uptime{0};
  // The failed units of every kind, and the services.
  std::vector<SystemdUnit> units;
  // Nothing is told of what is absent; what could not be asked is an error, and told as unknown.
  std::optional<Result<std::vector<SystemdRequiredUnit>>> required;
  std::optional<Result<std::vector<SystemdJob>>> jobs;
};

struct SystemdThresholds {
  int restart_loop_count = 3;
  Millis restart_loop_within = Minutes(5);
  Millis boot_grace = Minutes(5);
  std::vector<std::string> ignore;  // names or globs
  std::vector<std::string> required;
  std::vector<std::string> required_if_enabled;
  Millis required_grace = Minutes(2);
  Millis job_max = Minutes(10);
  Millis boot_max = Minutes(30);
};

// Since when each of some things is so: at most kMax of them.
class SystemdSince {
 public:
  static constexpr size_t kMax = 4096;
  // These are so at `at`, and no others.
  void Set(const std::set<std::string>& keys, MonoTime at);
  // For how long; zero for what is not so.
  Micros For(const std::string& key, MonoTime at) const;

 private:
  std::map<std::string, MonoTime> since_;
};

// NRestarts over time: at most kUnitsMax units, and of each the looks within the window. And what
// lasts: required units that are down, and jobs.
class SystemdHistory {
 public:
  static constexpr size_t kUnitsMax = 4096;
  static constexpr size_t kLooksMax = 512;

  // Takes in a sample and forgets what is older than `within`. A count that fell was reset by a
  // start by hand: what was before it does not count.
  void Add(const SystemdSample& sample, Millis within);

  // By how much NRestarts of the unit grew within what is kept.
  uint32_t Growth(const std::string& unit) const;
  // Whether a look within what is kept saw it miss its watchdog.
  bool WatchdogMissed(const std::string& unit) const;

  // What the judgement of required units and of jobs remembers; it alone sets them.
  SystemdSince required_down;
  SystemdSince jobs;

 private:
  struct Look {
    MonoTime at{};
    uint32_t restarts = 0;
    bool watchdog = false;
  };
  std::map<std::string, std::deque<Look>> units_;
};

// Whether it missed its watchdog and is being killed or waits for its restart because of it.
bool MissedWatchdog(const SystemdUnit& unit);

// A name without a type is a service's, as systemctl(1) takes it.
std::string RequiredPattern(std::string pattern);

// '*' any rest, '?' any character; everything else is itself.
bool GlobMatches(std::string_view glob, std::string_view text);

bool AnyGlobMatches(const std::vector<std::string>& globs, std::string_view text);

// `history` holds the sample already; since when what lasts lasts is written down in it.
std::vector<Condition> EvaluateSystemd(const SystemdSample& sample,
                                       const SystemdThresholds& thresholds,
                                       SystemdHistory* history);

// The parts of it, in systemd_required.cc and systemd_jobs.cc. Both require what they judge.
void EvaluateRequired(const SystemdSample& sample, const SystemdThresholds& thresholds,
                      SystemdSince* down, ConditionList* list);
void EvaluateJobs(const SystemdSample& sample, const SystemdThresholds& thresholds,
                  SystemdSince* since, ConditionList* list);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_SYSTEMD_SYSTEMD_EVALUATE_H_

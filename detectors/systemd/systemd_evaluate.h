// What systemd says of its units, and what that means for the host. Pure.
#ifndef FLEETMEDIC_DETECTORS_SYSTEMD_SYSTEMD_EVALUATE_H_
#define FLEETMEDIC_DETECTORS_SYSTEMD_SYSTEMD_EVALUATE_H_

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
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

struct SystemdSample {
  MonoTime at{};
  // SystemState of org.freedesktop.systemd1.Manager: "running", "degraded", ...
  std::string state;
  // Since the boot of the host (or of the container that systemd runs in).
  Micros uptime{0};
  // The failed units of every kind, and the services.
  std::vector<SystemdUnit> units;
};

struct SystemdThresholds {
  int restart_loop_count = 3;
  Millis restart_loop_within = Minutes(5);
  Millis boot_grace = Minutes(5);
  std::vector<std::string> ignore;  // names or globs
};

// NRestarts over time: at most kUnitsMax units, and of each the looks within the window.
class SystemdHistory {
 public:
  static constexpr size_t kUnitsMax = 4096;
  static constexpr size_t kLooksMax = 512;

  // Takes in a sample and forgets what is older than `within`. A count that fell was reset by a
  // start by hand: what was before it does not count.
  void Add(const SystemdSample& sample, Millis within);

  // By how much NRestarts of the unit grew within what is kept.
  uint32_t Growth(const std::string& unit) const;

 private:
  struct Look {
    MonoTime at{};
    uint32_t restarts = 0;
  };
  std::map<std::string, std::deque<Look>> units_;
};

// '*' any rest, '?' any character; everything else is itself.
bool GlobMatches(std::string_view glob, std::string_view text);

// `history` holds the sample already.
std::vector<Condition> EvaluateSystemd(const SystemdSample& sample, const SystemdHistory& history,
                                       const SystemdThresholds& thresholds);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_SYSTEMD_SYSTEMD_EVALUATE_H_

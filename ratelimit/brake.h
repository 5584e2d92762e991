// The brake: stops all new automatic action when too much is bad, silent or stale. Pure.
#ifndef FLEETMEDIC_RATELIMIT_BRAKE_H_
#define FLEETMEDIC_RATELIMIT_BRAKE_H_

#include <map>
#include <string>
#include <vector>

#include "model/limits.h"

namespace fleetmedic {

// What the brake looks at, all of the same moment.
struct BrakeSample {
  int hosts = 0;
  int disrupted = 0;                      // bad, tainted or draining, each host once
  int silent = 0;                         // agents not heard of past their limit
  std::map<std::string, int> rule_hosts;  // hosts that a rule named within the window
  Millis log_lag{0};
};

// One cause that holds the brake.
struct BrakeCause {
  std::string cause;   // "disrupted", "rule:kernel.oops", "silent", "log_lag"
  std::string detail;  // "5 of 13 hosts are bad, tainted or draining; the limit is 3"
  int64_t level = 0;   // the figure that passed the limit, the highest since it tripped
  WallTime since = kWallNever;

  bool operator==(const BrakeCause&) const = default;
};

// Durable. Only Release ends a trip.
struct BrakeState {
  std::vector<BrakeCause> causes;  // empty: not tripped
  // Levels that a person has seen and released at: the same cause trips again only above them.
  // A level that falls takes its acknowledgement down with it.
  std::map<std::string, int64_t> acknowledged;

  bool tripped() const { return !causes.empty(); }
  bool operator==(const BrakeState&) const = default;
};

Json ToJson(const BrakeState& state);
Result<BrakeState> BrakeStateFromJson(const Json& json);

// The brake after looking at `sample`. A cause that holds it stays until a release, also when its
// level has fallen.
BrakeState StepBrake(const BrakeLimits& limits, const BrakeSample& sample, const BrakeState& state,
                     WallTime now);

// What a person's release leaves: no cause, each level acknowledged.
BrakeState ReleaseBrake(const BrakeState& state);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_RATELIMIT_BRAKE_H_

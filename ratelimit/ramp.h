// How much of the budget is used after something went wrong: a quarter when a person lets a stop
// go, half when a host does not come through its probation, one host more with each that is given
// back. Pure.
#ifndef FLEETMEDIC_RATELIMIT_RAMP_H_
#define FLEETMEDIC_RATELIMIT_RAMP_H_

#include <optional>
#include <span>
#include <string>

#include "model/limits.h"
#include "ratelimit/budget.h"

namespace fleetmedic {

// Durable. A limit of its own beside those of the config: it only ever makes them stricter.
struct Ramp {
  // Without a recovery it grows all the same, slowly: one stuck host must not stop the fleet.
  static constexpr Millis kGrowEvery = Minutes(10);

  int allowed = 0;  // hosts out at once over the whole fleet; 0: no ramp, the limits alone count
  std::string why;  // what slowed it last
  WallTime since = kWallNever;
  WallTime grown_at = kWallNever;  // the last time that it changed

  bool on() const { return allowed > 0; }
  bool operator==(const Ramp&) const = default;
};

Json ToJson(const Ramp& ramp);
Result<Ramp> RampFromJson(const Json& json);

// How many hosts the limits allow out at once over the whole fleet: what a ramp ends at. 0 where
// nothing may be out.
int FullBudget(std::span<const Limit> limits, const Census& census);

// Each takes the full budget of now. What reaches it is no ramp any more.
Ramp AfterRelease(const Ramp& ramp, int full, std::string why, WallTime now);
Ramp AfterSetback(const Ramp& ramp, int full, std::string why, WallTime now);
Ramp AfterRecovery(const Ramp& ramp, int full, WallTime now);
Ramp AfterQuiet(const Ramp& ramp, int full, WallTime now);

// The limit that it means, named "ramp"; nothing where it is not on.
std::optional<Limit> LimitOf(const Ramp& ramp);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_RATELIMIT_RAMP_H_

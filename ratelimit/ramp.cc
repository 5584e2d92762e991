#include "ratelimit/ramp.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>
#include <vector>

namespace fleetmedic {
namespace {

Ramp Slowed(int allowed, int full, std::string why, WallTime now) {
  allowed = std::max(1, allowed);
  if (allowed >= full) return {};
  return {allowed, std::move(why), now, now};
}

Ramp Grown(const Ramp& ramp, int by, int full, WallTime now) {
  if (!ramp.on() || ramp.allowed + by >= full) return {};
  Ramp next = ramp;
  next.allowed += by;
  next.grown_at = now;
  return next;
}

int AllowedNow(const Ramp& ramp, int full) {
  return ramp.on() ? std::min(ramp.allowed, full) : full;
}

}  // namespace

Json ToJson(const Ramp& ramp) {
  Json json;
  json.Set("allowed", int64_t{ramp.allowed});
  json.Set("why", ramp.why);
  json.Set("since", ramp.since);
  json.Set("grown_at", ramp.grown_at);
  return json;
}

Result<Ramp> RampFromJson(const Json& json) {
  Ramp ramp;
  JsonReader in(json, "ramp");
  int64_t allowed = 0;
  in.Required("allowed", &allowed);
  in.Required("why", &ramp.why);
  in.Required("since", &ramp.since);
  in.Required("grown_at", &ramp.grown_at);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  if (allowed < 0 || allowed > std::numeric_limits<int>::max()) {
    return Fail(Code::kInvalidArgument, "ramp: allowed is no number of hosts");
  }
  ramp.allowed = static_cast<int>(allowed);
  return ramp;
}

int FullBudget(std::span<const Limit> limits, const Census& census) {
  std::vector<Limit> at_once;
  std::ranges::copy_if(limits, std::back_inserter(at_once), [](const Limit& limit) {
    return limit.kind == LimitKind::kConcurrent && limit.scope == LimitScope::kFleet;
  });
  int full = census.fleet.hosts;
  for (const LimitUse& use : Uses(at_once, {}, census, kWallNever)) full = std::min(full, use.max);
  return full;
}

Ramp AfterRelease(const Ramp& ramp, int full, std::string why, WallTime now) {
  return Slowed(std::min(full / 4, AllowedNow(ramp, full)), full, std::move(why), now);
}

Ramp AfterSetback(const Ramp& ramp, int full, std::string why, WallTime now) {
  return Slowed(AllowedNow(ramp, full) / 2, full, std::move(why), now);
}

Ramp AfterRecovery(const Ramp& ramp, int full, WallTime now) { return Grown(ramp, 1, full, now); }

Ramp AfterQuiet(const Ramp& ramp, int full, WallTime now) {
  if (!ramp.on() || now < ramp.grown_at + Ramp::kGrowEvery) return ramp;
  return Grown(ramp, 1, full, now);
}

std::optional<Limit> LimitOf(const Ramp& ramp) {
  if (!ramp.on()) return std::nullopt;
  return Limit{.name = "ramp", .at_least = ramp.allowed};
}

}  // namespace fleetmedic

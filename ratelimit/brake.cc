#include "ratelimit/brake.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

namespace fleetmedic {
namespace {

struct Reading {
  std::string cause;
  std::string detail;
  int64_t level = 0;
  bool over = false;
};

int LimitOf(double share, int at_least, int hosts) {
  return std::max(at_least, static_cast<int>(std::floor(share * hosts + 1e-9)));
}

std::vector<Reading> Read(const BrakeLimits& limits, const BrakeSample& sample) {
  std::vector<Reading> readings;
  const int disrupted_max =
      LimitOf(limits.disrupted_share, limits.disrupted_at_least, sample.hosts);
  readings.push_back({"disrupted",
                      fmt::format("{} of {} hosts are bad, tainted or draining; the limit is {}",
                                  sample.disrupted, sample.hosts, disrupted_max),
                      sample.disrupted, sample.disrupted > disrupted_max});
  const int rule_max = LimitOf(limits.rule_share, limits.rule_at_least, sample.hosts);
  for (const auto& [rule, hosts] : sample.rule_hosts) {
    readings.push_back(
        {"rule:" + rule,
         fmt::format("rule {} names {} of {} hosts within {}; the limit is {}", rule, hosts,
                     sample.hosts, FormatDuration(limits.rule_window), rule_max),
         hosts, hosts > rule_max});
  }
  const int silent_max = LimitOf(limits.silent_share, limits.silent_at_least, sample.hosts);
  readings.push_back({"silent",
                      fmt::format("{} of {} agents are silent; the limit is {}", sample.silent,
                                  sample.hosts, silent_max),
                      sample.silent, sample.silent > silent_max});
  readings.push_back(
      {"log_lag",
       fmt::format("the log is {} behind; the limit is {}", FormatDuration(sample.log_lag),
                   FormatDuration(limits.log_lag_max)),
       sample.log_lag.count(), sample.log_lag > limits.log_lag_max});
  return readings;
}

Result<BrakeCause> CauseFromJson(const Json& json) {
  BrakeCause cause;
  JsonReader in(json, "brake cause");
  in.Required("cause", &cause.cause);
  in.Required("detail", &cause.detail);
  in.Required("level", &cause.level);
  in.Required("since", &cause.since);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return cause;
}

}  // namespace

BrakeState StepBrake(const BrakeLimits& limits, const BrakeSample& sample, const BrakeState& state,
                     WallTime now) {
  BrakeState next = state;
  std::set<std::string> seen;
  for (const Reading& reading : Read(limits, sample)) {
    seen.insert(reading.cause);
    const auto acknowledged = next.acknowledged.find(reading.cause);
    if (acknowledged != next.acknowledged.end()) {
      acknowledged->second = std::min(acknowledged->second, reading.level);
      if (!reading.over) next.acknowledged.erase(acknowledged);
    }
    if (!reading.over) continue;
    const auto held = std::ranges::find(next.causes, reading.cause, &BrakeCause::cause);
    if (held != next.causes.end()) {
      if (reading.level > held->level) {
        held->level = reading.level;
        held->detail = reading.detail;
      }
      continue;
    }
    const auto released_at = next.acknowledged.find(reading.cause);
    if (released_at != next.acknowledged.end() && reading.level <= released_at->second) continue;
    next.causes.push_back({reading.cause, reading.detail, reading.level, now});
  }
  // A rule that names no host any more has no reading: its acknowledgement goes with it.
  std::erase_if(next.acknowledged, [&](const auto& entry) { return !seen.contains(entry.first); });
  return next;
}

BrakeState ReleaseBrake(const BrakeState& state) {
  BrakeState next = state;
  for (const BrakeCause& cause : next.causes) next.acknowledged[cause.cause] = cause.level;
  next.causes.clear();
  return next;
}

Json ToJson(const BrakeState& state) {
  Json json;
  Json::Array causes;
  for (const BrakeCause& cause : state.causes) {
    Json member;
    member.Set("cause", cause.cause);
    member.Set("detail", cause.detail);
    member.Set("level", cause.level);
    member.Set("since", cause.since);
    causes.push_back(std::move(member));
  }
  json.Set("causes", std::move(causes));
  Json acknowledged(Json::Object{});
  for (const auto& [cause, level] : state.acknowledged) acknowledged.Set(cause, level);
  json.Set("acknowledged", std::move(acknowledged));
  return json;
}

Result<BrakeState> BrakeStateFromJson(const Json& json) {
  BrakeState state;
  JsonReader in(json, "brake");
  in.ListAs("causes", &state.causes, CauseFromJson);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  if (const Json::Object* levels = json["acknowledged"].object()) {
    for (const auto& [cause, level] : *levels) {
      state.acknowledged[cause] = level.integer().value_or(0);
    }
  }
  return state;
}

}  // namespace fleetmedic

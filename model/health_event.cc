#include "model/health_event.h"

#include <fmt/format.h>

#include "model/words.h"

namespace fleetmedic {
namespace {

constexpr Words<HealthEventKind, 2> kKinds = {
    {{HealthEventKind::kConditions, "conditions"}, {HealthEventKind::kBeat, "beat"}}};

Result<std::map<std::string, DetectorBeat>> BeatsFromJson(const Json& json) {
  if (json.object() == nullptr) return Fail(Code::kInvalidArgument, "expected an object");
  std::map<std::string, DetectorBeat> beats;
  for (const auto& [detector, member] : *json.object()) {
    DetectorBeat& beat = beats[detector];
    JsonReader in(member, "beat");
    in.Required("sequence", &beat.sequence);
    in.Required("observed_at", &beat.observed_at);
    FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  }
  return beats;
}

Result<std::map<std::string, Millis>> RunningFromJson(const Json& json) {
  if (json.object() == nullptr) return Fail(Code::kInvalidArgument, "expected an object");
  std::map<std::string, Millis> running;
  for (const auto& [detector, member] : *json.object()) {
    int64_t every_ms = 0;
    JsonReader in(member, "running");
    in.Required("every_ms", &every_ms);
    FLEETMEDIC_RETURN_IF_ERROR(in.Done());
    if (every_ms < 0 || every_ms > HealthEvent::kEveryMax.count()) {
      return Fail(Code::kInvalidArgument, fmt::format("every_ms of {} is {}", detector, every_ms));
    }
    running[detector] = Millis(every_ms);
  }
  return running;
}

}  // namespace

Json ToJson(const HealthEvent& event) {
  Json json;
  json.Set("kind", WordOf(kKinds, event.kind));
  json.Set("host", event.host.str());
  json.Set("boot_id", event.boot_id);
  json.Set("booted_at", event.booted_at);
  json.Set("detector", event.detector);
  json.Set("sequence", event.sequence);
  json.Set("observed_at", event.observed_at);
  if (event.kind == HealthEventKind::kBeat) {
    Json beats(Json::Object{});
    for (const auto& [detector, beat] : event.beats) {
      Json& member = beats.Set(detector, {});
      member.Set("sequence", beat.sequence);
      member.Set("observed_at", beat.observed_at);
    }
    json.Set("beats", std::move(beats));
    if (event.running.empty()) return json;
    Json running(Json::Object{});
    for (const auto& [detector, every] : event.running) {
      running.Set(detector, {}).Set("every_ms", every.count());
    }
    json.Set("running", std::move(running));
    return json;
  }
  Json::Array conditions;
  for (const Condition& condition : event.conditions) conditions.push_back(ToJson(condition));
  json.Set("conditions", std::move(conditions));
  return json;
}

Result<HealthEvent> HealthEventFromJson(const Json& json) {
  HealthEvent event;
  JsonReader in(json, "health event");
  in.Word("kind", &event.kind, [](std::string_view word) { return ValueOf(kKinds, word); });
  ReadId(&in, "host", &event.host);
  in.Required("boot_id", &event.boot_id);
  in.Optional("booted_at", &event.booted_at);
  in.Required("detector", &event.detector);
  in.Required("sequence", &event.sequence);
  in.Required("observed_at", &event.observed_at);
  in.ListAs("conditions", &event.conditions, ConditionFromJson);
  in.OptionalAs("beats", &event.beats, BeatsFromJson);
  in.OptionalAs("running", &event.running, RunningFromJson);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  if (event.conditions.size() > HealthEvent::kConditionsMax) {
    return Fail(Code::kInvalidArgument,
                fmt::format("health event.conditions: {} are more than {}", event.conditions.size(),
                            HealthEvent::kConditionsMax));
  }
  return event;
}

}  // namespace fleetmedic

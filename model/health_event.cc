#include "model/health_event.h"

#include <fmt/format.h>

#include "model/from_text.h"
#include "model/words.h"

namespace fleetmedic {
namespace {

constexpr Words<HealthEventKind, 2> kKinds = {
    {{HealthEventKind::kConditions, "conditions"}, {HealthEventKind::kBeat, "beat"}}};

template <typename Value>
Result<std::map<std::string, DetectorBeat>> ReadBeats(const Value& json) {
  if (!json.is_object()) return Fail(Code::kInvalidArgument, "expected an object");
  std::map<std::string, DetectorBeat> beats;
  Status status;
  json.EachMember([&](std::string_view detector, const Value& member) {
    DetectorBeat& beat = PlaceMember(&beats, detector);
    JsonReaderOf<Value> in(member, "beat");
    in.Required("sequence", &beat.sequence);
    in.Required("observed_at", &beat.observed_at);
    status = in.Done();
    return status.has_value();
  });
  FLEETMEDIC_RETURN_IF_ERROR(status);
  return beats;
}

template <typename Value>
Result<std::map<std::string, Millis>> ReadRunning(const Value& json) {
  if (!json.is_object()) return Fail(Code::kInvalidArgument, "expected an object");
  std::map<std::string, Millis> running;
  Status status;
  json.EachMember([&](std::string_view detector, const Value& member) {
    int64_t every_ms = 0;
    JsonReaderOf<Value> in(member, "running");
    in.Required("every_ms", &every_ms);
    status = in.Done();
    if (status && (every_ms < 0 || every_ms > HealthEvent::kEveryMax.count())) {
      status =
          Fail(Code::kInvalidArgument, fmt::format("every_ms of {} is {}", detector, every_ms));
    }
    PlaceMember(&running, detector) = Millis(every_ms);
    return status.has_value();
  });
  FLEETMEDIC_RETURN_IF_ERROR(status);
  return running;
}

template <typename Value>
Result<HealthEvent> ReadHealthEvent(const Value& json) {
  HealthEvent event;
  JsonReaderOf<Value> in(json, "health event");
  in.Word("kind", &event.kind, [](std::string_view word) { return ValueOf(kKinds, word); });
  ReadId(&in, "host", &event.host);
  in.Required("boot_id", &event.boot_id);
  in.Optional("booted_at", &event.booted_at);
  in.Required("detector", &event.detector);
  in.Required("sequence", &event.sequence);
  in.Required("observed_at", &event.observed_at);
  in.ListAs("conditions", &event.conditions,
            [](const Value& condition) { return ConditionFrom(condition); });
  in.OptionalAs("beats", &event.beats, ReadBeats<Value>);
  in.OptionalAs("running", &event.running, ReadRunning<Value>);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  if (event.conditions.size() > HealthEvent::kConditionsMax) {
    return Fail(Code::kInvalidArgument,
                fmt::format("health event.conditions: {} are more than {}", event.conditions.size(),
                            HealthEvent::kConditionsMax));
  }
  return event;
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

Result<HealthEvent> HealthEventFromJson(const Json& json) { return ReadHealthEvent(json); }

Result<HealthEvent> HealthEventFromText(std::string_view text) {
  return FromText<HealthEvent>(text, ReadHealthEvent<JsonElement>, HealthEventFromJson);
}

}  // namespace fleetmedic

#include "model/host_record.h"

#include "model/from_text.h"
#include "model/words.h"

namespace fleetmedic {
namespace {

constexpr Words<HostState, 8> kStates = {{{HostState::kHealthy, "healthy"},
                                          {HostState::kSuspect, "suspect"},
                                          {HostState::kTainted, "tainted"},
                                          {HostState::kDraining, "draining"},
                                          {HostState::kDrained, "drained"},
                                          {HostState::kRepairing, "repairing"},
                                          {HostState::kProbation, "probation"},
                                          {HostState::kRetired, "retired"}}};

Json ToJson(const TrackedCondition& tracked) {
  Json json;
  json.Set("condition", ToJson(tracked.condition));
  json.Set("detector", tracked.detector);
  json.Set("sequence", tracked.sequence);
  json.Set("observed_at", tracked.observed_at);
  json.Set("verdict_since", tracked.verdict_since);
  // Most have none of these, and a record has dozens of conditions.
  if (tracked.clears_at != kWallNever) json.Set("clears_at", tracked.clears_at);
  if (!tracked.clear_probe.empty()) {
    json.Set("clear_probe", tracked.clear_probe);
    json.Set("probe_from", tracked.probe_from);
  }
  if (!tracked.origin.empty()) json.Set("origin", tracked.origin);
  return json;
}

template <typename Value>
Result<TrackedCondition> ReadTracked(const Value& json) {
  TrackedCondition tracked;
  JsonReaderOf<Value> in(json, "tracked condition");
  in.RequiredAs("condition", &tracked.condition,
                [](const Value& condition) { return ConditionFrom(condition); });
  in.Required("detector", &tracked.detector);
  in.Optional("sequence", &tracked.sequence);
  in.Required("observed_at", &tracked.observed_at);
  in.Required("verdict_since", &tracked.verdict_since);
  in.Optional("clears_at", &tracked.clears_at);
  in.Optional("clear_probe", &tracked.clear_probe);
  in.Optional("probe_from", &tracked.probe_from);
  in.Optional("origin", &tracked.origin);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return tracked;
}

Json ToJson(const FlatMap<DetectorMark>& marks) {
  Json json(Json::Object{});
  for (const auto& [detector, mark] : marks) {
    Json& member = json.Set(detector, {});
    member.Set("sequence", mark.sequence);
    if (mark.every > Millis(0)) member.Set("every_ms", mark.every.count());
    member.Set("observed_at", mark.observed_at);
  }
  return json;
}

template <typename Value>
Result<FlatMap<DetectorMark>> ReadMarks(const Value& json) {
  if (!json.is_object()) return Fail(Code::kInvalidArgument, "expected an object");
  FlatMap<DetectorMark> marks;
  Status status;
  json.EachMember([&](std::string_view detector, const Value& member) {
    DetectorMark& mark = marks[detector];
    JsonReaderOf<Value> in(member, "detector mark");
    in.Required("sequence", &mark.sequence);
    in.Required("observed_at", &mark.observed_at);
    int64_t every_ms = 0;
    in.Optional("every_ms", &every_ms);
    mark.every = Millis(every_ms);
    status = in.Done();
    return status.has_value();
  });
  FLEETMEDIC_RETURN_IF_ERROR(status);
  return marks;
}

template <typename Value>
Result<GrantId> ReadGrant(const Value& json) {
  const auto text = json.string();
  if (!text) return Fail(Code::kInvalidArgument, "expected a string");
  return GrantId(std::string(*text));
}

template <typename Value>
Result<HostRecord> ReadRecord(const Value& json) {
  HostRecord record;
  int64_t tasks_left = -1;
  int64_t tasks_total = -1;
  int64_t attempt = 0;
  JsonReaderOf<Value> in(json, "host record");
  in.RequiredAs("facts", &record.facts, [](const Value& facts) { return HostFactsFrom(facts); });
  in.Required("facts_known", &record.facts_known);
  in.Word("state", &record.state, ParseHostState);
  in.Required("since", &record.since);
  in.Required("deadline", &record.deadline);
  std::vector<TrackedCondition> conditions;
  in.ListAs("conditions", &conditions, ReadTracked<Value>);
  in.RequiredAs("detectors", &record.detectors, ReadMarks<Value>);
  in.Required("seen_at", &record.seen_at);
  in.Required("ok_since", &record.ok_since);
  in.Required("revision", &record.revision);
  in.Word("want", &record.want, ParseWant);
  in.Required("acknowledged", &record.acknowledged);
  in.Required("tasks_left", &tasks_left);
  in.Optional("tasks_total", &tasks_total);
  in.Required("blocked_by", &record.blocked_by);
  in.Required("scheduler_lost", &record.scheduler_lost);
  in.Required("episode", &record.episode);
  in.Required("evidence_boot_id", &record.evidence_boot_id);
  in.Required("cause_type", &record.cause_type);
  in.Required("cause_unit", &record.cause_unit);
  in.Required("attempt", &attempt);
  in.Required("repair_id", &record.repair_id);
  in.Word("rung", &record.rung, ParseRung);
  in.Required("in_place", &record.in_place);
  in.RequiredAs("grant", &record.grant, ReadGrant<Value>);
  in.Required("retry_at", &record.retry_at);
  in.Required("held", &record.held);
  in.Required("protected", &record.protected_);
  in.Required("drain_wanted", &record.drain_wanted);
  in.Optional("taint_only", &record.taint_only);
  in.Required("over_reason", &record.over_reason);
  in.Required("why", &record.why);
  in.Required("waits_for", &record.waits_for);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  conditions.shrink_to_fit();
  record.conditions = std::move(conditions);
  record.tasks_left = static_cast<int>(tasks_left);
  record.tasks_total = static_cast<int>(tasks_total);
  record.attempt = static_cast<int>(attempt);
  return record;
}

}  // namespace

std::string_view HostStateName(HostState state) { return WordOf(kStates, state); }
std::optional<HostState> ParseHostState(std::string_view word) { return ValueOf(kStates, word); }

Json ToJson(const HostRecord& record) {
  Json json;
  json.Set("facts", ToJson(record.facts));
  json.Set("facts_known", record.facts_known);
  json.Set("state", HostStateName(record.state));
  json.Set("since", record.since);
  json.Set("deadline", record.deadline);
  Json::Array conditions;
  for (const TrackedCondition& tracked : record.conditions) conditions.push_back(ToJson(tracked));
  json.Set("conditions", std::move(conditions));
  json.Set("detectors", ToJson(record.detectors));
  json.Set("seen_at", record.seen_at);
  json.Set("ok_since", record.ok_since);
  json.Set("revision", record.revision);
  json.Set("want", WantName(record.want));
  json.Set("acknowledged", record.acknowledged);
  json.Set("tasks_left", record.tasks_left);
  json.Set("tasks_total", record.tasks_total);
  json.Set("blocked_by", record.blocked_by);
  json.Set("scheduler_lost", record.scheduler_lost);
  json.Set("episode", record.episode);
  json.Set("evidence_boot_id", record.evidence_boot_id);
  json.Set("cause_type", record.cause_type);
  json.Set("cause_unit", record.cause_unit);
  json.Set("attempt", record.attempt);
  json.Set("repair_id", record.repair_id);
  json.Set("rung", RungName(record.rung));
  json.Set("in_place", record.in_place);
  json.Set("grant", record.grant.str());
  json.Set("retry_at", record.retry_at);
  json.Set("held", record.held);
  json.Set("protected", record.protected_);
  json.Set("drain_wanted", record.drain_wanted);
  json.Set("taint_only", record.taint_only);
  json.Set("over_reason", record.over_reason);
  json.Set("why", record.why);
  json.Set("waits_for", record.waits_for);
  return json;
}

Result<HostRecord> HostRecordFromJson(const Json& json) { return ReadRecord(json); }

Result<HostRecord> HostRecordFromText(std::string_view text) {
  return FromText<HostRecord>(text, ReadRecord<JsonElement>, HostRecordFromJson);
}

}  // namespace fleetmedic

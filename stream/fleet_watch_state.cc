// What a fleet watch keeps for its successor.
#include <algorithm>
#include <charconv>

#include "model/words.h"
#include "stream/fleet_watch.h"

namespace fleetmedic {
namespace {

constexpr Words<FleetReach, 4> kReaches = {{{FleetReach::kNone, "none"},
                                            {FleetReach::kRack, "rack"},
                                            {FleetReach::kCohort, "cohort"},
                                            {FleetReach::kFleet, "fleet"}}};

Json BaselineJson(const BaselineState& state) {
  Json json;
  json.Set("weight", state.weight);
  json.Set("rate", state.rate);
  json.Set("pairs", state.pairs);
  return json;
}

Result<BaselineState> BaselineFromJson(const Json& json) {
  BaselineState state;
  JsonReader in(json, "baseline");
  in.Required("weight", &state.weight);
  in.Required("rate", &state.rate);
  in.Required("pairs", &state.pairs);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return state;
}

Json BaselinesJson(const std::array<BaselineState, kWindows>& baselines) {
  Json list(Json::Array{});
  for (const BaselineState& state : baselines) list.Append(BaselineJson(state));
  return list;
}

Status TakeBaselines(const std::vector<BaselineState>& read, int64_t minutes_since,
                     std::array<BaselineState, kWindows>* out) {
  if (read.size() != kWindows) {
    return Fail(Code::kInvalidArgument, "expected a baseline for each window");
  }
  for (size_t w = 0; w < kWindows; ++w) {
    // It was not seen since it was saved, or it would have been saved again.
    Baseline baseline(read[w]);
    if (minutes_since > 0) baseline.ObserveNone(minutes_since);
    (*out)[w] = baseline.state();
  }
  return {};
}

}  // namespace

std::vector<FleetWatch::Saved> FleetWatch::TakeChangedPatterns(std::set<std::string>* removed) {
  for (const auto& [pattern, tracked] : issues_) dirty_.insert(pattern);
  std::vector<Saved> changed;
  for (const std::string& pattern : std::exchange(dirty_, {})) {
    const std::optional<PatternIndex> index = detect_.Find(pattern);
    if (!index) continue;
    const PatternState state = detect_.State(*index);
    const Known& known = known_[pattern];
    Json json;
    json.Set("kind", PatternKindName(state.kind));
    json.Set("minute", detect_.present());
    json.Set("first_hit", state.first_hit);
    json.Set("last_hit", state.last_hit);
    json.Set("baselines", BaselinesJson(state.baselines));
    json.Set("reach", WordOf(kReaches, state.reach));
    json.Set("flagged_since", state.flagged_since);
    json.Set("version", known.version);
    json.Set("text", known.text);
    json.Set("first_seen", known.first_seen);
    Json lines_to(Json::Object{});
    for (const auto& [partition, offset] : known.lines_to) {
      lines_to.Set(std::to_string(partition), offset);
    }
    json.Set("lines_to", std::move(lines_to));
    changed.push_back({pattern, std::move(json)});
    saved_.insert(pattern);
  }
  std::erase_if(saved_, [&](const std::string& pattern) {
    if (detect_.Find(pattern)) return false;
    removed->insert(pattern);
    return true;
  });
  std::erase_if(known_, [&](const auto& entry) { return !detect_.Find(entry.first); });
  return changed;
}

Json FleetWatch::SavedWhole() const {
  Json json;
  json.Set("minute", detect_.present());
  json.Set("silent", BaselinesJson(detect_.Silent()));
  return json;
}

Status FleetWatch::RestoreWhole(const Json& saved) {
  std::vector<BaselineState> silent;
  int64_t minute = 0;
  JsonReader in(saved, "saved watch");
  in.Required("minute", &minute);
  in.ListAs("silent", &silent, BaselineFromJson);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  SilentState state;
  FLEETMEDIC_RETURN_IF_ERROR(TakeBaselines(silent, 0, &state));
  detect_.RestoreSilent(state);
  saved_minute_ = minute;
  return {};
}

Status FleetWatch::RestorePattern(const std::string& key, const Json& saved) {
  PatternState state;
  Known known;
  state.id = key;
  int64_t minute = 0;
  std::vector<BaselineState> baselines;
  JsonReader in(saved, "saved pattern");
  in.Word("kind", &state.kind, ParsePatternKind);
  in.Required("minute", &minute);
  in.Required("first_hit", &state.first_hit);
  in.Required("last_hit", &state.last_hit);
  in.ListAs("baselines", &baselines, BaselineFromJson);
  in.Optional("version", &known.version);
  in.Optional("text", &known.text);
  in.Optional("first_seen", &known.first_seen);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  FLEETMEDIC_RETURN_IF_ERROR(TakeBaselines(baselines, saved_minute_ - minute, &state.baselines));
  if (const Json::Object* lines_to = saved["lines_to"].object()) {
    for (const auto& [partition, offset] : *lines_to) {
      int32_t number = 0;
      const char* const end = partition.data() + partition.size();
      if (std::from_chars(partition.data(), end, number).ptr != end) continue;
      known.lines_to[number] = offset.integer().value_or(-1);
    }
  }
  saved_.insert(key);
  if (!detect_.Restore(state)) {
    return Fail(Code::kFull, "there is no room for pattern " + key);
  }
  known_[key] = std::move(known);
  return {};
}

Status FleetWatch::RestoreIssue(FleetIssue issue, FleetReach reach, WallTime now) {
  if (issue.state != IssueState::kOpen) {
    return Fail(Code::kInvalidArgument, "the fleet issue is not open");
  }
  // An issue is kept at once and its pattern within a minute, so it may be new to us.
  const std::optional<PatternIndex> index = Interned(issue.pattern, issue.kind);
  if (!index) return Fail(Code::kFull, "there is no room for pattern " + issue.pattern);
  PatternState state = detect_.State(*index);
  state.reach = reach;
  state.flagged_since = issue.opened_at.time_since_epoch() / Minutes(1);
  if (reach == FleetReach::kRack || reach == FleetReach::kCohort) {
    state.cohort = CohortOf(issue.scope, reach);
  }
  (void)detect_.Restore(state);
  Tracked tracked;
  tracked.reach = reach;
  for (const HostId& host : issue.hosts) {
    const std::optional<HostIndex> number = hosts_->IndexOf(host);
    if (number) tracked.hit.emplace(*number, issue.first_at);
  }
  known_[issue.pattern].examples = issue.examples;
  tracked.told_at = now;
  tracked.issue = std::move(issue);
  issues_.insert_or_assign(tracked.issue.pattern, std::move(tracked));
  return {};
}

CohortRef FleetWatch::CohortOf(const IssueScope& scope, FleetReach reach) const {
  const HostTable& table = hosts_->table();
  const std::optional<KeyNumber> key = table.FindKey(scope.fact);
  const std::optional<ValueNumber> value = key ? table.FindValue(*key, scope.value) : std::nullopt;
  if (!value || reach == FleetReach::kRack) return {0, value.value_or(kValueUnknown)};
  const auto at = std::ranges::find(FleetHosts::kCohortKeys, scope.fact);
  if (at == std::end(FleetHosts::kCohortKeys)) return {};
  return {static_cast<uint32_t>(at - std::begin(FleetHosts::kCohortKeys)), *value};
}

Json FleetWatch::SavedIssue(const FleetIssue& issue) const {
  const auto tracked = issues_.find(issue.pattern);
  Json json;
  json.Set("issue", ToJson(issue));
  json.Set("reach",
           WordOf(kReaches, tracked == issues_.end() ? FleetReach::kNone : tracked->second.reach));
  return json;
}

Result<std::pair<FleetIssue, FleetReach>> FleetWatch::SavedIssueFrom(const Json& saved) {
  std::pair<FleetIssue, FleetReach> out;
  JsonReader in(saved, "saved issue");
  in.RequiredAs("issue", &out.first, FleetIssueFromJson);
  in.Word("reach", &out.second, [](std::string_view word) { return ValueOf(kReaches, word); });
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return out;
}

}  // namespace fleetmedic

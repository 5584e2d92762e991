// What a fleet watch keeps for its successor.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <iterator>

#include <fmt/format.h>

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

// An identifier has no space in it: no pattern is called like this.
constexpr std::string_view kCohortRowPrefix = "cohorts of ";

std::string CohortRow(const std::string& pattern) {
  return std::string(kCohortRowPrefix) + pattern;
}

// Far above what any number of hosts and minutes makes.
constexpr double kSumMax = 1e30;

// Six digits say as much as is known, and take half the room.
Json Shortened(float value) {
  return Json(std::strtod(fmt::format("{:.6g}", value).c_str(), nullptr));
}

std::vector<float> FloatsOf(const Json& json) {
  std::vector<float> floats;
  if (json.array() == nullptr) return floats;
  for (const Json& each : *json.array()) {
    const double number = each.number().value_or(-1);
    // What no sum can be is nothing known.
    floats.push_back(std::abs(number) < kSumMax ? static_cast<float>(number) : -1);
  }
  return floats;
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
    Json aliases(Json::Array{});
    for (const std::string& alias : known.aliases) aliases.Append(alias);
    if (!known.aliases.empty()) json.Set("aliases", std::move(aliases));
    changed.push_back({pattern, std::move(json)});
    saved_.insert(pattern);
  }
  std::erase_if(saved_, [&](const std::string& pattern) {
    if (detect_.Find(pattern)) return false;
    removed->insert(pattern);
    return true;
  });
  for (const PatternIndex index : detect_.TakeLearntCohorts(kCohortRowsMax)) {
    const std::string pattern = detect_.State(index).id;
    changed.push_back({CohortRow(pattern), CohortsJson(*detect_.CohortsOf(index))});
    saved_cohorts_.insert(pattern);
  }
  std::erase_if(saved_cohorts_, [&](const std::string& pattern) {
    const std::optional<PatternIndex> index = detect_.Find(pattern);
    if (index && detect_.HasCohorts(*index)) return false;
    removed->insert(CohortRow(pattern));
    return true;
  });
  std::erase_if(known_, [&](const auto& entry) { return !detect_.Find(entry.first); });
  std::erase_if(merged_, [&](const auto& entry) { return !detect_.Find(entry.second); });
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
  in.Optional("aliases", &known.aliases);
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
  for (const std::string& alias : known.aliases) {
    if (merged_.size() < kMergedMax) merged_[alias] = key;
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

std::optional<std::string> FleetWatch::CohortRowOf(std::string_view key) {
  if (!key.starts_with(kCohortRowPrefix)) return std::nullopt;
  return std::string(key.substr(kCohortRowPrefix.size()));
}

// By the names of facts and values, since their numbers are another process's: of each value the
// state of its windows, one number after the other.
Json FleetWatch::CohortsJson(const CohortWatch::State& state) {
  const HostTable& table = hosts_->table();
  std::array<Json::Object, std::size(FleetHosts::kCohortKeys)> values;
  size_t bytes = 0;
  for (const CohortWatch::Kept& kept : state.cohorts) {
    const std::optional<KeyNumber> key = table.FindKey(FleetHosts::kCohortKeys[kept.cohort.key]);
    if (!key || kept.cohort.value >= table.values_end(*key)) continue;
    Json numbers(Json::Array{});
    for (const CohortBaseline::State& window : kept.windows) {
      for (const float number :
           {window.weight, window.as_rest, window.as_rest_sq, window.count, window.pairs}) {
        numbers.Append(Shortened(number));
      }
    }
    const std::string& value = table.ValueName(*key, kept.cohort.value);
    bytes += value.size() + numbers.Dump().size() + 4;
    if (bytes > kCohortRowBytesMax) {
      ++cohorts_unkept_;
      continue;
    }
    values[kept.cohort.key].emplace(value, std::move(numbers));
  }
  Json keys(Json::Object{});
  for (size_t k = 0; k < values.size(); ++k) {
    if (!values[k].empty()) keys.Set(FleetHosts::kCohortKeys[k], Json(std::move(values[k])));
  }
  Json json;
  json.Set("watched", state.watched_minutes);
  json.Set("cohorts", std::move(keys));
  return json;
}

Status FleetWatch::RestoreCohorts(const std::string& pattern, const Json& saved) {
  saved_cohorts_.insert(pattern);
  const std::optional<PatternIndex> index = detect_.Find(pattern);
  if (!index) return Fail(Code::kNotFound, "the pattern is not known");
  const HostTable& table = hosts_->table();
  CohortWatch::State state;
  state.watched_minutes = static_cast<int>(
      std::clamp<int64_t>(saved["watched"].integer().value_or(0), 0, CohortWatch::kLearnMinutes));
  for (uint32_t k = 0; k < std::size(FleetHosts::kCohortKeys); ++k) {
    const Json::Object* const values = saved["cohorts"][FleetHosts::kCohortKeys[k]].object();
    const std::optional<KeyNumber> key = table.FindKey(FleetHosts::kCohortKeys[k]);
    if (values == nullptr || !key) continue;
    for (const auto& [name, numbers] : *values) {
      const std::optional<ValueNumber> value = table.FindValue(*key, name);
      const std::vector<float> read = FloatsOf(numbers);
      if (read.size() != 5 * CohortWatch::kTested) {
        return Fail(Code::kInvalidArgument, "expected five numbers for each window of a cohort");
      }
      if (!value) continue;
      CohortWatch::Kept kept{.cohort = {k, *value}, .windows = {}};
      for (size_t t = 0; t < CohortWatch::kTested; ++t) {
        const float* const at = read.data() + 5 * t;
        kept.windows[t] = {at[0], at[1], at[2], at[3], at[4]};
      }
      state.cohorts.push_back(kept);
    }
  }
  if (detect_.RestoreCohorts(*index, state)) return {};
  return Fail(Code::kFull, "there is no room for cohorts");
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

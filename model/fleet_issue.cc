#include "model/fleet_issue.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "model/words.h"

namespace fleetmedic {
namespace {

constexpr Words<IssueState, 2> kStates = {
    {{IssueState::kOpen, "open"}, {IssueState::kClosed, "closed"}}};

constexpr size_t kTitleBytesMax = 120;

using Fact = std::pair<std::string, std::string>;

Json FactJson(const Fact& fact) {
  Json json;
  json.Set("fact", fact.first);
  json.Set("value", fact.second);
  return json;
}

Result<Fact> FactFromJson(const Json& json) {
  Fact fact;
  JsonReader in(json, "fact");
  in.Required("fact", &fact.first);
  in.Required("value", &fact.second);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return fact;
}

Result<IssueScope> ScopeFromJson(const Json& json) {
  IssueScope scope;
  JsonReader in(json, "scope");
  in.Required("fact", &scope.fact);
  in.Required("value", &scope.value);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return scope;
}

Json CauseJson(const IssueCause& cause) {
  Json json;
  Json facts(Json::Array{});
  for (const Fact& fact : cause.facts) facts.Append(FactJson(fact));
  json.Set("facts", std::move(facts));
  Json same(Json::Array{});
  for (const std::string& fact : cause.same_hosts) same.Append(fact);
  json.Set("same_hosts", std::move(same));
  json.Set("hit_with", cause.hit_with);
  json.Set("hit", cause.hit);
  json.Set("others_with", cause.others_with);
  json.Set("others", cause.others);
  json.Set("log10_p", cause.log10_p);
  json.Set("likely", cause.likely);
  if (cause.changed_at != kWallNever) json.Set("changed_at", cause.changed_at);
  json.Set("sentence", cause.sentence);
  return json;
}

Result<IssueCause> CauseFromJson(const Json& json) {
  IssueCause cause;
  JsonReader in(json, "cause");
  in.ListAs("facts", &cause.facts, FactFromJson);
  in.Optional("same_hosts", &cause.same_hosts);
  in.Optional("hit_with", &cause.hit_with);
  in.Optional("hit", &cause.hit);
  in.Optional("others_with", &cause.others_with);
  in.Optional("others", &cause.others);
  in.Optional("log10_p", &cause.log10_p);
  in.Optional("likely", &cause.likely);
  in.Optional("changed_at", &cause.changed_at);
  in.Required("sentence", &cause.sentence);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  if (cause.facts.size() > FleetIssue::kFactsMax ||
      cause.same_hosts.size() > FleetIssue::kSameHostsMax) {
    return Fail(Code::kInvalidArgument, "a cause has more facts than are read");
  }
  return cause;
}

Json PointJson(const IssuePoint& point) {
  Json json;
  json.Set("minute", point.minute);
  json.Set("hosts", point.hosts);
  return json;
}

Result<IssuePoint> PointFromJson(const Json& json) {
  IssuePoint point;
  JsonReader in(json, "point");
  in.Required("minute", &point.minute);
  in.Required("hosts", &point.hosts);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return point;
}

template <typename T, typename Write>
Json ListJson(const std::vector<T>& items, Write write) {
  Json list(Json::Array{});
  for (const T& item : items) list.Append(write(item));
  return list;
}

Status CheckLimits(const FleetIssue& issue) {
  const std::pair<std::string_view, std::pair<size_t, size_t>> bounds[] = {
      {"id", {issue.id.size(), FleetIssue::kIdCharsMax}},
      {"pattern", {issue.pattern.size(), PatternCount::kPatternCharsMax}},
      {"text", {issue.text.size(), PatternCount::kTextBytesMax}},
      {"hosts", {issue.hosts.size(), FleetIssue::kHostsMax}},
      {"causes", {issue.causes.size(), FleetIssue::kCausesMax}},
      {"not_different", {issue.not_different.size(), FleetIssue::kNotDifferentMax}},
      {"series", {issue.series.size(), FleetIssue::kSeriesMax}},
      {"examples", {issue.examples.size(), FleetIssue::kExamplesMax}},
  };
  for (const auto& [what, sizes] : bounds) {
    if (sizes.first <= sizes.second) continue;
    return Fail(Code::kInvalidArgument, fmt::format("fleet issue.{}: {}; at most {} are read", what,
                                                    sizes.first, sizes.second));
  }
  return {};
}

}  // namespace

std::string_view IssueStateName(IssueState state) { return WordOf(kStates, state); }

std::string IssueScope::Text() const { return fact.empty() ? "fleet" : fact + " " + value; }

bool IssueScope::Covers(const HostFacts& facts) const {
  return fact.empty() || FactValue(facts, fact) == value;
}

std::string FleetIssue::Title() const {
  const std::string what = VisibleText(std::string_view(text).substr(0, kTitleBytesMax));
  return fmt::format("{}, {} on {} hosts", id, what.empty() ? pattern : what, hosts_total);
}

bool FleetIssue::Covers(const HostFacts& facts) const {
  if (state != IssueState::kOpen) return false;
  if (std::ranges::binary_search(hosts, facts.host)) return true;
  return hosts_total > hosts.size() && scope.Covers(facts);
}

Json ToJson(const FleetIssue& issue) {
  Json json;
  json.Set("id", issue.id);
  json.Set("state", IssueStateName(issue.state));
  json.Set("pattern", issue.pattern);
  json.Set("kind", PatternKindName(issue.kind));
  if (!issue.version.empty()) json.Set("version", issue.version);
  json.Set("text", issue.text);
  json.Set("scope", FactJson({issue.scope.fact, issue.scope.value}));
  json.Set("window_ms", issue.window.count());
  json.Set("hosts_in_window", issue.hosts_in_window);
  json.Set("hosts_reporting", issue.hosts_reporting);
  json.Set("expected", issue.expected);
  json.Set("log10_p", issue.log10_p);
  json.Set("first_at", issue.first_at);
  json.Set("opened_at", issue.opened_at);
  json.Set("updated_at", issue.updated_at);
  if (issue.closed_at != kWallNever) json.Set("closed_at", issue.closed_at);
  json.Set("hosts", ListJson(issue.hosts, [](const HostId& host) { return Json(host.str()); }));
  json.Set("hosts_total", issue.hosts_total);
  json.Set("lines", issue.lines);
  json.Set("causes", ListJson(issue.causes, CauseJson));
  json.Set("why", issue.why);
  json.Set("not_different",
           ListJson(issue.not_different, [](const std::string& fact) { return Json(fact); }));
  json.Set("series", ListJson(issue.series, PointJson));
  json.Set("examples",
           ListJson(issue.examples, [](const PatternExample& example) { return ToJson(example); }));
  json.Set("response", issue.response);
  return json;
}

Result<FleetIssue> FleetIssueFromJson(const Json& json) {
  FleetIssue issue;
  JsonReader in(json, "fleet issue");
  in.Required("id", &issue.id);
  in.Word("state", &issue.state, [](std::string_view word) { return ValueOf(kStates, word); });
  in.Required("pattern", &issue.pattern);
  in.Word("kind", &issue.kind, ParsePatternKind);
  in.Optional("version", &issue.version);
  in.Optional("text", &issue.text);
  in.RequiredAs("scope", &issue.scope, ScopeFromJson);
  in.Optional("window_ms", &issue.window);
  in.Optional("hosts_in_window", &issue.hosts_in_window);
  in.Optional("hosts_reporting", &issue.hosts_reporting);
  in.Optional("expected", &issue.expected);
  in.Optional("log10_p", &issue.log10_p);
  in.Optional("first_at", &issue.first_at);
  in.Required("opened_at", &issue.opened_at);
  in.Required("updated_at", &issue.updated_at);
  in.Optional("closed_at", &issue.closed_at);
  in.ListAs("hosts", &issue.hosts, HostIdFromJson);
  in.Required("hosts_total", &issue.hosts_total);
  in.Optional("lines", &issue.lines);
  in.ListAs("causes", &issue.causes, CauseFromJson);
  in.Optional("why", &issue.why);
  in.Optional("not_different", &issue.not_different);
  in.ListAs("series", &issue.series, PointFromJson);
  in.ListAs("examples", &issue.examples, PatternExampleFromJson);
  in.Optional("response", &issue.response);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  FLEETMEDIC_RETURN_IF_ERROR(CheckLimits(issue));
  if (!ValidId(issue.id) || !ValidId(issue.pattern)) {
    return Fail(Code::kInvalidArgument, "fleet issue: its id and its pattern are identifiers");
  }
  // Covers searches them.
  std::ranges::sort(issue.hosts);
  return issue;
}

}  // namespace fleetmedic

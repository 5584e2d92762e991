#include "console/patterns_view.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace fleetmedic {
namespace {

constexpr size_t kQueryBytesMax = 512;
constexpr double kHundredths = 100;

// "1" and "true" say yes; nothing, empty and "0" no.
bool Said(const HttpRequest& request, std::string_view name) {
  const std::string_view value = request.query(name).value_or("");
  return !value.empty() && value != "0" && value != "false";
}

Status ParseNew(std::string_view text, WallTime from, WallTime now, WallTime* since) {
  if (text == "1" || text == "true") {
    *since = from;
  } else if (const Result<Millis> duration = ParseDuration(text); duration) {
    *since = now - *duration;
  } else if (const Result<WallTime> time = ParseWall(text); time) {
    *since = *time;
  } else {
    return Fail(Code::kInvalidArgument,
                "new: " + Quote(text) + " is neither 1, nor a duration (2h), nor a time");
  }
  return {};
}

Result<IssueScope> ParseFact(std::string_view parameter, std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0 || equals + 1 == text.size()) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{}: {} is not like rack=r17", parameter, Quote(text)));
  }
  return IssueScope{std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

double Rounded(double number) {
  return static_cast<double>(static_cast<int64_t>(number * kHundredths + 0.5)) / kHundredths;
}

Json SummaryJson(const PatternSummary& item) {
  Json json;
  json.Set("pattern", item.pattern);
  json.Set("kind", PatternKindName(item.kind));
  if (!item.version.empty()) json.Set("version", item.version);
  json.Set("text", item.text);
  json.Set("first_seen", item.first_seen);
  json.Set("last_seen", item.last_seen);
  json.Set("hosts", item.hosts);
  json.Set("hosts_cut", item.hosts_cut);
  json.Set("lines", item.lines);
  json.Set("hosts_10m", item.hosts_10m);
  json.Set("new", item.is_new);
  json.Set("rising", item.rising);
  json.Set("novelty", Rounded(item.novelty));
  json.Set("rank", Rounded(item.rank));
  Json trend(Json::Array{});
  for (const uint64_t hosts : item.trend) trend.Append(hosts);
  json.Set("trend", std::move(trend));
  if (!item.issue.empty()) json.Set("issue", item.issue);
  return json;
}

Json IssueSummaryJson(const FleetIssue& issue, const std::set<std::string>& stale) {
  Json json;
  json.Set("id", issue.id);
  json.Set("state", IssueStateName(issue.state));
  if (stale.contains(issue.id)) json.Set("stale", true);
  json.Set("pattern", issue.pattern);
  json.Set("kind", PatternKindName(issue.kind));
  if (!issue.version.empty()) json.Set("version", issue.version);
  json.Set("text", issue.text);
  Json scope;
  scope.Set("fact", issue.scope.fact);
  scope.Set("value", issue.scope.value);
  json.Set("scope", std::move(scope));
  json.Set("scope_text", issue.scope.Text());
  json.Set("hosts_total", issue.hosts_total);
  json.Set("lines", issue.lines);
  if (issue.first_at != kWallNever) json.Set("first_at", issue.first_at);
  json.Set("opened_at", issue.opened_at);
  json.Set("updated_at", issue.updated_at);
  if (issue.closed_at != kWallNever) json.Set("closed_at", issue.closed_at);
  json.Set("why", issue.why);
  json.Set("response", issue.response);
  return json;
}

}  // namespace

Result<Millis> ParsePatternRange(const HttpRequest& request) {
  const std::string_view text = request.query("range").value_or("");
  if (text.empty()) return PatternQuery().range;
  const Result<Millis> range = ParseDuration(text);
  if (!range || *range < PatternQuery::kRangeMin || *range > PatternQuery::kRangeMax) {
    return Fail(Code::kInvalidArgument, "range: " + Quote(text) + " is no duration of 1m to 24h");
  }
  return *range;
}

Result<size_t> ParseItemLimit(const HttpRequest& request, size_t otherwise, size_t max) {
  const std::string_view text = request.query("limit").value_or("");
  if (text.empty()) return otherwise;
  size_t number = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
  if (error != std::errc() || end != text.end() || number == 0 || number > max) {
    return Fail(Code::kInvalidArgument, fmt::format("limit: 1 to {}", max));
  }
  return number;
}

Result<PatternQuery> ParsePatternQuery(const HttpRequest& request, WallTime now) {
  PatternQuery query;
  FLEETMEDIC_ASSIGN_OR_RETURN(query.range, ParsePatternRange(request));
  const std::string_view words = request.query("q").value_or("");
  if (words.size() > kQueryBytesMax) {
    return Fail(Code::kInvalidArgument, fmt::format("q: at most {} bytes", kQueryBytesMax));
  }
  for (const std::string_view word : Split(words, ' ')) {
    if (word.empty()) continue;
    if (query.words.size() == PatternQuery::kWordsMax) {
      return Fail(Code::kInvalidArgument, fmt::format("q: at most {} words", query.words.size()));
    }
    query.words.emplace_back(word);
  }
  if (const auto scope = request.query("scope"); scope && !scope->empty()) {
    FLEETMEDIC_ASSIGN_OR_RETURN(query.scope, ParseFact("scope", *scope));
  }
  if (const auto sort = request.query("sort"); sort && !sort->empty()) {
    const std::optional<PatternSort> known = ParsePatternSort(*sort);
    if (!known) {
      return Fail(Code::kInvalidArgument,
                  "sort: " + Quote(*sort) + " is none of rank, hosts, lines, new, name");
    }
    query.sort = *known;
  }
  if (Said(request, "new")) {
    const std::string_view text = request.query("new").value_or("");
    FLEETMEDIC_RETURN_IF_ERROR(ParseNew(text, now - query.range, now, &query.new_since));
  }
  query.only_rising = Said(request, "rising");
  query.only_unmatched = Said(request, "unmatched");
  FLEETMEDIC_ASSIGN_OR_RETURN(query.items_max,
                              ParseItemLimit(request, query.items_max, PatternQuery::kItemsMax));
  return query;
}

Result<PatternSelection> ParsePatternSelection(const HttpRequest& request) {
  PatternSelection selection;
  FLEETMEDIC_ASSIGN_OR_RETURN(selection.range, ParsePatternRange(request));
  const std::string_view text = request.query("sel").value_or("");
  if (text.size() > kQueryBytesMax) {
    return Fail(Code::kInvalidArgument, fmt::format("sel: at most {} bytes", kQueryBytesMax));
  }
  for (const std::string_view part : Split(text, ';')) {
    if (part.empty()) continue;
    const size_t dots = part.find("..");
    if (dots != std::string_view::npos && part.find('=') == std::string_view::npos) {
      const Result<WallTime> from = ParseWall(part.substr(0, dots));
      const Result<WallTime> to = ParseWall(part.substr(dots + 2));
      if (!from || !to) {
        return Fail(Code::kInvalidArgument, "sel: " + Quote(part) + " is not like TIME..TIME");
      }
      selection.from = *from;
      selection.to = *to;
      continue;
    }
    for (const std::string_view term : Split(part, ',')) {
      Result<IssueScope> fact = ParseFact("sel", term);
      if (!fact) return tl::unexpected(fact.error());
      if (selection.among.size() == PatternSelection::kAmongMax) {
        return Fail(Code::kInvalidArgument,
                    fmt::format("sel: at most {} facts", selection.among.size()));
      }
      selection.among.emplace_back(std::move(fact->fact), std::move(fact->value));
    }
  }
  return selection;
}

Json PatternListJson(const PatternList& list) {
  Json json;
  json.Set("now", list.now);
  json.Set("from", list.from);
  json.Set("reading", list.reading);
  json.Set("patterns_total", list.patterns_total);
  json.Set("matching_total", list.matching_total);
  json.Set("lines_total", list.lines_total);
  Json items(Json::Array{});
  for (const PatternSummary& item : list.items) items.Append(SummaryJson(item));
  json.Set("items", std::move(items));
  return json;
}

Json PatternDetailJson(const PatternDetail& detail) {
  Json json = SummaryJson(detail.summary);
  json.Set("now", detail.now);
  json.Set("from", detail.from);
  json.Set("reading", detail.reading);
  json.Set("step_ms", detail.step.count());
  Json series(Json::Array{});
  for (const PatternPoint& point : detail.series) {
    Json one;
    one.Set("at", point.at);
    one.Set("hosts", point.hosts);
    one.Set("lines", point.lines);
    series.Append(std::move(one));
  }
  json.Set("series", std::move(series));
  Json hosts(Json::Array{});
  for (const auto& [host, last_seen] : detail.hosts) {
    Json one;
    one.Set("host", host.str());
    one.Set("last_seen", last_seen);
    hosts.Append(std::move(one));
  }
  json.Set("hosts_listed", std::move(hosts));
  Json examples(Json::Array{});
  for (const PatternExample& example : detail.examples) examples.Append(ToJson(example));
  json.Set("examples", std::move(examples));
  Json variables(Json::Array{});
  for (const PatternVariable& variable : detail.variables) variables.Append(ToJson(variable));
  json.Set("variables", std::move(variables));
  return json;
}

Json PatternDiffJson(const PatternDiff& diff) {
  Json json;
  json.Set("pattern", diff.pattern);
  json.Set("from", diff.from);
  json.Set("to", diff.to);
  json.Set("hit", diff.hit);
  json.Set("others", diff.others);
  json.Set("enough", diff.enough);
  json.Set("why", diff.why);
  Json rows(Json::Array{});
  for (const PatternDifference& row : diff.rows) {
    Json one;
    one.Set("fact", row.fact);
    one.Set("value", row.value);
    one.Set("lately", row.lately);
    one.Set("hit_with", row.hit_with);
    one.Set("hit", row.hit);
    one.Set("others_with", row.others_with);
    one.Set("others", row.others);
    one.Set("log10_p", row.log10_p);
    rows.Append(std::move(one));
  }
  json.Set("rows", std::move(rows));
  Json same(Json::Array{});
  for (const std::string& fact : diff.not_different) same.Append(fact);
  json.Set("not_different", std::move(same));
  return json;
}

Json IssueJson(const FleetIssue& issue, const std::set<std::string>& stale) {
  Json json = ToJson(issue);
  if (stale.contains(issue.id)) json.Set("stale", true);
  json.Set("scope_text", issue.scope.Text());
  return json;
}

Result<Json> IssuesJson(std::span<const FleetIssuePtr> issues, const std::set<std::string>& stale,
                        std::string_view state, size_t items_max) {
  const bool all = state.empty() || state == "all";
  if (!all && state != IssueStateName(IssueState::kOpen) &&
      state != IssueStateName(IssueState::kClosed)) {
    return Fail(Code::kInvalidArgument, "state: " + Quote(state) + " is none of open, closed, all");
  }
  Json items(Json::Array{});
  uint64_t total = 0;
  for (const FleetIssuePtr& issue : issues) {
    if (!all && IssueStateName(issue->state) != state) continue;
    if (total++ < items_max) items.Append(IssueSummaryJson(*issue, stale));
  }
  Json json;
  json.Set("items", std::move(items));
  json.Set("total", total);
  return json;
}

}  // namespace fleetmedic

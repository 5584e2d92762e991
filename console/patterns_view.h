// Log patterns and fleet issues as the API shows them, and what its queries mean. Pure.
#ifndef FLEETMEDIC_CONSOLE_PATTERNS_VIEW_H_
#define FLEETMEDIC_CONSOLE_PATTERNS_VIEW_H_

#include <set>
#include <span>
#include <string>
#include <string_view>

#include "base/http.h"
#include "base/json.h"
#include "base/result.h"
#include "model/pattern_book.h"

namespace fleetmedic {

// Of ?range=, q, scope, sort, new, rising, unmatched, limit. kInvalidArgument names the parameter.
Result<PatternQuery> ParsePatternQuery(const HttpRequest& request, WallTime now);
// Of ?range= alone; an hour where there is none.
Result<Millis> ParsePatternRange(const HttpRequest& request);
// Of ?limit= alone: 1 to `max`.
Result<size_t> ParseItemLimit(const HttpRequest& request, size_t otherwise, size_t max);

// Of ?range= and ?sel=.
Result<PatternSelection> ParsePatternSelection(const HttpRequest& request);

// PatternList, PatternDetail, PatternDiff and Issue of docs/api.md.
Json PatternListJson(const PatternList& list);
Json PatternDetailJson(const PatternDetail& detail);
Json PatternDiffJson(const PatternDiff& diff);
// `stale`: the ids of those that the stream renews no more (FleetSnapshot::issues_stale).
Json IssueJson(const FleetIssue& issue, const std::set<std::string>& stale);
// {"items": [IssueSummary], "total"} of those in the state ("open", "closed", "all" or empty).
Result<Json> IssuesJson(std::span<const FleetIssuePtr> issues, const std::set<std::string>& stale,
                        std::string_view state, size_t items_max);

constexpr size_t kIssueItemsDefault = 100;
constexpr size_t kIssueItemsMax = 1000;

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONSOLE_PATTERNS_VIEW_H_

// The routes that look at the fleet's log patterns and fleet issues.
#include "console/api_routes.h"
#include "console/patterns_view.h"

namespace fleetmedic {
namespace {

HttpResponse NobodyReads() {
  return HttpResponse::Problem({Code::kUnsupported, "no log patterns are read here"});
}

}  // namespace

HttpResponse ApiRoutes::GetPatterns(const HttpRequest& request, const std::string&) {
  if (env_.patterns == nullptr) return NobodyReads();
  const Result<PatternQuery> query = ParsePatternQuery(request, env_.clock.Wall());
  if (!query) return HttpResponse::Problem(query.error());
  return HttpResponse::FromJson(200, PatternListJson(env_.patterns->List(*query)));
}

HttpResponse ApiRoutes::GetPattern(const HttpRequest& request, const std::string&) {
  if (env_.patterns == nullptr) return NobodyReads();
  const Result<Millis> range = ParsePatternRange(request);
  if (!range) return HttpResponse::Problem(range.error());
  const Result<PatternDetail> detail = env_.patterns->Show(request.param("pattern"), *range);
  if (!detail) return HttpResponse::Problem(detail.error());
  return HttpResponse::FromJson(200, PatternDetailJson(*detail));
}

HttpResponse ApiRoutes::GetPatternDiff(const HttpRequest& request, const std::string&) {
  if (env_.patterns == nullptr) return NobodyReads();
  const Result<PatternSelection> selection = ParsePatternSelection(request);
  if (!selection) return HttpResponse::Problem(selection.error());
  const Result<PatternDiff> diff = env_.patterns->Diff(request.param("pattern"), *selection);
  if (!diff) return HttpResponse::Problem(diff.error());
  return HttpResponse::FromJson(200, PatternDiffJson(*diff));
}

HttpResponse ApiRoutes::GetIssues(const HttpRequest& request, const std::string&) {
  if (env_.patterns == nullptr) return NobodyReads();
  const Result<size_t> limit = ParseItemLimit(request, kIssueItemsDefault, kIssueItemsMax);
  if (!limit) return HttpResponse::Problem(limit.error());
  const Result<Json> json =
      IssuesJson(env_.patterns->Issues(), env_.service.Snapshot()->issues_stale,
                 request.query("state").value_or(""), *limit);
  return json ? HttpResponse::FromJson(200, *json) : HttpResponse::Problem(json.error());
}

HttpResponse ApiRoutes::GetIssue(const HttpRequest& request, const std::string&) {
  if (env_.patterns == nullptr) return NobodyReads();
  const Result<FleetIssuePtr> issue = env_.patterns->Issue(request.param("issue"));
  if (!issue) return HttpResponse::Problem(issue.error());
  return HttpResponse::FromJson(200, IssueJson(**issue, env_.service.Snapshot()->issues_stale));
}

}  // namespace fleetmedic

#include "console/api_routes.h"

#include <utility>

#include <fmt/format.h>

#include "base/random.h"
#include "console/static_files.h"

namespace fleetmedic {
namespace {

constexpr size_t kEpochBytes = 6;

}  // namespace

ApiRoutes::ApiRoutes(ApiEnvironment environment, ApiView view, std::string token, uint32_t own_uid,
                     std::optional<HttpAddress> scheduler)
    : env_(std::move(environment)),
      auth_(std::move(token), own_uid, env_.clock),
      hub_(env_.service, env_.store, std::move(view), EntropyHex(kEpochBytes), &env_.metrics, {},
           env_.patterns),
      scheduler_(std::move(scheduler), env_.clock) {}

std::vector<HttpRoute> ApiRoutes::Table() {
  const auto page = [](const HttpRequest& request) { return ServeStatic(request, "index.html"); };
  return {
      Open("GET", "/healthz", [this](const HttpRequest&) { return Healthz(); }),
      Open("GET", "/metrics", [this](const HttpRequest&) { return MetricsPage(); }),
      Open("POST", "/api/v1/session",
           [this](const HttpRequest& request) { return OpenSession(request); }),
      // First of what acts, though any order would do: HOLD depends on nothing before it.
      Guarded("POST", "/api/v1/hold", &ApiRoutes::PostHold),
      Guarded("POST", "/api/v1/release", &ApiRoutes::PostRelease),
      Guarded("POST", "/api/v1/brake/release", &ApiRoutes::PostReleaseBrake),
      Guarded("GET", "/api/v1/overrides", &ApiRoutes::GetOverrides),
      Guarded("POST", "/api/v1/overrides", &ApiRoutes::PostOverride),
      Guarded("DELETE", "/api/v1/overrides/{id}", &ApiRoutes::DeleteOverride),
      Guarded("GET", "/api/v1/state", &ApiRoutes::GetState),
      Guarded("GET", "/api/v1/stream", &ApiRoutes::GetStream),
      Guarded("GET", "/api/v1/hosts", &ApiRoutes::GetHosts),
      Guarded("GET", "/api/v1/hosts/{host}", &ApiRoutes::GetHost),
      Guarded("GET", "/api/v1/hosts/{host}/why", &ApiRoutes::GetWhy),
      Guarded("GET", "/api/v1/hosts/{host}/evidence", &ApiRoutes::GetEvidence),
      Guarded("POST", "/api/v1/hosts/{host}/evidence", &ApiRoutes::PostEvidence),
      Guarded("GET", "/api/v1/hosts/{host}/evidence/{id}", &ApiRoutes::GetEvidenceBundle),
      Guarded("GET", "/api/v1/grants", &ApiRoutes::GetGrants),
      Guarded("POST", "/api/v1/grants", &ApiRoutes::PostGrant),
      Guarded("POST", "/api/v1/grants/{id}/renew", &ApiRoutes::RenewGrant),
      Guarded("DELETE", "/api/v1/grants/{id}", &ApiRoutes::DeleteGrant),
      Guarded("GET", "/api/v1/rules", &ApiRoutes::GetRules),
      Guarded("GET", "/api/v1/rules/{rule}", &ApiRoutes::GetRule),
      Guarded("GET", "/api/v1/patterns", &ApiRoutes::GetPatterns),
      Guarded("GET", "/api/v1/patterns/{pattern}", &ApiRoutes::GetPattern),
      Guarded("GET", "/api/v1/patterns/{pattern}/diff", &ApiRoutes::GetPatternDiff),
      Guarded("GET", "/api/v1/issues", &ApiRoutes::GetIssues),
      Guarded("GET", "/api/v1/issues/{issue}", &ApiRoutes::GetIssue),
      Guarded("GET", "/api/v1/audit", &ApiRoutes::GetAudit),
      Guarded("GET", "/api/v1/reconcile", &ApiRoutes::GetReconcile),
      Guarded("POST", "/api/v1/reconcile/accept", &ApiRoutes::PostAcceptReconcile),
      Guarded("GET", "/api/v1/jobs", &ApiRoutes::Forward),
      Guarded("GET", "/api/v1/jobs/{job}", &ApiRoutes::Forward),
      Guarded("PUT", "/api/v1/jobs/{job}", &ApiRoutes::Forward),
      Guarded("DELETE", "/api/v1/jobs/{job}", &ApiRoutes::Forward),
      Guarded("GET", "/api/v1/tasks", &ApiRoutes::Forward),
      // The page finds its own way from here.
      Open("GET", "/", page),
      Open("GET", "/hosts/{host}", page),
      Open("GET", "/patterns", page),
      Open("GET", "/patterns/{pattern}", page),
      Open("GET", "/issues", page),
      Open("GET", "/issues/{issue}", page),
      Open("GET", "/{file}",
           [](const HttpRequest& request) { return ServeStatic(request, request.param("file")); }),
  };
}

HttpRoute ApiRoutes::Guarded(std::string method, std::string pattern, Handler handler) {
  return Open(std::move(method), std::move(pattern), [this, handler](const HttpRequest& request) {
    Auth::Answer asked = auth_.Check(request);
    HttpResponse response =
        asked.refusal ? *std::move(asked.refusal) : (this->*handler)(request, asked.who);
    response.headers.try_emplace("cache-control", "no-store");
    response.headers["x-content-type-options"] = "nosniff";
    return response;
  });
}

HttpRoute ApiRoutes::Open(std::string method, std::string pattern,
                          std::function<HttpResponse(const HttpRequest&)> handle) {
  return {std::move(method), std::move(pattern),
          [this, handle = std::move(handle)](const HttpRequest& request) {
            return Counted(handle(request));
          }};
}

HttpResponse ApiRoutes::Counted(HttpResponse response) {
  env_.metrics
      .Counter("fleetmedic_api_requests_total", "Requests answered, by the status.",
               {{"status", std::to_string(response.status)}})
      .Add();
  return response;
}

HttpResponse ApiRoutes::OpenSession(const HttpRequest& request) {
  const Result<Json> json = Json::Parse(request.body);
  if (!json) return HttpResponse::Problem(json.error());
  std::string token;
  JsonReader in(*json, "session");
  in.Required("token", &token);
  if (const Status read = in.Done(); !read) return HttpResponse::Problem(read.error());
  const std::optional<std::string> cookie = auth_.OpenSession(token);
  if (!cookie) {
    return HttpResponse::Problem(401, CodeName(Code::kPermissionDenied), "the token is wrong");
  }
  HttpResponse response = HttpResponse::Empty();
  response.headers["set-cookie"] = *cookie;
  response.headers["cache-control"] = "no-store";
  return response;
}

HttpResponse ApiRoutes::MetricsPage() {
  if (before_metrics) before_metrics();
  std::string text = env_.metrics.Text();
  if (env_.patterns != nullptr) text += env_.patterns->MetricsText();
  HttpResponse response = HttpResponse::Text(200, std::move(text));
  response.content_type = kMetricsContentType;
  return response;
}

HttpResponse ApiRoutes::Healthz() {
  const Status well = env_.health ? env_.health() : Status();
  if (well) return HttpResponse::Text(200, "ok\n");
  return HttpResponse::Text(503, well.error().message + "\n");
}

}  // namespace fleetmedic

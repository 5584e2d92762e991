// What each route of docs/api.md does.
#ifndef FLEETMEDIC_CONSOLE_API_ROUTES_H_
#define FLEETMEDIC_CONSOLE_API_ROUTES_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/http_server.h"
#include "base/metrics.h"
#include "config/rule_book.h"
#include "console/audit_view.h"
#include "console/auth.h"
#include "console/scheduler_proxy.h"
#include "console/stream.h"
#include "model/notify_book.h"
#include "model/pattern_book.h"
#include "remediation/query.h"
#include "store/store.h"

namespace fleetmedic {

// What the API stands on. Nothing is owned; all of it outlives the server.
struct ApiEnvironment {
  RemediatorService& service;
  const Store& store;
  const Clock& clock;
  Metrics& metrics;
  // What /healthz says: an error is 503 and its message. Thread-safe; empty is always well.
  std::function<Status()> health;
  const RuleBook* rules = nullptr;         // null: none are known here
  const EvidenceBook* evidence = nullptr;  // null: none is kept here
  const PatternBook* patterns = nullptr;   // null: nobody reads them here
  const NotifyBook* notify = nullptr;      // null: nobody is told
};

// How long a request waits to become durable. Past it the answer is 504: it may still take effect.
constexpr Millis kRequestPatience{5000};
// A fleet hold is in force before it is durable: past this it is answered as what it is, 202.
constexpr Millis kHoldPatience{500};
constexpr size_t kAuditItemsMax = 1000;

// Thread-safe.
class ApiRoutes {
 public:
  ApiRoutes(ApiEnvironment environment, ApiView view, std::string token, uint32_t own_uid,
            std::optional<HttpAddress> scheduler);

  // For HttpServer. The routes call this object: it outlives the server.
  std::vector<HttpRoute> Table();

  // Called before /metrics is answered, for figures that are read and not counted.
  std::function<void()> before_metrics;

 private:
  using Handler = HttpResponse (ApiRoutes::*)(const HttpRequest&, const std::string& who);

  // api_routes.cc: who may ask, and what is counted.
  HttpRoute Guarded(std::string method, std::string pattern, Handler handler);
  HttpRoute Open(std::string method, std::string pattern,
                 std::function<HttpResponse(const HttpRequest&)> handle);
  HttpResponse Counted(HttpResponse response);
  HttpResponse OpenSession(const HttpRequest& request);
  HttpResponse Healthz();
  HttpResponse MetricsPage();

  // api_reads.cc, api_pattern_reads.cc
  HttpResponse GetState(const HttpRequest&, const std::string&);
  HttpResponse GetStream(const HttpRequest& request, const std::string&);
  HttpResponse GetHosts(const HttpRequest& request, const std::string&);
  HttpResponse GetHost(const HttpRequest& request, const std::string&);
  HttpResponse GetWhy(const HttpRequest& request, const std::string&);
  HttpResponse GetEvidence(const HttpRequest& request, const std::string&);
  HttpResponse GetEvidenceBundle(const HttpRequest& request, const std::string&);
  HttpResponse GetGrants(const HttpRequest&, const std::string&);
  HttpResponse GetRules(const HttpRequest&, const std::string&);
  HttpResponse GetRule(const HttpRequest& request, const std::string&);
  HttpResponse GetPatterns(const HttpRequest& request, const std::string&);
  HttpResponse GetPattern(const HttpRequest& request, const std::string&);
  HttpResponse GetPatternDiff(const HttpRequest& request, const std::string&);
  HttpResponse GetIssues(const HttpRequest& request, const std::string&);
  HttpResponse GetIssue(const HttpRequest& request, const std::string&);
  HttpResponse GetAudit(const HttpRequest& request, const std::string&);
  HttpResponse GetOverrides(const HttpRequest&, const std::string&);
  HttpResponse GetReconcile(const HttpRequest&, const std::string&);
  HttpResponse Forward(const HttpRequest& request, const std::string& who);
  StreamHub::Look LookNow() {
    hub_.Advance(env_.clock.Mono());
    return hub_.Newest();
  }
  RuleBook::Look RulesNow() const;
  Result<HostRecordPtr> FindHost(const FleetSnapshot& snapshot, const std::string& name) const;
  // Summaries of the host's bundles, newest first.
  Json::Array EvidenceOf(const std::string& host) const;
  Result<std::vector<AuditEntry>> EntriesOf(const std::string& host) const;

  // api_acts.cc
  HttpResponse PostOverride(const HttpRequest& request, const std::string& who);
  HttpResponse DeleteOverride(const HttpRequest& request, const std::string& who);
  HttpResponse PostHold(const HttpRequest& request, const std::string& who);
  HttpResponse PostRelease(const HttpRequest& request, const std::string& who);
  HttpResponse PostReleaseBrake(const HttpRequest& request, const std::string& who);
  HttpResponse PostAcceptReconcile(const HttpRequest& request, const std::string& who);
  HttpResponse PostEvidence(const HttpRequest& request, const std::string& who);
  HttpResponse PostGrant(const HttpRequest& request, const std::string& who);
  HttpResponse RenewGrant(const HttpRequest& request, const std::string& who);
  HttpResponse DeleteGrant(const HttpRequest& request, const std::string& who);

  const ApiEnvironment env_;
  Auth auth_;
  StreamHub hub_;
  ChainCheck chain_;
  SchedulerProxy scheduler_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONSOLE_API_ROUTES_H_

// The routes that change something: what people tell the remediator.
#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "console/api_json.h"
#include "console/api_routes.h"

namespace fleetmedic {
namespace {

// Where the remediator's answer is put, and waited for. Outlives the request that gave up.
struct Mailbox {
  absl::Mutex mutex;
  std::optional<Result<RequestAnswer>> answer ABSL_GUARDED_BY(mutex);
};

// Nothing where no answer came in time.
std::optional<Result<RequestAnswer>> Ask(RemediatorService* service, Request request,
                                         Millis patience) {
  const auto mailbox = std::make_shared<Mailbox>();
  const Status posted = service->Post(std::move(request), [mailbox](Result<RequestAnswer> answer) {
    absl::MutexLock lock(&mailbox->mutex);
    mailbox->answer = std::move(answer);
  });
  if (!posted) {
    // Full of requests is not full of bytes: it passes.
    const Code code = posted.error().code == Code::kFull ? Code::kBusy : posted.error().code;
    return Result<RequestAnswer>(Fail(code, posted.error().message));
  }
  const auto here = [&mailbox]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mailbox->mutex) {
    return mailbox->answer.has_value();
  };
  absl::MutexLock lock(&mailbox->mutex);
  mailbox->mutex.AwaitWithTimeout(absl::Condition(&here), absl::Milliseconds(patience.count()));
  return mailbox->answer;
}

HttpResponse Late() {
  return HttpResponse::Problem(
      {Code::kDeadlineExceeded,
       fmt::format("no answer within {}; it may still take effect: look before you repeat it",
                   FormatDuration(kRequestPatience))});
}

HttpResponse Refused(const Error& error) {
  HttpResponse response = HttpResponse::Problem(error);
  if (response.status == 503) response.headers["retry-after"] = "1";
  return response;
}

constexpr Millis kLeaseDefault = Minutes(15);

// Tells the remediator, and says what it answered.
HttpResponse Tell(RemediatorService* service, Request request,
                  absl::FunctionRef<HttpResponse(const RequestAnswer&)> say) {
  const auto answer = Ask(service, std::move(request), kRequestPatience);
  if (!answer) return Late();
  if (!*answer) return Refused(answer->error());
  return say(**answer);
}

HttpResponse SayNothing(const RequestAnswer&) { return HttpResponse::Empty(); }

// An empty body is an empty object.
Result<Json> BodyOf(const HttpRequest& request) {
  if (request.body.empty()) return Json(Json::Object{});
  FLEETMEDIC_ASSIGN_OR_RETURN(Json json, Json::Parse(request.body));
  if (!json.is_object()) return Fail(Code::kInvalidArgument, "the body is no JSON object");
  return json;
}

Result<Scope> ScopeOf(const Json& json) {
  if (json.string() == nullptr) return Fail(Code::kInvalidArgument, "expected a string");
  return ParseScope(*json.string());
}

Result<std::string> ReasonOf(const HttpRequest& request) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const Json body, BodyOf(request));
  std::string reason;
  JsonReader in(body, "request");
  in.Required("reason", &reason);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  if (reason.empty()) return Fail(Code::kInvalidArgument, "reason: a reason is required");
  if (reason.size() > Override::kReasonBytesMax) {
    return Fail(Code::kInvalidArgument,
                fmt::format("reason: at most {} bytes", Override::kReasonBytesMax));
  }
  return reason;
}

}  // namespace

HttpResponse ApiRoutes::PostOverride(const HttpRequest& request, const std::string& who) {
  const Result<Json> body = BodyOf(request);
  if (!body) return HttpResponse::Problem(body.error());
  request::AddOverride add;
  add.who = who;
  JsonReader in(*body, "override");
  in.Word("kind", &add.kind, ParseOverrideKind);
  in.RequiredAs("scope", &add.scope, ScopeOf);
  in.Required("reason", &add.reason);
  in.Optional("for_ms", &add.lasts);
  in.Optional("value", &add.value);
  if (const Status read = in.Done(); !read) return HttpResponse::Problem(read.error());
  return Tell(&env_.service, std::move(add), [&](const RequestAnswer& answer) {
    FLEETMEDIC_CHECK(answer.added.has_value());
    return HttpResponse::FromJson(201, ToJson(*answer.added));
  });
}

HttpResponse ApiRoutes::DeleteOverride(const HttpRequest& request, const std::string& who) {
  const Result<std::string> reason = ReasonOf(request);
  if (!reason) return HttpResponse::Problem(reason.error());
  request::EndOverride end{OverrideId(request.param("id")), who, *reason};
  return Tell(&env_.service, std::move(end), SayNothing);
}

HttpResponse ApiRoutes::PostHold(const HttpRequest& request, const std::string& who) {
  const Result<Json> body = BodyOf(request);
  if (!body) return HttpResponse::Problem(body.error());
  request::AddOverride hold;
  hold.kind = OverrideKind::kHold;
  hold.scope = {ScopeKind::kFleet, ""};
  hold.who = who;
  JsonReader in(*body, "hold");
  in.OptionalAs("scope", &hold.scope, ScopeOf);
  in.Optional("reason", &hold.reason);
  in.Optional("for_ms", &hold.lasts);
  if (const Status read = in.Done(); !read) return HttpResponse::Problem(read.error());
  // A hold is never refused for what was said about it.
  if (hold.reason.size() > Override::kReasonBytesMax) hold.reason.resize(Override::kReasonBytesMax);
  const bool fleet = hold.scope.kind == ScopeKind::kFleet;
  Override held;
  held.kind = hold.kind;
  held.scope = hold.scope;
  held.who = hold.who;
  held.reason = hold.reason;
  held.created_at = env_.clock.Wall();
  const auto answer = Ask(&env_.service, std::move(hold), fleet ? kHoldPatience : kRequestPatience);
  if (answer && *answer) {
    Json json = ToJson((*answer)->added.value_or(held));
    json.Set("durable", true);
    return HttpResponse::FromJson(200, json);
  }
  const std::string file = env_.service.Snapshot()->hold_file;
  if (answer) {
    Error error = answer->error();
    if (fleet && !file.empty()) error.message += "; `touch " + file + "` holds without the store";
    return Refused(error);
  }
  if (!fleet) return Late();
  Json json = ToJson(held);
  json.Set("durable", false);
  json.Set("detail", fmt::format("in force in this remediator; not durable yet, the store is slow. "
                                 "`touch {}` holds whatever happens",
                                 file.empty() ? "RUN_DIR/HOLD" : file));
  return HttpResponse::FromJson(202, json);
}

HttpResponse ApiRoutes::PostRelease(const HttpRequest& request, const std::string& who) {
  const Result<std::string> reason = ReasonOf(request);
  if (!reason) return HttpResponse::Problem(reason.error());
  return Tell(&env_.service, request::Release{who, *reason}, [&](const RequestAnswer& answer) {
    Json released(Json::Array{});
    for (const Override& override : answer.ended) released.Append(ToJson(override));
    Json still(Json::Array{});
    for (Json& source : HoldSources(*env_.service.Snapshot())) {
      const std::string* id = source["id"].string();
      const bool ended =
          id != nullptr && std::ranges::any_of(answer.ended, [&](const Override& override) {
            return override.id.str() == *id;
          });
      if (!ended) still.Append(std::move(source));
    }
    Json json;
    json.Set("released", std::move(released));
    json.Set("still", std::move(still));
    return HttpResponse::FromJson(200, json);
  });
}

HttpResponse ApiRoutes::PostEvidence(const HttpRequest& request, const std::string& who) {
  const Result<Json> body = BodyOf(request);
  if (!body) return HttpResponse::Problem(body.error());
  const std::string& host = request.param("host");
  if (!ValidId(host)) return HttpResponse::Problem({Code::kInvalidArgument, "no name of a host"});
  request::CollectEvidence collect{HostId(host), who, ""};
  JsonReader in(*body, "evidence");
  in.Optional("reason", &collect.reason);
  if (const Status read = in.Done(); !read) return HttpResponse::Problem(read.error());
  if (collect.reason.size() > Override::kReasonBytesMax) {
    return HttpResponse::Problem({Code::kInvalidArgument, "reason: too long"});
  }
  return Tell(&env_.service, std::move(collect), [&](const RequestAnswer& answer) {
    Json json;
    json.Set("id", answer.evidence_id);
    json.Set("detail", "asked for; the bundle comes within seconds where the agent answers");
    return HttpResponse::FromJson(202, json);
  });
}

HttpResponse ApiRoutes::PostGrant(const HttpRequest& request, const std::string& who) {
  const Result<Json> body = BodyOf(request);
  if (!body) return HttpResponse::Problem(body.error());
  request::LendGrant lend;
  lend.who = who;
  lend.lease = kLeaseDefault;
  JsonReader in(*body, "grant");
  ReadId(&in, "host", &lend.host);
  in.Required("act", &lend.act);
  in.Required("reason", &lend.reason);
  in.Optional("lease_ms", &lend.lease);
  if (const Status read = in.Done(); !read) return HttpResponse::Problem(read.error());
  return Tell(&env_.service, std::move(lend), [&](const RequestAnswer& answer) {
    FLEETMEDIC_CHECK(answer.grant.has_value());
    return HttpResponse::FromJson(201, GrantJson(*answer.grant, *env_.service.Snapshot()));
  });
}

HttpResponse ApiRoutes::RenewGrant(const HttpRequest& request, const std::string& who) {
  const Result<Json> body = BodyOf(request);
  if (!body) return HttpResponse::Problem(body.error());
  request::RenewGrant renew{GrantId(request.param("id")), who, kLeaseDefault};
  JsonReader in(*body, "renewal");
  in.Optional("lease_ms", &renew.lease);
  if (const Status read = in.Done(); !read) return HttpResponse::Problem(read.error());
  return Tell(&env_.service, std::move(renew), [&](const RequestAnswer& answer) {
    FLEETMEDIC_CHECK(answer.grant.has_value());
    return HttpResponse::FromJson(200, GrantJson(*answer.grant, *env_.service.Snapshot()));
  });
}

HttpResponse ApiRoutes::DeleteGrant(const HttpRequest& request, const std::string& who) {
  const Result<Json> body = BodyOf(request);
  if (!body) return HttpResponse::Problem(body.error());
  request::ReleaseGrant release{GrantId(request.param("id")), who, ""};
  JsonReader in(*body, "release");
  in.Optional("reason", &release.reason);
  if (const Status read = in.Done(); !read) return HttpResponse::Problem(read.error());
  if (release.reason.size() > Override::kReasonBytesMax) {
    return HttpResponse::Problem({Code::kInvalidArgument, "reason: too long"});
  }
  return Tell(&env_.service, std::move(release), SayNothing);
}

HttpResponse ApiRoutes::PostAcceptReconcile(const HttpRequest& request, const std::string& who) {
  const Result<std::string> reason = ReasonOf(request);
  if (!reason) return HttpResponse::Problem(reason.error());
  return Tell(&env_.service, request::AcceptReconcile{who, *reason}, [&](const RequestAnswer&) {
    return HttpResponse::FromJson(200, ReconcileJson(*env_.service.Snapshot()));
  });
}

HttpResponse ApiRoutes::PostReleaseBrake(const HttpRequest& request, const std::string& who) {
  const Result<std::string> reason = ReasonOf(request);
  if (!reason) return HttpResponse::Problem(reason.error());
  return Tell(&env_.service, request::ReleaseBrake{who, *reason}, [&](const RequestAnswer&) {
    Json json;
    json.Set("brake", BrakeJson(env_.service.Snapshot()->brake));
    return HttpResponse::FromJson(200, json);
  });
}

}  // namespace fleetmedic

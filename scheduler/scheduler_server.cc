#include "scheduler/scheduler_server.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

namespace fleetmedic {
namespace {

template <typename T>
Json ListJson(const std::vector<T>& views) {
  Json items(Json::Array{});
  for (const T& view : views) items.Append(ToJson(view));
  Json json;
  json.Set("items", std::move(items));
  return json;
}

template <typename Id>
Result<Id> IdOf(std::string_view text) {
  if (!ValidId(text)) return Fail(Code::kInvalidArgument, "the path holds no identifier");
  return Id(std::string(text));
}

// An absent or empty parameter selects all; anything else must be an identifier.
template <typename Id>
Result<Id> QueryId(const HttpRequest& request, std::string_view name) {
  const std::optional<std::string_view> text = request.query(name);
  if (!text || text->empty()) return Id();
  return IdOf<Id>(*text);
}

Result<Directive> DirectiveOf(const HttpRequest& request) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const Json json, Json::Parse(request.body));
  FLEETMEDIC_ASSIGN_OR_RETURN(Directive directive, DirectiveFromJson(json));
  if (directive.host.str() != request.param("host")) {
    return Fail(Code::kInvalidArgument, "directive.host: not the host of the path");
  }
  return directive;
}

Result<Job> JobOf(const HttpRequest& request) {
  if (request.body.size() > SchedulerRole::kJobBytesMax) {
    return Fail(Code::kInvalidArgument,
                fmt::format("a job of more than {} bytes", SchedulerRole::kJobBytesMax));
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(const Json json, Json::Parse(request.body));
  FLEETMEDIC_ASSIGN_OR_RETURN(Job job, JobFromJson(json));
  if (job.id.str() != request.param("job")) {
    return Fail(Code::kInvalidArgument, "job.id: not the job of the path");
  }
  return job;
}

struct UnknownAct {
  bool adopt = false;
  HostId host;
  TaskId task;
};

Result<UnknownAct> UnknownActOf(const HttpRequest& request) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const Json json, Json::Parse(request.body));
  UnknownAct act;
  JsonReader in(json, "unknown task");
  in.Word("act", &act.adopt, [](std::string_view word) -> std::optional<bool> {
    if (word == "adopt") return true;
    if (word == "stop") return false;
    return std::nullopt;
  });
  ReadId(&in, "host", &act.host);
  ReadId(&in, "task", &act.task);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return act;
}

}  // namespace

SchedulerServer::SchedulerServer(SchedulerRole* role, const Clock* clock)
    : role_(role), clock_(clock), server_(Routes(), clock) {}

Status SchedulerServer::Start(const std::string& socket_path) {
  return server_.Start(HttpAddress::Unix(socket_path));
}

HttpResponse SchedulerServer::Answer(int status, SchedulerRole::Run run) {
  const Result<Json> result = role_->Call(std::move(run), clock_->Mono() + kAnswerMax);
  if (!result) return HttpResponse::Problem(result.error());
  return status == 204 ? HttpResponse::Empty() : HttpResponse::FromJson(status, *result);
}

std::vector<HttpRoute> SchedulerServer::HostRoutes() {
  const auto put_directive = [this](const HttpRequest& request) {
    const Result<Directive> directive = DirectiveOf(request);
    if (!directive) return HttpResponse::Problem(directive.error());
    return Answer(200, [d = *directive](SchedulerCore* core, MonoTime now) -> Result<Json> {
      FLEETMEDIC_ASSIGN_OR_RETURN(const HostView view, core->cluster().ApplyDirective(d, now));
      return ToJson(view);
    });
  };
  const auto list_hosts = [this](const HttpRequest&) {
    return Answer(200, [](SchedulerCore* core, MonoTime now) -> Result<Json> {
      return ListJson(ListHosts(core->cluster(), now));
    });
  };
  const auto forget_host = [this](const HttpRequest& request) {
    const Result<HostId> host = IdOf<HostId>(request.param("host"));
    if (!host) return HttpResponse::Problem(host.error());
    return Answer(204, [id = *host](SchedulerCore* core, MonoTime now) -> Result<Json> {
      FLEETMEDIC_RETURN_IF_ERROR(core->cluster().ForgetHost(id, now));
      return Json();
    });
  };
  return {{"PUT", "/v1/directives/{host}", put_directive},
          {"GET", "/v1/hosts", list_hosts},
          {"DELETE", "/v1/hosts/{host}", forget_host}};
}

std::vector<HttpRoute> SchedulerServer::JobRoutes() {
  const auto list_jobs = [this](const HttpRequest&) {
    return Answer(200, [](SchedulerCore* core, MonoTime now) -> Result<Json> {
      return ListJson(ListJobs(core->cluster(), now));
    });
  };
  const auto get_job = [this](const HttpRequest& request) {
    const Result<JobId> job = IdOf<JobId>(request.param("job"));
    if (!job) return HttpResponse::Problem(job.error());
    return Answer(200, [id = *job](SchedulerCore* core, MonoTime now) -> Result<Json> {
      FLEETMEDIC_ASSIGN_OR_RETURN(const JobView view, ViewOfJob(core->cluster(), id, now));
      return ToJson(view);
    });
  };
  const auto put_job = [this](const HttpRequest& request) {
    const Result<Job> job = JobOf(request);
    if (!job) return HttpResponse::Problem(job.error());
    return Answer(200, [j = *job](SchedulerCore* core, MonoTime now) -> Result<Json> {
      FLEETMEDIC_RETURN_IF_ERROR(core->cluster().PutJob(j));
      FLEETMEDIC_ASSIGN_OR_RETURN(const JobView view, ViewOfJob(core->cluster(), j.id, now));
      return ToJson(view);
    });
  };
  const auto delete_job = [this](const HttpRequest& request) {
    const Result<JobId> job = IdOf<JobId>(request.param("job"));
    if (!job) return HttpResponse::Problem(job.error());
    return Answer(204, [id = *job](SchedulerCore* core, MonoTime) -> Result<Json> {
      FLEETMEDIC_RETURN_IF_ERROR(core->cluster().RemoveJob(id));
      return Json();
    });
  };
  return {{"GET", "/v1/jobs", list_jobs},
          {"GET", "/v1/jobs/{job...}", get_job},
          {"PUT", "/v1/jobs/{job...}", put_job},
          {"DELETE", "/v1/jobs/{job...}", delete_job}};
}

std::vector<HttpRoute> SchedulerServer::TaskRoutes() {
  const auto list_tasks = [this](const HttpRequest& request) {
    const Result<HostId> host = QueryId<HostId>(request, "host");
    if (!host) return HttpResponse::Problem(host.error());
    const Result<JobId> job = QueryId<JobId>(request, "job");
    if (!job) return HttpResponse::Problem(job.error());
    return Answer(200, [h = *host, j = *job](SchedulerCore* core, MonoTime) -> Result<Json> {
      return ListJson(ListTasks(core->cluster(), h, j));
    });
  };
  const auto act_on_unknown = [this](const HttpRequest& request) {
    const Result<UnknownAct> act = UnknownActOf(request);
    if (!act) return HttpResponse::Problem(act.error());
    return Answer(204, [a = *act](SchedulerCore* core, MonoTime now) -> Result<Json> {
      FLEETMEDIC_RETURN_IF_ERROR(a.adopt ? core->cluster().AdoptUnknown(a.host, a.task, now)
                                         : core->cluster().StopUnknown(a.host, a.task));
      return Json();
    });
  };
  return {{"GET", "/v1/tasks", list_tasks}, {"POST", "/v1/unknown-tasks", act_on_unknown}};
}

std::vector<HttpRoute> SchedulerServer::Routes() {
  std::vector<HttpRoute> routes = HostRoutes();
  for (const std::vector<HttpRoute>& more : {JobRoutes(), TaskRoutes()}) {
    routes.insert(routes.end(), more.begin(), more.end());
  }
  return routes;
}

}  // namespace fleetmedic

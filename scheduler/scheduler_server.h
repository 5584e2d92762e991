// The bundled scheduler's API: HTTP over a Unix socket (mode 0600) and nothing else. The remediator
// and the console of the same machine speak to it.
//
//   PUT    /v1/directives/{host}     a Directive; its HostView. 404, 409 conflict
//   GET    /v1/hosts                 [HostView]
//   DELETE /v1/hosts/{host}          a host that is gone for good. 404, 409 while it reports
//   GET    /v1/jobs, /v1/jobs/{job}  [JobView], a JobView
//   PUT    /v1/jobs/{job}            a Job; its JobView
//   DELETE /v1/jobs/{job}            stops its tasks, then it goes; 204
//   GET    /v1/tasks?host=&job=      [TaskView], unknown ones too
//   POST   /v1/unknown-tasks         {"act": "adopt" or "stop", "host", "task"}; 204
//
// Writes are answered once they are durable. Job ids may hold slashes: {job} is the rest of the
// path.
#ifndef FLEETMEDIC_SCHEDULER_SCHEDULER_SERVER_H_
#define FLEETMEDIC_SCHEDULER_SCHEDULER_SERVER_H_

#include <string>
#include <vector>

#include "base/http_server.h"
#include "scheduler/scheduler_role.h"

namespace fleetmedic {

// `role` and `clock` are not owned and stay until the server is stopped; the role is turned by
// another thread meanwhile.
class SchedulerServer {
 public:
  // A request that the role does not answer within this is 504.
  static constexpr Seconds kAnswerMax{5};

  SchedulerServer(SchedulerRole* role, const Clock* clock);

  // As HttpServer::Start on a Unix socket.
  Status Start(const std::string& socket_path);
  void Stop() { server_.Stop(); }

 private:
  std::vector<HttpRoute> Routes();
  std::vector<HttpRoute> HostRoutes();
  std::vector<HttpRoute> JobRoutes();
  std::vector<HttpRoute> TaskRoutes();
  HttpResponse Answer(int status, SchedulerRole::Run run);

  SchedulerRole* const role_;
  const Clock* const clock_;
  HttpServer server_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_SCHEDULER_SCHEDULER_SERVER_H_

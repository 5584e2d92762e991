// The Docker engine of a demonstration host: answers what the detector asks, or accepts and stays
// silent, as the host's folder says.
#ifndef FLEETMEDIC_APP_DEMO_DEMO_DOCKER_H_
#define FLEETMEDIC_APP_DEMO_DEMO_DOCKER_H_

#include <memory>
#include <string>

#include "app/demo/demo_host.h"
#include "base/clock.h"
#include "base/http_server.h"

namespace fleetmedic {

class DemoDocker {
 public:
  // Serves at the host's Docker socket from its return on.
  static Result<std::unique_ptr<DemoDocker>> Start(const DemoHost& host, const Clock* clock);
  ~DemoDocker();

 private:
  DemoDocker(const DemoHost& host, const Clock* clock);
  HttpResponse Answer(std::string body) const;

  const DemoHost host_;
  const Clock* const clock_;
  std::unique_ptr<HttpServer> server_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_APP_DEMO_DEMO_DOCKER_H_

// Requests to the Docker Engine, each with a share of a deadline.
#ifndef FLEETMEDIC_DETECTORS_DOCKER_DOCKER_API_H_
#define FLEETMEDIC_DETECTORS_DOCKER_DOCKER_API_H_

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/http_client.h"
#include "base/json.h"
#include "detectors/docker/docker_evaluate.h"

namespace fleetmedic {

class DockerApi {
 public:
  // `clock` is not owned.
  DockerApi(HttpAddress address, const Clock* clock) : clock_(clock), client_(address, clock) {}

  struct Request {
    std::string_view method = "GET";
    std::string target;
    std::string body = "";
    std::string_view content_type = "application/json";
    size_t reply_bytes_max = size_t{16} << 20;
  };

  // Has an equal part of the time that is left, with `calls_after` more that are to follow. Where
  // `json` is not null the reply must be JSON, which goes there.
  DockerAnswer Ask(const Request& request, MonoTime deadline, int calls_after,
                   Json* json = nullptr) const;
  DockerAnswer Get(std::string target, MonoTime deadline, int calls_after,
                   Json* json = nullptr) const {
    return Ask({.target = std::move(target)}, deadline, calls_after, json);
  }

  const Clock& clock() const { return *clock_; }

 private:
  const Clock* const clock_;
  const HttpClient client_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_DOCKER_DOCKER_API_H_

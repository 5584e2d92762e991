#include "app/demo/demo_docker.h"

namespace fleetmedic {
namespace {

// How long a hung engine keeps a request before it looks again whether it hangs.
constexpr Millis kHungSlice = Millis(200);

}  // namespace

DemoDocker::DemoDocker(const DemoHost& host, const Clock* clock) : host_(host), clock_(clock) {}

DemoDocker::~DemoDocker() {
  if (server_ != nullptr) server_->Stop();
}

// A stream that sends nothing while the engine hangs: its thread ends when the client leaves.
HttpResponse DemoDocker::Answer(std::string body) const {
  if (host_.DockerAnswers()) {
    HttpResponse response = HttpResponse::Text(200, std::move(body));
    response.content_type = "application/json";
    return response;
  }
  return HttpResponse::Stream("application/json", [this](HttpStream* stream) {
    while (!host_.DockerAnswers() && stream->Wait(clock_->Mono() + kHungSlice)) {
    }
  });
}

Result<std::unique_ptr<DemoDocker>> DemoDocker::Start(const DemoHost& host, const Clock* clock) {
  std::unique_ptr<DemoDocker> docker(new DemoDocker(host, clock));
  const DemoDocker* self = docker.get();
  const auto route = [self](std::string pattern, std::string body) {
    return HttpRoute{"GET", std::move(pattern),
                     [self, body](const HttpRequest&) { return self->Answer(body); }};
  };
  HttpServerOptions options;
  options.streams_max = 16;
  options.request_threads = 4;
  docker->server_ = std::make_unique<HttpServer>(
      std::vector<HttpRoute>{
          route("/_ping", "OK"),
          route("/version", R"({"Version":"20.10.24","ApiVersion":"1.41"})"),
          route("/info", R"({"DockerRootDir":"/var/lib/docker","Driver":"overlay2"})"),
          route("/containers/json", "[]"),
          route("/images/json", "[]"),
      },
      clock, options);
  // Left behind by a process that was killed.
  FLEETMEDIC_RETURN_IF_ERROR(RemoveTree(host.docker_socket()));
  FLEETMEDIC_RETURN_IF_ERROR(docker->server_->Start(HttpAddress::Unix(host.docker_socket())));
  return docker;
}

}  // namespace fleetmedic

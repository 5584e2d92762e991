#include "console/api_server.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/file.h"
#include "base/logging.h"

namespace fleetmedic {

ApiServer::ApiServer(ApiServerOptions options, ApiEnvironment environment)
    : options_(std::move(options)),
      env_(std::move(environment)),
      token_file_(options_.api.token_file.empty() ? options_.state_dir + "/api-token"
                                                  : options_.api.token_file),
      control_address_(HttpAddress::Unix(options_.run_dir + "/control.sock")) {
  streams_open_ = env_.metrics.Gauge("fleetmedic_api_streams_open", "Live streams that are open.");
  streams_refused_ = env_.metrics.Counter("fleetmedic_api_streams_refused_total",
                                          "Streams refused because [api] streams_max are open.");
  connections_refused_ =
      env_.metrics.Counter("fleetmedic_api_connections_refused_total",
                           "Connections refused because too many waited for a thread.");
}

ApiServer::~ApiServer() { Stop(); }

Status ApiServer::Start() {
  FLEETMEDIC_CHECK(routes_ == nullptr);
  FLEETMEDIC_RETURN_IF_ERROR(CheckLoopback(options_.api.listen_address));
  FLEETMEDIC_ASSIGN_OR_RETURN(token_, LoadOrMakeToken(token_file_));
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(options_.run_dir));
  ApiView view;
  view.silent_after = options_.silent_after;
  view.version = options_.version;
  routes_ =
      std::make_unique<ApiRoutes>(env_, std::move(view), token_, getuid(), options_.scheduler);
  HttpServerOptions limits;
  limits.streams_max = kControlStreamsMax;
  limits.request_threads = kControlRequestThreads;
  control_ = std::make_unique<HttpServer>(routes_->Table(), &env_.clock, limits);
  limits.streams_max = static_cast<size_t>(std::max(options_.api.streams_max, 1));
  limits.request_threads = kApiRequestThreads;
  server_ = std::make_unique<HttpServer>(routes_->Table(), &env_.clock, limits);
  routes_->before_metrics = [this] { ReadCounts(); };
  // The socket first: where somebody listens on it, another remediator runs here.
  FLEETMEDIC_RETURN_IF_ERROR(control_->Start(control_address_));
  FLEETMEDIC_RETURN_IF_ERROR(server_->Start({options_.api.listen_address, options_.api.port, ""}));
  LogInfo("serving the API", {{"address", server_->address().Text()},
                              {"control", control_address_.Text()},
                              {"token_file", token_file_}});
  return {};
}

void ApiServer::Stop() {
  if (server_ != nullptr) server_->Stop();
  if (control_ != nullptr) control_->Stop();
}

const HttpAddress& ApiServer::address() const {
  FLEETMEDIC_CHECK(server_ != nullptr);
  return server_->address();
}

std::string ApiServer::SignInUrl() const {
  return fmt::format("{}/#t={}", address().Text(), token_);
}

HttpServerCounts ApiServer::counts() const {
  HttpServerCounts sum = server_->counts();
  const HttpServerCounts control = control_->counts();
  sum.requests += control.requests;
  sum.streams_refused += control.streams_refused;
  sum.connections_refused += control.connections_refused;
  sum.streams_open += control.streams_open;
  return sum;
}

void ApiServer::ReadCounts() {
  const HttpServerCounts now = counts();
  absl::MutexLock lock(&mutex_);
  streams_open_.Set(static_cast<double>(now.streams_open));
  streams_refused_.Add(static_cast<double>(now.streams_refused - read_.streams_refused));
  connections_refused_.Add(
      static_cast<double>(now.connections_refused - read_.connections_refused));
  read_ = now;
}

}  // namespace fleetmedic

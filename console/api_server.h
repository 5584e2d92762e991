// The HTTP API of docs/api.md and the page, on loopback and on the control socket.
#ifndef FLEETMEDIC_CONSOLE_API_SERVER_H_
#define FLEETMEDIC_CONSOLE_API_SERVER_H_

#include <memory>
#include <optional>
#include <string>

#include "base/http_server.h"
#include "config/api_config.h"
#include "console/api_routes.h"

namespace fleetmedic {

struct ApiServerOptions {
  ApiConfig api;
  std::string state_dir;  // where api.token_file lies by default
  std::string run_dir;    // control.sock is made here
  // The remediator's policy.silent_after: what is called silent here is silent there.
  Millis silent_after = Seconds(30);
  std::string version;
  // Where the bundled scheduler answers /api/v1/jobs and /api/v1/tasks; nothing: there is none.
  std::optional<HttpAddress> scheduler;
};

// Beside the streams, each of which holds a thread of its own.
constexpr size_t kApiRequestThreads = 32;
// The control socket has threads of its own: what jams one door leaves the other free.
constexpr size_t kControlStreamsMax = 8;
constexpr size_t kControlRequestThreads = 16;

// Start and Stop are for the owner's thread; the rest is thread-safe after Start.
class ApiServer {
 public:
  ApiServer(ApiServerOptions options, ApiEnvironment environment);
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;
  ~ApiServer();  // stops

  // Reads or makes the token, then listens on both. Once. kRefused for an address that is not
  // loopback; kBusy where another process listens; what LoadOrMakeToken says.
  Status Start();
  void Stop();

  // Requires Start. With the port that was taken.
  const HttpAddress& address() const;
  const HttpAddress& control_address() const { return control_address_; }
  const std::string& token() const { return token_; }
  // "http://127.0.0.1:7480/#t=TOKEN": signs a browser in.
  std::string SignInUrl() const;
  const std::string& token_file() const { return token_file_; }

  // Of both servers together.
  HttpServerCounts counts() const;

 private:
  void ReadCounts();

  const ApiServerOptions options_;
  const ApiEnvironment env_;
  const std::string token_file_;
  const HttpAddress control_address_;
  std::string token_;
  std::unique_ptr<ApiRoutes> routes_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<HttpServer> control_;

  MetricGauge streams_open_;
  MetricCounter streams_refused_;
  MetricCounter connections_refused_;
  absl::Mutex mutex_;
  HttpServerCounts read_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONSOLE_API_SERVER_H_

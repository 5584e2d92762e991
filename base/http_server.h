// A small HTTP/1.1 server for loopback and Unix sockets: routes, bounded everything, problems as
// RFC 9457, event streams that cannot lock out other requests.
#ifndef FLEETMEDIC_BASE_HTTP_SERVER_H_
#define FLEETMEDIC_BASE_HTTP_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/http.h"

namespace fleetmedic {

struct HttpRoute {
  // GET answers HEAD too.
  std::string method;
  // "/things/{thing}/parts": {name} stands for one whole part of the path, which is decoded and
  // never empty; "{name...}" as the last part stands for the rest, slashes included, empty too.
  std::string pattern;
  // Called on any of the server's threads, several at once. Blocks as briefly as it can.
  std::function<HttpResponse(const HttpRequest&)> handle;
};

struct HttpServerOptions {
  // Responses without an end, open at once. One more gets 503 with Retry-After.
  size_t streams_max = 64;
  // Each connection holds a thread while it is open: streams_max + this many threads, so that
  // streams alone never take them all.
  size_t request_threads = 32;
  // Connections that wait for a thread; one more is answered 503 and closed.
  size_t connections_waiting_max = 256;
  size_t header_bytes_max = size_t{32} << 10;
  size_t body_bytes_max = size_t{1} << 20;  // one more byte is 413
  Seconds stream_retry_after{5};
};

struct HttpServerCounts {
  int64_t requests = 0;
  int64_t streams_refused = 0;
  int64_t connections_refused = 0;
  size_t streams_open = 0;
};

// Thread-safe. A path without a route is 404, a route with another method 405 with Allow, an
// exception in a handler 500 and a line in the log.
class HttpServer {
 public:
  // The first route that matches wins. `clock` is not owned.
  HttpServer(std::vector<HttpRoute> routes, const Clock* clock, HttpServerOptions options = {});
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();  // stops

  // Listens and serves from its return on. Once. Port 0 takes a free port; a Unix socket has mode
  // 0600. Errors: kBusy (somebody listens there; the message says what to do),
  // kPermissionDenied, kNotFound, kInvalidArgument.
  Status Start(const HttpAddress& address);
  // Where it listens, with the port that was taken. Requires Start.
  const HttpAddress& address() const;
  // Takes no more connections, ends streams, and waits for the handlers under way. May be repeated.
  void Stop();

  HttpServerCounts counts() const;

 private:
  class Serving;
  const std::unique_ptr<Serving> serving_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_HTTP_SERVER_H_

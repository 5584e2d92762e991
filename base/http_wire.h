// HTTP/1.1 as bytes: one exchange over a connected socket. Internal to the HTTP files of base/;
// its .cc is the one place that knows cpp-httplib, which parses and writes, and never opens,
// accepts, waits or starts a thread.
#ifndef FLEETMEDIC_BASE_HTTP_WIRE_H_
#define FLEETMEDIC_BASE_HTTP_WIRE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "base/http.h"
#include "base/http_socket.h"

namespace fleetmedic {

struct HttpWireLimits {
  size_t header_bytes_max = size_t{32} << 10;
  size_t body_bytes_max = size_t{1} << 20;
  Micros header_patience = Seconds(5);    // from the first byte to the end of the headers
  Micros request_patience = Seconds(30);  // and to the end of the body
  Micros write_patience = Seconds(10);    // without the client taking a byte
  Millis keep_alive{1000};
  size_t keep_alive_requests_max = 1000;
};

// The serving side. Thread-safe: one for all connections of a server.
class HttpWireServer {
 public:
  // What is done with a request. An exception in it is answered with 500 and goes no further.
  using Handler = std::function<HttpResponse(const HttpRequest&)>;
  // Around `produce` of a streaming response, whose bytes go to `write`.
  using Write = std::function<bool(std::string_view)>;
  using Stream = absl::FunctionRef<void(const HttpResponse&, const Write&)>;

  HttpWireServer(HttpWireLimits limits, Handler handler);
  HttpWireServer(const HttpWireServer&) = delete;
  HttpWireServer& operator=(const HttpWireServer&) = delete;
  ~HttpWireServer();

  // Serves requests until the connection is to be closed. `peer_uid` goes into each request.
  void Serve(HttpSocket* socket, std::optional<uint32_t> peer_uid, Stream stream) const;

 private:
  class Parser;
  const std::unique_ptr<Parser> parser_;
};

struct HttpWireCall {
  std::string host;  // the Host header
  std::string method;
  std::string target;
  HttpHeaders headers;
  std::string body;
};

struct HttpWireReply {
  int status = 0;
  HttpHeaders headers;
};

// The asking side: sends the call, reads the reply. The socket's limit on bytes is for the headers;
// after them it is for what stands between two pieces of the body. `body` gets the pieces of the
// reply's body, the first after *reply is filled; false from it ends the exchange, and Exchange
// answers true. False: it failed, and socket->trouble() may say why.
bool HttpWireExchange(HttpSocket* socket, HttpWireCall call, HttpWireReply* reply,
                      absl::FunctionRef<bool(std::string_view)> body);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_HTTP_WIRE_H_

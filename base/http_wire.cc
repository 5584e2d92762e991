#include "base/http_wire.h"

#include <httplib.h>

#include <algorithm>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "base/logging.h"
#include "base/text.h"

namespace fleetmedic {
namespace {

constexpr size_t kPathBytesMax = 2048;
constexpr std::string_view kLastChunk = "0\r\n\r\n";
// The library holds a chunk's line whole, and asks nobody how long it may be: so much may be read
// between two pieces of a body.
constexpr size_t kBetweenPiecesMax = size_t{64} << 10;
static_assert(kBetweenPiecesMax > 2 * CPPHTTPLIB_RECV_BUFSIZ);

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

HttpHeaders HeadersOf(const httplib::Headers& headers) {
  HttpHeaders ours;
  for (const auto& [name, value] : headers) {
    std::string& joined = ours[Lower(name)];
    joined += joined.empty() ? value : ", " + value;
  }
  return ours;
}

// The library's view of a socket of ours: it reads and writes, we decide how long.
class WireStream final : public httplib::Stream {
 public:
  explicit WireStream(HttpSocket* socket) : socket_(socket) {}

  bool is_readable() const override { return socket_->trouble() == HttpSocket::Trouble::kNone; }
  bool is_writable() const override { return socket_->trouble() == HttpSocket::Trouble::kNone; }
  ssize_t read(char* buffer, size_t size) override { return socket_->Read(buffer, size); }
  ssize_t write(const char* bytes, size_t size) override { return socket_->Write(bytes, size); }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return socket_->fd(); }

 private:
  HttpSocket* const socket_;
};

bool HasContent(const std::string& method) {
  return method == "POST" || method == "PUT" || method == "PATCH" || method == "DELETE";
}

// One request under way: what the library's callbacks, which take no context, need to know.
struct Exchange {
  HttpSocket* socket = nullptr;
  const HttpWireServer::Stream* stream = nullptr;
  std::optional<uint32_t> peer_uid;
  bool answered = false;
  bool close = false;        // after this response
  bool unread_body = false;  // the client may still be sending
  std::string content_type;
};

thread_local Exchange* current_exchange = nullptr;

HttpRequest RequestOf(const httplib::Request& request, std::string body) {
  HttpRequest ours;
  ours.method = request.method;
  ours.path = request.target.substr(0, request.target.find('?'));
  ours.headers = HeadersOf(request.headers);
  if (!current_exchange->content_type.empty()) {
    ours.headers["content-type"] = current_exchange->content_type;
  }
  for (const auto& [name, value] : request.params) ours.queries.try_emplace(name, value);
  ours.body = std::move(body);
  ours.peer_uid = current_exchange->peer_uid;
  return ours;
}

void FillResponse(const HttpResponse& ours, httplib::Response* response) {
  response->status = ours.status;
  for (const auto& [name, value] : ours.headers) {
    FLEETMEDIC_CHECK(IsHeader(name, value));
    response->set_header(name, value);
  }
  if (current_exchange->close || ours.produce) response->set_header("Connection", "close");
  if (!ours.produce) {
    if (!ours.body.empty() || !ours.content_type.empty()) {
      response->set_content(ours.body, ours.content_type);
    }
    return;
  }
  Exchange* const exchange = current_exchange;
  exchange->close = true;
  response->set_chunked_content_provider(
      ours.content_type, [exchange, ours](size_t, httplib::DataSink& sink) {
        (*exchange->stream)(ours, [&sink](std::string_view chunk) {
          return chunk.empty() || sink.write(chunk.data(), chunk.size());
        });
        // Not sink.done(): it writes from a static of the library, whose making ThreadSanitizer
        // cannot see. "false" ends the exchange, and the connection ends with a stream anyway.
        (void)exchange->socket->Write(kLastChunk.data(), kLastChunk.size());
        return false;
      });
}

}  // namespace

class HttpWireServer::Parser final : public httplib::Server {
 public:
  Parser(HttpWireLimits limits, HttpWireServer::Handler handler)
      : limits_(limits), handler_(std::move(handler)) {
    // The library ends streams when it believes that it does not listen. We listen, not it; it
    // never touches this number.
    svr_sock_ = 0;
    set_keep_alive_timeout(std::max<time_t>(1, limits.keep_alive.count() / 1000));
    set_keep_alive_max_count(limits.keep_alive_requests_max);
    const auto plain = [this](const httplib::Request& request, httplib::Response& response) {
      Answer(RequestOf(request, ""), &response);
    };
    const auto with_body = [this](const httplib::Request& request, httplib::Response& response,
                                  const httplib::ContentReader& reader) {
      ReadAndAnswer(request, &response, reader);
    };
    // The library matches routes with std::regex, which recurses for each character.
    set_pre_routing_handler([](const httplib::Request& request, httplib::Response& response) {
      return AnswerLongPath(request, &response);
    });
    Get(".*", plain);
    Options(".*", plain);
    Post(".*", with_body);
    Put(".*", with_body);
    Patch(".*", with_body);
    Delete(".*", with_body);
    set_error_handler(
        [](const httplib::Request&, httplib::Response& response) { AnswerTrouble(&response); });
    set_exception_handler([](const httplib::Request&, httplib::Response& response,
                             std::exception_ptr exception) {  // NOLINT: the library's signature
      AnswerException(exception, &response);
    });
  }

  // One request and its response. False when the connection is at its end.
  bool ServeOne(HttpSocket* socket, Exchange* exchange, bool last) {
    const MonoTime now = socket->clock().Mono();
    socket->read_deadline = now + limits_.header_patience;
    socket->read_bytes_left = limits_.header_bytes_max;
    WireStream stream(socket);
    bool closed = false;
    current_exchange = exchange;
    const bool served = process_request(stream, last, closed, [&](httplib::Request& request) {
      socket->read_deadline = now + limits_.request_patience;
      socket->read_bytes_left = kBetweenPiecesMax;
      Prepare(&request);
    });
    current_exchange = nullptr;
    return served && !closed && !exchange->close;
  }

  const HttpWireLimits& limits() const { return limits_; }

 private:
  // Before the library acts on the headers.
  static void Prepare(httplib::Request* request) {
    // A body where none belongs would be read as the next request.
    if (!HasContent(request->method) &&
        (request->has_header("Content-Length") || request->has_header("Transfer-Encoding"))) {
      current_exchange->close = true;
    }
    // It would slice and compress responses; over loopback neither helps.
    request->ranges.clear();
    request->headers.erase("Accept-Encoding");
    // It would take the parts of a form out of the body.
    if (request->is_multipart_form_data()) {
      current_exchange->content_type = request->get_header_value("Content-Type");
      request->headers.erase("Content-Type");
    }
  }

  static HandlerResponse AnswerLongPath(const httplib::Request& request,
                                        httplib::Response* response) {
    if (request.path.size() <= kPathBytesMax) return HandlerResponse::Unhandled;
    current_exchange->close = true;
    current_exchange->unread_body = true;
    current_exchange->answered = true;
    FillResponse(
        HttpResponse::Problem(414, CodeName(Code::kInvalidArgument),
                              fmt::format("a path may have at most {} bytes", kPathBytesMax)),
        response);
    return HandlerResponse::Handled;
  }

  void ReadAndAnswer(const httplib::Request& request, httplib::Response* response,
                     const httplib::ContentReader& reader) {
    std::string body;
    bool too_large = false;
    const bool whole = reader([&](const char* bytes, size_t size) {
      current_exchange->socket->read_bytes_left = kBetweenPiecesMax;
      too_large = size > limits_.body_bytes_max - body.size();
      if (!too_large) body.append(bytes, size);
      return !too_large;
    });
    if (whole) return Answer(RequestOf(request, std::move(body)), response);
    current_exchange->close = true;
    current_exchange->unread_body = true;
    const HttpResponse problem =
        too_large
            ? HttpResponse::Problem(413, CodeName(Code::kFull),
                                    fmt::format("the body of a request may have at most {} bytes",
                                                limits_.body_bytes_max))
            : HttpResponse::Problem(400, CodeName(Code::kInvalidArgument),
                                    "the body of the request could not be read to its end");
    current_exchange->answered = true;
    FillResponse(problem, response);
  }

  void Answer(HttpRequest request, httplib::Response* response) {
    current_exchange->answered = true;
    FillResponse(handler_(request), response);
  }

  // What the library refused on its own, such as headers that it cannot read.
  static void AnswerTrouble(httplib::Response* response) {
    if (current_exchange->answered) return;
    current_exchange->close = true;
    const int status = response->status;
    FillResponse(HttpResponse::Problem(status, CodeName(Code::kInvalidArgument),
                                       "the request is no HTTP/1.1 request that is served here"),
                 response);
  }

  static void AnswerException(std::exception_ptr exception, httplib::Response* response) {
    std::string what = "unknown";
    try {
      std::rethrow_exception(std::move(exception));
    } catch (const std::exception& e) {
      what = e.what();
    } catch (...) {
    }
    LogError("an exception ended an HTTP request", {{"what", what}});
    current_exchange->answered = true;
    current_exchange->close = true;
    FillResponse(
        HttpResponse::Problem(500, CodeName(Code::kIo), "the server failed; its log says more"),
        response);
  }

  const HttpWireLimits limits_;
  const HttpWireServer::Handler handler_;
};

HttpWireServer::HttpWireServer(HttpWireLimits limits, Handler handler)
    : parser_(std::make_unique<Parser>(limits, std::move(handler))) {}
HttpWireServer::~HttpWireServer() = default;

void HttpWireServer::Serve(HttpSocket* socket, std::optional<uint32_t> peer_uid,
                           Stream stream) const {
  const HttpWireLimits& limits = parser_->limits();
  socket->patience = limits.write_patience;
  for (size_t served = 1; served <= limits.keep_alive_requests_max; ++served) {
    const bool first = served == 1;
    socket->read_deadline =
        socket->clock().Mono() + (first ? limits.header_patience : Micros(limits.keep_alive));
    if (!socket->AwaitReadable()) return;
    Exchange exchange;
    exchange.socket = socket;
    exchange.stream = &stream;
    exchange.peer_uid = peer_uid;
    const bool more =
        parser_->ServeOne(socket, &exchange, served == limits.keep_alive_requests_max);
    if (exchange.unread_body) socket->Linger();
    if (!more) return;
  }
}

namespace {

class CallWriter final : public httplib::ClientImpl {
 public:
  CallWriter() : httplib::ClientImpl("127.0.0.1", 80) {
    set_url_encode(false);
    set_decompress(false);
  }

  bool Run(HttpSocket* socket, httplib::Request* request, httplib::Response* response,
           httplib::Error* error) {
    WireStream stream(socket);
    return process_request(stream, *request, *response, true, *error);
  }
};

}  // namespace

bool HttpWireExchange(HttpSocket* socket, HttpWireCall call, HttpWireReply* reply,
                      absl::FunctionRef<bool(std::string_view)> body) {
  httplib::Request request;
  request.method = std::move(call.method);
  request.path = std::move(call.target);
  request.body = std::move(call.body);
  for (const auto& [name, value] : call.headers) request.set_header(name, value);
  request.set_header("Host", call.host);
  request.set_header("Accept-Encoding", "identity");
  request.set_header("User-Agent", "fleetmedic");
  request.response_handler = [&](const httplib::Response& response) {
    reply->status = response.status;
    reply->headers = HeadersOf(response.headers);
    socket->read_bytes_left = kBetweenPiecesMax;
    return true;
  };
  bool stopped = false;
  request.content_receiver = [&](const char* bytes, size_t size, uint64_t, uint64_t) {
    socket->read_bytes_left = kBetweenPiecesMax;
    stopped = !body({bytes, size});
    return !stopped;
  };
  httplib::Response response;
  httplib::Error error = httplib::Error::Success;
  bool done = false;
  try {
    done = CallWriter().Run(socket, &request, &response, &error);
  } catch (const std::exception& e) {
    LogError("an exception ended an HTTP call", {{"what", std::string_view(e.what())}});
  }
  // A reply without a body (204, HEAD) has no call of the handler.
  if (done && reply->status == 0) {
    reply->status = response.status;
    reply->headers = HeadersOf(response.headers);
  }
  return done || stopped;
}

}  // namespace fleetmedic

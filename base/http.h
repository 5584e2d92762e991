// What HTTP servers and clients of ours share: addresses, requests, responses.
#ifndef FLEETMEDIC_BASE_HTTP_H_
#define FLEETMEDIC_BASE_HTTP_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"

namespace fleetmedic {

// Names in lower case. Of a header that comes more than once the values are joined by ", ".
using HttpHeaders = std::map<std::string, std::string, std::less<>>;

// Where a server listens or a client connects: a numeric IPv4 address and a port, or a Unix socket.
// No names: looking one up can hang.
struct HttpAddress {
  static HttpAddress Loopback(uint16_t port) { return {"127.0.0.1", port, ""}; }
  static HttpAddress Unix(std::string path) { return {"", 0, std::move(path)}; }
  // "127.0.0.1:8080", "http://127.0.0.1:8080", "unix:/run/x.sock". kInvalidArgument.
  static Result<HttpAddress> Parse(std::string_view text);
  // Such a text: "http://127.0.0.1:8080", "unix:/run/x.sock".
  std::string Text() const;

  std::string host;
  uint16_t port = 0;
  std::string unix_path;  // where this is not empty, host and port do not count

  bool operator==(const HttpAddress&) const = default;
};

struct HttpRequest {
  // The value of a header by its lower-case name; empty when there is none.
  std::string_view header(std::string_view name) const;
  // The value of a {name} of the route's pattern. Requires that the pattern has it.
  const std::string& param(std::string_view name) const;
  // The value of a query parameter, or nothing. Of several of one name, the first.
  std::optional<std::string_view> query(std::string_view name) const;

  std::string method;
  std::string path;  // as it was sent, without the query
  HttpHeaders headers;
  std::map<std::string, std::string, std::less<>> params;   // decoded
  std::map<std::string, std::string, std::less<>> queries;  // decoded
  std::string body;
  // Who is at the other end of a Unix socket (SO_PEERCRED).
  std::optional<uint32_t> peer_uid;
};

// The sending side of a response without an end, such as server-sent events. On the connection's
// own thread, except the waker.
class HttpStream {
 public:
  virtual ~HttpStream() = default;
  // Sends now. False: the client is gone or does not read, or the server stops; return then.
  virtual bool Write(std::string_view chunk) = 0;
  // Waits until `until`, or less where the waker was called meanwhile. False as Write.
  virtual bool Wait(MonoTime until) = 0;
  // Ends the present Wait, or the next. Thread-safe; may outlive the stream and then does nothing.
  // The `wake` of an Inbox.
  virtual std::function<void()> Waker() = 0;
};

struct HttpResponse {
  static HttpResponse Text(int status, std::string body);
  static HttpResponse FromJson(int status, const Json& json);
  static HttpResponse Empty(int status = 204);
  // RFC 9457: application/problem+json with HttpStatusOf(error.code), the code's name and the
  // message.
  static HttpResponse Problem(const Error& error);
  // The same with a status that no Code means, such as 401.
  static HttpResponse Problem(int status, std::string_view code, std::string_view detail);
  // `produce` is called once the headers are sent, and sends until it returns. The number of open
  // streams is limited by the server.
  static HttpResponse Stream(std::string content_type, std::function<void(HttpStream*)> produce);

  int status = 200;
  std::string content_type;
  HttpHeaders headers;
  std::string body;
  std::function<void(HttpStream*)> produce;
};

// invalid_argument 400, permission_denied 403, not_found 404, already_exists, conflict, fenced and
// refused 409, corrupt and io 500, unsupported 501, busy and unavailable 503, deadline_exceeded
// 504, full 507.
int HttpStatusOf(Code code);

// "%41+b" is "A+b"; nothing where a % is not followed by two hexadecimal digits.
std::optional<std::string> DecodePercent(std::string_view text);

// True when the name is a token and the value has no control character but tab: nothing in them
// can end a header and begin another.
bool IsHeader(std::string_view name, std::string_view value);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_HTTP_H_

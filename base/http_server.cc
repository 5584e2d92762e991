#include "base/http_server.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <exception>
#include <set>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/http_socket.h"
#include "base/http_wire.h"
#include "base/logging.h"
#include "base/poll.h"
#include "base/text.h"
#include "base/thread.h"
#include "base/thread_pool.h"

namespace fleetmedic {
namespace {

constexpr int kBacklogMax = 512;
// How long to leave the listening socket alone when the process is out of descriptors.
constexpr Millis kAcceptPause{100};

constexpr std::string_view kNoThread =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
    "Connection: close\r\n\r\n";

struct CompiledRoute {
  HttpRoute route;
  std::vector<std::string> parts;
};

bool IsParam(std::string_view part) { return part.starts_with('{') && part.ends_with('}'); }
bool IsRest(std::string_view part) { return IsParam(part) && part.ends_with("...}"); }

std::vector<CompiledRoute> Compile(std::vector<HttpRoute> routes) {
  std::vector<CompiledRoute> compiled;
  for (HttpRoute& route : routes) {
    FLEETMEDIC_CHECK(route.pattern.starts_with('/') && route.handle);
    CompiledRoute& added = compiled.emplace_back();
    for (const std::string_view part : Split(route.pattern, '/')) added.parts.emplace_back(part);
    added.route = std::move(route);
  }
  return compiled;
}

// Fills *params where the path is of this pattern.
bool Matches(const std::vector<std::string>& pattern, const std::vector<std::string_view>& path,
             std::map<std::string, std::string, std::less<>>* params) {
  params->clear();
  for (size_t i = 0; i < pattern.size(); ++i) {
    const std::string& part = pattern[i];
    if (IsRest(part) && i < path.size()) {
      const char* const end = path.back().data() + path.back().size();
      const auto rest = DecodePercent({path[i].data(), static_cast<size_t>(end - path[i].data())});
      if (!rest) return false;
      params->emplace(part.substr(1, part.size() - 5), *rest);
      return true;
    }
    if (i >= path.size()) return false;
    const auto decoded = DecodePercent(path[i]);
    if (!decoded) return false;
    if (IsParam(part)) {
      if (decoded->empty()) return false;
      params->emplace(part.substr(1, part.size() - 2), *decoded);
    } else if (part != *decoded) {
      return false;
    }
  }
  return pattern.size() == path.size();
}

// What ends a wait from another thread. Shared with the wakers, which may outlive the stream.
struct WakeFd {
  const UniqueFd fd{eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
};

class OpenStream final : public HttpStream {
 public:
  OpenStream(HttpSocket* socket, const HttpWireServer::Write& write)
      : socket_(socket), write_(write) {
    FLEETMEDIC_CHECK(wake_->fd.ok());
  }

  bool Write(std::string_view chunk) override {
    open_ = open_ && write_(chunk);
    return open_;
  }
  bool Wait(MonoTime until) override {
    // The client's end, or Stop's shutdown, is an event; what it may still send is not.
    pollfd fds[] = {{wake_->fd.get(), POLLIN, 0}, {socket_->fd(), POLLRDHUP, 0}};
    PollUntil(fds, socket_->clock(), until);
    eventfd_t wakes = 0;
    (void)eventfd_read(wake_->fd.get(), &wakes);
    open_ = open_ && fds[1].revents == 0;
    return open_;
  }
  std::function<void()> Waker() override {
    return [wake = wake_] { (void)eventfd_write(wake->fd.get(), 1); };
  }

 private:
  HttpSocket* const socket_;
  const HttpWireServer::Write& write_;
  const std::shared_ptr<WakeFd> wake_ = std::make_shared<WakeFd>();
  bool open_ = true;
};

HttpWireLimits WireLimits(const HttpServerOptions& options) {
  HttpWireLimits limits;
  limits.header_bytes_max = options.header_bytes_max;
  limits.body_bytes_max = options.body_bytes_max;
  return limits;
}

std::optional<uint32_t> PeerUid(int fd, const HttpAddress& address) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (address.unix_path.empty()) return std::nullopt;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  return peer.uid;
}

}  // namespace

class HttpServer::Serving {
 public:
  Serving(std::vector<HttpRoute> routes, const Clock* clock, HttpServerOptions options)
      : options_(options),
        clock_(clock),
        routes_(Compile(std::move(routes))),
        wire_(WireLimits(options), [this](const HttpRequest& request) { return Answer(request); }),
        stop_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    FLEETMEDIC_CHECK(stop_fd_.ok());
  }

  Status Start(const HttpAddress& address);
  void Stop();
  const HttpAddress& address() const { return address_; }
  HttpServerCounts counts() const;

 private:
  using Connection = std::shared_ptr<HttpSocket>;

  void AcceptLoop();
  void Accept(int fd);
  void ServeConnection(const Connection& connection);
  HttpResponse Answer(HttpRequest request);
  // Takes a place among the streams, or answers 503.
  HttpResponse Admit(HttpResponse response);
  static void RunStream(HttpSocket* socket, const HttpResponse& response,
                        const HttpWireServer::Write& write);

  const HttpServerOptions options_;
  const Clock* const clock_;
  const std::vector<CompiledRoute> routes_;
  const HttpWireServer wire_;
  const UniqueFd stop_fd_;
  HttpAddress address_;
  UniqueFd listener_;
  std::thread accept_thread_;
  std::unique_ptr<ThreadPool> pool_;

  std::atomic<int64_t> requests_{0};
  std::atomic<int64_t> streams_refused_{0};
  std::atomic<int64_t> connections_refused_{0};
  std::atomic<size_t> streams_open_{0};
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::set<Connection> connections_ ABSL_GUARDED_BY(mutex_);  // that are served now
};

Status HttpServer::Serving::Start(const HttpAddress& address) {
  FLEETMEDIC_CHECK(!listener_.ok() && pool_ == nullptr);
  address_ = address;
  FLEETMEDIC_ASSIGN_OR_RETURN(listener_, ListenSocket(address, kBacklogMax, &address_.port));
  pool_ = std::make_unique<ThreadPool>("http", options_.streams_max + options_.request_threads,
                                       options_.connections_waiting_max);
  accept_thread_ = StartThread("http-accept", [this] { AcceptLoop(); });
  return {};
}

void HttpServer::Serving::Stop() {
  if (pool_ == nullptr) return;
  (void)eventfd_write(stop_fd_.get(), 1);
  accept_thread_.join();
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    for (const Connection& connection : connections_) connection->Shutdown();
  }
  pool_.reset();
  listener_.reset();
  if (!address_.unix_path.empty()) unlink(address_.unix_path.c_str());
}

HttpServerCounts HttpServer::Serving::counts() const {
  return {requests_, streams_refused_, connections_refused_, streams_open_};
}

void HttpServer::Serving::AcceptLoop() {
  while (true) {
    pollfd fds[] = {{stop_fd_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    PollUntil(fds, *clock_, kMonoForever);
    if (fds[0].revents != 0) return;
    const int fd = accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      Accept(fd);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      LogError("cannot accept a connection", {{"error", FailErrno("accept", errno).value().message},
                                              {"address", address_.Text()}});
      PollUntil({fds, 1}, *clock_, clock_->Mono() + kAcceptPause);
    }
  }
}

void HttpServer::Serving::Accept(int fd) {
  auto connection = std::make_shared<HttpSocket>(UniqueFd(fd), clock_);
  if (pool_->Submit("connection", [this, connection] { ServeConnection(connection); })) return;
  ++connections_refused_;
  (void)send(fd, kNoThread.data(), kNoThread.size(), MSG_NOSIGNAL);
}

void HttpServer::Serving::ServeConnection(const Connection& connection) {
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return;
    connections_.insert(connection);
  }
  wire_.Serve(connection.get(), PeerUid(connection->fd(), address_),
              [&](const HttpResponse& response, const HttpWireServer::Write& write) {
                RunStream(connection.get(), response, write);
              });
  absl::MutexLock lock(&mutex_);
  connections_.erase(connection);
}

void HttpServer::Serving::RunStream(HttpSocket* socket, const HttpResponse& response,
                                    const HttpWireServer::Write& write) {
  OpenStream stream(socket, write);
  try {
    response.produce(&stream);
  } catch (const std::exception& e) {
    LogError("an exception ended an HTTP stream", {{"what", std::string_view(e.what())}});
  } catch (...) {
    LogError("an exception ended an HTTP stream", {});
  }
}

HttpResponse HttpServer::Serving::Answer(HttpRequest request) {
  ++requests_;
  const std::string path = request.path;
  const std::vector<std::string_view> parts = Split(path, '/');
  std::set<std::string> allowed;
  for (const CompiledRoute& compiled : routes_) {
    if (!Matches(compiled.parts, parts, &request.params)) continue;
    const std::string& method = compiled.route.method;
    if (request.method == method || (request.method == "HEAD" && method == "GET")) {
      return Admit(compiled.route.handle(request));
    }
    allowed.insert(method);
  }
  if (allowed.empty()) {
    return HttpResponse::Problem({Code::kNotFound, "there is nothing at " + Quote(path, 256)});
  }
  HttpResponse response = HttpResponse::Problem(
      405, CodeName(Code::kInvalidArgument),
      fmt::format("{} is not served at {}", Quote(request.method), Quote(path, 256)));
  response.headers["allow"] = fmt::format("{}", fmt::join(allowed, ", "));
  return response;
}

HttpResponse HttpServer::Serving::Admit(HttpResponse response) {
  if (!response.produce) return response;
  // The place is given back when the last copy of the response goes.
  std::shared_ptr<void> place(nullptr, [this](void*) { --streams_open_; });
  if (++streams_open_ > options_.streams_max) {
    ++streams_refused_;
    HttpResponse full = HttpResponse::Problem(
        {Code::kUnavailable, fmt::format("{} streams are open, the limit; close one, or try again",
                                         options_.streams_max)});
    full.headers["retry-after"] = std::to_string(options_.stream_retry_after.count());
    return full;
  }
  response.produce = [place, produce = std::move(response.produce)](HttpStream* stream) {
    produce(stream);
  };
  return response;
}

HttpServer::HttpServer(std::vector<HttpRoute> routes, const Clock* clock, HttpServerOptions options)
    : serving_(std::make_unique<Serving>(std::move(routes), clock, options)) {}
HttpServer::~HttpServer() { Stop(); }

Status HttpServer::Start(const HttpAddress& address) { return serving_->Start(address); }
const HttpAddress& HttpServer::address() const { return serving_->address(); }
void HttpServer::Stop() { serving_->Stop(); }
HttpServerCounts HttpServer::counts() const { return serving_->counts(); }

}  // namespace fleetmedic

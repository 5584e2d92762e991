// The bundled scheduler's jobs and tasks, asked for over its Unix socket.
#ifndef FLEETMEDIC_CONSOLE_SCHEDULER_PROXY_H_
#define FLEETMEDIC_CONSOLE_SCHEDULER_PROXY_H_

#include <atomic>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/http.h"
#include "base/json.h"

namespace fleetmedic {

// Thread-safe. A scheduler that hangs keeps at most kCallsMax requests waiting, each no longer
// than its deadline.
class SchedulerProxy {
 public:
  static constexpr int kCallsMax = 8;
  static constexpr Seconds kForwardWithin{3};
  static constexpr Millis kTasksWithin{300};

  // Nothing: there is no bundled scheduler here. The clock is not owned.
  SchedulerProxy(std::optional<HttpAddress> address, const Clock& clock);

  // Passes the request on, path, query and body as they are, and the answer back. `who` travels
  // as X-Fleetmedic-Who. 501 without a scheduler.
  HttpResponse Forward(const HttpRequest& request, std::string_view who);

  // The tasks of one host (GET /api/v1/tasks?host=): its `items`. kUnsupported without a
  // scheduler, kBusy where too many calls wait.
  Result<Json> TasksOf(std::string_view host);

 private:
  const std::optional<HttpAddress> address_;
  const Clock& clock_;
  std::atomic<int> calls_{0};
};

// For one part of a path or query: everything but letters, digits and -._~ as %XX.
std::string EncodePercent(std::string_view text);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONSOLE_SCHEDULER_PROXY_H_

// Work that may block, off the threads of the roles.
#ifndef FLEETMEDIC_BASE_WORKERS_H_
#define FLEETMEDIC_BASE_WORKERS_H_

#include <functional>
#include <string_view>

#include "base/result.h"

namespace fleetmedic {

// Thread-safe. `work` runs once, on any thread, in any order with other work; it reports by what
// it captured (a bounded inbox of its role), never by touching the role.
class Workers {
 public:
  virtual ~Workers() = default;
  // kFull when the queue's limit is reached: nothing was queued. `name` is for metrics and traces.
  virtual Status Submit(std::string_view name, std::function<void()> work) = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_WORKERS_H_

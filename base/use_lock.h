// A lock between processes on a file that many use at once, and that one alone may replace.
#ifndef FLEETMEDIC_BASE_USE_LOCK_H_
#define FLEETMEDIC_BASE_USE_LOCK_H_

#include <string>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"

namespace fleetmedic {

// On a file made for it (flock), which stays. The kernel lets go of it when the process ends.
// Neither waits: kBusy where the other kind is held.
class UseLock {
 public:
  static Result<UseLock> Share(const std::string& path);
  static Result<UseLock> Alone(const std::string& path);

 private:
  explicit UseLock(UniqueFd fd) : fd_(std::move(fd)) {}
  static Result<UseLock> Take(const std::string& path, int operation);

  UniqueFd fd_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_USE_LOCK_H_

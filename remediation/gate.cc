#include "remediation/gate.h"

#include <sys/stat.h>

#include <cerrno>
#include <utility>

namespace fleetmedic {

Gate::Gate(const Clock& clock, std::string hold_file)
    : clock_(clock), hold_file_(std::move(hold_file)) {}

std::string Gate::Closed() const {
  if (held_.load()) return "held";
  if (clock_.Mono().time_since_epoch().count() >= lead_until_.load()) return "not the leader";
  if (HoldFilePresent()) return "held by the file " + hold_file_;
  return "";
}

bool Gate::HoldFilePresent(WallTime* since) const {
  if (hold_file_.empty()) return false;
  struct stat info {};
  if (lstat(hold_file_.c_str(), &info) != 0) return errno != ENOENT;
  if (since != nullptr) {
    *since = WallTime(Seconds(info.st_mtim.tv_sec) + Micros(info.st_mtim.tv_nsec / 1000));
  }
  return true;
}

}  // namespace fleetmedic

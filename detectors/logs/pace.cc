#include "detectors/logs/pace.h"

#include <algorithm>

namespace fleetmedic {

void Pace::Read(size_t lines, MonoTime now) {
  if (lines == 0) return;
  const Micros ahead = (kBurst - 1) * rest_max_;
  paid_until_ = std::min(std::max(paid_until_, now) + rest_max_, now + ahead + rest_max_);
  due_ = std::max(now, paid_until_ - ahead);
  if (lines > kLinesPerRest) {
    const auto rest = rest_max_ * static_cast<int64_t>(kLinesPerRest) / static_cast<int64_t>(lines);
    due_ = std::min(due_, now + rest);
  }
}

}  // namespace fleetmedic

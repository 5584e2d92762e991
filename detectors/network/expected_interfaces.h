// Where one detector leaves what another should find.
#ifndef FLEETMEDIC_DETECTORS_NETWORK_EXPECTED_INTERFACES_H_
#define FLEETMEDIC_DETECTORS_NETWORK_EXPECTED_INTERFACES_H_

#include <optional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/time.h"
#include "detectors/network/network_types.h"

namespace fleetmedic {

// Thread-safe. The newest whole answer stands for kGoodFor; after that nothing is expected.
class ExpectedInterfaces {
 public:
  static constexpr Millis kGoodFor = Minutes(5);

  void Put(std::vector<ExpectedInterface> interfaces, MonoTime now) {
    const absl::MutexLock lock(&mutex_);
    interfaces_ = std::move(interfaces);
    good_until_ = now + kGoodFor;
  }

  // Nothing: nobody knows.
  std::optional<std::vector<ExpectedInterface>> Get(MonoTime now) const {
    const absl::MutexLock lock(&mutex_);
    if (now >= good_until_) return std::nullopt;
    return interfaces_;
  }

 private:
  mutable absl::Mutex mutex_;
  std::vector<ExpectedInterface> interfaces_ ABSL_GUARDED_BY(mutex_);
  MonoTime good_until_ ABSL_GUARDED_BY(mutex_){};
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_NETWORK_EXPECTED_INTERFACES_H_

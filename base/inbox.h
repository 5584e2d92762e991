// A bounded queue from many threads to the one that owns it.
#ifndef FLEETMEDIC_BASE_INBOX_H_
#define FLEETMEDIC_BASE_INBOX_H_

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace fleetmedic {

// Thread-safe. Keeps the order in which items were posted.
template <typename T>
class Inbox {
 public:
  // `wake` is called, without the lock, after each post: a RoleLoop's Wake, or empty.
  explicit Inbox(size_t items_max, std::function<void()> wake = {})
      : items_max_(items_max), wake_(std::move(wake)) {}

  // False, and nothing kept, when the inbox holds items_max already.
  bool Post(T item) {
    {
      absl::MutexLock lock(&mutex_);
      if (items_.size() >= items_max_) return false;
      items_.push_back(std::move(item));
    }
    if (wake_) wake_();
    return true;
  }

  // All that was posted so far, oldest first.
  std::vector<T> TakeAll() {
    absl::MutexLock lock(&mutex_);
    return std::exchange(items_, {});
  }

  bool empty() const {
    absl::MutexLock lock(&mutex_);
    return items_.empty();
  }

 private:
  const size_t items_max_;
  const std::function<void()> wake_;
  mutable absl::Mutex mutex_;
  std::vector<T> items_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_INBOX_H_

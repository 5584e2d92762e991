// Who wants to be woken by which topics: the subscriptions of one log.
#ifndef FLEETMEDIC_EVENTLOG_WAKE_LIST_H_
#define FLEETMEDIC_EVENTLOG_WAKE_LIST_H_

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "eventlog/event_log.h"

namespace fleetmedic {

// Thread-safe. Subscriptions may outlive the list: they are then never woken again.
class WakeList {
 public:
  std::unique_ptr<Subscription> Add(std::span<const Topic> topics, std::function<void()> wake);

  // Calls, on this thread and in the order in which they came, the subscribers of any of the
  // topics, each once.
  void Wake(std::span<const Topic> topics);
  void Wake(Topic topic) { Wake(std::span<const Topic>(&topic, 1)); }

 private:
  class Entry;
  class Handle;

  absl::Mutex mutex_;
  std::vector<std::weak_ptr<Entry>> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_EVENTLOG_WAKE_LIST_H_

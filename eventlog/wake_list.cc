#include "eventlog/wake_list.h"

#include <algorithm>
#include <utility>

namespace fleetmedic {

class WakeList::Entry {
 public:
  Entry(std::span<const Topic> topics, std::function<void()> wake)
      : topics_(topics.begin(), topics.end()), wake_(std::move(wake)) {}

  bool Wants(std::span<const Topic> topics) const {
    return std::any_of(topics.begin(), topics.end(), [this](Topic topic) {
      return std::find(topics_.begin(), topics_.end(), topic) != topics_.end();
    });
  }

  // Held during the call, so that End returns only when no call runs.
  void Call() {
    absl::MutexLock lock(&mutex_);
    if (wake_) wake_();
  }
  void End() {
    absl::MutexLock lock(&mutex_);
    wake_ = nullptr;
  }

 private:
  const std::vector<Topic> topics_;
  absl::Mutex mutex_;
  std::function<void()> wake_ ABSL_GUARDED_BY(mutex_);
};

class WakeList::Handle final : public Subscription {
 public:
  explicit Handle(std::shared_ptr<Entry> entry) : entry_(std::move(entry)) {}
  ~Handle() override { entry_->End(); }

 private:
  const std::shared_ptr<Entry> entry_;
};

std::unique_ptr<Subscription> WakeList::Add(std::span<const Topic> topics,
                                            std::function<void()> wake) {
  auto entry = std::make_shared<Entry>(topics, std::move(wake));
  absl::MutexLock lock(&mutex_);
  std::erase_if(entries_, [](const std::weak_ptr<Entry>& old) { return old.expired(); });
  entries_.push_back(entry);
  return std::make_unique<Handle>(std::move(entry));
}

void WakeList::Wake(std::span<const Topic> topics) {
  std::vector<std::shared_ptr<Entry>> due;
  {
    absl::MutexLock lock(&mutex_);
    for (const std::weak_ptr<Entry>& weak : entries_) {
      std::shared_ptr<Entry> entry = weak.lock();
      if (entry != nullptr && entry->Wants(topics)) due.push_back(std::move(entry));
    }
  }
  for (const std::shared_ptr<Entry>& entry : due) entry->Call();
}

}  // namespace fleetmedic

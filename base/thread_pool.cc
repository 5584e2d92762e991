#include "base/thread_pool.h"

#include <utility>

#include <fmt/format.h>

#include "base/thread.h"

namespace fleetmedic {

ThreadPool::ThreadPool(std::string_view name, size_t threads, size_t queue_items_max)
    : name_(name), queue_items_max_(queue_items_max) {
  FLEETMEDIC_CHECK(threads > 0 && queue_items_max > 0);
  for (size_t i = 0; i < threads; ++i) {
    threads_.push_back(StartThread(name_, [this] { Loop(); }));
  }
}

ThreadPool::~ThreadPool() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
    changed_.SignalAll();
  }
  for (std::thread& thread : threads_) thread.join();
}

Status ThreadPool::Submit(std::string_view name, std::function<void()> work) {
  absl::MutexLock lock(&mutex_);
  FLEETMEDIC_CHECK(!stop_);
  if (queue_.size() >= queue_items_max_) {
    return Fail(Code::kFull, fmt::format("cannot queue {}: {} items wait for the workers \"{}\" "
                                         "already, the limit",
                                         name, queue_items_max_, name_));
  }
  queue_.push_back(std::move(work));
  changed_.Signal();
  return {};
}

size_t ThreadPool::queue_items() const {
  absl::MutexLock lock(&mutex_);
  return queue_.size();
}

void ThreadPool::Loop() {
  while (true) {
    std::function<void()> work;
    {
      absl::MutexLock lock(&mutex_);
      while (!stop_ && queue_.empty()) changed_.Wait(&mutex_);
      if (stop_) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

Status InlineWorkers::Submit(std::string_view, std::function<void()> work) {
  work();
  return {};
}

}  // namespace fleetmedic

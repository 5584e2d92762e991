// Workers: a pool of threads for production, and none for tests.
#ifndef FLEETMEDIC_BASE_THREAD_POOL_H_
#define FLEETMEDIC_BASE_THREAD_POOL_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/workers.h"

namespace fleetmedic {

// A fixed number of threads and a bounded queue, first in, first out. Thread-safe.
class ThreadPool final : public Workers {
 public:
  // At most queue_items_max wait, beside those that run. Requires both counts > 0.
  ThreadPool(std::string_view name, size_t threads, size_t queue_items_max);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  // Waits for what runs; what only waits is dropped unrun. Nothing may be submitted any more.
  ~ThreadPool() override;

  // An exception that leaves `work` ends the process.
  Status Submit(std::string_view name, std::function<void()> work) override;

  // For metrics.
  size_t queue_items() const;

 private:
  void Loop();

  const std::string name_;
  const size_t queue_items_max_;
  mutable absl::Mutex mutex_;
  absl::CondVar changed_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

// Runs the work at once, inside Submit, on the caller's thread.
class InlineWorkers final : public Workers {
 public:
  Status Submit(std::string_view name, std::function<void()> work) override;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_THREAD_POOL_H_

#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>

#include "absl/synchronization/barrier.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"

namespace fleetmedic {
namespace {

TEST(ThreadPool, RunsEverythingOnce) {
  absl::BlockingCounter left(1000);
  std::atomic<int> runs{0};
  ThreadPool pool("test", 4, 1000);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(pool.Submit("count", [&] {
      ++runs;
      left.DecrementCount();
    }));
  }
  left.Wait();
  EXPECT_EQ(runs, 1000);
}

TEST(ThreadPool, RefusesWhatItsQueueCannotHold) {
  absl::Notification started;
  absl::Notification release;
  std::atomic<int> runs{0};
  {
    ThreadPool pool("test", 1, 2);
    ASSERT_TRUE(pool.Submit("block", [&] {
      started.Notify();
      release.WaitForNotification();
    }));
    started.WaitForNotification();
    EXPECT_TRUE(pool.Submit("wait", [&] { ++runs; }));
    EXPECT_TRUE(pool.Submit("wait", [&] { ++runs; }));
    EXPECT_EQ(pool.queue_items(), 2u);
    const Status full = pool.Submit("too many", [&] { ++runs; });
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().code, Code::kFull);
    release.Notify();
  }
  EXPECT_LE(runs, 2);
}

TEST(ThreadPool, RunsAsManyAtOnceAsItHasThreads) {
  // Each waits for the two others: with fewer threads none would come to its end.
  absl::Barrier* const meeting = new absl::Barrier(3);
  absl::BlockingCounter left(3);
  ThreadPool pool("test", 3, 3);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(pool.Submit("meet", [&] {
      if (meeting->Block()) delete meeting;
      left.DecrementCount();
    }));
  }
  left.Wait();
}

TEST(InlineWorkers, RunAtOnce) {
  InlineWorkers workers;
  bool ran = false;
  ASSERT_TRUE(workers.Submit("now", [&] { ran = true; }));
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace fleetmedic

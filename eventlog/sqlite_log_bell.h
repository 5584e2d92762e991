// How an append in one process wakes readers in another: a file of one byte beside the log that
// is written after each commit and watched by inotify.
//
// Not the -wal file itself: SQLite writes it before a commit can be seen, and what makes the commit
// visible is a store into shared memory that no watch can see.
#ifndef FLEETMEDIC_EVENTLOG_SQLITE_LOG_BELL_H_
#define FLEETMEDIC_EVENTLOG_SQLITE_LOG_BELL_H_

#include <functional>
#include <string>

#include "base/result.h"
#include "base/thread_pool.h"
#include "base/time.h"
#include "base/unique_fd.h"

namespace fleetmedic {

// Thread-safe.
class LogBell {
 public:
  // Opens the file, made where there is none.
  static Result<LogBell> Open(const std::string& path);

  // A ring that fails is lost: watchers look of their own accord, later.
  void Ring() const;

 private:
  explicit LogBell(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

// Calls `look` on a thread of its own: at the start, soon after each ring, and each kLookPeriod,
// should a ring be lost with the process that owed it. Where inotify cannot be had (its limits are
// per user) it looks each kLookPeriodWithoutWatch.
class LogBellWatch {
 public:
  static constexpr Millis kLookPeriod{500};
  static constexpr Millis kLookPeriodWithoutWatch{20};

  LogBellWatch(const std::string& path, std::function<void()> look);
  LogBellWatch(const LogBellWatch&) = delete;
  LogBellWatch& operator=(const LogBellWatch&) = delete;
  // Waits for the end of a look that is under way.
  ~LogBellWatch();

  // False: it polls.
  bool watches() const { return inotify_.ok(); }

 private:
  void Loop();
  // False when it is time to end.
  bool Wait();

  const std::function<void()> look_;
  UniqueFd inotify_;
  const UniqueFd stop_;  // an eventfd
  ThreadPool thread_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_EVENTLOG_SQLITE_LOG_BELL_H_

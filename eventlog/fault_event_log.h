// An event log that fails on command or by chance, for tests and the simulator: a twin over any
// other.
#ifndef FLEETMEDIC_EVENTLOG_FAULT_EVENT_LOG_H_
#define FLEETMEDIC_EVENTLOG_FAULT_EVENT_LOG_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/random.h"
#include "eventlog/event_log.h"

namespace fleetmedic {

enum class LogCall : uint8_t {
  kAppend,
  kCommit,  // of a reader of a group
  kPoll,
  kBehind,
  kOpen,  // Open and OpenAt
};

// What a call meets. The caller cannot tell ...Before from ...After. A torn append is none of them:
// to everybody but the disk it is kFailedBefore, for half a batch is never to be seen.
enum class LogFault : uint8_t {
  kUnavailable,     // kUnavailable, nothing happened
  kBusy,            // kBusy, nothing happened
  kFull,            // kFull, nothing happened
  kFailedBefore,    // kIo, nothing happened
  kFailedAfter,     // kIo, and it happened
  kTimedOutBefore,  // kDeadlineExceeded, nothing happened
  kTimedOutAfter,   // kDeadlineExceeded, and it happened
  kCrashBefore,     // nothing happened, and this and all further calls fail until Reset
  kCrashAfter,      // it happened, and this and all further calls fail until Reset
};
constexpr size_t kLogFaultCount = 9;

// The probability of each fault for one call, in the order of LogFault; together at most 1.
using LogFaultChances = std::array<double, kLogFaultCount>;

// Thread-safe. Without faults it is the wrapped log, call for call.
//
// A read (Poll, Behind, Open) has no "after" and fills no disk: kFull, kFailedAfter and
// kTimedOutAfter do not hit it.
class FaultEventLog final : public EventLog {
 public:
  // `wrapped` is not owned and stays as long as this. Several twins may share one log: each is the
  // way of one role to it.
  explicit FaultEventLog(EventLog* wrapped) : wrapped_(*wrapped) {}
  FaultEventLog(const FaultEventLog&) = delete;
  FaultEventLog& operator=(const FaultEventLog&) = delete;

  // The nth such call from now, 1 being the next, and those after it up to `times` in all. Where
  // two commands name the same call the earlier one holds.
  void FailAt(LogCall call, int64_t nth, LogFault fault, int64_t times = 1);
  // From now on every call may fail.
  void FailByChance(Random random, const LogFaultChances& chances);
  // Forgets both.
  void Heal();

  bool crashed() const;
  // After a crash: calls pass again. Readers from before stay dead, as their process is.
  void Reset();

  // Calls so far, the failed ones too: so that a test can fail each in turn.
  int64_t calls(LogCall call) const;
  int64_t faults() const;

  Status Append(Topic topic, std::span<const Record> records) override;
  Result<std::unique_ptr<Reader>> Open(Topic topic, std::string_view group) override;
  Result<std::unique_ptr<Reader>> OpenAt(Topic topic, std::span<const Position> positions) override;
  // Never fails; a log that crashed does not wake.
  std::unique_ptr<Subscription> Subscribe(std::span<const Topic> topics,
                                          std::function<void()> wake) override;

 private:
  class FaultReader;

  struct Command {
    LogCall call;
    int64_t first;  // counted as calls() are
    int64_t times;
    LogFault fault;
  };
  // What one call is told before it goes to the wrapped log.
  struct Verdict {
    std::optional<Error> error;
    bool happens = true;
  };

  // Counts the call. `life` is that of the reader, or this one's own.
  Verdict Judge(LogCall call, std::optional<int64_t> life = std::nullopt);
  std::optional<LogFault> Due(LogCall call, int64_t count) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int64_t life() const;

  EventLog& wrapped_;
  mutable absl::Mutex mutex_;
  std::vector<Command> commands_ ABSL_GUARDED_BY(mutex_);
  std::optional<Random> random_ ABSL_GUARDED_BY(mutex_);
  LogFaultChances chances_ ABSL_GUARDED_BY(mutex_){};
  std::array<int64_t, 5> calls_ ABSL_GUARDED_BY(mutex_){};
  int64_t faults_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t life_ ABSL_GUARDED_BY(mutex_) = 0;
  bool crashed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_EVENTLOG_FAULT_EVENT_LOG_H_

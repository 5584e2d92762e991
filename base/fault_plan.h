// How the failing twin of an interface fails: on command or by chance. For tests and the simulator.
#ifndef FLEETMEDIC_BASE_FAULT_PLAN_H_
#define FLEETMEDIC_BASE_FAULT_PLAN_H_

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/random.h"
#include "base/result.h"

namespace fleetmedic {

// What a call meets. The caller cannot tell ...Before from ...After.
enum class CallFault : uint8_t {
  kUnavailable,     // kUnavailable, nothing happened
  kBusy,            // kBusy, nothing happened
  kFull,            // kFull, nothing happened
  kFailedBefore,    // kIo, nothing happened
  kFailedAfter,     // kIo, and it happened
  kTimedOutBefore,  // kDeadlineExceeded, nothing happened
  kTimedOutAfter,   // kDeadlineExceeded, and it happened
  kCrashBefore,     // kIo, nothing happened, and all further calls fail until Reset
  kCrashAfter,      // kIo, it happened, and all further calls fail until Reset
};
constexpr size_t kCallFaultCount = 9;

// The probability of each fault for one call, in the order of CallFault; together at most 1.
using CallFaultChances = std::array<double, kCallFaultCount>;

// A read has no "after" and fills no disk: kFull, kFailedAfter and kTimedOutAfter do not hit it.
bool HitsReads(CallFault fault);

// Thread-safe. A twin derives from FaultPlan below, which gives the calls their names.
class NumberedFaultPlan {
 public:
  NumberedFaultPlan(const NumberedFaultPlan&) = delete;
  NumberedFaultPlan& operator=(const NumberedFaultPlan&) = delete;

  // From now on every call may fail.
  void FailByChance(Random random, const CallFaultChances& chances);
  // Forgets what is commanded, and chance.
  void Heal();

  bool crashed() const;
  // After a crash: calls pass again, but for those of an earlier life.
  void Reset();

  int64_t faults() const;

 protected:
  // What one call is told before it goes to the wrapped object.
  struct Verdict {
    std::optional<Error> error;
    bool reaches = true;  // the wrapped object hears of it
    bool happens = true;  // and it is done
  };

  // `subject`, for the messages: "the log".
  NumberedFaultPlan(std::string_view subject, std::set<size_t> reads)
      : subject_(subject), reads_(std::move(reads)) {}
  ~NumberedFaultPlan() = default;

  void FailCallAt(size_t call, int64_t nth, CallFault fault, int64_t times);
  int64_t CallsOf(size_t call) const;
  // Counts the call. One of an earlier life (a Reset ago) fails. Const as the reads are that ask.
  Verdict JudgeCall(size_t call, std::optional<int64_t> life) const;
  int64_t life() const;

 private:
  struct Command {
    size_t call;
    int64_t first;  // counted as calls are
    int64_t times;
    CallFault fault;
  };
  struct State {
    std::vector<Command> commands;
    std::optional<Random> random;
    CallFaultChances chances{};
    std::vector<int64_t> calls;
    int64_t faults = 0;
    int64_t life = 0;
    bool crashed = false;
  };

  bool Hits(size_t call, CallFault fault) const;
  Error ErrorOf(CallFault fault) const;

  const std::string subject_;
  const std::set<size_t> reads_;
  mutable absl::Mutex mutex_;
  mutable State state_ ABSL_GUARDED_BY(mutex_);
};

// `Call` is an enum of the interface's kinds of call.
template <typename Call>
class FaultPlan : public NumberedFaultPlan {
 public:
  // The nth such call from now, 1 being the next, and those after it up to `times` in all. Where
  // two commands name the same call the earlier one holds.
  void FailAt(Call call, int64_t nth, CallFault fault, int64_t times = 1) {
    FailCallAt(static_cast<size_t>(call), nth, fault, times);
  }
  // Calls so far, the failed ones too: so that a test can fail each in turn.
  int64_t calls(Call call) const { return CallsOf(static_cast<size_t>(call)); }

 protected:
  FaultPlan(std::string_view subject, std::initializer_list<Call> reads)
      : NumberedFaultPlan(subject, Numbers(reads)) {}
  ~FaultPlan() = default;

  Verdict Judge(Call call, std::optional<int64_t> life = std::nullopt) const {
    return JudgeCall(static_cast<size_t>(call), life);
  }

 private:
  static std::set<size_t> Numbers(std::initializer_list<Call> calls) {
    std::set<size_t> numbers;
    for (const Call call : calls) numbers.insert(static_cast<size_t>(call));
    return numbers;
  }
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_FAULT_PLAN_H_

#include "base/fault_plan.h"

namespace fleetmedic {
namespace {

bool HappensAfterAll(CallFault fault) {
  return fault == CallFault::kFailedAfter || fault == CallFault::kTimedOutAfter ||
         fault == CallFault::kCrashAfter;
}

bool IsCrash(CallFault fault) {
  return fault == CallFault::kCrashBefore || fault == CallFault::kCrashAfter;
}

int64_t& CountOf(std::vector<int64_t>* counts, size_t call) {
  if (counts->size() <= call) counts->resize(call + 1);
  return (*counts)[call];
}

}  // namespace

bool HitsReads(CallFault fault) {
  return fault != CallFault::kFull && fault != CallFault::kFailedAfter &&
         fault != CallFault::kTimedOutAfter;
}

bool NumberedFaultPlan::Hits(size_t call, CallFault fault) const {
  return !reads_.contains(call) || HitsReads(fault);
}

Error NumberedFaultPlan::ErrorOf(CallFault fault) const {
  switch (fault) {
    case CallFault::kUnavailable:
      return {Code::kUnavailable, "injected: " + subject_ + " cannot be reached"};
    case CallFault::kBusy:
      return {Code::kBusy, "injected: " + subject_ + " is locked"};
    case CallFault::kFull:
      return {Code::kFull, "injected: the disk is full"};
    case CallFault::kFailedBefore:
    case CallFault::kFailedAfter:
    case CallFault::kCrashBefore:
    case CallFault::kCrashAfter:
      return {Code::kIo, "injected: the outcome is not known"};
    case CallFault::kTimedOutBefore:
    case CallFault::kTimedOutAfter:
      return {Code::kDeadlineExceeded, "injected: no answer in time"};
  }
  CheckFailed(__FILE__, __LINE__, "a fault that does not exist");
}

void NumberedFaultPlan::FailCallAt(size_t call, int64_t nth, CallFault fault, int64_t times) {
  FLEETMEDIC_CHECK(nth >= 1 && times >= 1 && Hits(call, fault));
  absl::MutexLock lock(&mutex_);
  state_.commands.push_back({call, CountOf(&state_.calls, call) + nth, times, fault});
}

void NumberedFaultPlan::FailByChance(Random random, const CallFaultChances& chances) {
  absl::MutexLock lock(&mutex_);
  state_.random = random;
  state_.chances = chances;
}

void NumberedFaultPlan::Heal() {
  absl::MutexLock lock(&mutex_);
  state_.commands.clear();
  state_.random.reset();
}

bool NumberedFaultPlan::crashed() const {
  absl::MutexLock lock(&mutex_);
  return state_.crashed;
}

void NumberedFaultPlan::Reset() {
  absl::MutexLock lock(&mutex_);
  state_.crashed = false;
  ++state_.life;
}

int64_t NumberedFaultPlan::CallsOf(size_t call) const {
  absl::MutexLock lock(&mutex_);
  return CountOf(&state_.calls, call);
}

int64_t NumberedFaultPlan::faults() const {
  absl::MutexLock lock(&mutex_);
  return state_.faults;
}

int64_t NumberedFaultPlan::life() const {
  absl::MutexLock lock(&mutex_);
  return state_.life;
}

NumberedFaultPlan::Verdict NumberedFaultPlan::JudgeCall(size_t call,
                                                        std::optional<int64_t> life) const {
  absl::MutexLock lock(&mutex_);
  const int64_t count = ++CountOf(&state_.calls, call);
  if (state_.crashed || life.value_or(state_.life) != state_.life) {
    return {Error{Code::kUnavailable, "injected: " + subject_ + " crashed"}, false, false};
  }
  std::optional<CallFault> fault;
  for (const Command& command : state_.commands) {
    // Written so that `times` may be as large as it likes.
    const bool due =
        command.call == call && count >= command.first && count - command.first < command.times;
    if (due && !fault) fault = command.fault;
  }
  if (!fault && state_.random) {
    // One draw for each call, whatever comes of it: so a run stays comparable when chances change.
    double draw = state_.random->Unit();
    for (size_t i = 0; i < kCallFaultCount && !fault; ++i) {
      if (draw < state_.chances[i]) fault = static_cast<CallFault>(i);
      draw -= state_.chances[i];
    }
  }
  if (!fault || !Hits(call, *fault)) return {};
  ++state_.faults;
  state_.crashed = IsCrash(*fault);
  const bool reaches = *fault != CallFault::kUnavailable && *fault != CallFault::kBusy;
  return {ErrorOf(*fault), reaches, HappensAfterAll(*fault)};
}

}  // namespace fleetmedic

#include "eventlog/fault_event_log.h"

#include <utility>

namespace fleetmedic {
namespace {

Error ErrorOf(LogFault fault) {
  switch (fault) {
    case LogFault::kUnavailable:
      return {Code::kUnavailable, "injected: the log cannot be reached"};
    case LogFault::kBusy:
      return {Code::kBusy, "injected: the log is locked"};
    case LogFault::kFull:
      return {Code::kFull, "injected: the disk is full"};
    case LogFault::kFailedBefore:
    case LogFault::kFailedAfter:
    case LogFault::kCrashBefore:
    case LogFault::kCrashAfter:
      return {Code::kIo, "injected: the outcome is not known"};
    case LogFault::kTimedOutBefore:
    case LogFault::kTimedOutAfter:
      return {Code::kDeadlineExceeded, "injected: no answer in time"};
  }
  CheckFailed(__FILE__, __LINE__, "a fault that does not exist");
}

bool HappensAfterAll(LogFault fault) {
  return fault == LogFault::kFailedAfter || fault == LogFault::kTimedOutAfter ||
         fault == LogFault::kCrashAfter;
}

bool IsCrash(LogFault fault) {
  return fault == LogFault::kCrashBefore || fault == LogFault::kCrashAfter;
}

bool Hits(LogCall call, LogFault fault) {
  if (call == LogCall::kAppend || call == LogCall::kCommit) return true;
  return fault != LogFault::kFull && fault != LogFault::kFailedAfter &&
         fault != LogFault::kTimedOutAfter;
}

}  // namespace

class FaultEventLog::FaultReader final : public Reader {
 public:
  FaultReader(FaultEventLog* log, std::unique_ptr<Reader> wrapped)
      : log_(*log), life_(log->life()), wrapped_(std::move(wrapped)) {}

  Result<std::vector<LogRecord>> Poll(size_t records_max) override {
    if (auto verdict = log_.Judge(LogCall::kPoll, life_); verdict.error) {
      return tl::unexpected<Error>(*std::move(verdict.error));
    }
    return wrapped_->Poll(records_max);
  }
  Status Commit() override {
    auto verdict = log_.Judge(LogCall::kCommit, life_);
    if (verdict.happens) FLEETMEDIC_RETURN_IF_ERROR(wrapped_->Commit());
    if (verdict.error) return tl::unexpected<Error>(*std::move(verdict.error));
    return {};
  }
  std::vector<Position> Positions() const override { return wrapped_->Positions(); }
  Result<Lag> Behind() const override {
    if (auto verdict = log_.Judge(LogCall::kBehind, life_); verdict.error) {
      return tl::unexpected<Error>(*std::move(verdict.error));
    }
    return wrapped_->Behind();
  }

 private:
  FaultEventLog& log_;
  const int64_t life_;
  const std::unique_ptr<Reader> wrapped_;
};

void FaultEventLog::FailAt(LogCall call, int64_t nth, LogFault fault, int64_t times) {
  FLEETMEDIC_CHECK(nth >= 1 && times >= 1 && Hits(call, fault));
  absl::MutexLock lock(&mutex_);
  commands_.push_back({call, calls_[static_cast<size_t>(call)] + nth, times, fault});
}

void FaultEventLog::FailByChance(Random random, const LogFaultChances& chances) {
  absl::MutexLock lock(&mutex_);
  random_ = random;
  chances_ = chances;
}

void FaultEventLog::Heal() {
  absl::MutexLock lock(&mutex_);
  commands_.clear();
  random_.reset();
}

bool FaultEventLog::crashed() const {
  absl::MutexLock lock(&mutex_);
  return crashed_;
}

void FaultEventLog::Reset() {
  absl::MutexLock lock(&mutex_);
  crashed_ = false;
  ++life_;
}

int64_t FaultEventLog::calls(LogCall call) const {
  absl::MutexLock lock(&mutex_);
  return calls_[static_cast<size_t>(call)];
}

int64_t FaultEventLog::faults() const {
  absl::MutexLock lock(&mutex_);
  return faults_;
}

int64_t FaultEventLog::life() const {
  absl::MutexLock lock(&mutex_);
  return life_;
}

std::optional<LogFault> FaultEventLog::Due(LogCall call, int64_t count) {
  for (const Command& command : commands_) {
    // Written so that `times` may be as large as it likes.
    const bool due =
        command.call == call && count >= command.first && count - command.first < command.times;
    if (due) return command.fault;
  }
  if (!random_) return std::nullopt;
  // One draw for each call, whatever comes of it: so a run stays comparable when chances change.
  double draw = random_->Unit();
  for (size_t i = 0; i < kLogFaultCount; ++i) {
    if (draw < chances_[i]) return static_cast<LogFault>(i);
    draw -= chances_[i];
  }
  return std::nullopt;
}

FaultEventLog::Verdict FaultEventLog::Judge(LogCall call, std::optional<int64_t> life) {
  absl::MutexLock lock(&mutex_);
  const int64_t count = ++calls_[static_cast<size_t>(call)];
  if (crashed_ || life.value_or(life_) != life_) {
    return {Error{Code::kUnavailable, "injected: the log crashed"}, false};
  }
  const std::optional<LogFault> fault = Due(call, count);
  if (!fault || !Hits(call, *fault)) return {};
  ++faults_;
  crashed_ = IsCrash(*fault);
  return {ErrorOf(*fault), HappensAfterAll(*fault)};
}

Status FaultEventLog::Append(Topic topic, std::span<const Record> records) {
  auto verdict = Judge(LogCall::kAppend);
  if (verdict.happens) FLEETMEDIC_RETURN_IF_ERROR(wrapped_.Append(topic, records));
  if (verdict.error) return tl::unexpected<Error>(*std::move(verdict.error));
  return {};
}

Result<std::unique_ptr<Reader>> FaultEventLog::Open(Topic topic, std::string_view group) {
  if (auto verdict = Judge(LogCall::kOpen); verdict.error) {
    return tl::unexpected<Error>(*std::move(verdict.error));
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(auto reader, wrapped_.Open(topic, group));
  return std::make_unique<FaultReader>(this, std::move(reader));
}

Result<std::unique_ptr<Reader>> FaultEventLog::OpenAt(Topic topic,
                                                      std::span<const Position> positions) {
  if (auto verdict = Judge(LogCall::kOpen); verdict.error) {
    return tl::unexpected<Error>(*std::move(verdict.error));
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(auto reader, wrapped_.OpenAt(topic, positions));
  return std::make_unique<FaultReader>(this, std::move(reader));
}

std::unique_ptr<Subscription> FaultEventLog::Subscribe(std::span<const Topic> topics,
                                                       std::function<void()> wake) {
  return wrapped_.Subscribe(topics, [this, wake = std::move(wake)] {
    if (!crashed()) wake();
  });
}

}  // namespace fleetmedic

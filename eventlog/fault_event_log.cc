#include "eventlog/fault_event_log.h"

#include <utility>

namespace fleetmedic {

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

Result<std::unique_ptr<Reader>> FaultEventLog::OpenPartition(Topic topic, Position from) {
  if (auto verdict = Judge(LogCall::kOpen); verdict.error) {
    return tl::unexpected<Error>(*std::move(verdict.error));
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(auto reader, wrapped_.OpenPartition(topic, from));
  return std::make_unique<FaultReader>(this, std::move(reader));
}

std::unique_ptr<Subscription> FaultEventLog::Subscribe(std::span<const Topic> topics,
                                                       std::function<void()> wake) {
  return wrapped_.Subscribe(topics, [this, wake = std::move(wake)] {
    if (!crashed()) wake();
  });
}

}  // namespace fleetmedic

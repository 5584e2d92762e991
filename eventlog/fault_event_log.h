// An event log that fails on command or by chance, for tests and the simulator: a twin over any
// other.
#ifndef FLEETMEDIC_EVENTLOG_FAULT_EVENT_LOG_H_
#define FLEETMEDIC_EVENTLOG_FAULT_EVENT_LOG_H_

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/fault_plan.h"
#include "eventlog/event_log.h"

namespace fleetmedic {

enum class LogCall : uint8_t {
  kAppend,
  kCommit,  // of a reader of a group
  kPoll,
  kBehind,
  kOpen,  // Open, OpenAt and OpenPartition
};

// Thread-safe. Without faults it is the wrapped log, call for call. Poll, Behind and Open are
// reads. A torn append is no fault of its own: to everybody but the disk it is kFailedBefore, for
// half a batch is never to be seen. After a Reset, readers from before stay dead, as their process
// is.
class FaultEventLog final : public EventLog, public FaultPlan<LogCall> {
 public:
  // `wrapped` is not owned and stays as long as this. Several twins may share one log: each is the
  // way of one role to it.
  explicit FaultEventLog(EventLog* wrapped)
      : FaultPlan("the log", {LogCall::kPoll, LogCall::kBehind, LogCall::kOpen}),
        wrapped_(*wrapped) {}

  Status Append(Topic topic, std::span<const Record> records) override;
  Result<std::unique_ptr<Reader>> Open(Topic topic, std::string_view group) override;
  Result<std::unique_ptr<Reader>> OpenAt(Topic topic, std::span<const Position> positions) override;
  Result<std::unique_ptr<Reader>> OpenPartition(Topic topic, Position from) override;
  // Never fails; a log that crashed does not wake.
  std::unique_ptr<Subscription> Subscribe(std::span<const Topic> topics,
                                          std::function<void()> wake) override;

 private:
  class FaultReader;

  EventLog& wrapped_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_EVENTLOG_FAULT_EVENT_LOG_H_

// An event log in memory: for the simulator and for tests. Nothing survives the process.
#ifndef FLEETMEDIC_EVENTLOG_MEMORY_EVENT_LOG_H_
#define FLEETMEDIC_EVENTLOG_MEMORY_EVENT_LOG_H_

#include <cstddef>
#include <memory>

#include "base/clock.h"
#include "eventlog/event_log.h"

namespace fleetmedic {

struct MemoryEventLogOptions {
  // Of each topic; the hash of the key chooses. At least 1.
  int32_t partitions = 1;
  // The oldest records of a topic past this are dropped. At least 1. Compacted topics keep the
  // newest record of each key instead.
  size_t records_per_topic_max = 100'000;
};

// Thread-safe; deterministic on one thread. Wakes are called by Append, on its thread, after the
// records can be read and without a lock of the log. A compacted topic is compacted at once.
class MemoryEventLog final : public EventLog {
 public:
  using Options = MemoryEventLogOptions;

  // The clock is not owned and stays as long as the log.
  explicit MemoryEventLog(const Clock& clock, const Options& options = {});
  MemoryEventLog(const MemoryEventLog&) = delete;
  MemoryEventLog& operator=(const MemoryEventLog&) = delete;
  ~MemoryEventLog() override;

  Status Append(Topic topic, std::span<const Record> records) override;
  Result<std::unique_ptr<Reader>> Open(Topic topic, std::string_view group) override;
  Result<std::unique_ptr<Reader>> OpenAt(Topic topic, std::span<const Position> positions) override;
  Result<std::unique_ptr<Reader>> OpenPartition(Topic topic, Position from) override;
  std::unique_ptr<Subscription> Subscribe(std::span<const Topic> topics,
                                          std::function<void()> wake) override;

  // Records that the limit of a topic dropped, since the start.
  int64_t records_dropped() const;

 private:
  class State;
  class GroupReader;
  class OwnReader;

  const std::unique_ptr<State> state_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_EVENTLOG_MEMORY_EVENT_LOG_H_

#include "eventlog/log_under_test.h"

#include "eventlog/memory_event_log.h"

namespace fleetmedic {
namespace {

class MemoryLogUnderTest final : public LogUnderTest {
 public:
  MemoryLogUnderTest(const Clock& clock, int32_t partitions)
      : log_(clock, {.partitions = partitions}) {}
  EventLog& log() override { return log_; }
  void Settle() override {}
  bool Reopen() override { return false; }

 private:
  MemoryEventLog log_;
};

std::unique_ptr<LogUnderTest> MakeMemory(const Clock& clock) {
  return std::make_unique<MemoryLogUnderTest>(clock, 1);
}

std::unique_ptr<LogUnderTest> MakeMemoryOfFour(const Clock& clock) {
  return std::make_unique<MemoryLogUnderTest>(clock, 4);
}

}  // namespace

std::vector<LogFactory> LogFactories() {
  return {{"Memory", MakeMemory}, {"MemoryOfFourPartitions", MakeMemoryOfFour}};
}

}  // namespace fleetmedic

#include "eventlog/log_under_test.h"

#include "eventlog/fault_event_log.h"
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

// The twin that could fail and does not.
class FaultLogUnderTest final : public LogUnderTest {
 public:
  explicit FaultLogUnderTest(const Clock& clock) : wrapped_(clock) {}
  EventLog& log() override { return log_; }
  void Settle() override {}
  bool Reopen() override { return false; }

 private:
  MemoryEventLog wrapped_;
  FaultEventLog log_{&wrapped_};
};

std::unique_ptr<LogUnderTest> MakeMemory(const Clock& clock) {
  return std::make_unique<MemoryLogUnderTest>(clock, 1);
}

std::unique_ptr<LogUnderTest> MakeMemoryOfFour(const Clock& clock) {
  return std::make_unique<MemoryLogUnderTest>(clock, 4);
}

std::unique_ptr<LogUnderTest> MakeFault(const Clock& clock) {
  return std::make_unique<FaultLogUnderTest>(clock);
}

}  // namespace

std::vector<LogFactory> LogFactories() {
  return {{"Memory", MakeMemory},
          {"MemoryOfFourPartitions", MakeMemoryOfFour},
          {"FaultWithoutFaults", MakeFault}};
}

}  // namespace fleetmedic

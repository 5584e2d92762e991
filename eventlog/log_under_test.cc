#include "eventlog/log_under_test.h"

#include "base/file.h"
#include "eventlog/fault_event_log.h"
#include "eventlog/memory_event_log.h"
#include "eventlog/sqlite_event_log.h"

namespace fleetmedic {
namespace {

class MemoryLogUnderTest final : public LogUnderTest {
 public:
  MemoryLogUnderTest(const Clock& clock, int32_t partitions)
      : log_(clock, {.partitions = partitions}) {}
  EventLog& log() override { return log_; }

 private:
  MemoryEventLog log_;
};

// The twin that could fail and does not.
class FaultLogUnderTest final : public LogUnderTest {
 public:
  explicit FaultLogUnderTest(const Clock& clock) : wrapped_(clock) {}
  EventLog& log() override { return log_; }

 private:
  MemoryEventLog wrapped_;
  FaultEventLog log_{&wrapped_};
};

class SqliteLogUnderTest final : public LogUnderTest {
 public:
  explicit SqliteLogUnderTest(const Clock& clock, int32_t partitions)
      : clock_(clock), partitions_(partitions) {
    Open();
  }
  EventLog& log() override { return *log_; }
  void Settle() override {
    while (log_->Trim().value()) {
    }
  }
  void Reopen() override {
    log_.reset();
    Open();
  }

 private:
  void Open() {
    SqliteEventLogOptions options;
    options.partitions = partitions_;
    log_ = SqliteEventLog::Open(folder_ / "log.db", clock_, options).value();
  }

  const Clock& clock_;
  const int32_t partitions_;
  TempFolder folder_;
  std::unique_ptr<SqliteEventLog> log_;
};

std::unique_ptr<LogUnderTest> MakeSqlite(const Clock& clock) {
  return std::make_unique<SqliteLogUnderTest>(clock, 1);
}

std::unique_ptr<LogUnderTest> MakeSqliteOfFour(const Clock& clock) {
  return std::make_unique<SqliteLogUnderTest>(clock, 4);
}

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
          {"FaultWithoutFaults", MakeFault},
          {"Sqlite", MakeSqlite},
          {"SqliteOfFourPartitions", MakeSqliteOfFour}};
}

std::vector<LogFactory> DurableLogFactories() {
  return {{"Sqlite", MakeSqlite}, {"SqliteOfFourPartitions", MakeSqliteOfFour}};
}

}  // namespace fleetmedic

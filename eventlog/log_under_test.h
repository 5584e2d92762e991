// The implementations that the contract suite runs over. For tests.
#ifndef FLEETMEDIC_EVENTLOG_LOG_UNDER_TEST_H_
#define FLEETMEDIC_EVENTLOG_LOG_UNDER_TEST_H_

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "base/clock.h"
#include "eventlog/event_log.h"

namespace fleetmedic {

// One log, empty at first, with all that it needs; gone with this.
class LogUnderTest {
 public:
  virtual ~LogUnderTest() = default;
  virtual EventLog& log() = 0;
  // Brings retention and compaction up to date, where the engine does them behind the scenes.
  virtual void Settle() {}
  // Ends the log and opens it again as a new process would. For durable ones alone.
  virtual void Reopen() { FLEETMEDIC_CHECK(false); }
};

struct LogFactory {
  std::string name;  // letters and digits
  std::function<std::unique_ptr<LogUnderTest>(const Clock&)> make;
};
inline void PrintTo(const LogFactory& factory, std::ostream* out) { *out << factory.name; }

std::vector<LogFactory> LogFactories();
// Those of them that survive their process.
std::vector<LogFactory> DurableLogFactories();

}  // namespace fleetmedic

#endif  // FLEETMEDIC_EVENTLOG_LOG_UNDER_TEST_H_

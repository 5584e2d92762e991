// An agent, the program as it ships, in a process of its own with the embedded event log, and what
// it uses and says.
#ifndef FLEETMEDIC_BENCH_AGENT_RUN_H_
#define FLEETMEDIC_BENCH_AGENT_RUN_H_

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/child_process.h"
#include "base/clock.h"
#include "base/file.h"
#include "eventlog/sqlite_event_log.h"

namespace fleetmedic {

// CPU time of a process and its threads.
Result<Micros> CpuOf(pid_t pid);
Result<double> ResidentMiB(pid_t pid);

// Made where it is not there.
Result<UniqueFd> OpenForAppend(const std::string& path);
Status WriteAll(int fd, std::string_view text);

// Every detector as it ships, but nothing that leaves the machine: neither its name server nor its
// metadata is asked.
std::string AllDetectors();

// Its folder is removed, and the agent killed, at the end.
class AgentRun {
 public:
  static constexpr Millis kReadyMax = Seconds(60);

  explicit AgentRun(const Clock* clock) : clock_(clock) {}

  const std::string& folder() const { return folder_.path(); }
  pid_t pid() const { return child_->pid(); }

  // `toml` without the folders. Once.
  Status Start(const std::string& toml);
  // Until it has said something of its host.
  Status WaitReport();
  // Lines in the log by now.
  uint64_t Shipped();
  // What came since the last call of any of these.
  std::vector<LogRecord> NewFrames() { return Drain(lines_.get()); }
  std::vector<LogRecord> NewHealth() { return Drain(health_.get()); }

 private:
  static std::vector<LogRecord> Drain(Reader* reader);

  const Clock* const clock_;
  TempFolder folder_;
  std::unique_ptr<SqliteEventLog> log_;
  std::unique_ptr<Reader> lines_;
  std::unique_ptr<Reader> health_;
  std::optional<Child> child_;
  uint64_t shipped_ = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BENCH_AGENT_RUN_H_

// `fleetmedic` as a process of its own, in a folder of the test.
#ifndef FLEETMEDIC_TESTS_E2E_FLEET_PROGRAM_H_
#define FLEETMEDIC_TESTS_E2E_FLEET_PROGRAM_H_

#include <optional>
#include <string>
#include <vector>

#include "base/child_process.h"
#include "base/clock.h"
#include "base/json.h"

namespace fleetmedic {

// The program with these arguments run to its end; its exit code is an answer.
Result<CommandResult> RunProgram(std::vector<std::string> arguments, Millis limit,
                                 std::vector<std::string> more_env = {});

// A long-running command. Its output goes to FOLDER/log, appended.
class FleetProgram {
 public:
  // `folder` is there already and holds the state; the sockets are in FOLDER/run. With --state-dir
  // and --run-dir, on a free port.
  explicit FleetProgram(std::string folder) : folder_(std::move(folder)) {}

  // Returns when the API answers. Twice in turn, with a Kill between, goes on where it was.
  // kDeadlineExceeded: it does not, the message has the end of the log.
  Status Start(std::vector<std::string> command, Millis limit);
  // SIGKILL to the process alone: what it started goes on.
  Status Kill();
  // SIGTERM, and waits for the end.
  Status Stop(Millis limit);
  bool running() const { return child_.has_value(); }

  // By the control socket; `socket` names another of FOLDER/run. Errors: those of the reply.
  Result<Json> Call(const std::string& method, const std::string& target, const std::string& body,
                    const std::string& socket = "control.sock") const;
  Result<Json> Get(const std::string& target, const std::string& socket = "control.sock") const {
    return Call("GET", target, "", socket);
  }
  // What /metrics says.
  Result<std::string> Metrics() const;
  std::string LogEnd() const;

 private:
  std::string folder_;
  SystemClock clock_;
  std::optional<Child> child_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_TESTS_E2E_FLEET_PROGRAM_H_

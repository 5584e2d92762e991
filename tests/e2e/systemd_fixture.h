// A real systemd of a test's own: PID 1 of a container without network.
#ifndef FLEETMEDIC_TESTS_E2E_SYSTEMD_FIXTURE_H_
#define FLEETMEDIC_TESTS_E2E_SYSTEMD_FIXTURE_H_

#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/child_process.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"

namespace fleetmedic {

class SystemdFixture {
 public:
  // Starts it with these unit files, by name, each started at boot. Needs root. The root file
  // system is made once, by mmdebstrap from the mirror of the machine's own apt, and kept in
  // build/cache; what a test writes goes to a layer of its own.
  static Result<std::unique_ptr<SystemdFixture>> Start(
      const std::map<std::string, std::string>& units);
  ~SystemdFixture();

  // PID 1 of the container, as this machine numbers it.
  pid_t leader() const { return leader_; }
  // "unix:path=..." of its system bus.
  std::string bus() const;
  // The folder of its journal.
  std::string journal() const;
  // What its console showed, for messages.
  std::string ConsoleText() const;

 private:
  SystemdFixture() = default;
  Status Prepare(const std::map<std::string, std::string>& units);
  Status Boot();

  SystemClock clock_;
  TempFolder folder_;
  bool mounted_ = false;
  pid_t leader_ = 0;
  std::optional<Child> nspawn_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_TESTS_E2E_SYSTEMD_FIXTURE_H_

// A real systemd of a test's own: PID 1 of a container without network.
#ifndef FLEETMEDIC_TESTS_E2E_SYSTEMD_FIXTURE_H_
#define FLEETMEDIC_TESTS_E2E_SYSTEMD_FIXTURE_H_

#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/child_process.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"

namespace fleetmedic {

class SystemdFixture {
 public:
  // Starts it with these unit files, by name, each started at boot. Needs root. The root file
  // system is made once, by mmdebstrap from the mirror of the machine's own apt, and kept in
  // build/cache; what a test writes goes to a layer of its own. `more` are options of
  // systemd-nspawn(1).
  static Result<std::unique_ptr<SystemdFixture>> Start(
      const std::map<std::string, std::string>& units, const std::vector<std::string>& more = {});
  ~SystemdFixture();

  // PID 1 of the container, as this machine numbers it.
  pid_t leader() const { return leader_; }
  // "unix:path=..." of its system bus.
  std::string bus() const;
  // The folder of its journal.
  std::string journal() const;
  // Its "/" as it is mounted within; SQLite, which resolves links by name, cannot go this way.
  std::string root() const;
  // The file system that its "/" is, and nothing that is mounted below.
  std::string disk() const { return folder_ / "root"; }
  // Runs a program in it, as root; see RunCommand. `cwd` is in it too.
  Result<CommandResult> Run(const std::vector<std::string>& argv, Millis limit,
                            const std::string& cwd = "/") const;
  // What its console showed, for messages.
  std::string ConsoleText() const;

 private:
  SystemdFixture() = default;
  Status Prepare(const std::map<std::string, std::string>& units);
  Status Boot(const std::vector<std::string>& more);

  SystemClock clock_;
  TempFolder folder_;
  bool mounted_ = false;
  pid_t leader_ = 0;
  std::optional<Child> nspawn_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_TESTS_E2E_SYSTEMD_FIXTURE_H_

// The processes that a test's program started and that outlive it: shims and tasks, found by the
// test's own folder.
#ifndef FLEETMEDIC_TESTS_E2E_PROCESSES_H_
#define FLEETMEDIC_TESTS_E2E_PROCESSES_H_

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace fleetmedic {

// Of every running process whose working folder is below `folder` (a task's is), its
// FLEETMEDIC_TASK; by process id. Processes without that mark are left out.
std::map<pid_t, std::string> TaskProcessesBelow(const std::string& folder);

// Every process of which the command line or the working folder names something below `folder`,
// ourselves excepted.
std::vector<pid_t> ProcessesBelow(const std::string& folder);

// Ends them: shims before tasks, so that none is started again. False when some are left after a
// bounded time.
bool EndProcessesBelow(const std::string& folder);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_TESTS_E2E_PROCESSES_H_

// What the program does for `task-shim`, and an executor's driver to be killed.
//
//   executor_test_shim task-shim FOLDER
//   executor_test_shim drive FOLDER TASKS     runs that many sleeping tasks until it is killed
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/poll.h"
#include "executor/process_driver.h"
#include "executor/task_shim.h"

namespace fleetmedic {
namespace {

int Drive(const std::string& folder, int tasks) {
  const SystemClock clock;
  ProcessDriver driver({.folder = folder, .shim_argv = {"/proc/self/exe"}}, &clock);
  if (!driver.Open()) return 1;
  Job job;
  job.id = JobId("web");
  job.argv = {"sleep", "1000"};
  for (int i = 0; i < tasks; ++i) driver.Run(TaskId("web/" + std::to_string(i)), job);
  while (true) {
    driver.Poll();
    PollUntil({}, clock, clock.Mono() + Millis(10));
  }
}

}  // namespace
}  // namespace fleetmedic

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == fleetmedic::kTaskShimWord) {
    return fleetmedic::TaskShimMain(argv[2]);
  }
  if (argc == 4 && std::string_view(argv[1]) == "drive") {
    return fleetmedic::Drive(argv[2], std::atoi(argv[3]));
  }
  return 64;
}

// What the program does for `task-shim`, and an executor's driver to be killed.
//
//   executor_test_shim task-shim FOLDER
//   executor_test_shim die-unrecorded task-shim FOLDER
//       the folder's first shim is killed where it is about to make its first record durable
//   executor_test_shim drive FOLDER TASKS     runs that many sleeping tasks until it is killed
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "base/poll.h"
#include "executor/process_driver.h"
#include "executor/task_shim.h"

namespace fleetmedic {
namespace {

// The folder whose first shim dies at its first fsync(2); empty: none does.
std::string die_unrecorded_in;

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

// Gives the task the time to show that it runs, should it run already: up to half a second.
void DieUnrecorded() {
  const std::string died = die_unrecorded_in + "/died-unrecorded";
  const std::string ran = die_unrecorded_in + "/work/ran";
  if (::open(died.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) < 0) return;
  const SystemClock clock;
  for (int i = 0; i < 50 && ::access(ran.c_str(), F_OK) != 0; ++i) {
    PollUntil({}, clock, clock.Mono() + Millis(10));
  }
  ::kill(::getpid(), SIGKILL);
}

}  // namespace
}  // namespace fleetmedic

// In the place of the C library's: nothing is durable before it.
extern "C" int fsync(int fd) {
  if (!fleetmedic::die_unrecorded_in.empty()) fleetmedic::DieUnrecorded();
  return static_cast<int>(::syscall(SYS_fsync, fd));
}

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == fleetmedic::kTaskShimWord) {
    return fleetmedic::TaskShimMain(argv[2]);
  }
  if (argc == 4 && std::string_view(argv[1]) == "die-unrecorded") {
    fleetmedic::die_unrecorded_in = argv[3];
    return fleetmedic::TaskShimMain(argv[3]);
  }
  if (argc == 4 && std::string_view(argv[1]) == "drive") {
    return fleetmedic::Drive(argv[2], std::atoi(argv[3]));
  }
  return 64;
}

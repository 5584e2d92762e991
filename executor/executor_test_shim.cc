// What the program does for `task-shim`, and an executor's driver to be killed.
//
//   executor_test_shim task-shim FOLDER
//   executor_test_shim die-unrecorded task-shim FOLDER
//       the folder's first shim is killed where it is about to make its first record durable
//   executor_test_shim crash-when-there-is FILE     a program that writes where nothing is
//   executor_test_shim drive FOLDER TASKS     runs that many sleeping tasks until it is killed
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "base/poll.h"
#include "executor/process_driver.h"
#include "executor/task_folder.h"
#include "executor/task_shim.h"

namespace fleetmedic {
namespace {

// The shim's; empty where this is none.
std::string shim_folder;
// The folder's first shim dies at its first fsync(2).
bool die_unrecorded = false;

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

void CrashWhenThereIs(const char* file) {
  const SystemClock clock;
  while (::access(file, F_OK) != 0) PollUntil({}, clock, clock.Mono() + Millis(5));
  volatile int* const nowhere = nullptr;
  *nowhere = 1;
}

// Gives the task the time to show that it runs, should it run already: up to half a second.
void DieUnrecorded() {
  const TaskFolder folder(shim_folder);
  const std::string died = folder.File("died-unrecorded");
  const std::string ran = folder.File("work/ran");
  if (::open(died.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) < 0) return;
  const SystemClock clock;
  for (int i = 0; i < 50 && ::access(ran.c_str(), F_OK) != 0; ++i) {
    PollUntil({}, clock, clock.Mono() + Millis(10));
  }
  ::kill(::getpid(), SIGKILL);
}

}  // namespace
}  // namespace fleetmedic

// In the place of the C library's: a group may be signalled only while its leader is a child of
// ours that was not reaped; else the number can mean anybody. The tests look for the file.
extern "C" int kill(pid_t pid, int signal) noexcept {
  siginfo_t info{};
  const int look = WEXITED | WNOHANG | WNOWAIT;
  if (pid < 0 && !fleetmedic::shim_folder.empty() &&
      ::waitid(P_PID, static_cast<id_t>(-pid), &info, look) != 0) {
    const std::string told = fleetmedic::shim_folder + "/signalled-a-stranger";
    ::close(::open(told.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  }
  return static_cast<int>(::syscall(SYS_kill, pid, signal));
}

// In the place of the C library's: nothing is durable before it.
extern "C" int fsync(int fd) {
  if (fleetmedic::die_unrecorded) fleetmedic::DieUnrecorded();
  return static_cast<int>(::syscall(SYS_fsync, fd));
}

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == fleetmedic::kTaskShimWord) {
    fleetmedic::shim_folder = argv[2];
    return fleetmedic::TaskShimMain(argv[2]);
  }
  if (argc == 3 && std::string_view(argv[1]) == "crash-when-there-is") {
    fleetmedic::CrashWhenThereIs(argv[2]);
  }
  if (argc == 4 && std::string_view(argv[1]) == "die-unrecorded") {
    fleetmedic::shim_folder = argv[3];
    fleetmedic::die_unrecorded = true;
    return fleetmedic::TaskShimMain(argv[3]);
  }
  if (argc == 4 && std::string_view(argv[1]) == "drive") {
    return fleetmedic::Drive(argv[2], std::atoi(argv[3]));
  }
  return 64;
}

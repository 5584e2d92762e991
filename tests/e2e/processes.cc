#include "tests/e2e/processes.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <charconv>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "tests/e2e/wait.h"

namespace fleetmedic {
namespace {

constexpr size_t kProcessesMax = 1'000'000;
constexpr size_t kProcFileBytesMax = size_t{4} << 20;
constexpr std::string_view kMark = "FLEETMEDIC_TASK=";

std::vector<pid_t> AllProcesses() {
  std::vector<pid_t> pids;
  for (const std::string& name :
       FsRoot().List("/proc", kProcessesMax).value_or(std::vector<std::string>{})) {
    pid_t pid = 0;
    const char* const last = name.data() + name.size();
    const auto [end, error] = std::from_chars(name.data(), last, pid);
    if (error == std::errc() && end == last) pids.push_back(pid);
  }
  return pids;
}

std::string ProcFile(pid_t pid, const char* name) {
  return ReadFile("/proc/" + std::to_string(pid) + "/" + name, kProcFileBytesMax).value_or("");
}

std::string WorkingFolder(pid_t pid) {
  std::array<char, 4096> path{};
  const std::string link = "/proc/" + std::to_string(pid) + "/cwd";
  const ssize_t length = ::readlink(link.c_str(), path.data(), path.size());
  return length > 0 ? std::string(path.data(), static_cast<size_t>(length)) : "";
}

bool WorksBelow(pid_t pid, const std::string& folder) {
  return WorkingFolder(pid).starts_with(folder + "/");
}

}  // namespace

std::map<pid_t, std::string> TaskProcessesBelow(const std::string& folder) {
  std::map<pid_t, std::string> tasks;
  for (const pid_t pid : AllProcesses()) {
    if (!WorksBelow(pid, folder)) continue;
    const std::string environment = ProcFile(pid, "environ");
    for (const std::string_view entry : Split(environment, '\0')) {
      if (entry.starts_with(kMark)) tasks[pid] = entry.substr(kMark.size());
    }
  }
  return tasks;
}

std::vector<pid_t> ProcessesBelow(const std::string& folder) {
  std::vector<pid_t> commanded;
  std::vector<pid_t> working;
  for (const pid_t pid : AllProcesses()) {
    if (pid == ::getpid()) continue;
    if (ProcFile(pid, "cmdline").find(folder + "/") != std::string::npos) {
      commanded.push_back(pid);
    } else if (WorksBelow(pid, folder)) {
      working.push_back(pid);
    }
  }
  commanded.insert(commanded.end(), working.begin(), working.end());
  return commanded;
}

bool EndProcessesBelow(const std::string& folder) {
  const SystemClock clock;
  return WaitUntil(clock, Seconds(20), [&folder] {
    const std::vector<pid_t> pids = ProcessesBelow(folder);
    for (const pid_t pid : pids) ::kill(pid, SIGKILL);
    return pids.empty();
  });
}

}  // namespace fleetmedic

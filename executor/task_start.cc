#include "executor/task_start.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "base/child_process.h"
#include "base/text.h"
#include "executor/task_folder.h"

namespace fleetmedic {
namespace {

constexpr rlim_t kDescriptorsMax = 65'536;

// The step at which the child gave up, and its errno.
struct Failure {
  int step = 0;
  int error_number = 0;
};
enum Step : int { kSession, kParent, kCgroup, kLimits, kFolder, kStreams, kHold, kProgram };
constexpr std::array<const char*, 8> kStepNames = {
    "cannot make a session", "cannot tie the task to its shim", "cannot enter the cgroup",
    "cannot set limits",     "cannot enter the working folder", "cannot connect the output",
    "was not let run",       "cannot run the program"};

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Result<Pipe> MakePipe() {
  int fds[2] = {-1, -1};
  if (::pipe2(fds, O_CLOEXEC) != 0) return FailErrno("cannot make a pipe", errno);
  return Pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

std::vector<std::string> EnvironmentOf(const TaskId& task, const Job& job,
                                       const TaskFolder& folder) {
  std::map<std::string, std::string> values = {{"PATH", std::string(kProgramPath)},
                                               {"LANG", "C.UTF-8"}};
  for (const auto& [name, value] : job.env) values[name] = value;
  std::vector<std::string> environment = {TaskMark(folder), "FLEETMEDIC_TASK=" + task.str(),
                                          "FLEETMEDIC_JOB=" + job.id.str()};
  for (const auto& [name, value] : values) {
    if (name.starts_with("FLEETMEDIC_")) continue;
    environment.push_back(name + "=" + value);
  }
  return environment;
}

std::vector<std::string> ProgramPaths(const std::string& program, const Job& job) {
  if (program.find('/') != std::string::npos) return {program};
  const auto path = job.env.find("PATH");
  std::vector<std::string> paths;
  for (const std::string_view folder :
       Split(path == job.env.end() ? kProgramPath : std::string_view(path->second), ':')) {
    if (!folder.empty()) paths.push_back(std::string(folder) + "/" + program);
  }
  return paths;
}

std::vector<char*> Pointers(std::vector<std::string>* texts) {
  std::vector<char*> pointers;
  for (std::string& text : *texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// In the child from here on: nothing is allocated, everything was made before the fork.
struct Prepared {
  int shim_pid = 0;
  int failure_fd = -1;
  int go_fd = -1;
  int go_write_fd = -1;
  int out_fd = -1;
  int err_fd = -1;
  const std::vector<UniqueFd>* cgroups = nullptr;
  const char* folder = nullptr;
  char* const* argv = nullptr;
  char* const* environment = nullptr;
  const std::vector<std::string>* paths = nullptr;
};

[[noreturn]] void GiveUp(const Prepared& prepared, Step step) {
  const Failure failure{step, errno};
  [[maybe_unused]] const ssize_t written = ::write(prepared.failure_fd, &failure, sizeof(failure));
  ::_exit(127);
}

// Until the shim has written down that we run. The end of the pipe is the end of the shim.
void WaitForGo(const Prepared& prepared) {
  char word = 0;
  ssize_t got = 0;
  do {
    got = ::read(prepared.go_fd, &word, 1);
  } while (got < 0 && errno == EINTR);
  if (got == 1) return;
  if (got == 0) errno = ECANCELED;
  GiveUp(prepared, kHold);
}

[[noreturn]] void RunChild(const Prepared& prepared) {
  // Else we would keep our own pipe from ending.
  ::close(prepared.go_write_fd);
  if (::setsid() < 0) GiveUp(prepared, kSession);
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) GiveUp(prepared, kParent);
  // The shim may have died before the line above: then nobody would kill us.
  errno = ESRCH;
  if (::getppid() != prepared.shim_pid) GiveUp(prepared, kParent);
  for (const UniqueFd& procs : *prepared.cgroups) {
    if (::write(procs.get(), "0", 1) != 1) GiveUp(prepared, kCgroup);
  }
  const rlimit no_core{0, 0};
  rlimit descriptors{};
  if (::setrlimit(RLIMIT_CORE, &no_core) != 0) GiveUp(prepared, kLimits);
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0) GiveUp(prepared, kLimits);
  descriptors.rlim_max = std::min(descriptors.rlim_max, kDescriptorsMax);
  descriptors.rlim_cur = descriptors.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &descriptors) != 0) GiveUp(prepared, kLimits);
  if (::chdir(prepared.folder) != 0) GiveUp(prepared, kFolder);
  const int null = ::open("/dev/null", O_RDONLY);
  if (null < 0 || ::dup2(null, 0) < 0 || ::dup2(prepared.out_fd, 1) < 0 ||
      ::dup2(prepared.err_fd, 2) < 0) {
    GiveUp(prepared, kStreams);
  }
  WaitForGo(prepared);
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  int first_error = ENOENT;
  for (const std::string& path : *prepared.paths) {
    ::execve(path.c_str(), prepared.argv, prepared.environment);
    if (errno != ENOENT && errno != ENOTDIR) first_error = errno;
  }
  errno = first_error;
  GiveUp(prepared, kProgram);
}

Status SetNonBlocking(const UniqueFd& fd) {
  if (::fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0) return FailErrno("cannot set O_NONBLOCK", errno);
  return {};
}

}  // namespace

Result<StartedTask> ForkTask(const TaskId& task, const Job& job, const TaskFolder& folder,
                             const std::vector<std::string>& cgroup_files) {
  std::vector<UniqueFd> cgroups;
  for (const std::string& file : cgroup_files) {
    cgroups.emplace_back(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    if (!cgroups.back().ok()) return FailErrno("cannot open " + file, errno);
  }
  const std::string work_folder = folder.File("work");
  std::vector<std::string> environment = EnvironmentOf(task, job, folder);
  std::vector<std::string> argv = job.argv;
  const std::vector<std::string> paths = ProgramPaths(argv.front(), job);
  const std::vector<char*> argv_pointers = Pointers(&argv);
  const std::vector<char*> environment_pointers = Pointers(&environment);
  FLEETMEDIC_ASSIGN_OR_RETURN(Pipe out, MakePipe());
  FLEETMEDIC_ASSIGN_OR_RETURN(Pipe err, MakePipe());
  FLEETMEDIC_ASSIGN_OR_RETURN(Pipe failed, MakePipe());
  FLEETMEDIC_ASSIGN_OR_RETURN(Pipe go, MakePipe());
  FLEETMEDIC_RETURN_IF_ERROR(SetNonBlocking(out.read));
  FLEETMEDIC_RETURN_IF_ERROR(SetNonBlocking(err.read));
  const Prepared prepared{.shim_pid = ::getpid(),
                          .failure_fd = failed.write.get(),
                          .go_fd = go.read.get(),
                          .go_write_fd = go.write.get(),
                          .out_fd = out.write.get(),
                          .err_fd = err.write.get(),
                          .cgroups = &cgroups,
                          .folder = work_folder.c_str(),
                          .argv = argv_pointers.data(),
                          .environment = environment_pointers.data(),
                          .paths = &paths};
  const pid_t pid = ::fork();
  if (pid < 0) return FailErrno("cannot fork", errno);
  if (pid == 0) RunChild(prepared);
  return StartedTask{.pid = pid,
                     .standard_output = std::move(out.read),
                     .standard_error = std::move(err.read),
                     .failure = std::move(failed.read),
                     .go = std::move(go.write),
                     .go_read = std::move(go.read)};
}

Status LetRun(const Job& job, StartedTask* started) {
  const char word = 1;
  // One byte in an empty pipe whose reader is here too: it neither waits nor fails.
  FLEETMEDIC_CHECK(::write(started->go.get(), &word, 1) == 1);
  Failure failure;
  ssize_t got = 0;
  do {
    got = ::read(started->failure.get(), &failure, sizeof(failure));
  } while (got < 0 && errno == EINTR);
  started->go.reset();
  started->go_read.reset();
  started->failure.reset();
  if (got != sizeof(failure)) return {};
  return FailErrno(fmt::format("{} {}", kStepNames.at(static_cast<size_t>(failure.step)),
                               Quote(job.argv.front())),
                   failure.error_number);
}

}  // namespace fleetmedic

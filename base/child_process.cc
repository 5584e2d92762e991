#include "base/child_process.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <deque>

#include <fmt/format.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/poll.h"
#include "base/text.h"

namespace fleetmedic {
namespace {

constexpr size_t kChildStackBytes = size_t{64} << 10;
// How long the end of a Child waits for a killed program before it is put aside.
constexpr Seconds kReapPatience{1};
// Times 16 KiB: more than the kernel lets a pipe hold by default.
constexpr int kReadsPerDrainMax = 64;

// ThreadSanitizer takes what runs in our memory for us. Its clone(2) is a fork: afterwards it
// ignores what the calling thread does, so that a race is reported of all that thread shares, and
// ends the process when another thread is started. With it we clone past it, and the child does
// nothing that it would see.
#ifdef __SANITIZE_THREAD__
extern "C" int __clone(int (*function)(void*), void* stack, int flags, void* argument, ...);
#define FLEETMEDIC_CLONE __clone
#define FLEETMEDIC_UNSEEN __attribute__((no_sanitize("thread")))
#else
#define FLEETMEDIC_CLONE clone
#define FLEETMEDIC_UNSEEN
#endif

// ---- In the child, between clone and exec. It runs in our memory while the calling thread stands
// still (CLONE_VM, CLONE_VFORK): system calls only, no allocation, no lock.

struct Launch {
  const char* program = nullptr;
  char* const* argv = nullptr;
  char* const* env = nullptr;
  const char* cwd = nullptr;
  int streams[3] = {-1, -1, -1};  // above 2, or -1 to inherit
  bool new_session = false;
  const ChildLimit* limits = nullptr;
  size_t limit_count = 0;
  const ChildUser* user = nullptr;
  bool dies_with_thread = false;
  // Written by the child when it fails.
  const char* failed_step = nullptr;
  int error_number = 0;
};

FLEETMEDIC_UNSEEN int FailStep(Launch* launch, const char* step) {
  launch->failed_step = step;
  launch->error_number = errno;
  return 127;
}

// Zeros of a sigaction and of a signal set as the kernel has them: the default action, no signal.
constexpr unsigned long kKernelZeros[8] = {};
constexpr size_t kKernelSignalSetBytes = (NSIG - 1) / 8;

FLEETMEDIC_UNSEEN void ResetSignals() {
  // Before the mask is lifted: a handler of ours would run in the parent's memory.
  for (int signal = 1; signal < NSIG; ++signal) {
    syscall(SYS_rt_sigaction, signal, kKernelZeros, nullptr, kKernelSignalSetBytes);
  }
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, kKernelZeros, nullptr, kKernelSignalSetBytes);
}

// By the system calls themselves, as all that could be taken for the parent's doing: the functions
// of libc change every thread of what they take for their process, and this memory is our parent's.
FLEETMEDIC_UNSEEN bool BecomeUser(const ChildUser& user) {
  return syscall(SYS_setgroups, user.groups.size(), user.groups.data()) == 0 &&
         syscall(SYS_setresgid, user.gid, user.gid, user.gid) == 0 &&
         syscall(SYS_setresuid, user.uid, user.uid, user.uid) == 0;
}

FLEETMEDIC_UNSEEN int RunChild(void* argument) {
  auto* const launch = static_cast<Launch*>(argument);
  ResetSignals();
  const int grouped = launch->new_session ? static_cast<int>(setsid()) : setpgid(0, 0);
  if (grouped < 0) return FailStep(launch, "make a process group");
  for (int stream = 0; stream < 3; ++stream) {
    if (launch->streams[stream] < 0) continue;
    if (syscall(SYS_dup3, launch->streams[stream], stream, 0) < 0)
      return FailStep(launch, "connect a stream");
  }
  if (close_range(3, UINT_MAX, 0) != 0) return FailStep(launch, "close descriptors");
  if (chdir(launch->cwd) != 0) return FailStep(launch, "change to its folder");
  for (size_t i = 0; i < launch->limit_count; ++i) {
    const rlimit limit{launch->limits[i].soft, launch->limits[i].hard};
    if (setrlimit(static_cast<__rlimit_resource>(launch->limits[i].resource), &limit) != 0) {
      return FailStep(launch, "set a resource limit");
    }
  }
  if (launch->user != nullptr && !BecomeUser(*launch->user)) {
    return FailStep(launch, errno == EPERM
                                ? "become its user: no permission (CAP_SETUID, CAP_SETGID)"
                                : "become its user");
  }
  // After that: a change of user takes it back (prctl(2)).
  if (launch->dies_with_thread && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
    return FailStep(launch, "die with its parent");
  }
  execve(launch->program, launch->argv, launch->env);
  return FailStep(launch, "execute");
}

// ---- In the parent.

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

Result<std::string> FindProgram(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  for (const std::string_view folder : Split(kProgramPath, ':')) {
    const std::string path = std::string(folder) + "/" + name;
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return Fail(Code::kNotFound,
              fmt::format("there is no program {} in {}", Quote(name), kProgramPath));
}

// A copy above the standard streams, so that connecting one of them closes no other.
Result<UniqueFd> Above2(int fd) {
  UniqueFd copy(fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!copy.ok()) return FailErrno("cannot copy a descriptor for a child", errno);
  return copy;
}

struct StreamEnds {
  UniqueFd child;
  UniqueFd parent;
};

Result<StreamEnds> OpenStream(const ChildStream& stream, bool is_input) {
  StreamEnds ends;
  switch (stream.kind) {
    case ChildStream::Kind::kInherit:
      return ends;
    case ChildStream::Kind::kFd: {
      FLEETMEDIC_ASSIGN_OR_RETURN(ends.child, Above2(stream.fd));
      return ends;
    }
    case ChildStream::Kind::kNull: {
      const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
      if (!null.ok()) return FailErrno("cannot open /dev/null for a child", errno);
      FLEETMEDIC_ASSIGN_OR_RETURN(ends.child, Above2(null.get()));
      return ends;
    }
    case ChildStream::Kind::kPipe: {
      int fds[2];
      if (pipe2(fds, O_CLOEXEC) != 0) return FailErrno("cannot make a pipe for a child", errno);
      UniqueFd reader(fds[0]);
      UniqueFd writer(fds[1]);
      FLEETMEDIC_ASSIGN_OR_RETURN(ends.child, Above2(is_input ? reader.get() : writer.get()));
      ends.parent = is_input ? std::move(writer) : std::move(reader);
      return ends;
    }
  }
  return ends;
}

class ChildStack {
 public:
  ChildStack()
      : base_(mmap(nullptr, kChildStackBytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0)) {}
  ChildStack(const ChildStack&) = delete;
  ChildStack& operator=(const ChildStack&) = delete;
  ~ChildStack() {
    if (ok()) munmap(base_, kChildStackBytes);
  }
  bool ok() const { return base_ != MAP_FAILED; }
  void* top() const { return static_cast<char*>(base_) + kChildStackBytes; }

 private:
  void* const base_;
};

// Programs that were killed and do not die.
class Unreaped {
 public:
  void Add(UniqueFd pidfd) {
    absl::MutexLock lock(&mutex_);
    pidfds_.push_back(std::move(pidfd));
  }
  // Reaps those that have died since. The number of the rest.
  size_t Sweep() {
    absl::MutexLock lock(&mutex_);
    std::erase_if(pidfds_, [](const UniqueFd& pidfd) {
      siginfo_t info{};
      return waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &info, WEXITED | WNOHANG) != 0 ||
             info.si_pid != 0;
    });
    return pidfds_.size();
  }

 private:
  absl::Mutex mutex_;
  std::deque<UniqueFd> pidfds_ ABSL_GUARDED_BY(mutex_);
};

Unreaped& TheUnreaped() {
  static Unreaped* const unreaped = new Unreaped;
  return *unreaped;
}

// The program's process id and, in *pidfd, its descriptor.
Result<pid_t> Clone(Launch* launch, int* pidfd) {
  const ChildStack stack;
  // Another user in memory that is shared takes from us, too, that our /proc/self is ours
  // (dumpable, prctl(2)).
  const int dumpable = prctl(PR_GET_DUMPABLE);
  if (!stack.ok()) return FailErrno("cannot get memory for a child's stack", errno);
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  FLEETMEDIC_CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
  const pid_t pid = FLEETMEDIC_CLONE(RunChild, stack.top(),
                                     CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, launch, pidfd);
  const int clone_error = errno;
  FLEETMEDIC_CHECK(pthread_sigmask(SIG_SETMASK, &before, nullptr) == 0);
  if (launch->user != nullptr && dumpable == 1) (void)prctl(PR_SET_DUMPABLE, 1);
  if (pid < 0) {
    return FailErrno(fmt::format("cannot make a process for {}", Quote(launch->program, 256)),
                     clone_error);
  }
  return pid;
}

// Reads what is there; closes the stream at its end. Drops what goes past the limit. Returns now
// and then though there is more: a program that writes without end must still meet its deadline.
void Drain(UniqueFd* stream, size_t bytes_max, std::string* out, bool* cut) {
  char buffer[16 << 10];
  for (int reads = 0; reads < kReadsPerDrainMax && stream->ok(); ++reads) {
    const ssize_t count = read(stream->get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return stream->reset();
    const size_t room = bytes_max - out->size();
    out->append(buffer, std::min(room, static_cast<size_t>(count)));
    *cut = *cut || static_cast<size_t>(count) > room;
  }
}

Result<UniqueFd> InputFile(const std::string& input) {
  UniqueFd file(memfd_create("input", MFD_CLOEXEC));
  if (!file.ok()) return FailErrno("cannot make a file for a command's input", errno);
  for (size_t done = 0; done < input.size();) {
    const ssize_t count =
        pwrite(file.get(), input.data() + done, input.size() - done, static_cast<off_t>(done));
    if (count < 0 && errno != EINTR) return FailErrno("cannot write a command's input", errno);
    done += static_cast<size_t>(std::max<ssize_t>(count, 0));
  }
  return file;
}

}  // namespace

std::string ExitStatus::Text() const {
  if (signal == 0) return fmt::format("exit code {}", exit_code);
  const char* description = sigdescr_np(signal);
  return fmt::format("signal {} ({})", signal, description == nullptr ? "unknown" : description);
}

Result<Child> Child::Start(const ChildOptions& options) {
  FLEETMEDIC_CHECK(!options.argv.empty());
  if (TheUnreaped().Sweep() >= kUnreapedChildrenMax) {
    return Fail(Code::kFull, fmt::format("cannot start {}: {} killed programs have not died, the "
                                         "limit; look for hanging I/O (processes in state D)",
                                         Quote(options.argv[0]), kUnreapedChildrenMax));
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::string program, FindProgram(options.argv[0]));
  const ChildStream* const wanted[] = {&options.standard_input, &options.standard_output,
                                       &options.standard_error};
  Child child;
  StreamEnds ends[3];
  Launch launch;
  for (int i = 0; i < 3; ++i) {
    FLEETMEDIC_ASSIGN_OR_RETURN(ends[i], OpenStream(*wanted[i], i == 0));
    launch.streams[i] = ends[i].child.get();
    child.streams_[i] = std::move(ends[i].parent);
  }
  const std::vector<char*> argv = Pointers(options.argv);
  const std::vector<char*> env = Pointers(options.env);
  launch.program = program.c_str();
  launch.argv = argv.data();
  launch.env = env.data();
  launch.cwd = options.cwd.c_str();
  launch.new_session = options.new_session;
  launch.limits = options.limits.data();
  launch.limit_count = options.limits.size();
  launch.user = options.user ? &*options.user : nullptr;
  launch.dies_with_thread = options.dies_with_thread;
  int pidfd = -1;
  FLEETMEDIC_ASSIGN_OR_RETURN(child.pid_, Clone(&launch, &pidfd));
  child.pidfd_.reset(pidfd);
  if (launch.failed_step != nullptr) {
    return FailErrno(
        fmt::format("cannot start {}: cannot {}", Quote(program, 256), launch.failed_step),
        launch.error_number);
  }
  return child;
}

void Child::Abandon(Child child) {
  if (child.pid_ < 0) return;
  child.Kill(SIGKILL);
  child.pid_ = -1;
  TheUnreaped().Add(std::move(child.pidfd_));
}

size_t Child::unreaped() { return TheUnreaped().Sweep(); }

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)) {
  for (int i = 0; i < 3; ++i) streams_[i] = std::move(other.streams_[i]);
}

Child::~Child() {
  if (pid_ < 0) return;
  Kill(SIGKILL);
  const SystemClock clock;
  if (!Wait(clock, clock.Mono() + kReapPatience)) {
    TheUnreaped().Add(std::move(pidfd_));
    return;
  }
  siginfo_t info{};
  (void)waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED | WNOHANG);
}

Result<ExitStatus> Child::Wait(const Clock& clock, MonoTime deadline) const {
  pollfd ended{pidfd_.get(), POLLIN, 0};
  if (PollUntil({&ended, 1}, clock, deadline) == 0) {
    return Fail(Code::kDeadlineExceeded, fmt::format("process {} still runs", pid_));
  }
  siginfo_t info{};
  // WNOWAIT: it stays a zombie, and the number stays its own.
  if (waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
    return FailErrno(fmt::format("cannot wait for process {}", pid_), errno);
  }
  ExitStatus status;
  (info.si_code == CLD_EXITED ? status.exit_code : status.signal) = info.si_status;
  return status;
}

void Child::Kill(int signal) const { (void)kill(-pid_, signal); }

Result<CommandResult> RunCommand(const Command& command, const Clock& clock, MonoTime deadline) {
  ChildOptions options;
  options.argv = command.argv;
  options.env = command.env;
  options.cwd = command.cwd;
  options.limits = command.limits;
  options.user = command.user;
  options.dies_with_thread = command.dies_with_thread;
  options.standard_output.kind = ChildStream::Kind::kPipe;
  options.standard_error.kind = ChildStream::Kind::kPipe;
  UniqueFd input;
  if (!command.input.empty()) {
    FLEETMEDIC_ASSIGN_OR_RETURN(input, InputFile(command.input));
    options.standard_input = {ChildStream::Kind::kFd, input.get()};
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(Child child, Child::Start(options));
  UniqueFd* const out = &child.standard_output();
  UniqueFd* const error = &child.standard_error();
  for (const UniqueFd* stream : {out, error}) fcntl(stream->get(), F_SETFL, O_NONBLOCK);
  CommandResult result;
  const auto drain = [&] {
    Drain(out, command.output_bytes_max, &result.standard_output, &result.output_cut);
    Drain(error, command.output_bytes_max, &result.standard_error, &result.error_cut);
  };
  while (true) {
    // A closed stream is -1, which poll passes over.
    pollfd fds[] = {{child.pidfd(), POLLIN, 0}, {out->get(), POLLIN, 0}, {error->get(), POLLIN, 0}};
    PollUntil(fds, clock, deadline);
    drain();
    if (fds[0].revents != 0) break;
    if (clock.Mono() >= deadline) {
      return Fail(Code::kDeadlineExceeded,
                  fmt::format("{} did not end in time and was killed; standard error so far: {}",
                              Quote(command.argv[0], 256), Quote(Trim(result.standard_error))));
    }
  }
  // What the program left running must not hold the streams open: the end is the program's end.
  child.Kill(SIGKILL);
  drain();
  FLEETMEDIC_ASSIGN_OR_RETURN(result.status, child.Wait(clock, deadline));
  return result;
}

}  // namespace fleetmedic

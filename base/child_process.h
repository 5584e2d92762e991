// Programs that we start: with nothing of ours but what they are given, with a deadline, and
// killed with all their children. Safe in a process with many threads.
#ifndef FLEETMEDIC_BASE_CHILD_PROCESS_H_
#define FLEETMEDIC_BASE_CHILD_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace fleetmedic {

inline constexpr std::string_view kProgramPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// Where one of a child's three standard streams leads.
struct ChildStream {
  enum class Kind : uint8_t {
    kNull,     // /dev/null
    kInherit,  // to where ours leads
    kFd,       // `fd`, which stays the caller's
    kPipe,     // a pipe whose other end is the Child's
  };
  Kind kind = Kind::kNull;
  int fd = -1;
};

struct ChildLimit {
  int resource = 0;  // RLIMIT_... of setrlimit(2)
  uint64_t soft = 0;
  uint64_t hard = 0;
};

// Whom a child runs as.
struct ChildUser {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // the supplementary ones, all of them

  bool operator==(const ChildUser&) const = default;
};

struct ChildOptions {
  // argv[0] without a slash is looked for in kProgramPath, never in our own PATH.
  std::vector<std::string> argv;
  // All of it, as NAME=value: nothing of our environment is handed down.
  std::vector<std::string> env = {"PATH=" + std::string(kProgramPath), "LANG=C.UTF-8"};
  std::string cwd = "/";
  ChildStream standard_input;
  ChildStream standard_output;
  ChildStream standard_error;
  // A session of its own, without a terminal, instead of only a process group of its own.
  bool new_session = false;
  std::vector<ChildLimit> limits;
  // None: as we are. Another than ours needs CAP_SETUID and CAP_SETGID.
  std::optional<ChildUser> user;
  // SIGKILL to the program when the thread that started it ends. Not to what it started in turn.
  bool dies_with_thread = false;
};

struct ExitStatus {
  int exit_code = 0;  // where signal is 0
  int signal = 0;     // that ended it, or 0

  bool ok() const { return exit_code == 0 && signal == 0; }
  // "exit code 3", "signal 9 (Killed)".
  std::string Text() const;
  bool operator==(const ExitStatus&) const = default;
};

// A started program, the leader of its process group. It is not reaped before the Child's end, so
// that its number cannot come to mean another process and Kill always hits the right group.
//
// The end kills the group with SIGKILL and reaps. A process that the kernel does not let die (I/O
// that hangs) is not waited for: it is put aside and reaped by a later Start; once
// kUnreapedChildrenMax are put aside, Start fails with kFull.
//
// One thread at a time, except Kill.
class Child {
 public:
  static constexpr size_t kUnreapedChildrenMax = 64;

  // Returns once the program runs. Errors: those of execve(2) and of what comes before it
  // (kNotFound, kPermissionDenied, ...); the message says which step. In the
  // child, signals have their default actions, none is blocked, and every descriptor above 2 is
  // closed.
  static Result<Child> Start(const ChildOptions& options);
  // Children put aside, for a metric.
  static size_t unreaped();

  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();

  pid_t pid() const { return pid_; }
  // Readable (poll) once the program has ended.
  int pidfd() const { return pidfd_.get(); }
  // Our ends of the streams that are kPipe.
  UniqueFd& standard_input() { return streams_[0]; }
  UniqueFd& standard_output() { return streams_[1]; }
  UniqueFd& standard_error() { return streams_[2]; }

  // Kills the group and puts the child aside at once: for one that is known not to die.
  static void Abandon(Child child);

  // How the program ended; may be asked again. kDeadlineExceeded: it still runs.
  Result<ExitStatus> Wait(const Clock& clock, MonoTime deadline) const;
  // To every process of the group. One that left it (setsid) is not reached.
  void Kill(int signal) const;

 private:
  Child() = default;

  pid_t pid_ = -1;
  UniqueFd pidfd_;
  UniqueFd streams_[3];
};

struct Command {
  std::vector<std::string> argv;
  // Given on the standard input; /dev/null when empty.
  std::string input;
  // Of each stream; what goes past is read and dropped.
  size_t output_bytes_max = 64 << 10;
  std::vector<std::string> env = ChildOptions().env;
  std::string cwd = "/";
  std::vector<ChildLimit> limits;
  std::optional<ChildUser> user;
  bool dies_with_thread = false;
};

struct CommandResult {
  ExitStatus status;
  std::string standard_output;
  std::string standard_error;
  bool output_cut = false;
  bool error_cut = false;
};

// Runs the program to its end; a non-zero exit code is an answer, not an error. Its group is killed
// at the end of the program, or at the deadline (kDeadlineExceeded). Other errors are Start's.
Result<CommandResult> RunCommand(const Command& command, const Clock& clock, MonoTime deadline);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_CHILD_PROCESS_H_

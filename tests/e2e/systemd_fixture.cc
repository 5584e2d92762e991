#include "tests/e2e/systemd_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <filesystem>

#include <fmt/format.h>

#include "base/text.h"
#include "tests/e2e/wait.h"

namespace fleetmedic {
namespace {

// In the source folder, where tests run: made once for every build.
constexpr const char* kCacheFolder = "build/cache";
constexpr const char* kSuite = "bookworm";
constexpr const char* kPackages = "systemd,systemd-sysv,dbus";

Result<std::string> CachedRoot(const Clock& clock) {
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(kCacheFolder));
  const std::string cache = std::filesystem::absolute(kCacheFolder).string();
  const std::string root = cache + "/systemd-" + kSuite;
  // Tests run beside each other; one makes it and the others wait.
  const bool ours = WaitUntil(clock, Minutes(4), [&] {
    if (FsRoot().Exists(root)) return true;
    const Result<FileLock> lock = FileLock::Acquire(root + ".lock");
    if (!lock) return false;
    const std::string fresh = root + ".new";
    (void)RemoveTree(fresh);
    Command make;
    make.argv = {"mmdebstrap", "--variant=essential", std::string("--include=") + kPackages, kSuite,
                 fresh};
    const Result<CommandResult> made = RunCommand(make, clock, clock.Mono() + Minutes(4));
    if (!made || !made->status.ok()) {
      std::fprintf(stderr, "mmdebstrap: %s\n",
                   made ? made->standard_error.c_str() : made.error().message.c_str());
      return true;
    }
    return std::rename(fresh.c_str(), root.c_str()) == 0;
  });
  if (!ours || !FsRoot().Exists(root)) {
    return Fail(Code::kUnavailable, "cannot make a root file system for systemd in " + root);
  }
  return root;
}

std::optional<pid_t> OnlyChildOf(pid_t parent) {
  const Result<std::string> text =
      ReadFile(fmt::format("/proc/{0}/task/{0}/children", parent), 4096);
  if (!text) return std::nullopt;
  const std::string_view first = Trim(std::string_view(*text).substr(0, text->find(' ')));
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(first.data(), first.data() + first.size(), pid);
  if (error != std::errc() || pid <= 1) return std::nullopt;
  return pid;
}

}  // namespace

Result<std::unique_ptr<SystemdFixture>> SystemdFixture::Start(
    const std::map<std::string, std::string>& units, const std::vector<std::string>& more) {
  std::unique_ptr<SystemdFixture> fixture(new SystemdFixture());
  FLEETMEDIC_RETURN_IF_ERROR(fixture->Prepare(units));
  FLEETMEDIC_RETURN_IF_ERROR(fixture->Boot(more));
  return fixture;
}

Status SystemdFixture::Prepare(const std::map<std::string, std::string>& units) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::string lower, CachedRoot(clock_));
  const std::string upper = folder_ / "upper";
  const std::string work = folder_ / "work";
  const std::string root = folder_ / "root";
  const std::string wants = upper + "/etc/systemd/system/multi-user.target.wants";
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(wants));
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(upper + "/var/log/journal"));
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(work));
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(root));
  for (const auto& [name, text] : units) {
    FLEETMEDIC_RETURN_IF_ERROR(WriteFileAtomic(upper + "/etc/systemd/system/" + name, text));
    if (::symlink(("../" + name).c_str(), (wants + "/" + name).c_str()) != 0) {
      return FailErrno("enable " + name, errno);
    }
  }
  const std::string options = fmt::format("lowerdir={},upperdir={},workdir={}", lower, upper, work);
  if (::mount("overlay", root.c_str(), "overlay", 0, options.c_str()) != 0) {
    return FailErrno("mount an overlay at " + root, errno);
  }
  mounted_ = true;
  return {};
}

Status SystemdFixture::Boot(const std::vector<std::string>& more) {
  const UniqueFd console(
      ::open((folder_ / "console").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  ChildOptions options;
  // A name of its own, so that two at once do not share a cgroup.
  const std::string& path = folder_.path();
  const std::string machine = "fm" + path.substr(path.rfind('-') + 1);
  options.argv = {"systemd-nspawn",       "--quiet", "--register=no",
                  "--keep-unit",          "-D",      folder_ / "root",
                  "--machine=" + machine, "--boot",  "--private-network",
                  "--console=pipe"};
  options.argv.insert(options.argv.end(), more.begin(), more.end());
  options.standard_output = {ChildStream::Kind::kFd, console.get()};
  options.standard_error = {ChildStream::Kind::kFd, console.get()};
  options.new_session = true;
  options.dies_with_thread = true;  // where the test itself is killed, too
  FLEETMEDIC_ASSIGN_OR_RETURN(Child started, Child::Start(options));
  nspawn_.emplace(std::move(started));
  const bool up = WaitUntil(clock_, Seconds(60), [&] {
    if (const std::optional<pid_t> child = OnlyChildOf(nspawn_->pid())) leader_ = *child;
    return leader_ != 0 &&
           ::access(fmt::format("/proc/{}/root/run/dbus/system_bus_socket", leader_).c_str(),
                    F_OK) == 0;
  });
  if (!up) return Fail(Code::kDeadlineExceeded, "systemd does not boot:\n" + ConsoleText());
  return {};
}

std::string SystemdFixture::root() const { return fmt::format("/proc/{}/root", leader_); }

std::string SystemdFixture::bus() const {
  return "unix:path=" + root() + "/run/dbus/system_bus_socket";
}

std::string SystemdFixture::journal() const { return root() + "/var/log/journal"; }

Result<CommandResult> SystemdFixture::Run(const std::vector<std::string>& argv, Millis limit,
                                          const std::string& cwd) const {
  Command command;
  command.argv = {"nsenter", "--target", fmt::format("{}", leader_),
                  "--mount", "--uts",    "--ipc",
                  "--net",   "--pid",    "--root",
                  "--",      "env",      "--chdir=" + cwd};
  command.argv.insert(command.argv.end(), argv.begin(), argv.end());
  return RunCommand(command, clock_, clock_.Mono() + limit);
}

std::string SystemdFixture::ConsoleText() const {
  return ReadFile(folder_ / "console", size_t{1} << 20).value_or("");
}

SystemdFixture::~SystemdFixture() {
  // With PID 1 its whole namespace ends, and nspawn after it.
  if (leader_ != 0) ::kill(leader_, SIGKILL);
  if (nspawn_.has_value()) {
    (void)nspawn_->Wait(clock_, clock_.Mono() + Seconds(10));
    nspawn_->Kill(SIGKILL);
    nspawn_.reset();
  }
  if (mounted_) (void)::umount2((folder_ / "root").c_str(), MNT_DETACH);
}

}  // namespace fleetmedic

#include "tests/e2e/docker_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include <fmt/format.h>

#include "base/text.h"
#include "tests/e2e/wait.h"

namespace fleetmedic {
namespace {

constexpr const char* kBusybox = "/usr/bin/busybox";

std::optional<pid_t> ParsePid(std::string_view text) {
  text = Trim(text);
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  if (error != std::errc() || end != text.data() + text.size() || pid <= 1) return std::nullopt;
  return pid;
}

bool Alive(pid_t pid) { return ::kill(pid, 0) == 0; }

// Of the mount table, those at or below the folder, innermost first.
std::vector<std::string> MountsBelow(const std::string& folder) {
  std::vector<std::string> mounts;
  const Result<std::string> table = ReadFile("/proc/self/mountinfo", size_t{8} << 20);
  if (!table) return mounts;
  for (const std::string_view line : Split(*table, '\n')) {
    const std::vector<std::string_view> words = Split(line, ' ');
    if (words.size() > 4 && words[4].starts_with(folder + "/")) mounts.emplace_back(words[4]);
  }
  std::ranges::reverse(mounts);
  return mounts;
}

// A control group and those below it; the files in them go by themselves.
void RemoveGroup(const std::string& path) {
  std::error_code gone;
  std::vector<std::string> groups = {path};
  for (std::filesystem::recursive_directory_iterator at(path, gone), end; !gone && at != end;
       at.increment(gone)) {
    if (at->is_directory(gone)) groups.push_back(at->path().string());
  }
  for (auto group = groups.rbegin(); group != groups.rend(); ++group) ::rmdir(group->c_str());
}

}  // namespace

DockerFixture::DockerFixture() : socket_(folder_ / "docker.sock") {
  const std::string& path = folder_.path();
  cgroup_ = "/" + path.substr(path.rfind('/') + 1);
}

Result<std::unique_ptr<DockerFixture>> DockerFixture::Start(Options options) {
  std::unique_ptr<DockerFixture> fixture(new DockerFixture());
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(fixture->data_root()));
  if (options.data_bytes_max > 0) {
    const std::string size = fmt::format("size={}", options.data_bytes_max);
    if (::mount("tmpfs", fixture->data_root().c_str(), "tmpfs", 0, size.c_str()) != 0) {
      return FailErrno("mount a tmpfs", errno);
    }
  }
  FLEETMEDIC_RETURN_IF_ERROR(fixture->StartDaemon());
  FLEETMEDIC_RETURN_IF_ERROR(fixture->ImportImage());
  return fixture;
}

Status DockerFixture::RestartDaemon(absl::FunctionRef<void()> between) {
  daemon_->Kill(SIGKILL);
  (void)daemon_->Wait(clock_, clock_.Mono() + Seconds(10));
  daemon_.reset();
  // Whether its containerd dies with it depends on the thread that started it.
  if (const Result<pid_t> containerd = Containerd()) {
    ::kill(*containerd, SIGKILL);
    (void)WaitUntil(clock_, Seconds(20), [&] { return !Alive(*containerd); });
  }
  between();
  return StartDaemon();
}

Status DockerFixture::StartDaemon() {
  const UniqueFd log(
      ::open((folder_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  ChildOptions child;
  child.argv = {"dockerd",
                "--data-root",
                data_root(),
                "--exec-root",
                folder_ / "exec",
                "--pidfile",
                folder_ / "pid",
                "-H",
                "unix://" + socket_,
                "--storage-driver",
                "overlay2",
                "--iptables=false",
                "--ip-masq=false",
                "--bridge=none",
                "--ip-forward=false",
                "--userland-proxy=false",
                "--cgroup-parent",
                cgroup_,
                "--config-file",
                folder_ / "daemon.json"};
  FLEETMEDIC_RETURN_IF_ERROR(WriteFileAtomic(folder_ / "daemon.json", "{}"));
  child.standard_output = {ChildStream::Kind::kFd, log.get()};
  child.standard_error = {ChildStream::Kind::kFd, log.get()};
  child.dies_with_thread = true;  // where the test itself is killed, too
  FLEETMEDIC_ASSIGN_OR_RETURN(Child started, Child::Start(child));
  daemon_.emplace(std::move(started));
  if (!WaitUntil(clock_, Seconds(60),
                 [&] { return Call("GET", "/info", "", Seconds(5)).has_value(); })) {
    return Fail(Code::kDeadlineExceeded, "dockerd does not answer:\n" + LogText());
  }
  return {};
}

Status DockerFixture::ImportImage() {
  const std::string root = folder_ / "image";
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(root + "/bin"));
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::string busybox, ReadFile(kBusybox, size_t{32} << 20));
  FLEETMEDIC_RETURN_IF_ERROR(WriteFileAtomic(root + "/bin/busybox", busybox, 0755));
  for (const char* name : {"/bin/sh", "/bin/sleep", "/bin/ps"}) {
    if (::symlink("busybox", (root + name).c_str()) != 0) return FailErrno("symlink", errno);
  }
  Command tar;
  tar.argv = {"tar", "-C", root, "-c", "."};
  tar.output_bytes_max = size_t{32} << 20;
  FLEETMEDIC_ASSIGN_OR_RETURN(const CommandResult image,
                              RunCommand(tar, clock_, clock_.Mono() + Seconds(30)));
  FLEETMEDIC_ASSIGN_OR_RETURN(
      const std::string answer,
      Call("POST", "/images/create?fromSrc=-&repo=base&tag=1", image.standard_output));
  if (answer.find("sha256:") == std::string::npos) return Fail(Code::kIo, "import: " + answer);
  return {};
}

Result<std::string> DockerFixture::Call(const std::string& method, const std::string& target,
                                        const std::string& body, Millis limit) {
  HttpCall call;
  call.method = method;
  call.target = target;
  call.body = body;
  if (body.starts_with('{')) call.headers["content-type"] = "application/json";
  const HttpClient client(HttpAddress::Unix(socket_), &clock_);
  FLEETMEDIC_ASSIGN_OR_RETURN(const HttpReply reply, client.Send(call, clock_.Mono() + limit));
  if (!reply.ok()) {
    return Fail(Code::kIo, fmt::format("{} {}: {} {}", method, target, reply.status, reply.body));
  }
  return reply.body;
}

Result<std::string> DockerFixture::Run(const std::string& name) {
  Json body;
  body.Set("Image", "base:1");
  body.Set("Cmd", Json::Array{Json("/bin/sleep"), Json("100000")});
  Json host;
  host.Set("NetworkMode", "none");
  body.Set("HostConfig", std::move(host));
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::string text,
                              Call("POST", "/containers/create?name=" + name, body.Dump()));
  FLEETMEDIC_ASSIGN_OR_RETURN(const Json created, Json::Parse(text));
  if (created["Id"].string() == nullptr) return Fail(Code::kCorrupt, text);
  const std::string id = *created["Id"].string();
  const Result<std::string> started = Call("POST", "/containers/" + id + "/start");
  if (!started) return tl::unexpected<Error>(started.error());
  return id;
}

Result<pid_t> DockerFixture::Containerd() const {
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::string text,
                              ReadFile((folder_ / "exec") + "/containerd/containerd.pid", 64));
  const std::optional<pid_t> pid = ParsePid(text);
  if (!pid.has_value() || !Alive(*pid)) return Fail(Code::kNotFound, "no containerd runs");
  return *pid;
}

Result<pid_t> DockerFixture::Shim(const std::string& id) const {
  for (const pid_t pid : ProcessesOfOurs()) {
    const std::string command =
        ReadFile(fmt::format("/proc/{}/cmdline", pid), size_t{1} << 20).value_or("");
    if (command.find("containerd-shim") != std::string::npos &&
        command.find(id) != std::string::npos) {
      return pid;
    }
  }
  return Fail(Code::kNotFound, "container " + id + " has no shim");
}

std::vector<pid_t> DockerFixture::ProcessesOfOurs() const {
  // Whatever names our folder in its command line was started by our daemon or by its containerd;
  // what runs in a container stands below our cgroup.
  std::vector<pid_t> pids;
  const Result<std::vector<std::string>> names = FsRoot().List("/proc", 1'000'000);
  if (!names) return pids;
  for (const std::string& name : *names) {
    const std::optional<pid_t> pid = ParsePid(name);
    if (!pid.has_value() || *pid == ::getpid()) continue;
    const std::string command =
        ReadFile("/proc/" + name + "/cmdline", size_t{1} << 20).value_or("");
    const std::string cgroup = ReadFile("/proc/" + name + "/cgroup", size_t{1} << 16).value_or("");
    if (command.find(folder_.path() + "/") != std::string::npos ||
        cgroup.find(cgroup_ + "/") != std::string::npos) {
      pids.push_back(*pid);
    }
  }
  return pids;
}

std::string DockerFixture::LogText() const {
  return ReadFile(folder_ / "log", size_t{16} << 20).value_or("");
}

DockerFixture::~DockerFixture() {
  for (const pid_t pid : ProcessesOfOurs()) ::kill(pid, SIGCONT);
  // The daemon first, so that it starts no containerd again; then what it left.
  if (daemon_.has_value()) {
    daemon_->Kill(SIGKILL);
    (void)daemon_->Wait(clock_, clock_.Mono() + Seconds(10));
  }
  (void)WaitUntil(clock_, Seconds(20), [&] {
    const std::vector<pid_t> left = ProcessesOfOurs();
    for (const pid_t pid : left) {
      if (!daemon_.has_value() || pid != daemon_->pid()) ::kill(pid, SIGKILL);
    }
    return std::ranges::all_of(
        left, [&](pid_t pid) { return daemon_.has_value() && pid == daemon_->pid(); });
  });
  for (const std::string& mount : MountsBelow(folder_.path())) {
    (void)::umount2(mount.c_str(), MNT_DETACH);
  }
  RemoveGroup("/sys/fs/cgroup" + cgroup_);
  for (const std::string& controller :
       FsRoot().List("/sys/fs/cgroup", 1000).value_or(std::vector<std::string>{})) {
    RemoveGroup("/sys/fs/cgroup/" + controller + cgroup_);
  }
}

}  // namespace fleetmedic

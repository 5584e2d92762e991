#include "executor/task_cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <set>

#include <fmt/format.h>

#include "base/file.h"
#include "base/text.h"
#include "executor/process_info.h"

namespace fleetmedic {
namespace {

constexpr size_t kFileBytesMax = 1 << 20;
constexpr size_t kFoldersMax = 100'000;
constexpr int kLevelsMax = 16;
constexpr int kRoundsMax = 50;
constexpr size_t kKilledAtOnceMax = 512;
constexpr int kKillWaitMillis = 100;
constexpr int64_t kPeriodMicros = 100'000;  // the kernel's default
constexpr int64_t kQuotaMicrosMin = 1'000;  // the kernel's least

// Files of a cgroup take one write, and none is ever made by us.
Status Write(const std::string& path, std::string_view text) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.ok()) return FailErrno("cannot open " + path, errno);
  if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return FailErrno(fmt::format("cannot write {} to {}", text, path), errno);
  }
  return {};
}

bool Has(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Status MakeFolder(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return {};
  return FailErrno("cannot make the cgroup " + path, errno);
}

struct CloseDir {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

std::vector<std::string> FoldersIn(const std::string& path) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, CloseDir> folder(::opendir(path.c_str()));
  if (folder == nullptr) return names;
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    if (entry->d_type != DT_DIR || name == "." || name == "..") continue;
    if (names.size() >= kFoldersMax) break;
    names.emplace_back(name);
  }
  return names;
}

// The folder and those below it, the innermost first.
void AddTree(const std::string& path, int level, std::vector<std::string>* tree) {
  if (level > kLevelsMax || tree->size() >= kFoldersMax) return;
  for (const std::string& name : FoldersIn(path)) AddTree(path + "/" + name, level + 1, tree);
  tree->push_back(path);
}

std::vector<std::string> TreeOf(const std::string& path) {
  std::vector<std::string> tree;
  if (Has(path)) AddTree(path, 0, &tree);
  return tree;
}

std::set<int> ProcessesIn(const std::vector<std::string>& tree) {
  std::set<int> pids;
  for (const std::string& folder : tree) {
    const std::string text = ReadFile(folder + "/cgroup.procs", kFileBytesMax).value_or("");
    for (const std::string_view line : Split(text, '\n')) {
      int pid = 0;
      const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), pid);
      // 0 is one that we cannot see, of another pid namespace.
      if (error == std::errc() && pid > 0) pids.insert(pid);
    }
  }
  return pids;
}

// Those that have not ended; of very many the first.
std::map<int, UniqueFd> OpenLiving(const std::set<int>& pids) {
  std::map<int, UniqueFd> living;
  for (const int pid : pids) {
    if (living.size() >= kKilledAtOnceMax) break;
    const Result<ProcessName> name = NameProcess(pid);
    if (!name && name.error().code == Code::kNotFound) continue;
    UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (pidfd.ok()) living.emplace(pid, std::move(pidfd));
  }
  return living;
}

// The controllers of v2 are given on from parent to child, by name.
Status GiveOn(const std::string& folder) {
  const std::string path = folder + "/cgroup.subtree_control";
  const Result<std::string> text = ReadFile(path, kFileBytesMax);
  if (!text) return tl::unexpected<Error>(text.error());
  const std::vector<std::string_view> given = Split(Trim(*text), ' ');
  for (const char* controller : {"memory", "cpu"}) {
    if (std::ranges::find(given, std::string_view(controller)) != given.end()) continue;
    FLEETMEDIC_RETURN_IF_ERROR(Write(path, std::string("+") + controller));
  }
  return {};
}

Result<CgroupFolders> FindHierarchies(const std::string& mount) {
  CgroupFolders found;
  if (Has(mount + "/memory/memory.limit_in_bytes")) {
    found.memory = mount + "/memory";
    if (Has(mount + "/cpu/cpu.cfs_quota_us")) found.cpu = mount + "/cpu";
    if (Has(mount + "/pids/cgroup.procs")) found.pids = mount + "/pids";
    return found;
  }
  const std::string text = ReadFile(mount + "/cgroup.controllers", kFileBytesMax).value_or("");
  const std::vector<std::string_view> controllers = Split(Trim(text), ' ');
  for (const char* needed : {"memory", "cpu"}) {
    if (std::ranges::find(controllers, std::string_view(needed)) == controllers.end()) {
      return Fail(Code::kUnsupported,
                  fmt::format("no cgroup controller {} below {}", needed, mount));
    }
  }
  found.unified = true;
  found.memory = found.cpu = mount;
  return found;
}

CgroupFolders Below(const CgroupFolders& folders, std::string_view name) {
  CgroupFolders below = folders;
  for (std::string* folder : {&below.memory, &below.cpu, &below.pids}) {
    if (!folder->empty()) *folder += "/" + std::string(name);
  }
  return below;
}

Status MakeParent(const CgroupFolders& parent, const CgroupFolders& mounts) {
  for (const std::string& folder : parent.All()) FLEETMEDIC_RETURN_IF_ERROR(MakeFolder(folder));
  if (!parent.unified) return {};
  // Each folder between the mount and the tasks.
  std::string folder = mounts.memory;
  FLEETMEDIC_RETURN_IF_ERROR(GiveOn(folder));
  for (const std::string_view name :
       Split(std::string_view(parent.memory).substr(mounts.memory.size() + 1), '/')) {
    folder += "/" + std::string(name);
    FLEETMEDIC_RETURN_IF_ERROR(GiveOn(folder));
  }
  return {};
}

std::string Quota(const Resources& limits) {
  return std::to_string(std::max(kQuotaMicrosMin, limits.cpu_milli * kPeriodMicros / 1000));
}

// What a kernel without swap accounting, or without swap, does not have.
Status WriteIfThere(const std::string& path, std::string_view text) {
  return Has(path) ? Write(path, text) : Status();
}

}  // namespace

std::vector<std::string> CgroupFolders::All() const {
  std::vector<std::string> all;
  for (const std::string* folder : {&memory, &cpu, &pids}) {
    if (!folder->empty() && std::ranges::find(all, *folder) == all.end()) all.push_back(*folder);
  }
  return all;
}

Json ToJson(const CgroupFolders& folders) {
  Json json;
  json.Set("unified", folders.unified);
  json.Set("memory", folders.memory);
  json.Set("cpu", folders.cpu);
  json.Set("pids", folders.pids);
  return json;
}

Result<CgroupFolders> CgroupFoldersFromJson(const Json& json) {
  CgroupFolders folders;
  JsonReader in(json, "cgroup");
  in.Required("unified", &folders.unified);
  in.Required("memory", &folders.memory);
  in.Required("cpu", &folders.cpu);
  in.Required("pids", &folders.pids);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return folders;
}

Result<CgroupFolders> FindCgroupParent(std::string_view mount, std::string_view parent,
                                       std::string_view executor) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const CgroupFolders mounts, FindHierarchies(std::string(mount)));
  while (parent.starts_with('/')) parent.remove_prefix(1);
  const CgroupFolders folders = Below(mounts, parent);
  FLEETMEDIC_RETURN_IF_ERROR(MakeParent(folders, mounts));
  const TaskCgroup trial(folders, "trial=" + std::string(executor) + ".task");
  Status made = trial.Make({.cpu_milli = 1000, .memory_bytes = int64_t{64} << 20});
  const Status removed = trial.Remove();
  FLEETMEDIC_RETURN_IF_ERROR(std::move(made));
  FLEETMEDIC_RETURN_IF_ERROR(removed);
  return folders;
}

TaskCgroup::TaskCgroup(const CgroupFolders& parent, std::string_view name)
    : folders_(Below(parent, name)) {}

Status TaskCgroup::Make(const Resources& limits) const {
  for (const std::string& folder : folders_.All()) FLEETMEDIC_RETURN_IF_ERROR(MakeFolder(folder));
  if (!folders_.pids.empty()) FLEETMEDIC_RETURN_IF_ERROR(Write(folders_.pids + "/pids.max", "max"));
  if (limits.memory_bytes > 0) {
    const std::string bytes = std::to_string(limits.memory_bytes);
    const bool v2 = folders_.unified;
    // With swap besides it the limit would only move a task to the disk.
    FLEETMEDIC_RETURN_IF_ERROR(
        Write(folders_.memory + (v2 ? "/memory.max" : "/memory.limit_in_bytes"), bytes));
    FLEETMEDIC_RETURN_IF_ERROR(
        WriteIfThere(folders_.memory + (v2 ? "/memory.swap.max" : "/memory.memsw.limit_in_bytes"),
                     v2 ? "0" : bytes));
  }
  if (limits.cpu_milli <= 0 || folders_.cpu.empty()) return {};
  if (folders_.unified) {
    return Write(folders_.cpu + "/cpu.max", fmt::format("{} {}", Quota(limits), kPeriodMicros));
  }
  FLEETMEDIC_RETURN_IF_ERROR(
      Write(folders_.cpu + "/cpu.cfs_period_us", std::to_string(kPeriodMicros)));
  return Write(folders_.cpu + "/cpu.cfs_quota_us", Quota(limits));
}

std::vector<std::string> TaskCgroup::ProcsFiles() const {
  std::vector<std::string> files = folders_.All();
  for (std::string& file : files) file += "/cgroup.procs";
  return files;
}

bool TaskCgroup::KillAll() const {
  // With no process more to be made, killing those that are there comes to an end.
  for (const std::string& folder : TreeOf(folders_.pids)) (void)Write(folder + "/pids.max", "0");
  for (int round = 0; round < kRoundsMax; ++round) {
    const std::vector<std::string> tree = TreeOf(folders_.memory);
    // Of v2 since Linux 5.14: the whole tree at once.
    (void)Write(folders_.memory + "/cgroup.kill", "1");
    const std::map<int, UniqueFd> left = OpenLiving(ProcessesIn(tree));
    if (left.empty()) return true;
    // Looked at again behind the descriptors: a number may have been given to another.
    const std::set<int> still = ProcessesIn(tree);
    for (const auto& [pid, pidfd] : left) {
      if (!still.contains(pid)) continue;
      ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
    }
    pollfd ended{.fd = left.begin()->second.get(), .events = POLLIN, .revents = 0};
    ::poll(&ended, 1, kKillWaitMillis);
  }
  return false;
}

uint64_t TaskCgroup::OomKills() const {
  const std::string text =
      ReadFile(folders_.memory + (folders_.unified ? "/memory.events" : "/memory.oom_control"),
               kFileBytesMax)
          .value_or("");
  constexpr std::string_view kKey = "oom_kill ";
  for (const std::string_view line : Split(text, '\n')) {
    if (!line.starts_with(kKey)) continue;
    uint64_t kills = 0;
    std::from_chars(line.data() + kKey.size(), line.data() + line.size(), kills);
    return kills;
  }
  return 0;
}

Status TaskCgroup::Remove() const {
  for (const std::string& folder : folders_.All()) {
    for (const std::string& inner : TreeOf(folder)) {
      if (::rmdir(inner.c_str()) == 0 || errno == ENOENT) continue;
      return FailErrno("cannot remove the cgroup " + inner, errno);
    }
  }
  return {};
}

std::vector<std::string> TaskCgroupsOf(const CgroupFolders& parent, std::string_view executor) {
  std::set<std::string> found;
  for (const std::string& folder : parent.All()) {
    for (const std::string& name : FoldersIn(folder)) {
      if (IsTaskCgroupOf(name, executor)) found.insert(name);
    }
  }
  return {found.begin(), found.end()};
}

}  // namespace fleetmedic

#include "detectors/memory/cgroup_walk.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "detectors/proc_text.h"

namespace fleetmedic {
namespace {

constexpr size_t kFileBytesMax = 16 * 1024;

struct CloseDir {
  void operator()(DIR* folder) const { closedir(folder); }
};

// The folders in a folder of a cgroup file system, which says of each entry what it is.
std::vector<std::string> FoldersIn(const FsRoot& root, const std::string& path) {
  std::vector<std::string> names;
  Result<UniqueFd> fd = root.Open(path, O_RDONLY | O_DIRECTORY);
  if (!fd) return names;  // removed meanwhile
  const std::unique_ptr<DIR, CloseDir> folder(fdopendir(fd->get()));
  if (folder == nullptr) return names;
  (void)fd->release();
  while (const dirent* entry = readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    if (entry->d_type != DT_DIR || name == "." || name == "..") continue;
    if (names.size() >= CgroupWalk::kCgroupsMax) break;
    names.emplace_back(name);
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace

std::optional<CgroupWalk::Hierarchy> CgroupWalk::Find() const {
  if (root_.Exists("/sys/fs/cgroup/memory/memory.oom_control")) {
    return Hierarchy{"/sys/fs/cgroup/memory", "memory.oom_control"};
  }
  for (const char* path : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
    const std::string controllers =
        root_.ReadFile(std::string(path) + "/cgroup.controllers", kFileBytesMax).value_or("");
    const std::vector<std::string_view> names = Fields(controllers);
    if (std::ranges::find(names, std::string_view("memory")) != names.end()) {
      return Hierarchy{path, "memory.events.local"};
    }
  }
  return std::nullopt;
}

void CgroupWalk::Walk(const Hierarchy& hierarchy, const std::string& below, int level,
                      MonoTime deadline, Seen* seen) const {
  if (!seen->cut.empty()) return;
  if (seen->cgroups >= kCgroupsMax || level > kLevelsMax) {
    seen->cut = fmt::format("more than {} cgroups or {} levels of them", kCgroupsMax, kLevelsMax);
    return;
  }
  if (clock_->Mono() >= deadline) {
    seen->cut = fmt::format("time was up after {} cgroups", seen->cgroups);
    return;
  }
  ++seen->cgroups;
  // The root of v2 has no such file, and counts no kills of its own.
  const Result<std::string> text =
      root_.ReadFile(hierarchy.path + below + "/" + hierarchy.file, kFileBytesMax);
  if (text) {
    const auto named = NamedCounts(*text);
    const auto kills = named.find("oom_kill");
    if (kills != named.end() && kills->second > 0) {
      seen->kills[below.empty() ? "/" : below] = kills->second;
    }
  }
  for (const std::string& name : FoldersIn(root_, hierarchy.path + below)) {
    Walk(hierarchy, below + "/" + name, level + 1, deadline, seen);
  }
}

Result<CgroupWalk::Look> CgroupWalk::Take(MonoTime deadline) {
  const std::optional<Hierarchy> hierarchy = Find();
  if (!hierarchy) {
    return Fail(Code::kNotFound, "no cgroups with the memory controller below /sys/fs/cgroup");
  }
  Seen seen;
  Walk(*hierarchy, "", 0, deadline, &seen);
  Look look;
  look.cgroups = seen.cgroups;
  look.cut = seen.cut;
  for (const auto& [path, kills] : seen.kills) {
    const auto found = before_.kills.find(path);
    // Where the look before did not reach everything, these may be of any age.
    if (!looked_ || (found == before_.kills.end() && !before_.cut.empty())) continue;
    const uint64_t before = found == before_.kills.end() ? 0 : found->second;
    // A smaller count is that of a new cgroup with the old name.
    const uint64_t grown = kills >= before ? kills - before : kills;
    if (grown > 0) look.kills.push_back({path, grown});
  }
  before_ = std::move(seen);
  looked_ = true;
  return look;
}

std::optional<CgroupCount> CgroupWalk::CountV2() const {
  const std::optional<Hierarchy> hierarchy = Find();
  if (!hierarchy || hierarchy->file != "memory.events.local") return std::nullopt;
  const Result<std::string> text = root_.ReadFile(hierarchy->path + "/cgroup.stat", kFileBytesMax);
  if (!text) return std::nullopt;
  const auto counts = NamedCounts(*text);
  const auto live = counts.find("nr_descendants");
  const auto dying = counts.find("nr_dying_descendants");
  if (live == counts.end() || dying == counts.end()) return std::nullopt;
  return CgroupCount{live->second, dying->second};
}

}  // namespace fleetmedic

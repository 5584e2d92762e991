#include "detectors/process/process_walk.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "detectors/proc_text.h"

namespace fleetmedic {
namespace {

constexpr size_t kFileBytesMax = 64 * 1024;
constexpr size_t kStackLinesMax = 6;
// Below this many open files no process is near a limit that anybody sets.
constexpr uint64_t kOpenFilesFew = 200;
constexpr size_t kOpenFilesMax = 1024;

bool IsPid(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

void ProcessWalker::LookAtOpenFiles(const std::string& folder, const ProcessStat& stat,
                                    ProcessWalk* walk) const {
  const Result<UniqueFd> fd = root_.Open(folder + "/fd", O_PATH);
  struct stat info {};
  if (!fd || fstat(fd->get(), &info) != 0) return;
  const auto open = static_cast<uint64_t>(info.st_size);
  if (open < kOpenFilesFew || walk->open_files.size() >= kOpenFilesMax) return;
  const Result<std::string> limits = root_.ReadFile(folder + "/limits", kFileBytesMax);
  const std::optional<uint64_t> limit = limits ? ParseOpenFilesLimit(*limits) : std::nullopt;
  if (limit) walk->open_files.push_back({stat.key.pid, stat.name, open, *limit});
}

void ProcessWalker::Look(const std::string& folder, ProcessWalk* walk, size_t* denied) const {
  const Result<std::string> text = root_.ReadFile(folder + "/stat", kFileBytesMax);
  if (!text) {
    // Gone meanwhile, or not for us (hidepid of proc(5)).
    *denied += text.error().code == Code::kPermissionDenied ? 1 : 0;
    return;
  }
  const std::optional<ProcessStat> stat = ParseProcessStat(*text);
  if (!stat) return;
  if (stat->state == 'Z') {
    walk->zombies.push_back({stat->key, stat->parent});
    return;
  }
  if (!stat->kernel_thread) {
    LookAtOpenFiles(folder, *stat, walk);
    if (cgroups_ != nullptr) cgroups_->Saw(stat->key.pid, stat->key.start_ticks, stat->name);
  }
  if (stat->state != 'D') return;
  const Result<std::string> status = root_.ReadFile(folder + "/status", kFileBytesMax);
  const std::optional<uint64_t> switches = status ? ParseSwitches(*status) : std::nullopt;
  if (switches) walk->blocked.push_back({*stat, *switches});
}

ProcessWalk ProcessWalker::Walk(MonoTime deadline) const {
  ProcessWalk walk;
  walk.at = clock_->Mono();
  const Result<std::vector<std::string>> listed = root_.List("/proc", entries_max_);
  if (!listed) {
    walk.reason = listed.error().code == Code::kFull ? "TooMany" : "ReadFailed";
    walk.cut = listed.error().message;
    return walk;
  }
  const std::vector<std::string>& names = *listed;
  size_t denied = 0;
  size_t seen = 0;
  for (const std::string& name : names) {
    if (!IsPid(name)) continue;
    // Reading the clock is cheaper than reading a process.
    if (clock_->Mono() >= deadline) {
      walk.reason = "TimeUp";
      walk.cut = fmt::format("time was up after {} processes", seen);
      return walk;
    }
    Look("/proc/" + name, &walk, &denied);
    ++seen;
  }
  if (cgroups_ != nullptr) cgroups_->EndWalk();
  if (denied > 0 || !std::ranges::binary_search(names, "1")) {
    walk.reason = "NoPermission";
    walk.cut = fmt::format(
        "no permission (CAP_SYS_PTRACE): not all processes can be seen, {} of {} were denied{}; "
        "/proc is mounted with hidepid, and its group is missing too",
        denied, seen, denied == 0 ? ", and process 1 is hidden" : "");
  }
  return walk;
}

BlockedDetail ProcessWalker::DetailOf(int pid) const {
  const std::string folder = "/proc/" + std::to_string(pid);
  BlockedDetail detail;
  detail.wait_channel = Trim(root_.ReadFile(folder + "/wchan", kFileBytesMax).value_or(""));
  if (detail.wait_channel == "0") detail.wait_channel.clear();
  // [<0>] rpc_wait_bit_killable+0x1e/0xb0 [sunrpc]
  const std::string stack = root_.ReadFile(folder + "/stack", kFileBytesMax).value_or("");
  for (const std::string_view line : Lines(stack)) {
    const std::vector<std::string_view> fields = Fields(line);
    if (fields.size() < 2 || detail.stack.size() >= kStackLinesMax) continue;
    detail.stack.emplace_back(fields[1].substr(0, fields[1].find('+')));
  }
  const std::string cgroups = root_.ReadFile(folder + "/cgroup", kFileBytesMax).value_or("");
  detail.cgroup = CgroupPath(cgroups);
  for (const std::string_view line : Lines(cgroups)) {
    // HIERARCHY:CONTROLLERS:PATH
    const std::vector<std::string_view> parts = Split(line, ':');
    if (parts.size() < 3) continue;
    if (parts[1] != "freezer") continue;
    const std::string path(line.substr(parts[0].size() + parts[1].size() + 2));
    const std::string state =
        root_.ReadFile("/sys/fs/cgroup/freezer" + path + "/freezer.state", kFileBytesMax)
            .value_or("");
    detail.frozen = Trim(state) == "FROZEN" || Trim(state) == "FREEZING";
  }
  return detail;
}

std::string ProcessWalker::NameOf(int pid) const {
  const Result<std::string> text =
      root_.ReadFile("/proc/" + std::to_string(pid) + "/stat", kFileBytesMax);
  const std::optional<ProcessStat> stat = text ? ParseProcessStat(*text) : std::nullopt;
  return stat ? stat->name : "";
}

}  // namespace fleetmedic

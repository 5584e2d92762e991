#include "detectors/kernel/kernel_detector.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utmp.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "detectors/condition_types.h"
#include "detectors/proc_text.h"

namespace fleetmedic {
namespace {

constexpr size_t kFileBytesMax = 64 * 1024;
constexpr size_t kEntriesMax = 1024;
// The newest of wtmp are read: boots are among them.
constexpr size_t kWtmpRecordsMax = 2048;

std::optional<uint64_t> CountIn(const FsRoot& root, const char* path) {
  const Result<std::string> text = root.ReadFile(path, kFileBytesMax);
  return text ? ParseCount(*text) : std::nullopt;
}

// The whole records at the end of the file.
std::optional<std::string> WtmpTail(const FsRoot& root) {
  const Result<UniqueFd> fd = root.Open("/var/log/wtmp", O_RDONLY | O_NONBLOCK);
  struct stat info {};
  if (!fd || fstat(fd->get(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  const size_t records = static_cast<size_t>(info.st_size) / sizeof(utmp);
  const size_t taken = std::min(records, kWtmpRecordsMax);
  std::string text(taken * sizeof(utmp), '\0');
  const ssize_t count = pread(fd->get(), text.data(), text.size(),
                              static_cast<off_t>((records - taken) * sizeof(utmp)));
  text.resize(static_cast<size_t>(std::max<ssize_t>(count, 0)));
  // One that was just rotated, or that nobody writes, tells nothing.
  if (text.empty()) return std::nullopt;
  return text;
}

}  // namespace

KernelDetector::KernelDetector(const Clock* clock, const HostConfig& host,
                               const KernelConfig& config)
    : clock_(clock), root_(host.root), config_(config) {}

std::vector<std::string> KernelDetector::types() const { return ConditionTypesOf("kernel"); }

bool KernelDetector::Supported() const { return root_.Exists("/proc/sys/kernel/tainted"); }

// A folder of kdump (vmcore, vmcore-dmesg.txt) or kdump-tools (dump.TIME, dmesg.TIME). What apport
// writes here beside them are crashes of programs.
bool KernelDetector::IsKdump(const std::string& path) const {
  const Result<std::vector<std::string>> names = root_.List(path, kEntriesMax);
  if (!names) return false;
  return std::ranges::any_of(*names, [](std::string_view name) {
    return name.starts_with("vmcore") || name.starts_with("dump.") || name.starts_with("dmesg.");
  });
}

void KernelDetector::AddEntries(const std::string& folder, bool kdump, KernelSample* sample) const {
  const Result<std::vector<std::string>> names = root_.List(folder, kEntriesMax);
  if (!names) {
    const Code code = names.error().code;
    if (code == Code::kNotFound) return;
    const bool denied = code == Code::kPermissionDenied;
    sample->dumps_reason = denied ? "NoPermission" : "ReadFailed";
    sample->dumps_cut =
        (denied ? "no permission (CAP_DAC_READ_SEARCH): " : "") + names.error().message;
    return;
  }
  for (const std::string& name : *names) {
    const std::string path = folder + "/" + name;
    const Result<UniqueFd> fd = root_.Open(path, O_PATH | O_NOFOLLOW);
    struct stat info {};
    if (!fd || fstat(fd->get(), &info) != 0 || (kdump && !IsKdump(path))) continue;
    sample->dumps.push_back({path, WallTime(Seconds(info.st_mtim.tv_sec))});
  }
}

void KernelDetector::FindDumps(KernelSample* sample) const {
  AddEntries("/sys/fs/pstore", false, sample);
  AddEntries("/var/lib/systemd/pstore", false, sample);
  AddEntries("/var/crash", true, sample);
}

void KernelDetector::ReadReboot(KernelSample* sample) const {
  sample->reboot_flagged = root_.Exists("/run/reboot-required");
  if (sample->reboot_flagged) {
    const std::string packages =
        root_.ReadFile("/run/reboot-required.pkgs", kFileBytesMax).value_or("");
    for (const std::string_view line : Lines(packages)) {
      const std::string name(Trim(line));
      const auto& known = sample->reboot_packages;
      if (std::ranges::find(known, name) == known.end()) sample->reboot_packages.push_back(name);
    }
  }
  sample->running = Trim(root_.ReadFile("/proc/sys/kernel/osrelease", kFileBytesMax).value_or(""));
  sample->installed = root_.List("/lib/modules", kEntriesMax).value_or(std::vector<std::string>());
}

Result<std::vector<Condition>> KernelDetector::Probe(MonoTime) {
  KernelSample sample;
  sample.now = clock_->Wall();
  const std::string uptime = root_.ReadFile("/proc/uptime", kFileBytesMax).value_or("");
  if (const std::vector<std::string_view> fields = Fields(uptime); !fields.empty()) {
    const std::optional<double> seconds = ParseDecimal(fields[0]);
    if (seconds && std::isfinite(*seconds) && *seconds >= 0 && *seconds < 1e10) {
      sample.uptime = Seconds(static_cast<int64_t>(*seconds));
    }
  }
  sample.tainted = CountIn(root_, "/proc/sys/kernel/tainted");
  FindDumps(&sample);
  if (const std::optional<std::string> wtmp = WtmpTail(root_)) sample.boots = ParseBoots(*wtmp);
  ReadReboot(&sample);
  sample.entropy = CountIn(root_, "/proc/sys/kernel/random/entropy_avail");
  sample.entropy_pool = CountIn(root_, "/proc/sys/kernel/random/poolsize");
  sample.hung_task_seconds = CountIn(root_, "/proc/sys/kernel/hung_task_timeout_secs");
  sample.soft_watchdog = CountIn(root_, "/proc/sys/kernel/soft_watchdog");
  return EvaluateKernel(sample, {config_.taints, config_.boot_recent, config_.boot_loop_count,
                                 config_.boot_loop_within, config_.crash_for});
}

}  // namespace fleetmedic

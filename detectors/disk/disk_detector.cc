#include "detectors/disk/disk_detector.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <utility>

#include "base/text.h"
#include "detectors/condition_types.h"
#include "detectors/proc_text.h"

namespace fleetmedic {
namespace {

constexpr std::string_view kDiskstats = "/proc/diskstats";
constexpr std::string_view kBlock = "/sys/block";
constexpr size_t kTableBytesMax = size_t{8} << 20;
constexpr size_t kFileBytesMax = 4096;
constexpr size_t kEntriesMax = 4096;
constexpr size_t kMountsMax = 65536;
// A file system on an array of mappings of partitions is three levels up.
constexpr int kLevelsMax = 5;

// Without a device of their own, or with one that a person puts in and takes out.
constexpr std::array<std::string_view, 5> kLeftOut = {"loop", "ram", "zram", "sr", "fd"};

bool LeftOut(std::string_view name) {
  return std::ranges::any_of(kLeftOut, [name](std::string_view prefix) {
    return name.starts_with(prefix) && name.size() > prefix.size() && name[prefix.size()] >= '0' &&
           name[prefix.size()] <= '9';
  });
}

// SCSI's counters are written as "0x1f".
std::optional<uint64_t> ParseHex(std::string_view text) {
  text = Trim(text);
  if (!text.starts_with("0x")) return std::nullopt;
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string BaseName(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

}  // namespace

DiskDetector::DiskDetector(const Clock* clock, const HostConfig& host, const DiskConfig& config)
    : clock_(clock),
      root_(host.root),
      config_(config),
      history_(config.slow_window, config.error_window) {}

std::vector<std::string> DiskDetector::types() const { return ConditionTypesOf("disk"); }

bool DiskDetector::Supported() const { return root_.Exists(kDiskstats) && root_.Exists(kBlock); }

std::string DiskDetector::Text(const std::string& path) const {
  return std::string(Trim(root_.ReadFile(path, kFileBytesMax).value_or("")));
}

std::vector<std::string> DiskDetector::Names(const std::string& folder) const {
  return root_.List(folder, kEntriesMax).value_or(std::vector<std::string>());
}

DiskDetector::Mounts DiskDetector::ReadMounts() const {
  Mounts mounts;
  // Without it disks are judged as if nothing was mounted of them, which is milder.
  const std::string text = root_.ReadFile("/proc/self/mountinfo", kTableBytesMax).value_or("");
  for (const MountEntry& mount : MountTable(text, kMountsMax)) {
    if (!mount.device.starts_with("0:")) {
      mounts.by_number.emplace(mount.device, mount);
    } else if (mount.source.starts_with("/dev/")) {
      mounts.by_source.emplace(BaseName(mount.source), mount);
    }
  }
  // proc_swaps(5): Filename Type Size Used Priority.
  const std::string swaps = root_.ReadFile("/proc/swaps", kTableBytesMax).value_or("");
  for (const std::string_view line : Lines(swaps)) {
    const std::vector<std::string_view> fields = Fields(line);
    if (fields.size() < 2 || fields[1] != "partition") continue;
    MountEntry swap;
    swap.mount_point = "[swap]";
    mounts.by_source.emplace(BaseName(fields[0]), swap);
  }
  return mounts;
}

void DiskDetector::AddMounts(const std::string& folder, const Mounts& mounts, int levels_left,
                             DiskSample* disk) const {
  const std::string name = BaseName(folder);
  const auto add = [disk](auto range) {
    bool writable = false;
    for (auto entry = range.first; entry != range.second; ++entry) {
      disk->mount_points.push_back(entry->second.mount_point);
      writable = writable || !entry->second.read_only;
    }
    disk->mounted_writable = disk->mounted_writable || writable;
    return writable;
  };
  bool writable = add(mounts.by_number.equal_range(Text(folder + "/dev")));
  writable = add(mounts.by_source.equal_range(name)) || writable;
  // Partitions have a flag of their own.
  if (writable && Text(folder + "/ro") == "1") disk->read_only = true;
  if (levels_left == 0) return;
  for (const std::string& entry : Names(folder)) {
    if (entry.starts_with(name) && root_.Exists(folder + "/" + entry + "/partition")) {
      AddMounts(folder + "/" + entry, mounts, levels_left - 1, disk);
    }
  }
  for (const std::string& holder : Names(folder + "/holders")) {
    AddMounts(std::string(kBlock) + "/" + holder, mounts, levels_left - 1, disk);
  }
}

DiskSample DiskDetector::SampleDisk(const std::string& name, const DiskLine& line,
                                    const Mounts& mounts) const {
  const std::string folder = std::string(kBlock) + "/" + name;
  DiskSample disk;
  disk.name = name;
  disk.number = line.number;
  disk.rotational = Text(folder + "/queue/rotational") == "1";
  disk.read_only = Text(folder + "/ro") == "1";
  const bool stacked = name.starts_with("md") || name.starts_with("dm-");
  // A card or a stick is as slow as its owner bought it.
  const bool removable = Text(folder + "/removable") == "1" || name.starts_with("mmcblk");
  if (!stacked && !removable) disk.counters = line.counters;
  // That of an NVMe device is its controller's, which detector nvme looks at.
  if (!name.starts_with("nvme")) {
    disk.scsi_state = Text(folder + "/device/state");
    disk.scsi_errors = ParseHex(Text(folder + "/device/ioerr_cnt"));
    disk.scsi_timeouts = ParseHex(Text(folder + "/device/iotmo_cnt"));
  }
  if (root_.Exists(folder + "/md/array_state")) {
    ArraySample array;
    array.state = Text(folder + "/md/array_state");
    array.degraded = ParseCount(Text(folder + "/md/degraded")).value_or(0);
    // "4", or "4 (3)" while it is reshaped.
    const std::string disks = Text(folder + "/md/raid_disks");
    array.disks = ParseCount(std::string_view(disks).substr(0, disks.find(' '))).value_or(0);
    array.sync_action = Text(folder + "/md/sync_action");
    array.sync_done = Text(folder + "/md/sync_completed");
    disk.array = std::move(array);
  }
  AddMounts(folder, mounts, kLevelsMax, &disk);
  std::ranges::sort(disk.mount_points, [](const std::string& a, const std::string& b) {
    return std::pair(a.size(), a) < std::pair(b.size(), b);
  });
  const auto twice = std::ranges::unique(disk.mount_points);
  disk.mount_points.erase(twice.begin(), twice.end());
  return disk;
}

Result<std::vector<DiskSample>> DiskDetector::Sample() const {
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::string diskstats,
                              root_.ReadFile(kDiskstats, kTableBytesMax));
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                              root_.List(kBlock, kEntriesMax));
  std::map<std::string, DiskLine> lines;
  for (DiskLine& line : DisksFromDiskstats(diskstats)) {
    // In /sys a slash within a name is an exclamation mark.
    std::string name = line.name;
    std::ranges::replace(name, '/', '!');
    lines.emplace(std::move(name), std::move(line));
  }
  const Mounts mounts = ReadMounts();
  std::vector<DiskSample> disks;
  for (const std::string& name : names) {
    const auto line = lines.find(name);
    if (line == lines.end() || LeftOut(name)) continue;
    if (disks.size() >= kDisksMax) break;
    disks.push_back(SampleDisk(name, line->second, mounts));
  }
  return disks;
}

Result<std::vector<Condition>> DiskDetector::Probe(MonoTime) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<DiskSample> disks, Sample());
  history_.Add(disks, clock_->Mono());
  DiskThresholds thresholds;
  thresholds.slow_await_ms = static_cast<double>(config_.slow_await.count());
  thresholds.slow_await_rotational_ms = static_cast<double>(config_.slow_await_rotational.count());
  thresholds.slow_ios_min = static_cast<uint64_t>(config_.slow_ios_min);
  thresholds.hung_after = config_.hung_after;
  thresholds.errors_max = static_cast<uint64_t>(config_.errors_max);
  thresholds.timeouts_max = static_cast<uint64_t>(config_.timeouts_max);
  return EvaluateDisk(disks, history_, thresholds);
}

}  // namespace fleetmedic

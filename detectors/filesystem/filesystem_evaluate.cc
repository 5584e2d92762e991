#include "detectors/filesystem/filesystem_evaluate.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "detectors/condition_types.h"
#include "detectors/proc_text.h"

namespace fleetmedic {
namespace {

constexpr size_t kTableMax = 65536;

constexpr std::array<std::string_view, 12> kDiskTypes = {"bcachefs", "btrfs", "exfat", "ext2",
                                                         "ext3",     "ext4",  "f2fs",  "jfs",
                                                         "reiserfs", "vfat",  "xfs",   "zfs"};

std::string Megabytes(uint64_t bytes) { return fmt::format("{:.1f} MB", bytes / 1e6); }

}  // namespace

std::vector<MountEntry> DiskMounts(std::string_view mountinfo, size_t mounts_max) {
  std::map<std::string, MountEntry> by_device;
  for (const MountEntry& entry : MountTable(mountinfo, kTableMax)) {
    if (std::ranges::find(kDiskTypes, entry.type) == kDiskTypes.end()) continue;
    const auto [found, fresh] = by_device.try_emplace(entry.device, entry);
    if (!fresh && entry.mount_point.size() < found->second.mount_point.size()) {
      found->second = entry;
    }
  }
  std::vector<MountEntry> mounts;
  for (auto& [device, entry] : by_device) mounts.push_back(std::move(entry));
  std::ranges::sort(mounts, {}, &MountEntry::mount_point);
  if (mounts.size() > mounts_max) mounts.resize(mounts_max);
  return mounts;
}

std::set<std::string> WritableInFstab(std::string_view fstab) {
  std::set<std::string> writable;
  for (const std::string_view line : Lines(fstab)) {
    const std::vector<std::string_view> words = Fields(line);
    if (words.size() < 4 || words[0].starts_with('#')) continue;
    if (!HasMountOption(words[3], "ro")) writable.insert(UnescapeMount(words[1]));
  }
  return writable;
}

double UsedShare(uint64_t total, uint64_t free, uint64_t available) {
  const uint64_t used = total - std::min(free, total);
  if (used + available == 0) return 0;
  return static_cast<double>(used) / static_cast<double>(used + available);
}

std::vector<Condition> EvaluateFilesystem(const std::vector<MountSample>& mounts,
                                          const FilesystemThresholds& thresholds) {
  std::vector<Condition> conditions;
  bool inodes_full = false;
  bool read_only = false;
  for (const MountSample& mount : mounts) {
    if (!mount.answered) {
      conditions.push_back(MakeCondition("FilesystemFull", mount.mount_point, Verdict::kUnknown,
                                         "StatFailed", mount.error));
      continue;
    }
    const double used = UsedShare(mount.bytes_total, mount.bytes_free, mount.bytes_available);
    const bool full = used >= thresholds.full_share;
    const bool hard = used >= thresholds.full_hard_share;
    Condition space =
        MakeCondition("FilesystemFull", mount.mount_point, full ? Verdict::kBad : Verdict::kOk,
                      hard   ? "SpaceGone"
                      : full ? "SpaceLow"
                             : "SpaceLeft",
                      fmt::format("{:.1f} % used, {} of {} free", used * 100,
                                  Megabytes(mount.bytes_available), Megabytes(mount.bytes_total)));
    if (full && !hard) space.severity = Severity::kSoft;
    conditions.push_back(std::move(space));

    const double inodes = mount.inodes_total == 0
                              ? 0
                              : UsedShare(mount.inodes_total, mount.inodes_free, mount.inodes_free);
    if (inodes >= thresholds.inodes_share) {
      inodes_full = true;
      conditions.push_back(
          MakeCondition("FilesystemInodesFull", mount.mount_point, Verdict::kBad, "InodesLow",
                        fmt::format("{:.1f} % used, {} of {} inodes free", inodes * 100,
                                    mount.inodes_free, mount.inodes_total)));
    }
    if (mount.read_only && mount.expected_writable) {
      read_only = true;
      conditions.push_back(MakeCondition("FilesystemReadOnly", mount.mount_point, Verdict::kBad,
                                         "ReadOnly",
                                         "the file system is read-only and is to be writable"));
    }
  }
  if (!inodes_full) {
    conditions.push_back(MakeCondition("FilesystemInodesFull", "", Verdict::kOk, "InodesLeft",
                                       "every file system has inodes left"));
  }
  if (!read_only) {
    conditions.push_back(MakeCondition("FilesystemReadOnly", "", Verdict::kOk, "Writable",
                                       "no file system is read-only that is to be writable"));
  }
  if (mounts.empty()) {
    conditions.push_back(MakeCondition("FilesystemFull", "", Verdict::kUnknown, "NoMounts",
                                       "no file system on a disk was found"));
  }
  return conditions;
}

}  // namespace fleetmedic

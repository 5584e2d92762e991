#include "detectors/filesystem/filesystem_evaluate.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "detectors/condition_list.h"
#include "detectors/condition_types.h"
#include "detectors/proc_text.h"

namespace fleetmedic {
namespace {

constexpr size_t kTableMax = 65536;

constexpr std::array<std::string_view, 12> kDiskTypes = {"bcachefs", "btrfs", "exfat", "ext2",
                                                         "ext3",     "ext4",  "f2fs",  "jfs",
                                                         "reiserfs", "vfat",  "xfs",   "zfs"};

constexpr std::array<std::string_view, 3> kTmpPoints = {"/run", "/tmp", "/var/tmp"};

constexpr std::array<std::string_view, 15> kNetworkTypes = {
    "9p",         "afs",  "beegfs", "ceph", "cifs", "fuse.ceph", "fuse.glusterfs", "fuse.s3fs",
    "fuse.sshfs", "gpfs", "lustre", "nfs",  "nfs4", "smb3",      "virtiofs"};

template <size_t N>
bool IsOneOf(std::string_view word, const std::array<std::string_view, N>& words) {
  return std::ranges::find(words, word) != words.end();
}

std::string Megabytes(uint64_t bytes) { return fmt::format("{:.1f} MB", bytes / 1e6); }

// By mount point, each device once.
void AddOnce(std::vector<const MountEntry*> entries, MountKind kind, size_t mounts_max,
             std::vector<WatchedMount>* out) {
  std::ranges::sort(entries, [](const MountEntry* a, const MountEntry* b) {
    return std::pair(a->mount_point.size(), std::string_view(a->mount_point)) <
           std::pair(b->mount_point.size(), std::string_view(b->mount_point));
  });
  std::map<std::string_view, const MountEntry*> by_point;
  std::set<std::string_view> devices;
  for (const MountEntry* entry : entries) {
    if (devices.insert(entry->device).second) by_point.emplace(entry->mount_point, entry);
  }
  size_t added = 0;
  for (const auto& [mount_point, entry] : by_point) {
    if (added++ == mounts_max) return;
    out->push_back({*entry, kind});
  }
}

}  // namespace

std::vector<WatchedMount> WatchedMounts(std::string_view mountinfo, size_t mounts_max) {
  const std::vector<MountEntry> table = MountTable(mountinfo, kTableMax);
  // Of mounts at one point the last covers the others.
  std::map<std::string_view, const MountEntry*> on_top;
  std::set<std::string_view> automounted;
  for (const MountEntry& entry : table) {
    on_top[entry.mount_point] = &entry;
    if (entry.type == "autofs") automounted.insert(entry.mount_point);
  }
  const auto is_automounted = [&](std::string_view mount_point) {
    // Direct mounts are at the automounter's point itself, indirect ones one below it.
    return automounted.contains(mount_point) ||
           automounted.contains(mount_point.substr(0, mount_point.rfind('/')));
  };
  std::vector<const MountEntry*> disks;
  std::vector<const MountEntry*> tmps;
  std::vector<const MountEntry*> networks;
  for (const auto& [mount_point, entry] : on_top) {
    if (IsOneOf(entry->type, kDiskTypes)) disks.push_back(entry);
    if (entry->type == "tmpfs" && IsOneOf(mount_point, kTmpPoints)) tmps.push_back(entry);
    if (IsOneOf(entry->type, kNetworkTypes) && !is_automounted(mount_point)) {
      networks.push_back(entry);
    }
  }
  const auto root = on_top.find("/");
  if (disks.empty() && root != on_top.end() &&
      (root->second->type == "overlay" || root->second->type == "tmpfs")) {
    disks.push_back(root->second);
  }
  std::vector<WatchedMount> mounts;
  AddOnce(std::move(disks), MountKind::kDisk, mounts_max, &mounts);
  AddOnce(std::move(tmps), MountKind::kTmp, mounts_max, &mounts);
  AddOnce(std::move(networks), MountKind::kNetwork, mounts_max, &mounts);
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

namespace {

Condition SpaceOf(const MountSample& mount, const FilesystemThresholds& thresholds) {
  const double used = UsedShare(mount.bytes_total, mount.bytes_free, mount.bytes_available);
  // An image that is never written is as full as it was made.
  const bool judged = !mount.read_only || mount.expected_writable;
  const bool full = judged && used >= thresholds.full_share;
  const bool hard = judged && used >= thresholds.full_hard_share;
  Condition space = MakeCondition(
      "FilesystemFull", mount.mount_point, full ? Verdict::kBad : Verdict::kOk,
      hard   ? "SpaceGone"
      : full ? "SpaceLow"
             : "SpaceLeft",
      fmt::format("{:.1f} % used, {} of {} free{}", used * 100, Megabytes(mount.bytes_available),
                  Megabytes(mount.bytes_total), judged ? "" : ", read-only as it is meant to be"));
  if (full && !hard) space.severity = Severity::kSoft;
  return space;
}

double InodesUsed(const MountSample& mount) {
  return mount.inodes_total == 0
             ? 0
             : UsedShare(mount.inodes_total, mount.inodes_free, mount.inodes_free);
}

void EvaluateDiskMount(const MountSample& mount, const FilesystemThresholds& thresholds,
                       ConditionList* out) {
  const double inodes = InodesUsed(mount);
  if (inodes >= thresholds.inodes_share && (!mount.read_only || mount.expected_writable)) {
    out->Bad("FilesystemInodesFull", mount.mount_point, Severity::kSoft, "InodesLow",
             fmt::format("{:.1f} % used, {} of {} inodes free", inodes * 100, mount.inodes_free,
                         mount.inodes_total));
  }
  if (mount.read_only && mount.expected_writable) {
    out->Bad("FilesystemReadOnly", mount.mount_point, Severity::kHard, "ReadOnly",
             "the file system is read-only and is to be writable");
  }
}

void EvaluateTmp(const MountSample& mount, const FilesystemThresholds& thresholds,
                 ConditionList* out) {
  const double used = UsedShare(mount.bytes_total, mount.bytes_free, mount.bytes_available);
  const double inodes = InodesUsed(mount);
  const bool space = used >= thresholds.tmp_share;
  if (mount.read_only || (!space && inodes < thresholds.tmp_share)) return;
  out->Bad("TmpFull", mount.mount_point, Severity::kSoft, space ? "SpaceLow" : "InodesLow",
           fmt::format("{} of memory: {:.1f} % used, {} of {} free; {:.1f} % of inodes used (from "
                       "{:.0f} %)",
                       VisibleText(mount.type), used * 100, Megabytes(mount.bytes_available),
                       Megabytes(mount.bytes_total), inodes * 100, thresholds.tmp_share * 100));
}

// True where it did not answer.
bool EvaluateAnswer(const MountSample& mount, const FilesystemThresholds& thresholds,
                    std::vector<Condition>* space, ConditionList* out) {
  if (mount.answered) return false;
  const std::string_view reason = mount.forbidden ? "NoPermission" : "StatFailed";
  if (mount.kind == MountKind::kDisk) {
    space->push_back(
        MakeCondition("FilesystemFull", mount.mount_point, Verdict::kUnknown, reason, mount.error));
  } else if (mount.kind == MountKind::kTmp) {
    out->Unknown("TmpFull", mount.mount_point, reason, mount.error);
  }
  if (mount.stale) {
    out->Bad("FilesystemNotAnswering", mount.mount_point, Severity::kSoft, "Stale", mount.error);
  } else if (mount.hung_for >= thresholds.hung_after) {
    out->Bad("FilesystemNotAnswering", mount.mount_point, Severity::kSoft, "Hung",
             fmt::format("{} (at most {})", mount.error, FormatDuration(thresholds.hung_after)));
  } else {
    out->Unknown("FilesystemNotAnswering", mount.mount_point,
                 mount.forbidden ? "NoPermission" : "NoAnswer", mount.error);
  }
  return true;
}

}  // namespace

std::vector<Condition> EvaluateFilesystem(const std::vector<MountSample>& mounts,
                                          const FilesystemThresholds& thresholds) {
  std::vector<Condition> conditions;
  ConditionList out;
  out.Fine("FilesystemInodesFull", "InodesLeft", "every file system has inodes left");
  out.Fine("FilesystemReadOnly", "Writable", "no file system is read-only that is to be writable");
  out.Fine("FilesystemNotAnswering", "Answering", "every file system answers");
  out.Fine("TmpFull", "SpaceLeft", "no folder for temporary files that is memory is full");
  bool disks = false;
  for (const MountSample& mount : mounts) {
    disks = disks || mount.kind == MountKind::kDisk;
    if (EvaluateAnswer(mount, thresholds, &conditions, &out)) continue;
    switch (mount.kind) {
      case MountKind::kDisk:
        conditions.push_back(SpaceOf(mount, thresholds));
        EvaluateDiskMount(mount, thresholds, &out);
        break;
      case MountKind::kTmp:
        EvaluateTmp(mount, thresholds, &out);
        break;
      case MountKind::kNetwork:
        break;
    }
  }
  if (!disks) {
    conditions.push_back(MakeCondition("FilesystemFull", "", Verdict::kUnknown, "NoMounts",
                                       "no file system on a disk was found"));
  }
  for (Condition& condition : std::move(out).Take()) conditions.push_back(std::move(condition));
  return conditions;
}

}  // namespace fleetmedic

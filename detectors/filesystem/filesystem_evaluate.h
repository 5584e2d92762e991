// What the mounted file systems of a host mean for it. Pure.
#ifndef FLEETMEDIC_DETECTORS_FILESYSTEM_FILESYSTEM_EVALUATE_H_
#define FLEETMEDIC_DETECTORS_FILESYSTEM_FILESYSTEM_EVALUATE_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "detectors/mount_table.h"
#include "model/condition.h"

namespace fleetmedic {

enum class MountKind : uint8_t {
  kDisk,     // has space of its own
  kTmp,      // memory at /tmp, /var/tmp or /run
  kNetwork,  // asked only whether it answers: how full it is is no host's matter
};

struct WatchedMount {
  MountEntry entry;
  MountKind kind = MountKind::kDisk;

  bool operator==(const WatchedMount&) const = default;
};

// What is asked, local file systems first, each file system once: of several mounts of one device,
// the one with the shortest mount point. Left out are the overlays and memory of containers, what
// another mount covers, and network mounts below an automounter, which asking would keep mounted
// for ever. Where there is no disk at all the root is taken as one, be it overlay or memory: live
// images and containers. At most `mounts_max` of each kind.
std::vector<WatchedMount> WatchedMounts(std::string_view mountinfo, size_t mounts_max);

// The mount points that fstab(5) says are to be writable.
std::set<std::string> WritableInFstab(std::string_view fstab);

struct MountSample {
  std::string mount_point;
  std::string type;
  MountKind kind = MountKind::kDisk;
  bool read_only = false;
  // fstab says so, or it was writable before.
  bool expected_writable = false;
  // False: statvfs did not come back, or failed; `error` says which.
  bool answered = false;
  std::string error;
  bool stale = false;  // ESTALE: the server no longer knows what is mounted
  // ENOENT, ENOTDIR: unmounted meanwhile, or a mount above it covers it; sources leave it out.
  bool unreachable = false;
  bool forbidden = false;  // EACCES, EPERM: a folder above it may not be entered
  // Since when one statvfs has not come back; 0 where it did, or has only just not.
  Micros hung_for{0};
  uint64_t bytes_total = 0;
  uint64_t bytes_free = 0;       // with what is kept for root
  uint64_t bytes_available = 0;  // for everybody else
  uint64_t inodes_total = 0;     // 0: this file system has no fixed number
  uint64_t inodes_free = 0;
};

struct FilesystemThresholds {
  double full_share = 0.95;
  double full_hard_share = 0.99;
  double inodes_share = 0.95;
  double tmp_share = 0.95;
  Millis hung_after = Minutes(3);
};

// As df(1): used / (used + available).
double UsedShare(uint64_t total, uint64_t free, uint64_t available);

std::vector<Condition> EvaluateFilesystem(const std::vector<MountSample>& mounts,
                                          const FilesystemThresholds& thresholds);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_FILESYSTEM_FILESYSTEM_EVALUATE_H_

#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

constexpr ConditionType kTypes[] = {
    {"FilesystemFull", "filesystem", Severity::kHard, "the mount point",
     "A file system has too few free bytes for those who are not root. Soft at "
     "detectors.filesystem.full_share, hard at full_hard_share.",
     "statvfs(3) of every mount of a device: blocks that are free for those who are not root.",
     "Find what grows (du -x), remove it or make the file system larger.",
     "Free space above the threshold.", Rung::kPerson},
    {"FilesystemInodesFull", "filesystem", Severity::kSoft, "the mount point",
     "A file system has too few free inodes: new files fail though bytes are free.",
     "statvfs(3) of every mount of a device: free inodes.",
     "Find the folder with very many small files (du --inodes -x) and remove them.",
     "Free inodes above the threshold.", Rung::kPerson},
    {"FilesystemReadOnly", "filesystem", Severity::kHard, "the mount point",
     "A file system that is to be writable is mounted read-only, as the kernel does after an I/O "
     "error (errors=remount-ro).",
     "The options of the mount in /proc/self/mountinfo.",
     "Read the kernel log for the first I/O error; check the device before a remount.",
     "The mount is writable again.", Rung::kReboot},
};

}  // namespace

std::span<const ConditionType> FilesystemConditions() { return kTypes; }

}  // namespace fleetmedic

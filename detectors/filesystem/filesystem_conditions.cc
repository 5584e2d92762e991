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
    {"FilesystemNotAnswering", "filesystem", Severity::kSoft, "the mount point",
     "A file system answers no more: a call into it hangs for longer than "
     "detectors.filesystem.hung_after (until then it is unknown), or the server no longer knows "
     "what is mounted (stale). Whoever touches it hangs too.",
     "statvfs(3) of every mount of a device or a network file system, local ones first, each on a "
     "thread that is left behind where it hangs. Network mounts below an automounter are left "
     "out.",
     "Is the server up, and reachable from this host alone or from no host? umount -f -l "
     "MOUNTPOINT gives up what hangs; tasks in D state go only with a reboot.",
     "statvfs answers.", Rung::kReboot},
    {"TmpFull", "filesystem", Severity::kSoft, "the mount point",
     "/tmp, /var/tmp or /run is memory (tmpfs) and has too few bytes or inodes left: "
     "detectors.filesystem.tmp_share. Where it is a folder of another file system, FilesystemFull "
     "tells of that.",
     "statvfs(3) of the mount.",
     "Find what fills it (du -x, lsof +L1 for files that are deleted and open) and remove it.",
     "Free space and inodes above the threshold.", Rung::kReboot},
};

}  // namespace

std::span<const ConditionType> FilesystemConditions() { return kTypes; }

}  // namespace fleetmedic

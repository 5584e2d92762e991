#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

constexpr ConditionType kTypes[] = {
    {"DiskHung", "disk", Severity::kHard, "the device",
     "A disk was given I/O and has completed none of it for detectors.disk.hung_after: whatever "
     "reads or writes there hangs. Hard where it is mounted or swapped to and the agent saw it "
     "working before, else soft.",
     "/proc/diskstats: I/Os in flight, and reads, writes, discards and flushes completed.",
     "Read the kernel log for resets and time-outs of the device; look at the volume in the "
     "cloud's "
     "console, or at the cable and the controller. Tasks in D state go only with a reboot.",
     "The device completes an I/O, or has none in flight.", Rung::kReboot},
    {"DiskSlow", "disk", Severity::kSoft, "the device",
     "I/O takes longer, on average over detectors.disk.slow_window, than slow_await (for disks "
     "that turn: slow_await_rotational), waiting in the queue included.",
     "/proc/diskstats: time spent by reads and writes over their number; fewer than slow_ios_min "
     "say nothing. Removable disks, loop, ram, zram, arrays and mappings are not judged.",
     "iostat -x 1; who writes (pidstat -d 1)? Look for a throttled volume, an array that is "
     "rebuilt, a failing disk (smartctl -a).",
     "The average falls below the threshold, or fewer I/Os are made.", Rung::kPerson},
    {"DiskOffline", "disk", Severity::kHard, "the device",
     "The SCSI layer has given the disk up (offline, transport-offline: hard where it is mounted), "
     "or holds its I/O back (blocked, quiesce: soft).",
     "/sys/block/*/device/state.",
     "Read the kernel log for why it was given up; check path, cable and disk. Writing \"running\" "
     "to the file tries it again.",
     "The state is running.", Rung::kReboot},
    {"DiskErrors", "disk", Severity::kSoft, "the device",
     "Commands to a SCSI or SATA disk fail (detectors.disk.errors_max) or time out (timeouts_max) "
     "within error_window.",
     "Growth of /sys/block/*/device/ioerr_cnt and iotmo_cnt. The first also counts a few harmless "
     "refusals, such as those of a question that the disk does not know.",
     "smartctl -a; replace the disk or its cable.", "Fewer errors within the window.",
     Rung::kPerson},
    {"DiskReadOnly", "disk", Severity::kSoft, "the device",
     "The device is read-only and a file system on it is mounted writable: writes fail.",
     "/sys/block/*/ro and that of partitions against /proc/self/mountinfo.",
     "Find out who made it so (blockdev --setro, the storage, a failing flash drive) and blockdev "
     "--setrw.",
     "The device is writable, or nothing writable is mounted of it.", Rung::kPerson},
    {"RaidDegraded", "disk", Severity::kSoft, "the array",
     "An md array has lost members: the next loss may be the data's. Hard where it is broken and "
     "mounted, soft while members are missing, info while they are rebuilt.",
     "/sys/block/md*/md: degraded, array_state, sync_action (Documentation/admin-guide/md.rst).",
     "mdadm --detail; replace the disk and add it to the array.", "No member is missing.",
     Rung::kPerson},
};

}  // namespace

std::span<const ConditionType> DiskConditions() { return kTypes; }

}  // namespace fleetmedic

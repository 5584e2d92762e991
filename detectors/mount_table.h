// The text of /proc/self/mountinfo, taken apart. Pure.
#ifndef FLEETMEDIC_DETECTORS_MOUNT_TABLE_H_
#define FLEETMEDIC_DETECTORS_MOUNT_TABLE_H_

#include <string>
#include <string_view>
#include <vector>

namespace fleetmedic {

// One mount (proc_pid_mountinfo(5)); escapes are undone.
struct MountEntry {
  std::string device;  // "8:1"; major 0 for file systems without a block device
  std::string mount_point;
  std::string type;        // "ext4"
  std::string source;      // "/dev/sda1", "server:/export"
  bool read_only = false;  // the file system itself (super options), not this mount of it

  bool operator==(const MountEntry&) const = default;
};

// In the order of the table, at most mounts_max; lines of another form are left out.
std::vector<MountEntry> MountTable(std::string_view mountinfo, size_t mounts_max);

// Space, tab, newline and backslash are written as \040 and so on, in fstab(5) too.
std::string UnescapeMount(std::string_view text);

// Of options parted by commas.
bool HasMountOption(std::string_view options, std::string_view wanted);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_MOUNT_TABLE_H_

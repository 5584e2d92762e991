// Watches the block devices of a host: hung, slow, offline, erring, read-only, arrays degraded.
#ifndef FLEETMEDIC_DETECTORS_DISK_DISK_DETECTOR_H_
#define FLEETMEDIC_DETECTORS_DISK_DISK_DETECTOR_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "config/disk_config.h"
#include "config/host_config.h"
#include "detectors/detector.h"
#include "detectors/disk/disk_evaluate.h"
#include "detectors/mount_table.h"

namespace fleetmedic {

// Reads /proc/diskstats, /sys/block, /proc/self/mountinfo and /proc/swaps below the host's root;
// no device is opened, so that one that hangs does not hang the look at it.
class DiskDetector final : public Detector {
 public:
  static constexpr size_t kDisksMax = 256;

  DiskDetector(const Clock* clock, const HostConfig& host, const DiskConfig& config);

  std::string_view name() const override { return "disk"; }
  std::vector<std::string> types() const override;
  bool Supported() const override;
  Millis interval() const override { return config_.interval; }
  Result<std::vector<Condition>> Probe(MonoTime deadline) override;

 private:
  // What is mounted, by the number of the device and by the name of the source.
  struct Mounts {
    std::multimap<std::string, MountEntry> by_number;
    std::multimap<std::string, MountEntry> by_source;
  };

  Result<std::vector<DiskSample>> Sample() const;
  DiskSample SampleDisk(const std::string& name, const DiskLine& line, const Mounts& mounts) const;
  Mounts ReadMounts() const;
  // What is mounted of the device in `folder`, of its partitions and of what is built upon them.
  void AddMounts(const std::string& folder, const Mounts& mounts, int levels_left,
                 DiskSample* disk) const;
  // Empty where it cannot be read.
  std::string Text(const std::string& path) const;
  std::vector<std::string> Names(const std::string& folder) const;

  const Clock* const clock_;
  const FsRoot root_;
  const DiskConfig config_;
  DiskHistory history_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_DISK_DISK_DETECTOR_H_

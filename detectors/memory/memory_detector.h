// Watches the memory of a host: pressure, what is available, swap, OOM kills, fragmentation and
// cgroups that leak. Pressure on processors and I/O is told here too: it comes from the same files.
#ifndef FLEETMEDIC_DETECTORS_MEMORY_MEMORY_DETECTOR_H_
#define FLEETMEDIC_DETECTORS_MEMORY_MEMORY_DETECTOR_H_

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "config/host_config.h"
#include "config/memory_config.h"
#include "detectors/detector.h"
#include "detectors/memory/cgroup_walk.h"
#include "detectors/memory/memory_evaluate.h"

namespace fleetmedic {

class MemoryDetector final : public Detector {
 public:
  // The clock is not owned.
  MemoryDetector(const Clock* clock, const HostConfig& host, const MemoryConfig& config);

  std::string_view name() const override { return "memory"; }
  std::vector<std::string> types() const override;
  // The host has a /proc/meminfo.
  bool Supported() const override;
  Millis interval() const override { return config_.interval; }
  Result<std::vector<Condition>> Probe(MonoTime deadline) override;

 private:
  PressureSample ReadPressure(const char* path) const;
  void LookForKills(MonoTime deadline, HostMemorySample* sample);
  std::optional<CgroupCount> CountCgroups(MonoTime deadline);

  const Clock* const clock_;
  const FsRoot root_;
  const MemoryConfig config_;
  CgroupWalk kill_walk_;
  CgroupWalk count_walk_;
  MemoryHistory history_;
  std::optional<uint64_t> oom_kills_;
  std::string unnamed_why_;
  // Of v1, where counting is dear.
  std::optional<CgroupCount> counted_;
  MonoTime counted_at_{};
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_MEMORY_MEMORY_DETECTOR_H_

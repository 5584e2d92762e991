// The memory cgroups of a host: how many there are, and which of them lost processes to the OOM
// killer.
#ifndef FLEETMEDIC_DETECTORS_MEMORY_CGROUP_WALK_H_
#define FLEETMEDIC_DETECTORS_MEMORY_CGROUP_WALK_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "detectors/memory/memory_evaluate.h"

namespace fleetmedic {

// Owned by one thread. A look reads a file of each cgroup: it is taken when /proc/vmstat says that
// there was a kill, not on every probe.
class CgroupWalk {
 public:
  static constexpr size_t kCgroupsMax = 16'384;
  static constexpr int kLevelsMax = 32;

  // The clock is not owned.
  CgroupWalk(const Clock* clock, std::string root) : clock_(clock), root_(std::move(root)) {}

  struct Look {
    size_t cgroups = 0;  // with the root
    // Since the look before; nothing at the first. All kills of a cgroup that was not there then.
    std::vector<CgroupKills> kills;
    // Why not all was seen; empty: it was.
    std::string cut;
  };
  // kNotFound: no hierarchy with the memory controller where it is looked for (/sys/fs/cgroup,
  // .../memory, .../unified).
  Result<Look> Take(MonoTime deadline);

  // nr_descendants and nr_dying_descendants of the root (v2); none with v1.
  std::optional<CgroupCount> CountV2() const;

 private:
  struct Hierarchy {
    std::string path;
    std::string file;  // that counts the kills
  };
  struct Seen {
    size_t cgroups = 0;
    std::map<std::string, uint64_t> kills;  // of those that have any
    std::string cut;
  };
  std::optional<Hierarchy> Find() const;
  void Walk(const Hierarchy& hierarchy, const std::string& below, int level, MonoTime deadline,
            Seen* seen) const;

  const Clock* const clock_;
  const FsRoot root_;
  bool looked_ = false;
  Seen before_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_MEMORY_CGROUP_WALK_H_

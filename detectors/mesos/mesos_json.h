// What a Mesos agent says of itself, taken apart: the endpoints /state and /metrics/snapshot of the
// Apache Mesos documentation (docs/endpoints/slave/state.md, docs/monitoring.md, 1.11). Pure and
// bounded; what cannot be read is left out.
#ifndef FLEETMEDIC_DETECTORS_MESOS_MESOS_JSON_H_
#define FLEETMEDIC_DETECTORS_MESOS_MESOS_JSON_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace fleetmedic {

struct MesosState {
  std::string id;  // given by the master at the first registration
  std::string hostname;
  std::string version;
  std::string master_hostname;  // empty while it knows no leading master
  std::string master_flag;      // --master: "10.0.0.1:5050", "zk://..."
  std::string work_dir;         // an absolute path, or empty
  double gc_disk_headroom = 0.1;
};

// kCorrupt for what is no JSON object, or is larger than 16 MiB.
Result<MesosState> MesosStateFromJson(std::string_view text);

// The agent's own counters and gauges by name ("slave/registered"); only those of the agent and of
// its containerizer, at most kMesosMetricsMax. kCorrupt as above.
constexpr size_t kMesosMetricsMax = 1024;
using MesosMetrics = std::map<std::string, double, std::less<>>;
Result<MesosMetrics> MesosMetricsFromJson(std::string_view text);

// "10.0.0.1:5050" of a --master that names one master by its number ("10.0.0.1:5050",
// "10.0.0.1:5050/mesos"); none for ZooKeeper, files and names.
std::optional<std::string> NumericMaster(std::string_view master_flag);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_MESOS_MESOS_JSON_H_

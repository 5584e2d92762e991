// What must be made durable: the rows that an operation on the cluster changed.
#ifndef FLEETMEDIC_SCHEDULER_CHANGE_H_
#define FLEETMEDIC_SCHEDULER_CHANGE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace fleetmedic {

// The role knows which table of its store each one is; the pure core need not.
enum class ClusterTable : uint8_t { kHosts, kDirectives, kJobs, kJobStates, kTasks };

// One row as it shall be. A value that is nothing: the row is erased. Applying a change again is
// harmless.
struct Change {
  ClusterTable table = ClusterTable::kHosts;
  std::string key;
  std::optional<std::string> value;

  bool operator==(const Change&) const = default;
};

// The newest value of each row that changed, in the order of table and key.
using ChangeSet = std::map<std::pair<ClusterTable, std::string>, std::optional<std::string>>;

// A committed row, given back after a restart.
struct ClusterRow {
  ClusterTable table = ClusterTable::kHosts;
  std::string key;
  std::string value;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_SCHEDULER_CHANGE_H_

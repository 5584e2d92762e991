// The fleet as stage two of the stream sees it: every host's number and facts, what runs on it, and
// whether it reports. Pure: time comes with the calls.
#ifndef FLEETMEDIC_STREAM_FLEET_HOSTS_H_
#define FLEETMEDIC_STREAM_FLEET_HOSTS_H_

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "model/command.h"
#include "model/host_facts.h"
#include "stream/fleet_facts.h"
#include "stream/fleet_scope.h"
#include "stream/host_table.h"

namespace fleetmedic {

// What the report's host runs, by the names that HostTable::SetWork takes.
std::set<std::string> WorkOf(const ExecutorReport& report);

// Owned by one thread; what it gives views of lives until the next call that is not const.
class FleetHosts {
 public:
  // A host that was not heard of for so long is not of the fleet any more.
  static constexpr Millis kGoneAfter = Hours(1);
  // Facts by whose values patterns that are chatty are tested again.
  static constexpr std::string_view kCohortKeys[] = {"kernel",        "image", "agent_version",
                                                     "instance_type", "zone",  "pool"};
  // Facts that a scope may be of, the widest first.
  static constexpr std::string_view kScopeKeys[] = {
      "cell", "zone", "pool", "rack", "kernel", "image", "instance_type", "agent_version"};

  explicit FleetHosts(const HostTableLimits& limits = {}) : table_(limits) {}

  // `at`: when it was told.
  void TakeFacts(const HostFacts& facts, WallTime at);
  void TakeWork(const ExecutorReport& report, WallTime at);
  // The host is there: it beats, or lines of it were read.
  void Heard(const HostId& host, WallTime at);
  // So many reported when this process had them all before us: until `until` no fewer are counted,
  // since most of those that report have had no time to.
  void AssumeReporting(uint32_t hosts, WallTime until);

  // Counts who reports, and gives up the numbers of hosts that have been gone for longer than any
  // window: the caller has everybody forget them. Once a minute.
  std::vector<HostIndex> EndOfMinute(WallTime now);

  uint32_t reporting(WallTime now) const;
  const HostTable& table() const { return table_; }
  // None where the table is full (counted there).
  std::optional<HostIndex> IndexOf(const HostId& host) { return table_.Add(host); }
  FleetFacts Facts(WallTime now) const;
  std::vector<FactColumn> ScopeColumns() const;

 private:
  FactColumn ColumnOf(std::string_view key) const;

  HostTable table_;
  std::vector<WallTime> heard_at_;  // by the host's number
  uint32_t reporting_ = 0;
  uint32_t assumed_ = 0;
  WallTime assumed_until_ = kWallNever;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_FLEET_HOSTS_H_

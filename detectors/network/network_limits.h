// How full the tables of the network stack are, and what it had to drop. Pure, but for
// ReadNetworkLimits.
#ifndef FLEETMEDIC_DETECTORS_NETWORK_NETWORK_LIMITS_H_
#define FLEETMEDIC_DETECTORS_NETWORK_NETWORK_LIMITS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "detectors/counter_window.h"
#include "model/condition.h"

namespace fleetmedic {

// /proc/net/stat/arp_cache and ndisc_cache: a heading, then a line for each processor, in hex.
struct NeighbourTable {
  uint64_t entries = 0;      // of the table; every line says it
  uint64_t table_fulls = 0;  // over all processors
};
std::optional<NeighbourTable> NeighbourTableFrom(std::string_view text);

// A value of /proc/net/netstat or /proc/net/snmp: lines in pairs, names and then values.
std::optional<uint64_t> NetstatValue(std::string_view text, std::string_view group,
                                     std::string_view name);

// A value of /proc/net/sockstat: "TCP: inuse 1 orphan 0 tw 0 alloc 1 mem 0".
std::optional<uint64_t> SockstatValue(std::string_view text, std::string_view group,
                                      std::string_view name);

struct NeighbourSample {
  std::string unit;  // "ipv4", "ipv6"
  NeighbourTable table;
  uint64_t entries_max = 0;  // gc_thresh3; 0: not known
};

// What is not on this host is empty.
struct NetworkLimitsSample {
  std::optional<uint64_t> conntrack_count;
  std::optional<uint64_t> conntrack_max;
  std::vector<NeighbourSample> neighbours;
  std::optional<uint64_t> port_first;
  std::optional<uint64_t> port_last;
  std::optional<uint64_t> tcp_in_use;
  std::optional<uint64_t> tcp_time_wait;
  std::optional<uint64_t> listen_overflows;
  // Files that are there and may not be read, by condition type: what is missing, in words.
  std::map<std::string, std::string> refused;
};

NetworkLimitsSample ReadNetworkLimits(const FsRoot& root);

struct NetworkLimitsThresholds {
  double conntrack_share = 0.9;
  double conntrack_hard_share = 0.99;
  double neighbours_share = 0.95;
  double ports_share = 0.9;
  uint64_t listen_overflows_max = 10;
};

// Puts the sample's counters where EvaluateNetworkLimits looks for their growth.
void AddNetworkLimits(const NetworkLimitsSample& sample, MonoTime now, CounterWindow* window);

std::vector<Condition> EvaluateNetworkLimits(const NetworkLimitsSample& sample,
                                             const CounterWindow& window,
                                             const NetworkLimitsThresholds& thresholds);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_NETWORK_NETWORK_LIMITS_H_

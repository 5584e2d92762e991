// What the kernel's links, addresses, routes and rules mean for the host. Pure.
#ifndef FLEETMEDIC_DETECTORS_NETWORK_NETWORK_EVALUATE_H_
#define FLEETMEDIC_DETECTORS_NETWORK_NETWORK_EVALUATE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "detectors/counter_window.h"
#include "detectors/network/network_types.h"
#include "model/condition.h"

namespace fleetmedic {

struct NetworkSample {
  MonoTime at{};
  NetworkTables tables;
  // By the instance metadata; none: nobody says.
  std::optional<std::vector<ExpectedInterface>> expected;
  // rp_filter by interface, and "all"; empty where it was not looked at.
  std::map<std::string, int> rp_filter;
  // Allowance counters by interface and name.
  std::map<std::string, std::map<std::string, uint64_t>> allowances;
  std::string allowances_error;
};

struct NetworkThresholds {
  std::vector<std::string> interfaces;  // names or globs of those that are to be up
  std::vector<std::string> ignore;      // names or globs
  std::map<std::string, std::string> mac;
  std::map<std::string, std::string> mtu;
  std::map<std::string, std::string> addresses;  // separated by blanks
  bool require_default_route = false;
  std::vector<std::string> policy_rules;  // names or globs of those that are to have rules
  Millis lost_for_max = Hours(1);
  uint64_t carrier_changes_max = 6;
  double error_share = 0.01;
  double drop_share = 0.05;
  uint64_t packets_min = 1000;
  uint64_t allowance_packets_max = 100;
};

// What was seen before: at most kInterfacesMax interfaces, and their counters. An interface is
// watched when it is a device of its own, when the config names it, or when the default route leads
// over it, as over a bond's.
class NetworkHistory {
 public:
  static constexpr size_t kInterfacesMax = 256;

  struct Interface {
    std::string mac;
    int index = 0;
    bool physical = false;
    bool was_up = false;
    bool default_route = false;       // when it was last up
    std::optional<MonoTime> lost_at;  // it is not there
  };

  explicit NetworkHistory(Millis window) : counters_(window) {}

  // `counters`: the sample is one of the regular looks, whose counters are to be kept. Others only
  // update what is there.
  void Add(const NetworkSample& sample, const NetworkThresholds& thresholds, bool counters);

  const std::map<std::string, Interface>& interfaces() const { return interfaces_; }
  const CounterWindow& counters() const { return counters_; }
  bool had_ipv4_default() const { return had_ipv4_default_; }
  bool had_ipv6_default() const { return had_ipv6_default_; }

 private:
  void AddLinks(const NetworkSample& sample, const NetworkThresholds& thresholds);
  bool Forget(const std::string& name, const Interface& known, const NetworkSample& sample,
              const NetworkThresholds& thresholds) const;
  void MarkLost(const NetworkSample& sample, const NetworkThresholds& thresholds);
  void AddCounters(const NetworkSample& sample);

  std::map<std::string, Interface> interfaces_;
  CounterWindow counters_;
  bool had_ipv4_default_ = false;
  bool had_ipv6_default_ = false;
};

// Whether a default route of the main table leads over the link.
bool HoldsDefaultRoute(const NetworkTables& tables, int index);

// Whether one does over a link that is up.
bool ReachesOut(const NetworkTables& tables);

// Whether the name is one of the names or globs.
bool NameMatches(const std::vector<std::string>& globs, const std::string& name);

bool IsWatched(const NetworkLink& link, const NetworkThresholds& thresholds);

// `history` holds the sample already.
std::vector<Condition> EvaluateNetwork(const NetworkSample& sample, const NetworkHistory& history,
                                       const NetworkThresholds& thresholds);

// The half of it that judges counters.
void EvaluateNetworkCounters(const NetworkSample& sample, const NetworkHistory& history,
                             const NetworkThresholds& thresholds,
                             std::vector<Condition>* conditions);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_NETWORK_NETWORK_EVALUATE_H_

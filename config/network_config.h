// [detectors.network], with the defaults that ship.
#ifndef FLEETMEDIC_CONFIG_NETWORK_CONFIG_H_
#define FLEETMEDIC_CONFIG_NETWORK_CONFIG_H_

#include <map>
#include <string>
#include <vector>

#include "base/time.h"

namespace fleetmedic {

struct NetworkConfig {
  Millis interval = Seconds(1);                  // what the kernel tells of changes; cheap
  Millis look_every = Seconds(10);               // counters and tables
  Millis window = Minutes(5);                    // counters are judged by their growth within it
  std::vector<std::string> interfaces;           // names or globs of those that are to be up
  std::vector<std::string> ignore;               // names or globs
  std::map<std::string, std::string> mac;        // by interface
  std::map<std::string, std::string> mtu;        // by interface
  std::map<std::string, std::string> addresses;  // by interface, separated by blanks
  bool require_default_route = false;
  std::vector<std::string> policy_rules;  // names or globs of those that are to have rules
  Millis lost_for_max = Hours(1);         // an interface that nobody named is missed for so long
  int carrier_changes_max = 6;            // three losses and returns
  double error_share = 0.01;              // as node_exporter's NodeNetworkReceiveErrs
  double drop_share = 0.05;
  int packets_min = 1000;           // fewer packets are no base for a share
  int allowance_packets_max = 100;  // of one ENA counter
  // As node_exporter's NodeHighNumberConntrackEntriesUsed (0.75), which warns a person; this
  // drains.
  double conntrack_share = 0.9;
  double conntrack_hard_share = 0.99;
  double neighbours_share = 0.95;
  double ports_share = 0.9;
  int listen_overflows_max = 10;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_NETWORK_CONFIG_H_

// What the kernel says of its network, and what others say should be there: values that the
// detectors of the network share.
#ifndef FLEETMEDIC_DETECTORS_NETWORK_NETWORK_TYPES_H_
#define FLEETMEDIC_DETECTORS_NETWORK_NETWORK_TYPES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fleetmedic {

// rtnl_link_stats64, those that are judged.
struct LinkCounters {
  uint64_t rx_packets = 0;
  uint64_t tx_packets = 0;
  uint64_t rx_errors = 0;
  uint64_t tx_errors = 0;
  uint64_t rx_dropped = 0;
  uint64_t tx_dropped = 0;
};

struct NetworkLink {
  // Up for its administrator and with a carrier.
  bool up() const { return admin_up && carrier; }
  // A device behind which there is hardware, or a virtual machine's idea of it: those made by
  // software (veth, bridge, vlan, tun...) name their kind.
  bool physical() const { return ethernet && !loopback && kind.empty(); }

  int index = 0;
  std::string name;
  std::string mac;   // "02:00:00:00:00:01"; empty where it has none
  std::string kind;  // of IFLA_LINKINFO: "veth", "bridge"; empty for a device
  uint32_t mtu = 0;
  bool ethernet = false;
  bool loopback = false;
  bool admin_up = false;
  bool carrier = false;
  std::optional<uint32_t> carrier_changes;
  std::optional<LinkCounters> counters;
};

struct NetworkAddress {
  int index = 0;  // of the link
  bool ipv6 = false;
  bool global = false;  // neither of the link nor of the host alone
  std::string address;  // "10.0.0.5", without the prefix
  int prefix_bits = 0;
};

// A default route of any table; no other is kept.
struct NetworkDefaultRoute {
  bool ipv6 = false;
  uint32_t table = 0;
  std::vector<int> links;  // of its next hops
};

// A rule with a source and a table to look in; no other is kept.
struct NetworkRule {
  bool ipv6 = false;
  std::string source;  // without the prefix
  int prefix_bits = 0;
  uint32_t table = 0;
};

struct NetworkTables {
  const NetworkLink* FindLink(int index) const {
    for (const NetworkLink& link : links) {
      if (link.index == index) return &link;
    }
    return nullptr;
  }

  static constexpr uint32_t kMainTable = 254;  // RT_TABLE_MAIN

  std::vector<NetworkLink> links;
  std::vector<NetworkAddress> addresses;
  std::vector<NetworkDefaultRoute> default_routes;
  std::vector<NetworkRule> rules;
};

// An interface that should be there, by the word of who attached it: the instance metadata.
struct ExpectedInterface {
  std::string mac;
  std::string id;  // "eni-0123456789abcdef0"
  int device_number = 0;
  std::string subnet;              // "10.0.0.0/24"
  std::vector<std::string> ipv4s;  // the primary first

  bool operator==(const ExpectedInterface&) const = default;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_NETWORK_NETWORK_TYPES_H_

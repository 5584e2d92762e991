#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

constexpr ConditionType kTypes[] = {
    {"InterfaceLost", "network", Severity::kHard, "the interface",
     "An interface that was there is gone: the device failed, was detached, or its driver gave up. "
     "Hard where detectors.network.interfaces names it, the instance metadata says that it is "
     "attached, or it was the only way out; otherwise info, for devices go into containers "
     "and come back.",
     "RTM_GETLINK, at each change that the kernel tells of on its multicast groups and every "
     "detectors.network.look_every.",
     "Look for the device's last words in the kernel log (ena, mlx5, pcieport). Attach it anew; a "
     "device that fails again is a reason to replace the host.",
     "The interface is there again, the metadata says that it is detached, or, where nobody named "
     "it, detectors.network.lost_for_max has passed.",
     Rung::kReattachInterface},
    {"InterfaceDown", "network", Severity::kHard, "the interface",
     "An interface that is to be up is switched off or has no carrier: nothing goes through it. It "
     "is to be up when detectors.network.interfaces names it, the instance metadata says that it "
     "is attached, or it was up before. Info where it is known only for that.",
     "Flags of RTM_GETLINK: IFF_UP, and IFF_LOWER_UP for the carrier.",
     "SwitchedOff: find who did it (ip link, the network manager's log). NoCarrier: the cable, the "
     "switch, or the other end; on EC2 the attachment.",
     "The interface is up and has a carrier.", Rung::kReattachInterface},
    {"InterfaceFlapping", "network", Severity::kSoft, "the interface",
     "The carrier of an interface came and went detectors.network.carrier_changes_max times within "
     "detectors.network.window; each loss and each return counts as one.",
     "Growth of IFLA_CARRIER_CHANGES (/sys/class/net/NAME/carrier_changes).",
     "Look at the cable, the transceiver and the switch's port; ethtool NAME shows the link.",
     "Fewer changes within the window.", Rung::kPerson},
    {"InterfaceMisconfigured", "network", Severity::kSoft, "the interface",
     "An interface has another MAC or MTU than it should, or an address is missing: those that "
     "detectors.network.mac, mtu and addresses name, and on EC2 the primary address of the first "
     "interface.",
     "RTM_GETLINK and RTM_GETADDR against the config and the instance metadata.",
     "Find who changed it; let the network manager set it again (networkctl reconfigure, netplan "
     "apply). A wrong MTU shows as connections that hang once they send much.",
     "The interface is as it should be.", Rung::kPerson},
    {"DefaultRouteMissing", "network", Severity::kHard, "ipv4 or ipv6",
     "The main routing table had a default route and has none now, or "
     "detectors.network.require_default_route is set and there is none: the host reaches only its "
     "own subnets. IPv6 is info where IPv4 has been there, too.",
     "RTM_GETROUTE: a unicast route of the main table with a prefix of 0 bits.",
     "Look at the DHCP client's and the network manager's log; set the route anew.",
     "The main table has a default route again.", Rung::kReboot},
    {"PolicyRuleMissing", "network", Severity::kSoft, "the interface",
     "An interface that detectors.network.policy_rules names has an IPv4 address and no rule that "
     "sends what comes from it out again by the same interface: answers leave by another, and the "
     "VPC drops them.",
     "RTM_GETRULE: a rule from the address (/32) to a table; RTM_GETROUTE: that table's default "
     "route leads over the interface.",
     "Run what sets them (ec2-net-utils, the CNI, networkd) again; ip rule, ip route show table N.",
     "Rule and route are there.", Rung::kReattachInterface},
    {"ReversePathFilterStrict", "network", Severity::kInfo, "the interface",
     "A host with several interfaces drops what comes in on one of them from networks whose way "
     "back leads over another.",
     "/proc/sys/net/ipv4/conf/{all,NAME}/rp_filter, the larger of which counts, is 1 on an "
     "interface without the default route and without a rule for its addresses (kernel "
     "Documentation/networking/ip-sysctl.rst).",
     "Set rp_filter to 2 (loose) on that interface, or give it rules of its own.",
     "The filter is loose, or rules lead back over the same interface.", Rung::kPerson},
    {"InterfaceErrors", "network", Severity::kSoft, "the interface",
     "A share of an interface's packets was broken: at least detectors.network.error_share of what "
     "it sent or received within detectors.network.window.",
     "Growth of rx_errors and tx_errors against the packets (IFLA_STATS64). The share is that of "
     "node_exporter's alert NodeNetworkReceiveErrs.",
     "ethtool -S NAME says which errors; look at cable, transceiver and driver.",
     "A smaller share within the window.", Rung::kPerson},
    {"InterfaceDrops", "network", Severity::kInfo, "the interface",
     "A share of an interface's packets was dropped by the kernel or the device: at least "
     "detectors.network.drop_share within detectors.network.window. Packets of protocols that "
     "nobody speaks count, too.",
     "Growth of rx_dropped and tx_dropped against the packets (IFLA_STATS64).",
     "ethtool -S and -g NAME: rings that are too small; nstat and /proc/net/softnet_stat: a "
     "processor that does not keep up.",
     "A smaller share within the window.", Rung::kPerson},
    {"EnaAllowanceExceeded", "network", Severity::kSoft, "interface/counter",
     "EC2 shaped or dropped packets because the instance passed one of its limits. "
     "conntrack_allowance_exceeded: new connections fail. linklocal_allowance_exceeded: DNS, time "
     "and metadata fail. bw_in, bw_out and pps: traffic is slowed, told as info.",
     "Growth of the ENA driver's counters (SIOCETHTOOL, ETHTOOL_GSTATS) within "
     "detectors.network.window (Amazon EC2 User Guide, network performance for ENA settings).",
     "Find the task that makes the traffic, connections or look-ups; cache DNS on the host; spread "
     "the load or take a larger instance.",
     "Fewer packets within the window.", Rung::kPerson},
    {"ConntrackTableFull", "network", Severity::kHard, "",
     "The table of tracked connections is nearly full: once it is, new connections are dropped "
     "(nf_conntrack: table full, dropping packet). Soft at detectors.network.conntrack_share, hard "
     "at conntrack_hard_share.",
     "/proc/sys/net/netfilter/nf_conntrack_count against nf_conntrack_max.",
     "conntrack -S and -L show who holds them; raise net.netfilter.nf_conntrack_max, shorten "
     "time-outs.",
     "A share below the threshold.", Rung::kPerson},
    {"NeighbourTableFull", "network", Severity::kSoft, "ipv4 or ipv6",
     "The table of neighbours (ARP, NDP) overflowed within the window or is nearly full: packets "
     "to "
     "addresses that are not in it are dropped.",
     "table_fulls and entries of /proc/net/stat/arp_cache and ndisc_cache, and gc_thresh3.",
     "Raise net.ipv4.neigh.default.gc_thresh1 to 3 (and those of ipv6); look why the host speaks "
     "to so many addresses of its own subnets.",
     "No overflow within the window, and room in the table.", Rung::kPerson},
    {"EphemeralPortsLow", "network", Severity::kInfo, "",
     "There are nearly as many TCP sockets as ephemeral ports. An upper bound: listening sockets "
     "and incoming connections need no such port, and one port serves several destinations.",
     "/proc/net/sockstat (inuse and tw) against /proc/sys/net/ipv4/ip_local_port_range.",
     "ss -s and ss -tan show the sockets and where they lead; let the client keep connections; "
     "widen the range.",
     "Fewer sockets.", Rung::kPerson},
    {"TcpListenOverflow", "network", Severity::kInfo, "",
     "Connections were dropped because the program that listens does not accept them fast enough.",
     "Growth of TcpExt ListenOverflows in /proc/net/netstat within detectors.network.window.",
     "ss -ltn shows the listener whose Recv-Q is at its Send-Q: it is slow, hung, or its backlog "
     "is small.",
     "Fewer drops within the window.", Rung::kPerson},
};

}  // namespace

std::span<const ConditionType> NetworkConditions() { return kTypes; }

}  // namespace fleetmedic

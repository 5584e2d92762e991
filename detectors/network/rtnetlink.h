// The kernel's rtnetlink messages (rtnetlink(7)), taken apart with hard bounds. Pure.
#ifndef FLEETMEDIC_DETECTORS_NETWORK_RTNETLINK_H_
#define FLEETMEDIC_DETECTORS_NETWORK_RTNETLINK_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "detectors/network/network_types.h"

namespace fleetmedic {

// Of one dump. More is kFull: what is missing in half a list must not count as gone.
constexpr size_t kNetworkLinksMax = 8192;
constexpr size_t kNetworkAddressesMax = 16384;
constexpr size_t kNetworkRoutesMax = 1024;
constexpr size_t kNetworkRulesMax = 4096;

struct RtnetlinkProgress {
  bool done = false;         // NLMSG_DONE: the answer is whole
  bool interrupted = false;  // NLM_F_DUMP_INTR: what it lists changed meanwhile
  int error_number = 0;      // of NLMSG_ERROR or NLMSG_DONE, as errno
};

// Takes the messages of one datagram that answer `sequence` into the tables; others are passed
// over. kCorrupt: a length that does not fit; kFull: more than the tables hold.
Result<RtnetlinkProgress> ParseRtnetlink(std::string_view datagram, uint32_t sequence,
                                         NetworkTables* tables);

// A request for everything of one kind (RTM_GETLINK...). `family` is AF_UNSPEC, AF_INET, AF_INET6.
std::string RtnetlinkDumpRequest(uint16_t type, uint8_t family, uint32_t sequence);

// The links that are watched, by name, with their indexes.
using WatchedLinks = std::map<std::string, int>;

// Whether a datagram of the kernel's multicast groups tells of what is watched: of such a link or
// of a device that is not known yet, of an address of such a link, of a default route, of a rule.
// Containers that come and go do not. True for what cannot be read.
bool RtnetlinkNoticeMatters(std::string_view datagram, const WatchedLinks& watched);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_NETWORK_RTNETLINK_H_

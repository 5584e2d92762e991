// The answers of EC2's instance metadata service, taken apart with hard bounds. Pure. Their forms
// are those of the Amazon EC2 User Guide: "Instance metadata categories", "View scheduled events",
// "Spot Instance interruption notices", "Rebalance recommendations".
#ifndef FLEETMEDIC_DETECTORS_IMDS_IMDS_PARSE_H_
#define FLEETMEDIC_DETECTORS_IMDS_IMDS_PARSE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace fleetmedic {

// An instance has at most 15 interfaces on most types, and some hundreds of addresses on each.
constexpr size_t kImdsInterfacesMax = 64;
constexpr size_t kImdsAddressesMax = 1024;
constexpr size_t kImdsEventsMax = 64;

// network/interfaces/macs/: "0e:49:61:0f:c3:11/" a line. What is no MAC is an error, for the names
// become paths: kCorrupt. More than kImdsInterfacesMax is kFull.
Result<std::vector<std::string>> ImdsMacsFrom(std::string_view text);

// local-ipv4s: an IPv4 address a line. kCorrupt, kFull.
Result<std::vector<std::string>> ImdsAddressesFrom(std::string_view text);

// A single short word, such as an interface's id or a CIDR block: printable ASCII without blanks.
Result<std::string> ImdsWordFrom(std::string_view text);

struct ImdsEvent {
  std::string id;          // "instance-event-0d59937288b749b32"
  std::string code;        // "system-reboot", "instance-stop", ...
  std::string not_before;  // "21 Jan 2019 09:00:43 GMT"
  std::string not_after;
  std::string description;
};

// events/maintenance/scheduled: those that are still to come, by their State.
Result<std::vector<ImdsEvent>> ImdsEventsFrom(std::string_view json);

struct ImdsSpotNotice {
  std::string action;  // "terminate", "stop", "hibernate"
  std::string time;    // RFC 3339
};

// spot/instance-action.
Result<ImdsSpotNotice> ImdsSpotNoticeFrom(std::string_view json);

// events/recommendations/rebalance: its noticeTime, RFC 3339.
Result<std::string> ImdsRebalanceFrom(std::string_view json);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_IMDS_IMDS_PARSE_H_

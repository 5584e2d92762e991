// The two messages of one DNS look-up (RFC 1035), with hard bounds. Pure.
#ifndef FLEETMEDIC_DETECTORS_DNS_DNS_MESSAGE_H_
#define FLEETMEDIC_DETECTORS_DNS_DNS_MESSAGE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace fleetmedic {

constexpr uint16_t kDnsTypeA = 1;
constexpr uint16_t kDnsTypeNs = 2;

// A question for one name, recursion desired, without EDNS: every server knows that. "." is the
// root. kInvalidArgument: not a name of labels of 1 to 63 bytes, 253 in all.
Result<std::string> DnsQuery(uint16_t id, std::string_view name, uint16_t type);

struct DnsReply {
  int response_code = 0;  // 0 no error, 2 server failure, 3 no such name, 5 refused
  bool truncated = false;
  int answers = 0;
};

// The datagram as the answer to the query. kCorrupt: it is none, or another question's.
Result<DnsReply> DnsReplyFrom(std::string_view datagram, std::string_view query);

// "NOERROR", "SERVFAIL", "NXDOMAIN", "REFUSED", or "RCODE 9".
std::string DnsCodeName(int response_code);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_DNS_DNS_MESSAGE_H_

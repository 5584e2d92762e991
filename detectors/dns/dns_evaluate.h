// Whether the host can look up names. Pure.
#ifndef FLEETMEDIC_DETECTORS_DNS_DNS_EVALUATE_H_
#define FLEETMEDIC_DETECTORS_DNS_DNS_EVALUATE_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/condition.h"

namespace fleetmedic {

// resolv.conf(5): the library asks the first three.
constexpr size_t kDnsServersMax = 3;

// The addresses of its nameserver lines, in order.
std::vector<std::string> DnsServersFrom(std::string_view resolv_conf);

struct DnsServerSample {
  enum class Answer : uint8_t {
    kResolves,  // an answer, or that there is no such name
    kFails,     // SERVFAIL: it is there and cannot look up
    kRefuses,   // REFUSED and others: it does not take the question from us
    kTimedOut,
    kNobody,    // the port is closed
    kNotAsked,  // no route, no such address, no right
  };
  std::string server;
  Answer answer = Answer::kTimedOut;
  std::string message;  // of what was said, or the error
  Micros took{0};
};

struct DnsSample {
  std::string name;
  Millis deadline{0};
  std::vector<DnsServerSample> servers;
};

std::vector<Condition> EvaluateDns(const DnsSample& sample);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_DNS_DNS_EVALUATE_H_

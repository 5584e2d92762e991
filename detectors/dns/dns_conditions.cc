#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

constexpr ConditionType kTypes[] = {
    {"DnsUnavailable", "dns", Severity::kSoft, "",
     "None of the name servers that the host asks resolves a name: nothing that is found by name "
     "can be reached. Unknown where one refuses the question or could not be asked, for then it "
     "may well resolve others.",
     "A question of our own (UDP, detectors.dns.name) to each nameserver of /etc/resolv.conf, "
     "asked twice within detectors.dns.timeout. That there is no such name is an answer; SERVFAIL "
     "is none.",
     "dig @SERVER NAME from the host; look at the local resolver (systemd-resolved, dnsmasq, "
     "nscd), at conntrack, and on EC2 at linklocal_allowance_exceeded.",
     "One of them resolves.", Rung::kPerson},
    {"DnsServerUnresponsive", "dns", Severity::kInfo, "the server's address",
     "One of the host's name servers does not answer or fails (SERVFAIL): look-ups take seconds "
     "longer, for the library waits before it asks the next.",
     "As DnsUnavailable, for each server.",
     "Find out whether others see it; take it out of resolv.conf meanwhile.",
     "It resolves, or resolv.conf does not name it any more.", Rung::kPerson},
};

}  // namespace

std::span<const ConditionType> DnsConditions() { return kTypes; }

}  // namespace fleetmedic

#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

constexpr ConditionType kTypes[] = {
    {"MetadataUnavailable", "imds", Severity::kSoft, "",
     "The instance metadata service does not answer, so tasks cannot get credentials. Refused: "
     "nobody listens (a metadata proxy that died). Hung: it takes the connection and says nothing. "
     "Unauthorized: 401 with a fresh token too. BrokenAnswer: another status, or no HTTP. Unknown, "
     "for it says how the instance is set up: TokenTimedOut (the token's answer does not arrive, "
     "the hop limit is too small), Disabled (403), NotFound (404 for the token), Unreachable.",
     "PUT /latest/api/token and GET /latest/meta-data/, as IMDSv2 wants it. Asked only where DMI "
     "says EC2, or of detectors.imds.address.",
     "Refused or Hung: restart the metadata proxy, look at iptables and at routes to "
     "169.254.169.254. TokenTimedOut: aws ec2 modify-instance-metadata-options "
     "--http-put-response-hop-limit 2.",
     "The service answers.", Rung::kPerson},
    {"EniMissing", "imds", Severity::kHard, "the interface's id",
     "An elastic network interface is attached to the instance by the metadata's word, and the "
     "kernel has none with its MAC for longer than detectors.imds.missing_grace. Info for those "
     "beside the first where detectors.imds.interfaces_leave is set: they may be in containers.",
     "The MACs below network/interfaces/macs/ against RTM_GETLINK.",
     "Look for the driver's words in the kernel log (ena); detach and attach the interface.",
     "The kernel has the interface, or the metadata does not name it any more.",
     Rung::kReattachInterface},
    {"EniUnexpected", "imds", Severity::kInfo, "the interface",
     "The kernel has a network device that the metadata does not name: one that was detached and "
     "did not leave.",
     "RTM_GETLINK against the MACs below network/interfaces/macs/.",
     "Compare with aws ec2 describe-network-interfaces; what stays after a detach needs a reboot.",
     "The device is gone, or the metadata names it.", Rung::kPerson},
    {"EniAddressMismatch", "imds", Severity::kInfo, "the interface's id",
     "NotAssigned: an interface has an IPv4 address that the VPC did not assign to it, whose "
     "packets it drops. Unused (only with detectors.imds.unused_addresses, for a CNI keeps "
     "addresses in hand): an address is assigned and no interface of the host has it.",
     "local-ipv4s of each interface against RTM_GETADDR.",
     "Assign the address, or remove it from the interface; give back what nobody uses.",
     "The addresses are those assigned.", Rung::kPerson},
    {"MaintenanceScheduled", "imds", Severity::kInfo, "the event's id",
     "EC2 will reboot, stop or retire the instance or its hardware. The message has the time "
     "before "
     "which the host should be empty.",
     "GET events/maintenance/scheduled, entries with State active.",
     "Drain the host before the time, then reboot it, or stop and start it where the event says "
     "instance-stop or instance-retirement.",
     "The event is completed or cancelled.", Rung::kReplace},
    {"SpotInterruption", "imds", Severity::kInfo, "",
     "EC2 takes this spot instance back; two minutes are left from the notice on. The message has "
     "the time.",
     "GET spot/instance-action (404 while there is no notice).",
     "Drain the host now; it will be gone.", "It does not: the instance ends.", Rung::kReplace},
    {"RebalanceRecommended", "imds", Severity::kInfo, "",
     "EC2 expects to take this spot instance back and recommends to move what runs here.",
     "GET events/recommendations/rebalance (404 while there is none).",
     "Start another host and drain this one while there is time.",
     "It does not: the recommendation stays until the instance ends.", Rung::kReplace},
};

}  // namespace

std::span<const ConditionType> ImdsConditions() { return kTypes; }

}  // namespace fleetmedic

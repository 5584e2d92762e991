// What a host's record says about its health: taking in reports and findings, and judging them.
// Pure.
#ifndef FLEETMEDIC_REMEDIATION_EVIDENCE_H_
#define FLEETMEDIC_REMEDIATION_EVIDENCE_H_

#include <span>
#include <string>
#include <vector>

#include "config/remediator_config.h"
#include "model/finding.h"
#include "model/health_event.h"
#include "model/host_record.h"

namespace fleetmedic {

enum class Taken : uint8_t {
  kApplied,
  kDuplicate,  // its sequence, or something newer, was taken before
  kOtherBoot,  // of a boot that is over
};

// Takes one health event into the record. A beat that says which detectors run drops what others
// said. An event of a later boot (by booted_at) first clears what was known of the boot before it.
Taken TakeReport(const HealthEvent& event, WallTime now, HostRecord* record);

// Takes one finding. A finding of a boot that the record does not know yet, with lines later than
// anything the known boot said, starts that boot: its log may be read before its first report.
// One whose verdict is ok takes away what its rule said of the unit; kDuplicate where it said
// nothing.
Taken TakeFinding(const Finding& finding, WallTime now, HostRecord* record);

// Takes what the agent says the host is. Facts of an older boot are kOtherBoot.
Taken TakeFacts(const HostFacts& facts, WallTime now, HostRecord* record);

// The rules whose findings stand in the record, each once.
std::vector<std::string> RulesFound(const HostRecord& record);
// Drops what these rules found: they are no longer in use, and nothing else would end it.
void WithdrawRules(std::span<const std::string> rules, HostRecord* record);

// Lets findings clear whose time has come or whose probe is ok, and keeps ok_since. To be called
// after each of the above and at every tick.
void AgeEvidence(const Policy& policy, WallTime now, HostRecord* record);

// Drops the findings that need no boot to clear: a repair was done for them.
void ForgetClearableFindings(HostRecord* record);

// What the record shows at one moment. Pointers are into the record.
struct Assessment {
  // The condition that most justifies acting: bad, at or above the policy's severity, not
  // ignored; a confirmed one before one that is not, then the graver, then the older. Null where
  // none is bad.
  const TrackedCondition* worst = nullptr;
  bool confirmed = false;  // it has been bad for its confirmation time
  // It was vouched for within evidence_age_max, or its detector has not missed a look since.
  bool fresh = false;
  WallTime confirmed_at = kWallNever;  // when it will be confirmed if it stays
  bool silent = false;                 // the agent has said nothing for silent_after
  bool unknown = false;                // silent, stale, or a condition that could not be told
  bool all_ok = false;                 // every detector fresh, every condition that matters ok
};
Assessment Assess(const Policy& policy, const HostRecord& record, WallTime now);

// Whether the policy would ever act on this condition.
bool Actionable(const Policy& policy, const Condition& condition);

// The ladder for a condition type: its own, or the default one.
const std::vector<Rung>& LadderFor(const Policy& policy, std::string_view condition_type);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_REMEDIATION_EVIDENCE_H_

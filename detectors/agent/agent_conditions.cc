#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

constexpr ConditionType kTypes[] = {
    {"LogsDropped", "agent", Severity::kInfo, "the source of the lines, or \"spool\"",
     "Log lines of this host were lost: a source wrote faster than the rate cap, the kernel's ring "
     "was overrun, or the spool was full while the event log was away. Rules could not see them.",
     "Counted by the agent's log sources and its spool.",
     "Read the lines on the host itself. Raise agent.log_lines_per_second_max for the source or "
     "agent.spool_bytes_max; find out why the event log was away.",
     "Ten minutes after the last loss.", Rung::kPerson},
    {"AgentSpoolFull", "agent", Severity::kInfo, "",
     "The agent cannot write to its own spool; the newest state is kept in memory and log sources "
     "wait where they are.",
     "A write to the agent's state folder failed.",
     "Free space on the file system of the state folder.", "The next write that succeeds.",
     Rung::kPerson},
    {"AgentDetectorOverdue", "agent", Severity::kInfo, "the detector",
     "A detector has not come back from a look at its subsystem; what it watches is unknown.",
     "A probe is not back by agent.probe_deadline.",
     "Look at the subsystem on the host: the detector hangs where any other caller would.",
     "The probe comes back.", Rung::kPerson},
    {"AgentClockJumped", "agent", Severity::kInfo, "",
     "The host's wall clock was set by seconds or more, against the clock that only counts. Times "
     "around it cannot be compared with those of other hosts.",
     "The wall clock is compared with the monotonic one at every look; 5 s or more are a jump.",
     "Check the time service of the host.", "Ten minutes after the jump.", Rung::kPerson},
};

}  // namespace

std::span<const ConditionType> AgentConditions() { return kTypes; }

}  // namespace fleetmedic

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
    {"LogSourceUnreadable", "agent", Severity::kInfo, "the log source: kmsg, journal, file:PATH",
     "A log source of the host cannot be read, so rules do not see what is written there. Unknown "
     "where the agent lacks the right, which the message names, or where the source does not exist "
     "on this host; bad where reading fails.",
     "Opening or reading the source failed; it is tried again every two seconds.",
     "Give the agent the right that is named (deploy/README.md lists them) or switch the source "
     "off: agent.read_kernel_log, agent.read_journal, agent.files.",
     "The next read that succeeds.", Rung::kPerson},
    {"AgentSpoolFull", "agent", Severity::kInfo, "",
     "The agent cannot write to its own spool; the newest state is kept in memory and log sources "
     "wait where they are.",
     "A write to the agent's state folder failed.",
     "Free space on the file system of the state folder.", "The next write that succeeds.",
     Rung::kPerson},
    {"AgentLogAway", "agent", Severity::kInfo, "",
     "The event log did not answer this host's agent for a minute or more. Health was kept and log "
     "lines were spooled; what was said meanwhile came late.",
     "Every append failed for a minute. It can be told only once the log answers again.",
     "Look at the event log, and at the network between it and the host where other hosts had no "
     "such gap.",
     "Ten minutes after the log answered again.", Rung::kPerson},
    {"AgentOverLimit", "agent", Severity::kInfo, "\"memory\" or \"cpu\"",
     "The agent itself uses more than it may: it must never be what a host dies of.",
     "Resident memory against agent.memory_bytes_max, and CPU time over five minutes against "
     "agent.cpu_share_max, of an agent that has a process of its own.",
     "Look which log source or detector is busy (/metrics of the agent). Lower its share or raise "
     "the limit; the unit's MemoryMax is the hard one.",
     "Memory: the next look below the limit. CPU: five minutes below it.", Rung::kPerson},
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

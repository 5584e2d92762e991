#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

constexpr ConditionType kTypes[] = {
    {"SystemdUnresponsive", "systemd", Severity::kHard, "",
     "systemd (PID 1) or its bus does not answer: no unit can be started, stopped or asked.",
     "A call of org.freedesktop.systemd1.Manager over the bus, with a deadline.",
     "Reboot the host; nothing gentler is left when PID 1 does not answer.",
     "The call is answered.", Rung::kReboot},
    {"SystemdDegraded", "systemd", Severity::kInfo, "",
     "systemd calls the system degraded: at least one unit failed, or jobs hang.",
     "The property SystemState of the manager.", "See the failed units (SystemdUnitFailed).",
     "The state is \"running\" again.", Rung::kPerson},
    {"SystemdUnitFailed", "systemd", Severity::kSoft, "the unit",
     "A unit is in the state failed and systemd does not try it again.",
     "ListUnitsByPatterns over the bus: units in the state failed. The reason is Watchdog where "
     "it gave no sign of life within WatchdogSec=.",
     "journalctl -u UNIT -b; systemctl restart UNIT when the cause is gone.",
     "The unit leaves the state failed.", Rung::kRestartUnit},
    {"SystemdRestartLoop", "systemd", Severity::kSoft, "the unit",
     "systemd has restarted a unit detectors.systemd.restart_loop_count times within "
     "restart_loop_within: it starts and dies.",
     "The growth of the property NRestarts. The reason is Watchdog where a look within the window "
     "saw it being killed for its watchdog; one that a look missed is told by the rule "
     "systemd.watchdog.",
     "journalctl -u UNIT -b; a bad configuration or a missing dependency is the usual cause.",
     "No restarts for the length of the window.", Rung::kRestartUnit},
    {"SystemdRequiredUnitDown", "systemd", Severity::kSoft, "the unit",
     "A unit that this host needs neither runs nor starts for longer than "
     "detectors.systemd.required_grace: one of detectors.systemd.required, or one of "
     "required_if_enabled that is enabled here.",
     "ListUnitsByPatterns and ListUnitFilesByPatterns over the bus. A unit whose conditions were "
     "not met, and a oneshot that ran, are not down.",
     "systemctl status UNIT; journalctl -u UNIT -b; start it, or disable it where it is not meant "
     "to run.",
     "The unit is active, or is no longer enabled or required.", Rung::kRestartUnit},
    {"SystemdRequiredUnitMissing", "systemd", Severity::kSoft, "the unit or the pattern",
     "A name or pattern of detectors.systemd.required matches no unit of this host, or only one "
     "that is masked, for longer than required_grace.",
     "ListUnitsByPatterns and ListUnitFilesByPatterns over the bus.",
     "Install the package, unmask the unit, or correct detectors.systemd.required.",
     "A unit matches that is not masked.", Rung::kPerson},
    {"SystemdJobStuck", "systemd", Severity::kSoft, "the unit of the job",
     "A job of systemd waits or runs for longer than detectors.systemd.job_max. Info where it may: "
     "a job that waits for another that is told, a oneshot service, a service without a "
     "start timeout, a device that has not come.",
     "ListJobs over the bus; a job is known by its id and unit from the first look that sees it.",
     "systemctl list-jobs --after; systemctl status UNIT; systemctl cancel ID gives it up.",
     "The job ends or is cancelled.", Rung::kPerson},
    {"SystemdBootUnfinished", "systemd", Severity::kSoft, "",
     "systemd has not finished its boot detectors.systemd.boot_max after it began: its jobs never "
     "ran out, and what comes after them was not started.",
     "The properties SystemState (initializing, starting) and UserspaceTimestampMonotonic.",
     "systemctl list-jobs names what it waits for; systemd-analyze critical-chain.",
     "The state is no longer \"starting\".", Rung::kPerson},
};

}  // namespace

std::span<const ConditionType> SystemdConditions() { return kTypes; }

}  // namespace fleetmedic

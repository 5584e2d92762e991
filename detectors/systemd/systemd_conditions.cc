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
     "ListUnitsFiltered over the bus: units in the state failed.",
     "journalctl -u UNIT -b; systemctl restart UNIT when the cause is gone.",
     "The unit leaves the state failed.", Rung::kRestartUnit},
    {"SystemdRestartLoop", "systemd", Severity::kSoft, "the unit",
     "systemd has restarted a unit detectors.systemd.restart_loop_count times within "
     "restart_loop_within: it starts and dies.",
     "The growth of the property NRestarts.",
     "journalctl -u UNIT -b; a bad configuration or a missing dependency is the usual cause.",
     "No restarts for the length of the window.", Rung::kRestartUnit},
};

}  // namespace

std::span<const ConditionType> SystemdConditions() { return kTypes; }

}  // namespace fleetmedic

#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

constexpr ConditionType kTypes[] = {
    {"ClockUnsynchronised", "clock", Severity::kSoft, "",
     "Nothing holds the clock right: it was synchronised in this boot and is no longer, or a time "
     "service is there and has not managed it within detectors.clock.grace, or no update came for "
     "so long that the maximum error passed maximum_error_max. Where no time service was seen it "
     "is bad only if detectors.clock.required says so.",
     "adjtimex(2), which is only asked: STA_UNSYNC and maxerror. Services by their files in /run "
     "(chrony, systemd-timesyncd, ntpd).",
     "chronyc tracking, timedatectl timesync-status or ntpq -p: does it reach its servers?",
     "The kernel says that the clock is synchronised, with a small maximum error.", Rung::kPerson},
    {"ClockOffset", "clock", Severity::kSoft, "",
     "The clock is off by more than detectors.clock.offset_max and is being slewed.",
     "adjtimex(2): offset, while the clock is synchronised.",
     "chronyc tracking; is the server right, and is the machine short of processor time?",
     "The offset falls below the threshold.", Rung::kPerson},
    {"ClockSourceUnstable", "clock", Severity::kSoft, "",
     "The kernel reads the time from a slow source (hpet, acpi_pm, jiffies): every look at the "
     "clock costs a microsecond or more. Soft where it changed while the agent looked, as when the "
     "time-stamp counter was marked unstable; info where it was so before on a processor with a "
     "steady counter.",
     "/sys/devices/system/clocksource/clocksource0.",
     "Read the kernel log (\"Marking clocksource 'tsc' as unstable\"); firmware and BIOS. A reboot "
     "takes the counter up again.",
     "A fast source is used again.", Rung::kReboot},
};

}  // namespace

std::span<const ConditionType> ClockConditions() { return kTypes; }

}  // namespace fleetmedic

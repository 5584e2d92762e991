#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

constexpr ConditionType kTypes[] = {
    {"NvmeControllerDown", "nvme", Severity::kHard, "the controller",
     "An NVMe controller is dead: the kernel has given it up and its I/O fails (hard); or it is "
     "reset, connected or removed for longer than detectors.nvme.not_live_max and its I/O waits "
     "(soft).",
     "/sys/class/nvme/nvme*/state.",
     "Read the kernel log; look at the device's slot, power and firmware, or at the volume in the "
     "cloud's console.",
     "The state is live.", Rung::kReboot},
    {"NvmeCriticalWarning", "nvme", Severity::kHard, "the controller",
     "The controller raises a critical warning. Hard where all its media are read-only; soft for "
     "degraded reliability, a spare below its threshold, a failed backup of its memory, a "
     "temperature beyond its threshold.",
     "Byte 0 of log page 02h (NVM Express Base Specification), asked for every "
     "detectors.nvme.health_every; needs CAP_SYS_ADMIN.",
     "nvme smart-log /dev/nvmeN; save what is on it and replace it.",
     "The controller raises it no longer.", Rung::kReplace},
    {"NvmeMediaErrors", "nvme", Severity::kSoft, "the controller",
     "The controller met data that it could not recover (detectors.nvme.media_errors_max within "
     "error_window).",
     "Growth of the media and data integrity errors of log page 02h.",
     "nvme smart-log and error-log; check what is on it and plan its replacement.",
     "No more of them within the window.", Rung::kReplace},
    {"NvmeTemperature", "nvme", Severity::kSoft, "the controller",
     "The controller was above its critical temperature (soft), or for "
     "detectors.nvme.warning_minutes_max above its warning temperature (info), within "
     "error_window: it slows itself down.",
     "Growth of the composite temperature times of log page 02h, which count minutes.",
     "Air flow and heat sinks around the device.", "It stays cooler for the length of the window.",
     Rung::kPerson},
    {"NvmeWornOut", "nvme", Severity::kInfo, "the controller",
     "The endurance that its maker promises is used up. It may go on for long, and its spare "
     "tells when it does not.",
     "Percentage used of log page 02h, from detectors.nvme.used_percent_max.",
     "Plan its replacement.", "The device is replaced.", Rung::kPerson},
};

}  // namespace

std::span<const ConditionType> NvmeConditions() { return kTypes; }

}  // namespace fleetmedic

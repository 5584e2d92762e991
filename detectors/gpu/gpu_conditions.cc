#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

constexpr std::string_view kUnit = "the GPU, gpu-DOMAIN:BUS:DEVICE as its kernel records name it";

constexpr ConditionType kTypes[] = {
    {"GpuDriverHung", "gpu", Severity::kHard, "",
     "A call into NVIDIA's driver does not come back: programs on the GPUs hang, and new ones "
     "hang as they start.",
     "A child process asks NVML for everything. It is given detectors.gpu.hung_after, or "
     "hung_after_cold where no persistence mode keeps the driver ready; the message names the "
     "call. A child that does not die is left alone and no other is started beside it. Where "
     "persistence mode is on, a second child keeps NVML open and asks for the temperatures at "
     "every "
     "look: no answer within detectors.gpu.ping_max is told at once, softly (NoAnswer), since a "
     "driver that is well can be busy with the start of a job, and the whole look is asked at "
     "once; "
     "that child ends where a GPU may have to be reset.",
     "Look for Xid 79, 119 and 120 in the kernel log and for processes in state D. The driver "
     "cannot be unloaded then: reboot.",
     "A look comes back.", Rung::kReboot},
    {"GpuLost", "gpu", Severity::kHard, kUnit,
     "A GPU cannot be reached any more: it has fallen off the bus or its link is down.",
     "The GPU's PCI configuration space reads as ones or its device is gone from "
     "/sys/bus/pci, every detectors.gpu.interval; or NVML answers NVML_ERROR_GPU_IS_LOST, or "
     "that it has no power.",
     "Power, heat, the PCIe link or the card. Reboot, best by a power cycle; on a second time "
     "replace.",
     "The GPU answers again.", Rung::kReboot},
    {"GpuMissing", "gpu", Severity::kHard, "",
     "The host has fewer GPUs than it should: jobs that need all of them fail.",
     "What NVML lists against detectors.gpu.expected, or else against NVIDIA's display devices "
     "on the PCI bus that are not given to another driver. None listed is none, never one.",
     "Look in the kernel log for RmInitAdapter and Xid 79. Reboot; then replace.",
     "As many are listed as should be.", Rung::kReboot},
    {"GpuDriverNotLoaded", "gpu", Severity::kSoft, "",
     "The host has GPUs and NVIDIA's driver is not loaded.",
     "PCI devices without a driver while /proc/driver/nvidia/version is missing, where they are "
     "compute GPUs or NVIDIA's library is installed; or NVML_ERROR_DRIVER_NOT_LOADED.",
     "modprobe nvidia and its error; a new kernel without its module is the usual reason.",
     "The driver is loaded.", Rung::kReboot},
    {"GpuDriverMismatch", "gpu", Severity::kSoft, "",
     "The loaded driver and NVIDIA's libraries are of different versions: no program can open a "
     "GPU.",
     "NVML_ERROR_LIB_RM_VERSION_MISMATCH; the versions are /proc/driver/nvidia/version's and the "
     "library's.",
     "The driver was upgraded under the running kernel. Load the new module or reboot.",
     "The versions agree.", Rung::kReboot},
    {"GpuResetRequired", "gpu", Severity::kHard, kUnit,
     "The driver asks for a reset of a GPU; until then no program can use it.",
     "NVML_ERROR_RESET_REQUIRED, or the GPU's recovery action "
     "(NVML_FI_DEV_GET_GPU_RECOVERY_ACTION) "
     "is a reset or a drain and reset. An action that drains peer-to-peer traffic alone is soft.",
     "Drain; nvidia-smi --gpu-reset -i INDEX. Where the GPUs share NVSwitches reset all of them.",
     "The driver asks for nothing.", Rung::kResetGpu},
    {"GpuRebootRequired", "gpu", Severity::kHard, kUnit,
     "The driver asks for a reboot of the host to bring a GPU back.",
     "The GPU's recovery action (NVML_FI_DEV_GET_GPU_RECOVERY_ACTION) is a node reboot.",
     "Drain and reboot.", "The driver asks for nothing.", Rung::kReboot},
    {"GpuEccUncorrected", "gpu", Severity::kSoft, kUnit,
     "Memory of a GPU lost data: the program that used it was ended, or computed with wrong data.",
     "Growth of the volatile count of uncorrected ECC errors within detectors.gpu.error_window.",
     "Drain and reset the GPU; replace it when it comes again or when no spare row is left.",
     "No further error within the window, or the count starts anew after a reset.",
     Rung::kResetGpu},
    {"GpuRowRemapPending", "gpu", Severity::kSoft, kUnit,
     "A bad row of a GPU's memory is to be replaced by a spare one at the next reset.",
     "nvmlDeviceGetRemappedRows: pending.", "Drain and reset the GPU at leisure.",
     "The row is remapped.", Rung::kResetGpu},
    {"GpuRowRemapFailed", "gpu", Severity::kHard, kUnit,
     "A bad row of a GPU's memory could not be replaced: there is no spare row left for it.",
     "nvmlDeviceGetRemappedRows: failure.", "Replace the GPU.", "Another GPU.", Rung::kReplace},
    {"GpuPageRetirementPending", "gpu", Severity::kSoft, kUnit,
     "A bad page of a GPU's memory is to be taken out of use at the next reset.",
     "nvmlDeviceGetRetiredPagesPendingStatus; GPUs before Ampere.",
     "Drain and reset the GPU at leisure.", "The page is retired.", Rung::kResetGpu},
    {"GpuNvlinkErrors", "gpu", Severity::kSoft, kUnit,
     "A link between GPUs fails or is down: jobs over several GPUs fail or slow down.",
     "nvmlDeviceGetNvLinkErrorCounter: a recovery, or more replays and CRC errors than "
     "detectors.gpu.nvlink_errors_max within error_window; or a link that was active and is not.",
     "Reset the GPUs of the link; when it comes again reseat or replace. Xid 74 and 144 to 150 "
     "in the kernel log say more.",
     "The link is active and counts no more.", Rung::kResetGpu},
    {"GpuThrottledThermal", "gpu", Severity::kSoft, kUnit,
     "A GPU is too hot and runs slower: the whole job waits for it.",
     "Clocks event reasons HW thermal slowdown, SW thermal slowdown or HW slowdown for longer "
     "than detectors.gpu.throttled_after.",
     "Fans, air, dust, the room; compare with its neighbours.", "The reason is gone.",
     Rung::kPerson},
    {"GpuThrottledPower", "gpu", Severity::kSoft, kUnit,
     "The power supply makes a GPU run slower (power brake). A GPU at its own power limit is not "
     "meant: that is how it works.",
     "Clocks event reason HW power brake slowdown for longer than detectors.gpu.throttled_after.",
     "Power supplies and their cables, the rack's power budget.", "The reason is gone.",
     Rung::kPerson},
    {"GpuClocksLow", "gpu", Severity::kInfo, kUnit,
     "A GPU works at a low clock and no throttling explains it.",
     "The SM clock below detectors.gpu.clock_low_share of its maximum for longer than "
     "throttled_after, while the GPU is not idle.",
     "nvidia-smi -q -d CLOCK: application clocks that somebody set, or a locked clock.",
     "The clock is up, or the GPU idles.", Rung::kPerson},
    {"GpuPersistenceOff", "gpu", Severity::kInfo, kUnit,
     "Nothing keeps the driver ready while no program runs: each start is slow, and volatile "
     "counts of errors are lost.",
     "nvmlDeviceGetPersistenceMode.", "Run nvidia-persistenced.", "Persistence mode is on.",
     Rung::kPerson},
    {"GpuFabricNotReady", "gpu", Severity::kHard, kUnit,
     "A GPU has not joined its NVLink fabric: CUDA programs fail as they start.",
     "nvmlDeviceGetGpuFabricInfo: not completed for longer than detectors.gpu.fabric_grace, or "
     "completed with an error.",
     "systemctl status nvidia-fabricmanager: it runs, and its version is the driver's.",
     "The GPU has joined.", Rung::kReboot},
};

}  // namespace

std::span<const ConditionType> GpuConditions() { return kTypes; }

}  // namespace fleetmedic

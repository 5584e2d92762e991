#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

constexpr ConditionType kTypes[] = {
    {"MemoryErrorsUncorrected", "hardware", Severity::kHard, "the module (mc0/dimm3)",
     "Memory was read wrong and could not be corrected. Hard where it happened while the agent "
     "looked, soft where it was earlier in this boot.",
     "EDAC: dimm_ue_count of each module, ue_count of its controller "
     "(Documentation/admin-guide/ras.rst); of this boot, not of a window. Nothing is told where no "
     "EDAC driver is loaded; machine checks are found in the kernel log by rules.",
     "Replace the module that the label names; the kernel log and rasdaemon have the addresses.",
     "The driver's counters begin anew: a reboot.", Rung::kReplace},
    {"MemoryErrorsCorrected", "hardware", Severity::kSoft, "the module (mc0/dimm3)",
     "A module needs correction so often (detectors.hardware.corrected_max within error_window) "
     "that it is likely to fail.",
     "Growth of EDAC's dimm_ce_count of each module, csrow*/ce_count on old kernels.",
     "Plan the replacement of the module that the label names.",
     "Fewer corrected errors within the window.", Rung::kReplace},
    {"PcieErrorsUncorrected", "hardware", Severity::kSoft, "the device's PCI address",
     "A PCIe device reported a fatal or non-fatal error: a transaction was lost, or its link was "
     "reset.",
     "Growth within detectors.hardware.error_window of aer_dev_fatal and aer_dev_nonfatal "
     "(Documentation/ABI/testing/sysfs-bus-pci-devices-aer_stats); unsupported requests, which "
     "looking for devices provokes, are not counted.",
     "lspci -vv -s ADDRESS; read the kernel log (AER). Reseat or replace the device or its riser; "
     "the fault may be at the other end of the link.",
     "No such error within the window.", Rung::kReboot},
    {"PcieErrorsCorrected", "hardware", Severity::kInfo, "the device's PCI address",
     "A PCIe link corrects very many errors (detectors.hardware.pcie_corrected_max within "
     "error_window): it works, slower.",
     "Growth of aer_dev_correctable, without advisory non-fatal errors.",
     "Check the slot, the riser and the cable at the next occasion.",
     "Fewer errors within the window.", Rung::kPerson},
    {"CpuThermalThrottled", "hardware", Severity::kSoft, "the package or core",
     "A processor is slowed down for its heat for more than detectors.hardware.throttled_share of "
     "the time, over throttle_window.",
     "/sys/devices/system/cpu/cpu*/thermal_throttle: total_time_ms; on kernels before 5.5, which "
     "do not count it, throttle_count against throttle_events_max.",
     "Fans, air flow, dust, the heat sink; the room. ipmitool sdr shows the fans.",
     "It is slowed down for less of the time.", Rung::kPerson},
    {"CpuOffline", "hardware", Severity::kSoft, "",
     "Processors are present and not online. Soft where they went while the agent looked; info "
     "where it was so before. Siblings that smt/control switches off are meant so.",
     "present against online in /sys/devices/system/cpu.",
     "Read the kernel log; chcpu -e brings one back that was switched off by hand.",
     "All that are present are online.", Rung::kReboot},
    {"TemperatureCritical", "hardware", Severity::kSoft, "chip/device/sensor",
     "A sensor raises its critical or emergency alarm, at two looks in a row.",
     "temp*_crit_alarm and temp*_emergency_alarm in /sys/class/hwmon "
     "(Documentation/hwmon/sysfs-interface.rst).",
     "Fans, air flow, the room; the host may switch itself off.", "The alarm is off.",
     Rung::kPerson},
};

}  // namespace

std::span<const ConditionType> HardwareConditions() { return kTypes; }

}  // namespace fleetmedic

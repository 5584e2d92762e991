#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

constexpr ConditionType kTypes[] = {
    {"CpuPressure", "memory", Severity::kInfo, "",
     "Some tasks waited for a processor nearly all the time: the host has more work than "
     "processors, or limits of cgroups hold tasks back.",
     "The growth of `some total` in /proc/pressure/cpu (Documentation/accounting/psi.rst) over "
     "detectors.memory.window. Unknown where the kernel was built without CONFIG_PSI or booted "
     "with psi=0.",
     "Look who runs (top, cpu.pressure of the cgroups); place less work here.",
     "The share over the window is below detectors.memory.cpu_some_share.", Rung::kPerson},
    {"MemoryPressure", "memory", Severity::kSoft, "",
     "All tasks that were not idle waited for memory most of the time: the host thrashes. Info "
     "where more than a tenth of memory is available, for then it is a cgroup at its own limit.",
     "The growth of `full total` in /proc/pressure/memory over detectors.memory.window, and "
     "MemAvailable of /proc/meminfo.",
     "Find what grew (memory.current and memory.pressure of the cgroups) and move or limit it.",
     "The share over the window is below detectors.memory.memory_full_share.", Rung::kPerson},
    {"IoPressure", "memory", Severity::kInfo, "",
     "All tasks that were not idle waited for I/O nearly all the time. One busy task on an idle "
     "host is enough for it: it explains slowness, and proves no fault.",
     "The growth of `full total` in /proc/pressure/io over detectors.memory.window.",
     "Compare with the conditions of the block devices; look who reads and writes (iotop, "
     "io.pressure of the cgroups).",
     "The share over the window is below detectors.memory.io_full_share.", Rung::kPerson},
    {"MemoryLow", "memory", Severity::kSoft, "",
     "Too little memory is available: the kernel is about to kill processes or to thrash.",
     "MemAvailable of /proc/meminfo, below detectors.memory.available_share of what is not set "
     "aside for huge pages (at most 1 GiB, at least available_bytes) at every look of the window.",
     "Find what uses it (memory.current of the cgroups, slabtop, hugepages) and move or limit it.",
     "More is available at one look.", Rung::kPerson},
    {"OomKill", "memory", Severity::kInfo, "the cgroup; empty where it cannot be told",
     "The kernel killed processes because memory was used up: that of the host, or a cgroup's own "
     "limit. The host works on; the unit says whose processes they were.",
     "The growth of oom_kill in /proc/vmstat; then, of each cgroup, that of oom_kill in "
     "memory.events.local (v2) or memory.oom_control (v1). The process itself is in the kernel "
     "log: the rules kernel.oom_kill and kernel.oom_kill_cgroup.",
     "Raise the limit of that job, or find its leak; where the host was short, see MemoryLow.",
     "No further kill for detectors.memory.oom_window.", Rung::kPerson},
    {"SwapFull", "memory", Severity::kInfo, "", "Nearly all swap is in use.",
     "SwapTotal and SwapFree of /proc/meminfo, at every look of detectors.memory.window.",
     "Find whose memory is swapped out (memory.swap.current of the cgroups).",
     "Less than detectors.memory.swap_share is in use at one look.", Rung::kPerson},
    {"SwapBusy", "memory", Severity::kInfo, "",
     "Memory is read back from swap all the time: what is used does not fit.",
     "The rate of pswpin in /proc/vmstat over detectors.memory.window.", "As with MemoryLow.",
     "The rate over the window is below detectors.memory.swap_in_per_second.", Rung::kPerson},
    {"MemoryFragmented", "memory", Severity::kInfo, "",
     "Free memory is in small pieces, and making larger ones fails: allocations of 64 KiB and "
     "more (network rings, new cgroups, huge pages) fail or wait.",
     "Free blocks of order 4 and above in /proc/buddyinfo, by node, and the growth of "
     "compact_fail in /proc/vmstat within detectors.memory.window.",
     "echo 1 > /proc/sys/vm/compact_memory; raise vm.min_free_kbytes; reboot at leisure.",
     "Enough such blocks are free, or no compaction failed within the window.", Rung::kReboot},
    {"CgroupLeak", "memory", Severity::kSoft, "",
     "Soft: the kernel has hardly any memory cgroups left to give, and containers will not start "
     "(ENOSPC). Info: very many removed cgroups are kept by memory that is still charged to them; "
     "they cost memory and make statistics slow.",
     "nr_descendants and nr_dying_descendants of cgroup.stat (v2), or num_cgroups of memory in "
     "/proc/cgroups less the folders that are there (v1).",
     "Find who makes cgroups and leaves them; echo 2 > /proc/sys/vm/drop_caches frees dying ones.",
     "The number is below the threshold.", Rung::kReboot},
};

}  // namespace

std::span<const ConditionType> MemoryConditions() { return kTypes; }

}  // namespace fleetmedic

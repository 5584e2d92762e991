#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

constexpr ConditionType kTypes[] = {
    {"KernelTainted", "kernel", Severity::kSoft, "",
     "Something happened to the running kernel after which it is not to be trusted: it died in an "
     "oops or BUG and went on (D), found a bad page (B), or took a machine check (M). Info for a "
     "soft lockup that is over (L). Modules that are proprietary, out of tree or unsigned, "
     "warnings and the like are named and are fine.",
     "The bits of /proc/sys/kernel/tainted (Documentation/admin-guide/tainted-kernels.rst); "
     "detectors.kernel.taints has the letters that are bad. Bits from before the agent's start "
     "count: they last as long as their cause.",
     "Find the first oops, bad page or machine check in the kernel log; move the work and reboot. "
     "After a machine check look at the memory and the processor.",
     "With a reboot alone.", Rung::kReboot},
    {"KernelCrashDump", "kernel", Severity::kInfo, "",
     "The kernel crashed in the boot before, and left a record of it.",
     "Files of /sys/fs/pstore and /var/lib/systemd/pstore, and folders of /var/crash with a dump "
     "or its dmesg, that are newer than the boot before (by /var/log/wtmp; else than a day before "
     "this boot).",
     "Read the record (dmesg.txt, vmcore-dmesg.txt), and keep it before the space is wanted.",
     "The files are removed, or older than detectors.kernel.crash_for, or of an older boot.",
     Rung::kPerson},
    {"BootedRecently", "kernel", Severity::kInfo, "",
     "The host has just booted: services may still be starting, and counters are young.",
     "/proc/uptime, below detectors.kernel.boot_recent.",
     "Nothing, if the boot was meant; else look why (last -x, KernelCrashDump).",
     "The host is up for longer.", Rung::kPerson},
    {"BootLoop", "kernel", Severity::kSoft, "",
     "The host booted several times in a short time: it crashes, or is reset.",
     "Boots in /var/log/wtmp within detectors.kernel.boot_loop_within. Unknown (info) where there "
     "is none.",
     "Look at KernelCrashDump, the console and the hardware's own log before it gets work.",
     "Fewer than detectors.kernel.boot_loop_count boots within that time.", Rung::kPerson},
    {"RebootRequired", "kernel", Severity::kInfo, "",
     "An update takes effect with a reboot: a package asks for it, or a newer kernel of the same "
     "flavour is installed than the one that runs.",
     "/run/reboot-required and /run/reboot-required.pkgs; the names in /lib/modules against "
     "/proc/sys/kernel/osrelease.",
     "Reboot when it suits.", "With the reboot.", Rung::kReboot},
    {"EntropyLow", "kernel", Severity::kInfo, "",
     "Few random bits are left, and programs that read /dev/random wait. Only kernels before 5.18 "
     "run low.",
     "/proc/sys/kernel/random/entropy_avail, where poolsize is 4096.",
     "Give the host a source (virtio-rng, rng-tools, jitterentropy).",
     "128 bits or more are there.", Rung::kPerson},
    {"KernelWatchdogOff", "kernel", Severity::kInfo, "",
     "The kernel was told not to look for hung tasks or soft lockups: the rules that read its log "
     "for them see nothing.",
     "/proc/sys/kernel/hung_task_timeout_secs and soft_watchdog are 0. Where the kernel has no "
     "such detector, nothing is said.",
     "Set them again: sysctl kernel.hung_task_timeout_secs=120, kernel.soft_watchdog=1.",
     "They are not 0.", Rung::kPerson},
};

}  // namespace

std::span<const ConditionType> KernelConditions() { return kTypes; }

}  // namespace fleetmedic

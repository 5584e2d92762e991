#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

constexpr ConditionType kTypes[] = {
    {"ProcessBlocked", "process", Severity::kSoft, "",
     "Processes are in uninterruptible sleep and were not run once for "
     "detectors.process.blocked_for: they wait for a device, a file system or a lock that does not "
     "answer, and cannot be killed. Info where they are kernel threads only.",
     "State D in /proc/PID/stat at every walk, by process id and start time, while the context "
     "switches in /proc/PID/status stand still. Frozen cgroups and parents in vfork(2) are left "
     "out. The first thread of a process speaks for it. The evidence names where it waits "
     "(/proc/PID/wchan, and the stack where CAP_SYS_ADMIN permits).",
     "Read where they wait: nfs and fuse point to a server, blk and jbd2 to a disk. Look for hung "
     "tasks in the kernel log.",
     "They run or are gone at the next walk.", Rung::kReboot},
    {"ZombieProcesses", "process", Severity::kInfo, "",
     "Many processes have ended and their parents do not take their status: each holds a process "
     "id.",
     "State Z in /proc/PID/stat for detectors.process.zombies_for, by process id and start time.",
     "Restart the parent that is named; an init in the container reaps what is orphaned.",
     "Fewer than detectors.process.zombies.", Rung::kPerson},
    {"PidLimit", "process", Severity::kSoft, "",
     "Nearly all process ids or threads of the host are in use: soon nothing can be started.",
     "The number of threads in /proc/loadavg against kernel.pid_max and kernel.threads-max.",
     "Find who makes them (ps -eLf, pids.current of the cgroups) and limit it (pids.max).",
     "Less than detectors.process.pids_share is in use.", Rung::kPerson},
    {"FileHandleLimit", "process", Severity::kSoft, "",
     "Nearly all file handles of the host are in use: soon open, socket and accept fail with "
     "ENFILE.",
     "/proc/sys/fs/file-nr (Documentation/admin-guide/sysctl/fs.rst).",
     "Find who holds them (ls /proc/PID/fd | wc -l); raise fs.file-max.",
     "Less than detectors.process.files_share is in use.", Rung::kPerson},
    {"InotifyLimit", "process", Severity::kSoft, "",
     "Root can make no inotify instance (EMFILE) or watch (ENOSPC) more: the kubelet, container "
     "runtimes and log shippers fail or go blind.",
     "An instance and a watch are made and closed again, where the agent is root. Unknown (info) "
     "where it is not.",
     "Raise fs.inotify.max_user_instances or max_user_watches; find who holds them "
     "(find /proc/*/fd -lname anon_inode:inotify).",
     "An instance and a watch can be made.", Rung::kPerson},
    {"ProcessFileLimit", "process", Severity::kInfo, "",
     "Some processes have nearly as many files open as they may: they will fail with EMFILE.",
     "The size of /proc/PID/fd (Linux 6.2 and later) against the soft limit in /proc/PID/limits.",
     "Raise LimitNOFILE of the service or the ulimit of the container, or find the leak.",
     "They have fewer open at the next walk, or are gone.", Rung::kPerson},
};

}  // namespace

std::span<const ConditionType> ProcessConditions() { return kTypes; }

}  // namespace fleetmedic

#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

constexpr ConditionType kTypes[] = {
    {"DockerUnresponsive", "docker", Severity::kHard, "",
     "The Docker daemon does not answer on its socket, or answers with errors of its own.",
     "/_ping at every look, the list of containers at every look at all, the create probe where it "
     "is switched on; each with a deadline. Nothing is asked at a socket that systemd may hold: "
     "where "
     "it runs and no dockerd does.",
     "Restart docker.service; look for a full disk or a stuck storage driver first.",
     "All are answered.", Rung::kReboot},
    {"ContainerdUnresponsive", "docker", Severity::kHard, "",
     "dockerd answers, but what asks containerd (/info, /top) hangs or fails: containers can "
     "neither be started nor stopped.",
     "/info, and /top of running containers, which go through containerd to their shims; of a "
     "container whose /top alone hangs, the shim is to blame (DockerShimHung). Soft where /info "
     "answers and no /top does.",
     "Restart containerd.service; dockerd comes back to it by itself or needs a restart too.",
     "Both are answered.", Rung::kReboot},
    {"DockerRestarting", "docker", Severity::kSoft, "",
     "dockerd was replaced by another process again and again: it crashes, or is restarted in a "
     "loop.",
     "The process that detectors.docker.pid_file names, by its number and start time; else the one "
     "at the other end of the socket. Counted within detectors.docker.restarts_within.",
     "journalctl -u docker.service: the last lines before each end.",
     "Fewer restarts within the window.", Rung::kReboot},
    {"DockerVersionSkew", "docker", Severity::kInfo, "the component",
     "docker, containerd or runc is not of the version that the config wants, or dockerd's program "
     "file was replaced and the old one still runs.",
     "/version against detectors.docker.versions; /proc/PID/exe of dockerd. No list of bad "
     "versions is shipped: distributions mend a release and leave its number.",
     "Install the version, or restart docker.service at a quiet time.",
     "Versions begin as configured, and the program that runs is the one on disk.", Rung::kPerson},
    {"DockerDataRootFull", "docker", Severity::kHard, "the data root",
     "The file system below Docker's data root is full: no container can be created.",
     "statvfs(3) of DockerRootDir.",
     "docker system df; prune images and build caches, or make the file system larger.",
     "Free space and inodes above the threshold.", Rung::kPerson},
    {"DockerDataRootReadOnly", "docker", Severity::kHard, "the data root",
     "The file system below Docker's data root is read-only: no container can be created, and "
     "none can be removed.",
     "ST_RDONLY of statvfs(3) of DockerRootDir.",
     "Look for the file system's errors in the kernel log; a reboot checks it.",
     "It can be written again.", Rung::kReboot},
    {"DockerStorageError", "docker", Severity::kSoft, "",
     "The storage driver is another than it was or than configured, the data root lies on another "
     "file system than it did, the file system lacks d_type, or Docker warns of its storage (then "
     "information).",
     "/info: Driver, DriverStatus, Warnings; st_dev of DockerRootDir against the first look's.",
     "Mount the data root as it was; set storage-driver in daemon.json and restart.",
     "Driver and file system are as at the agent's first look, or as configured.", Rung::kPerson},
    {"DockerContainerStuck", "docker", Severity::kSoft, "the container, short id",
     "A container is in the state removing, created or dead for longer than "
     "detectors.docker.removing_max.",
     "The list of containers at every look at all, and since when each is in its state.",
     "docker rm -f ID; a busy mount or an immutable file below the data root holds it.",
     "The container is gone or runs.", Rung::kPerson},
    {"DockerTooManyContainers", "docker", Severity::kSoft, "",
     "There are more containers than detectors.docker.containers_max. A Linux bridge takes 1023 "
     "ports, and lists and restarts of the daemon take the longer the more there are.",
     "The list of containers, those that have ended too.",
     "docker container prune; look for who leaves ended containers behind.",
     "No more of them than the limit.", Rung::kPerson},
    {"DockerShimHung", "docker", Severity::kSoft, "the container, short id",
     "The shim of one container hangs while containerd answers: this container can neither be "
     "stopped nor entered.",
     "/top of running containers in turn; the state of shim processes in /proc (stopped, or in "
     "uninterruptible sleep for longer than detectors.docker.shim_grace).",
     "Look at the shim's stack in /proc/PID/stack; kill the shim, then docker rm -f ID.",
     "/top is answered and the shim sleeps as others do, or the container is gone.", Rung::kReboot},
    {"DockerShimOrphaned", "docker", Severity::kSoft, "the container, short id",
     "A shim process of this Docker outlives its container: what it holds (mounts, network, "
     "memory) is never given back.",
     "containerd-shim processes in /proc against the list of containers, for longer than "
     "detectors.docker.shim_grace. Shims of other daemons and inside containers are left out.",
     "Kill the shim; look for mounts that it kept busy.", "The shim is gone.", Rung::kReboot},
    {"DockerShimMissing", "docker", Severity::kSoft, "the container, short id",
     "Docker says that a container runs, and its shim is gone: nobody will notice its end, and it "
     "cannot be stopped.",
     "As DockerShimOrphaned, the other way around.", "docker rm -f ID, or restart docker.service.",
     "The container has a shim or is gone.", Rung::kReboot},
    {"DockerExecutorGone", "docker", Severity::kSoft, "the container, short id",
     "A container runs whose executor, the process that drives it from outside, is gone: nobody "
     "reports its state and nobody will stop it.",
     "Where detectors.docker.executor_command is set: containers by label or name, and no process "
     "whose command line holds that text, for longer than detectors.docker.shim_grace.",
     "docker stop ID, after a look at why the executor ended.",
     "The executor runs or the container is gone.", Rung::kPerson},
    {"DockerLogsStuck", "docker", Severity::kSoft, "the container, short id",
     "The log of a container cannot be read within the deadline while the daemon answers: its log "
     "driver is stuck, and a container that prints may stop with it.",
     "The last line of the log of running containers in turn.",
     "Look at the log driver's target; restart docker.service.",
     "The line comes, or the container is gone.", Rung::kReboot},
    {"DockerExecStuck", "docker", Severity::kSoft, "the container, short id",
     "A command run in a container does not come to its end: nothing can enter it any more.",
     "detectors.docker.exec_probe (off by default): exec_command in running containers in turn.",
     "Look for processes in uninterruptible sleep and for a frozen cgroup.",
     "That command has ended, or the container is gone.", Rung::kReboot},
};

}  // namespace

std::span<const ConditionType> DockerConditions() { return kTypes; }

}  // namespace fleetmedic

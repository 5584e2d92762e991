#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

constexpr ConditionType kTypes[] = {
    {"ContainerdNotServing", "containerd", Severity::kHard, "the socket",
     "containerd does not answer its health check, says that it does not serve, or is gone.",
     "grpc.health.v1.Health/Check on each of detectors.containerd.sockets that is there, within "
     "detectors.containerd.answer_max. One that never answered since the agent started is unknown.",
     "Restart containerd.service; containers stay with their shims meanwhile.",
     "The check says SERVING.", Rung::kReboot},
    {"ContainerdRestarting", "containerd", Severity::kSoft, "the socket",
     "containerd was replaced by another process again and again.",
     "The process that listens at the socket (SO_PEERCRED of unix(7)), by its number and start "
     "time, within detectors.containerd.restarts_within.",
     "journalctl -u containerd.service: the last lines before each end.",
     "Fewer restarts within the window.", Rung::kReboot},
    {"ContainerdStorageFull", "containerd", Severity::kHard, "the folder",
     "The file system below containerd's root or state folder is full: no image can be unpacked "
     "and no container started.",
     "statvfs(3) of detectors.containerd.folders.",
     "crictl rmi --prune or ctr images prune; make the file system larger. /run is memory: look "
     "for what fills it.",
     "Free space and inodes above the threshold.", Rung::kPerson},
    {"ContainerdStorageReadOnly", "containerd", Severity::kHard, "the folder",
     "The file system below containerd's root or state folder is read-only.",
     "ST_RDONLY of statvfs(3) of detectors.containerd.folders.",
     "Look for the file system's errors in the kernel log; a reboot checks it.",
     "It can be written again.", Rung::kReboot},
};

}  // namespace

std::span<const ConditionType> ContainerdConditions() { return kTypes; }

}  // namespace fleetmedic

#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

constexpr ConditionType kTypes[] = {
    {"DockerUnresponsive", "docker", Severity::kHard, "",
     "The Docker daemon does not answer on its socket, or answers with errors of its own.",
     "/_ping and the list of containers on Docker's socket, each with a deadline.",
     "Restart docker.service; look for a full disk or a stuck storage driver first.",
     "Both are answered.", Rung::kReboot},
    {"ContainerdUnresponsive", "docker", Severity::kHard, "",
     "dockerd answers, but what asks containerd (/info, /top) hangs or fails: containers can "
     "neither be started nor stopped.",
     "/info, and /top of a running container, which go through containerd to its shim.",
     "Restart containerd.service; dockerd comes back to it by itself or needs a restart too.",
     "Both are answered.", Rung::kReboot},
    {"DockerDataRootFull", "docker", Severity::kHard, "the data root",
     "The file system below Docker's data root is full: no container can be created.",
     "statvfs(3) of DockerRootDir.",
     "docker system df; prune images and build caches, or make the file system larger.",
     "Free space and inodes above the threshold.", Rung::kPerson},
    {"DockerContainerStuck", "docker", Severity::kSoft, "the container, short id",
     "A container is in the state removing, created or dead for longer than "
     "detectors.docker.removing_max.",
     "The list of containers at every look, and since when each is in its state.",
     "docker rm -f ID; a busy mount or an immutable file below the data root holds it.",
     "The container is gone or runs.", Rung::kPerson},
};

}  // namespace

std::span<const ConditionType> DockerConditions() { return kTypes; }

}  // namespace fleetmedic

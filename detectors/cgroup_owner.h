// Whose a cgroup is, by its path. Pure.
#ifndef FLEETMEDIC_DETECTORS_CGROUP_OWNER_H_
#define FLEETMEDIC_DETECTORS_CGROUP_OWNER_H_

#include <string>
#include <string_view>

namespace fleetmedic {

// By the layouts of systemd, Docker, containerd, CRI-O, the kubelet and Mesos: "Docker container
// 0123456789ab", "systemd unit nginx.service"; empty where the path does not say.
std::string CgroupOwner(std::string_view path);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_CGROUP_OWNER_H_

// Whose a cgroup is, by its path. Pure.
#ifndef FLEETMEDIC_MODEL_CGROUP_OWNER_H_
#define FLEETMEDIC_MODEL_CGROUP_OWNER_H_

#include <map>
#include <string>
#include <string_view>

#include "model/ids.h"

namespace fleetmedic {

// The innermost of each that the path names, as the path has it: who shows it makes it visible
// text. All empty where the path says nothing.
struct CgroupOwner {
  std::string job;              // and its task: of an executor of ours (TaskCgroupName)
  std::string task;             // or the task of a Nomad allocation
  std::string container;        // the whole id
  std::string runtime;          // of the container: "Docker", "containerd", "CRI-O", "Podman"
  std::string pod;              // the UID that the kubelet puts there
  std::string allocation;       // Nomad's
  std::string mesos_container;  // its id
  std::string unit;             // systemd's: a service, or a scope that is nothing of the above

  bool operator==(const CgroupOwner&) const = default;

  // "task web/1 of job web", "Docker container 0123456789ab, pod 0c6e-3f6a", "systemd unit
  // nginx.service"; empty where nothing is known. One line of visible text.
  std::string Text() const;
  // What is known, by the names of the members; without the runtime.
  std::map<std::string, std::string> Parts() const;
};

// By the layouts of systemd, Docker, containerd, CRI-O, Podman, the kubelet, Mesos, Nomad and our
// own executor. What a container made below its own cgroup is the container's, whatever its name.
CgroupOwner OwnerOfCgroup(std::string_view path);

constexpr size_t kCgroupNameBytesMax = 255;
constexpr size_t kCgroupExecutorChars = 12;

// The name that an executor gives the cgroup of a task: "web=web+1=0123456789ab.task". A cgroup's
// own files never have such a name. `executor`: kCgroupExecutorChars hexadecimal digits, so that
// two executors of one machine do not meet. Ids that are too long together give a name that nothing
// is read from.
std::string TaskCgroupName(const JobId& job, const TaskId& task, std::string_view executor);
// Whether it is the name of a task's cgroup of this executor, readable or not.
bool IsTaskCgroupOf(std::string_view name, std::string_view executor);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_MODEL_CGROUP_OWNER_H_

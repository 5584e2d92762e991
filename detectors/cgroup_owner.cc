#include "detectors/cgroup_owner.h"

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace fleetmedic {
namespace {

constexpr size_t kContainerIdChars = 64;
constexpr size_t kShortIdChars = 12;

bool IsContainerId(std::string_view text) {
  return text.size() == kContainerIdChars && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// "docker-ID.scope" (systemd as the cgroup driver) or "ID" (cgroupfs): the id and whose it is.
std::string ContainerOf(std::string_view name, std::string_view parent) {
  if (name.ends_with(".scope")) name.remove_suffix(std::string_view(".scope").size());
  const size_t dash = name.rfind('-');
  const std::string_view id = dash == std::string_view::npos ? name : name.substr(dash + 1);
  if (!IsContainerId(id)) return "";
  const std::string_view runtime = dash == std::string_view::npos ? parent : name.substr(0, dash);
  const std::string_view kind = runtime == "docker"           ? "Docker container "
                                : runtime == "cri-containerd" ? "containerd container "
                                : runtime == "crio"           ? "CRI-O container "
                                                              : "container ";
  return std::string(kind) + std::string(id.substr(0, kShortIdChars));
}

// "podUID" or "kubepods-burstable-podUID.slice" below kubepods.
std::string PodOf(std::string_view name) {
  if (name.ends_with(".slice")) name.remove_suffix(std::string_view(".slice").size());
  const size_t dash = name.rfind("-pod");
  std::string_view uid;
  if (dash != std::string_view::npos) {
    uid = name.substr(dash + 4);
  } else if (name.starts_with("pod")) {
    uid = name.substr(3);
  }
  std::string pod(uid);
  std::ranges::replace(pod, '_', '-');
  return pod;
}

}  // namespace

std::string CgroupOwner(std::string_view path) {
  const std::vector<std::string_view> parts = Split(path, '/');
  std::string pod;
  const bool kubernetes = path.find("kubepods") != std::string_view::npos;
  // The innermost that can be named says most.
  std::string owner;
  for (size_t i = parts.size(); i-- > 0 && owner.empty();) {
    const std::string_view parent = i == 0 ? "" : parts[i - 1];
    owner = ContainerOf(parts[i], parent);
    if (!owner.empty()) break;
    if (parent == "mesos" && !parts[i].empty()) {
      owner = "Mesos container " + VisibleText(parts[i]);
    } else if (parts[i].ends_with(".service") || parts[i].ends_with(".scope")) {
      owner = "systemd unit " + VisibleText(parts[i]);
    }
  }
  for (size_t i = parts.size(); kubernetes && i-- > 0 && pod.empty();) pod = PodOf(parts[i]);
  if (pod.empty()) return owner;
  return (owner.empty() ? "" : owner + ", ") + "pod " + VisibleText(pod);
}

}  // namespace fleetmedic

#include "model/cgroup_owner.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/sha256.h"
#include "base/text.h"

namespace fleetmedic {
namespace {

constexpr size_t kContainerIdChars = 64;
constexpr size_t kShortIdChars = 12;
constexpr std::string_view kTaskSuffix = ".task";
constexpr std::string_view kScope = ".scope";

bool IsHex(std::string_view text, size_t length) {
  return text.size() == length && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// 8-4-4-4-12.
bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !IsHex(text.substr(i, 1), 1)) return false;
  }
  return true;
}

std::string_view RuntimeOf(std::string_view word) {
  constexpr std::pair<std::string_view, std::string_view> kRuntimes[] = {
      {"docker", "Docker"},
      {"cri-containerd", "containerd"},
      {"crio", "CRI-O"},
      {"libpod", "Podman"}};
  for (const auto& [prefix, runtime] : kRuntimes) {
    if (word == prefix) return runtime;
  }
  return "";
}

// "docker-ID.scope" (systemd as the cgroup driver) or "ID" (cgroupfs).
bool ReadContainer(std::string_view name, std::string_view parent, CgroupOwner* owner) {
  if (name.ends_with(kScope)) name.remove_suffix(kScope.size());
  const size_t dash = name.rfind('-');
  const std::string_view id = dash == std::string_view::npos ? name : name.substr(dash + 1);
  if (!IsHex(id, kContainerIdChars)) return false;
  owner->container = id;
  owner->runtime = RuntimeOf(dash == std::string_view::npos ? parent : name.substr(0, dash));
  return true;
}

// "podUID", or "kubepods-burstable-podUID.slice" with '_' for '-'. A static pod's UID is no UUID.
bool ReadPod(std::string_view name, CgroupOwner* owner) {
  constexpr std::string_view kSlice = ".slice";
  if (name.ends_with(kSlice)) name.remove_suffix(kSlice.size());
  const size_t at = name.starts_with("pod") ? 0 : name.rfind("-pod");
  if (at == std::string_view::npos) return false;
  const std::string_view uid = name.substr(at + (at == 0 ? 3 : 4));
  const bool plain = !uid.empty() && std::ranges::all_of(uid, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '-' || c == '_';
  });
  if (!plain) return false;
  owner->pod = uid;
  std::ranges::replace(owner->pod, '_', '-');
  return true;
}

// "UUID.TASK.scope".
bool ReadAllocation(std::string_view name, CgroupOwner* owner) {
  if (!name.ends_with(kScope)) return false;
  name.remove_suffix(kScope.size());
  const size_t dot = name.find('.');
  if (dot == std::string_view::npos || dot + 1 == name.size() || !IsUuid(name.substr(0, dot))) {
    return false;
  }
  owner->allocation = name.substr(0, dot);
  owner->task = name.substr(dot + 1);
  owner->job.clear();
  return true;
}

// An id as a part of a cgroup's name: '/' cannot stand there, and '+' is in no id.
std::string Plain(std::string text, char from, char to) {
  std::ranges::replace(text, from, to);
  return text;
}

bool ReadTask(std::string_view name, CgroupOwner* owner) {
  const std::vector<std::string_view> parts = Split(name, '=');
  if (parts.size() != 3 || !IsTaskCgroupOf(name, parts[2].substr(0, kCgroupExecutorChars)))
    return false;
  const std::string job = Plain(std::string(parts[0]), '+', '/');
  const std::string task = Plain(std::string(parts[1]), '+', '/');
  if (!ValidId(job) || !ValidId(task)) return false;
  owner->job = job;
  owner->task = task;
  return true;
}

void Add(std::string* text, std::string_view what, std::string_view name) {
  if (name.empty()) return;
  if (!text->empty()) *text += ", ";
  *text += std::string(what) + " " + std::string(name);
}

}  // namespace

std::string CgroupOwner::Text() const {
  std::string text;
  if (!task.empty()) {
    Add(&text, "task", task);
    text += job.empty() ? " of allocation " + allocation : " of job " + job;
  }
  Add(&text, runtime.empty() ? "container" : runtime + " container",
      std::string_view(container).substr(0, kShortIdChars));
  Add(&text, "pod", pod);
  Add(&text, "Mesos container", mesos_container);
  // Of what a unit runs the name says more.
  if (text.empty()) Add(&text, "systemd unit", unit);
  return VisibleText(text);
}

std::map<std::string, std::string> CgroupOwner::Parts() const {
  std::map<std::string, std::string> parts;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) parts.emplace(name, value);
  };
  add("job", job);
  add("task", task);
  add("container", container);
  add("pod", pod);
  add("allocation", allocation);
  add("mesos_container", mesos_container);
  add("unit", unit);
  return parts;
}

CgroupOwner OwnerOfCgroup(std::string_view path) {
  CgroupOwner owner;
  std::string_view parent;
  bool kubernetes = false;
  bool contained = false;  // what is further in was made by a container
  for (const std::string_view name : Split(path, '/')) {
    kubernetes = kubernetes || name.starts_with("kubepods");
    if (ReadContainer(name, parent, &owner) || (kubernetes && ReadPod(name, &owner))) {
      contained = true;
    } else if (parent == "mesos" && !name.empty()) {
      owner.mesos_container = name;
      contained = true;
    } else if (!contained && (ReadTask(name, &owner) || ReadAllocation(name, &owner))) {
      owner.unit.clear();
    } else if (!contained && (name.ends_with(".service") || name.ends_with(kScope))) {
      owner.unit = name;
    }
    parent = name;
  }
  return owner;
}

std::string TaskCgroupName(const JobId& job, const TaskId& task, std::string_view executor) {
  const std::string suffix = "=" + std::string(executor) + std::string(kTaskSuffix);
  std::string name = Plain(job.str(), '/', '+') + "=" + Plain(task.str(), '/', '+') + suffix;
  if (name.size() > kCgroupNameBytesMax) name = Sha256Hex(job.str() + "\n" + task.str()) + suffix;
  return name;
}

bool IsTaskCgroupOf(std::string_view name, std::string_view executor) {
  return IsHex(executor, kCgroupExecutorChars) &&
         name.ends_with("=" + std::string(executor) + std::string(kTaskSuffix));
}

}  // namespace fleetmedic

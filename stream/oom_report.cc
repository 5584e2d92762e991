#include "stream/oom_report.h"

#include <algorithm>

#include "base/text.h"

namespace fleetmedic {
namespace {

bool IsHex(std::string_view text, size_t length) {
  return text.size() == length && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// 8-4-4-4-12 with '-', or with '_' as systemd's slices have it.
bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' && text[i] != '_' : !IsHex(text.substr(i, 1), 1)) return false;
  }
  return true;
}

// The value behind `key` up to the next `end`, or to the line's end.
std::string_view Between(std::string_view line, std::string_view key, std::string_view end) {
  const size_t at = line.find(key);
  if (at == std::string_view::npos) return {};
  line.remove_prefix(at + key.size());
  return line.substr(0, line.find(end));
}

void ReadScope(std::string_view name, std::map<std::string, std::string>* owner) {
  name.remove_suffix(std::string_view(".scope").size());
  for (const std::string_view runtime : {"docker-", "cri-containerd-", "crio-", "libpod-"}) {
    if (name.starts_with(runtime) && IsHex(name.substr(runtime.size()), 64)) {
      owner->insert_or_assign("container", std::string(name.substr(runtime.size())));
    }
  }
  const size_t dot = name.find('.');
  if (dot != std::string_view::npos && IsUuid(name.substr(0, dot)) && dot + 1 < name.size()) {
    owner->insert_or_assign("allocation", std::string(name.substr(0, dot)));
    owner->insert_or_assign("task", std::string(name.substr(dot + 1)));
  }
}

void ReadPod(std::string_view name, std::map<std::string, std::string>* owner) {
  const size_t at = name.rfind("pod");
  if (at == std::string_view::npos || (at > 0 && name[at - 1] != '-')) return;
  const std::string_view uid = name.substr(
      at + 3, name.ends_with(".slice") ? name.size() - at - 3 - 6 : std::string_view::npos);
  if (!IsUuid(uid)) return;
  std::string text(uid);
  std::ranges::replace(text, '_', '-');
  owner->insert_or_assign("pod", std::move(text));
}

}  // namespace

std::optional<OomReport> ParseOomLine(std::string_view line) {
  OomReport report;
  if (line.starts_with("oom-kill:")) {
    report.cgroup = Between(line, ",task_memcg=", ",task=");
    report.task = Between(line, ",task=", ",pid=");
    report.pid = Between(line, ",pid=", ",");
    if (report.pid.empty()) return std::nullopt;
    return report;
  }
  if (line.starts_with("Task in ")) {
    report.cgroup = Between(line, "Task in ", " killed as a result of limit of ");
    if (!line.substr(8 + report.cgroup.size()).starts_with(" killed as")) return std::nullopt;
    return report;
  }
  return std::nullopt;
}

std::map<std::string, std::string> OwnersOfCgroup(std::string_view path) {
  std::map<std::string, std::string> owner;
  std::string_view parent;
  for (const std::string_view name : Split(path, '/')) {
    if (IsHex(name, 64)) owner.insert_or_assign("container", std::string(name));
    if (parent == "mesos" && IsUuid(name)) {
      owner.insert_or_assign("mesos_container", std::string(name));
    }
    if (name.ends_with(".scope")) ReadScope(name, &owner);
    if (name.ends_with(".service")) owner.insert_or_assign("unit", std::string(name));
    ReadPod(name, &owner);
    parent = name;
  }
  return owner;
}

}  // namespace fleetmedic

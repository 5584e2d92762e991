// Whom the kernel killed for want of memory, and whose it was. Pure.
#ifndef FLEETMEDIC_STREAM_OOM_REPORT_H_
#define FLEETMEDIC_STREAM_OOM_REPORT_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace fleetmedic {

struct OomReport {
  std::string cgroup;  // of the victim: "/docker/0f3c..."
  std::string task;    // its command
  std::string pid;

  bool operator==(const OomReport&) const = default;
};

// Of the line "oom-kill:constraint=...,task_memcg=...,task=...,pid=...,uid=..." (Linux 5.0 and
// later, mm/oom_kill.c) or "Task in CGROUP killed as a result of limit of ..." (before). None for
// any other line. Values are as the log has them: who shows them makes them visible text.
std::optional<OomReport> ParseOomLine(std::string_view line);

// What a cgroup's path says of whose it is, by the habits of those that make them: "container"
// (Docker, containerd, CRI-O, Podman), "pod" (the UID that the kubelet puts there), "task" and
// "allocation" (Nomad), "mesos_container", "unit" (systemd). Empty where it says nothing.
std::map<std::string, std::string> OwnersOfCgroup(std::string_view path);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_OOM_REPORT_H_

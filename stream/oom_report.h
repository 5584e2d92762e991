// Whom the kernel killed for want of memory. Pure.
#ifndef FLEETMEDIC_STREAM_OOM_REPORT_H_
#define FLEETMEDIC_STREAM_OOM_REPORT_H_

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

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_OOM_REPORT_H_

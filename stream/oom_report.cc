#include "stream/oom_report.h"

namespace fleetmedic {
namespace {

// The value behind `key` up to the next `end`, or to the line's end.
std::string_view Between(std::string_view line, std::string_view key, std::string_view end) {
  const size_t at = line.find(key);
  if (at == std::string_view::npos) return {};
  line.remove_prefix(at + key.size());
  return line.substr(0, line.find(end));
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

}  // namespace fleetmedic

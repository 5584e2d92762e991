#include "stream/finding_owner.h"

#include <algorithm>

#include "base/text.h"
#include "model/cgroup_owner.h"

namespace fleetmedic {
namespace {

constexpr size_t kTextMax = 256;
constexpr size_t kShortIdChars = 12;
constexpr size_t kUnitCharsMax = 128;  // as of rules

}  // namespace

std::string OwnerUnit(std::string_view cgroup) {
  const CgroupOwner owner = OwnerOfCgroup(cgroup);
  const std::string short_id = owner.container.substr(0, kShortIdChars);
  for (const std::string* part :
       {&owner.task, &short_id, &owner.mesos_container, &owner.pod, &owner.unit}) {
    if (part->empty()) continue;
    std::string unit = part->substr(0, kUnitCharsMax);
    std::ranges::replace_if(
        unit, [](char c) { return !ValidId(std::string_view(&c, 1)); }, '_');
    return unit;
  }
  return "";
}

std::string_view CgroupOfPid(const LogFrame& frame,
                             const std::map<std::string, std::string>& captures) {
  if (frame.cgroups.empty()) return {};
  const auto pid = captures.find("pid");
  if (pid == captures.end()) return {};
  const auto cgroup = frame.cgroups.find(pid->second);
  return cgroup == frame.cgroups.end() ? std::string_view() : cgroup->second;
}

void AddOwner(std::string_view cgroup, Finding* finding) {
  if (cgroup.empty() || finding->captures.contains("cgroup")) return;
  const CgroupOwner owner = OwnerOfCgroup(cgroup);
  const std::string shown = VisibleText(cgroup.substr(0, kTextMax));
  finding->captures.emplace("cgroup", shown);
  if (const std::string text = owner.Text(); !text.empty()) {
    finding->condition.message += ", of " + text;
  }
  finding->condition.message += ", cgroup " + shown;
  for (const auto& [name, value] : owner.Parts()) {
    finding->captures.emplace("owner_" + name,
                              VisibleText(std::string_view(value).substr(0, kTextMax)));
  }
}

}  // namespace fleetmedic

#include "detectors/condition_types.h"

#include <algorithm>

#include "base/cap_text.h"

namespace fleetmedic {
namespace {

constexpr size_t kMessageBytesMax = 1024;
constexpr size_t kUnitBytesMax = 256;

}  // namespace

std::span<const ConditionType> ConditionTypes() {
  static const std::vector<ConditionType> types = [] {
    std::vector<ConditionType> all;
    for (const std::span<const ConditionType> table :
         {AgentConditions(), FilesystemConditions(), MemoryConditions(), ProcessConditions(),
          KernelConditions(), SystemdConditions(), DockerConditions(), ContainerdConditions(),
          MesosConditions(), DiskConditions(), HardwareConditions(), ClockConditions(),
          NvmeConditions(), NetworkConditions(), ImdsConditions(), DnsConditions(),
          GpuConditions()}) {
      all.insert(all.end(), table.begin(), table.end());
    }
    return all;
  }();
  return types;
}

const ConditionType* FindConditionType(std::string_view type) {
  const std::span<const ConditionType> types = ConditionTypes();
  const auto entry = std::ranges::find(types, type, &ConditionType::type);
  return entry == types.end() ? nullptr : &*entry;
}

std::vector<std::string> ConditionTypesOf(std::string_view detector) {
  std::vector<std::string> types;
  for (const ConditionType& entry : ConditionTypes()) {
    if (entry.detector == detector) types.emplace_back(entry.type);
  }
  return types;
}

Condition MakeCondition(std::string_view type, std::string_view unit, Verdict verdict,
                        std::string_view reason, std::string message) {
  const ConditionType* const entry = FindConditionType(type);
  FLEETMEDIC_CHECK(entry != nullptr);
  return MakeConditionOf(type, entry->severity, unit, verdict, reason, std::move(message));
}

Condition MakeConditionOf(std::string_view type, Severity severity, std::string_view unit,
                          Verdict verdict, std::string_view reason, std::string message) {
  Condition condition;
  condition.type = type;
  condition.unit = unit;
  condition.verdict = verdict;
  condition.severity = severity;
  condition.reason = reason;
  condition.message = std::move(message);
  CapText(&condition.unit, kUnitBytesMax);
  CapText(&condition.message, kMessageBytesMax);
  return condition;
}

std::string ConditionPage(const ConditionType& type) {
  std::string page = "# " + std::string(type.type) + "\n\n" + std::string(type.meaning) + "\n\n";
  const auto row = [&page](std::string_view name, std::string_view text) {
    page += "**" + std::string(name) + ":** " + std::string(text) + "\n\n";
  };
  row("Detector", type.detector);
  row("Severity", SeverityName(type.severity));
  if (!type.unit.empty()) row("Unit", type.unit);
  row("How it is found", type.found);
  row("What to do", type.what_to_do);
  row("Recommended repair", RungName(type.repair));
  row("How it clears", type.clears);
  page.pop_back();
  return page;
}

std::string ConditionIndex() {
  std::string page =
      "# Conditions\n\nWhat detectors can say of a host, by detector. Printed from the tables in "
      "detectors/ by\n`print_conditions`; a test compares.\n";
  std::string_view detector;
  for (const ConditionType& type : ConditionTypes()) {
    if (type.detector != detector) {
      detector = type.detector;
      page += "\n## " + std::string(detector) +
              "\n\n| type | severity | unit | recommended repair |\n|---|---|---|---|\n";
    }
    page += "| [" + std::string(type.type) + "](" + std::string(type.type) + ".md) | " +
            std::string(SeverityName(type.severity)) + " | " + std::string(type.unit) + " | " +
            std::string(RungName(type.repair)) + " |\n";
  }
  return page;
}

}  // namespace fleetmedic

// Every condition type that a detector can report: what it means, how it is found, what to do and
// how it clears. Each detector has a table of its own, NAME/NAME_conditions.cc; docs/conditions/ is
// printed from them.
#ifndef FLEETMEDIC_DETECTORS_CONDITION_TYPES_H_
#define FLEETMEDIC_DETECTORS_CONDITION_TYPES_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/command.h"
#include "model/condition.h"

namespace fleetmedic {

struct ConditionType {
  std::string_view type;
  std::string_view detector;
  // Of the type at its worst; a detector may report a milder one.
  Severity severity;
  // What `unit` names; empty where the condition is the host's.
  std::string_view unit;
  std::string_view meaning;
  std::string_view found;  // what is looked at, with its source
  std::string_view what_to_do;
  std::string_view clears;
  // The gentlest that helps; what is done is the policy's word.
  Rung repair;
};

// The tables, one for each detector.
std::span<const ConditionType> AgentConditions();
std::span<const ConditionType> FilesystemConditions();
std::span<const ConditionType> MemoryConditions();
std::span<const ConditionType> ProcessConditions();
std::span<const ConditionType> KernelConditions();
std::span<const ConditionType> SystemdConditions();
std::span<const ConditionType> DockerConditions();
std::span<const ConditionType> ContainerdConditions();
std::span<const ConditionType> MesosConditions();
std::span<const ConditionType> DiskConditions();
std::span<const ConditionType> HardwareConditions();
std::span<const ConditionType> ClockConditions();
std::span<const ConditionType> NvmeConditions();
std::span<const ConditionType> NetworkConditions();
std::span<const ConditionType> ImdsConditions();
std::span<const ConditionType> DnsConditions();
std::span<const ConditionType> GpuConditions();

// In the order of detectors, then of types.
std::span<const ConditionType> ConditionTypes();

// Null where there is no such type.
const ConditionType* FindConditionType(std::string_view type);

// The types of one detector, in table order.
std::vector<std::string> ConditionTypesOf(std::string_view detector);

// A condition with the severity of the table; texts are capped to the model's limits. Requires a
// type of the table.
Condition MakeCondition(std::string_view type, std::string_view unit, Verdict verdict,
                        std::string_view reason, std::string message);

// The same for a type that is not of the tables.
Condition MakeConditionOf(std::string_view type, Severity severity, std::string_view unit,
                          Verdict verdict, std::string_view reason, std::string message);

// docs/conditions/TYPE.md, and docs/conditions/README.md: the table of all.
std::string ConditionPage(const ConditionType& type);
std::string ConditionIndex();

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_CONDITION_TYPES_H_

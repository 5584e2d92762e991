// Every condition type that a detector can report, in one table: what it means and what to do.
// docs/conditions.md is printed from it.
#ifndef FLEETMEDIC_DETECTORS_CONDITION_TYPES_H_
#define FLEETMEDIC_DETECTORS_CONDITION_TYPES_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

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
  std::string_view what_to_do;
};

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

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_CONDITION_TYPES_H_

// Gathers what a detector with many units has to say, within a bound. Pure.
#ifndef FLEETMEDIC_DETECTORS_CONDITION_LIST_H_
#define FLEETMEDIC_DETECTORS_CONDITION_LIST_H_

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/condition.h"

namespace fleetmedic {

// Of each type at most kUnitsMax conditions are told; the last of them says how many more there
// are. A type of which nothing was added is told as fine, once and without a unit, where Fine was
// called for it: one that nobody looked at is not mentioned.
class ConditionList {
 public:
  static constexpr size_t kUnitsMax = 16;

  void Add(Condition condition);

  // Requires types of the tables, as MakeCondition does.
  void Bad(std::string_view type, std::string_view unit, Severity severity, std::string_view reason,
           std::string message);
  void Unknown(std::string_view type, std::string_view unit, std::string_view reason,
               std::string message);
  // What is said of the type when nothing else is.
  void Fine(std::string_view type, std::string_view reason, std::string message);

  // Everything, by type, then in the order in which it was added.
  std::vector<Condition> Take() &&;

 private:
  struct OfType {
    std::vector<Condition> told;
    size_t left_out = 0;
    std::vector<Condition> fine;  // none or one
  };

  std::map<std::string, OfType, std::less<>> types_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_CONDITION_LIST_H_

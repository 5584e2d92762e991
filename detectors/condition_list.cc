#include "detectors/condition_list.h"

#include <utility>

#include <fmt/format.h>

#include "detectors/condition_types.h"

namespace fleetmedic {

void ConditionList::Add(Condition condition) {
  OfType& type = types_[condition.type];
  if (type.told.size() < kUnitsMax) {
    type.told.push_back(std::move(condition));
  } else {
    ++type.left_out;
  }
}

void ConditionList::Bad(std::string_view type, std::string_view unit, Severity severity,
                        std::string_view reason, std::string message) {
  Condition condition = MakeCondition(type, unit, Verdict::kBad, reason, std::move(message));
  condition.severity = severity;
  Add(std::move(condition));
}

void ConditionList::Unknown(std::string_view type, std::string_view unit, std::string_view reason,
                            std::string message) {
  Add(MakeCondition(type, unit, Verdict::kUnknown, reason, std::move(message)));
}

void ConditionList::Fine(std::string_view type, std::string_view reason, std::string message) {
  types_[std::string(type)].fine = {
      MakeCondition(type, "", Verdict::kOk, reason, std::move(message))};
}

std::vector<Condition> ConditionList::Take() && {
  std::vector<Condition> all;
  for (auto& [name, type] : types_) {
    if (type.left_out > 0) {
      type.told.back().message += fmt::format("; and {} more like it", type.left_out);
    }
    std::vector<Condition>& said = type.told.empty() ? type.fine : type.told;
    for (Condition& condition : said) all.push_back(std::move(condition));
  }
  return all;
}

}  // namespace fleetmedic

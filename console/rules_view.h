// The rules in use as the API shows them, each with the hosts on which what it found stands. Pure.
#ifndef FLEETMEDIC_CONSOLE_RULES_VIEW_H_
#define FLEETMEDIC_CONSOLE_RULES_VIEW_H_

#include <span>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "config/rule_book.h"
#include "remediation/query.h"

namespace fleetmedic {

// Of each rule at most this many open findings are listed; `open_total` counts all.
constexpr size_t kOpenFindingsMax = 100;

// {"items": [Rule], "refused"?} of docs/api.md, in the order of the packs.
Json RulesJson(const RuleBook::Look& rules, const FleetSnapshot& snapshot);
// One Rule; kNotFound with the name that was meant.
Result<Json> RuleJson(std::span<const Rule> rules, const FleetSnapshot& snapshot,
                      std::string_view name);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONSOLE_RULES_VIEW_H_

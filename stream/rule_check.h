// Rules checked and tried by people: `fleetmedic rules check` and `fleetmedic rules match`.
#ifndef FLEETMEDIC_STREAM_RULE_CHECK_H_
#define FLEETMEDIC_STREAM_RULE_CHECK_H_

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostics.h"
#include "config/rules_load.h"
#include "stream/rule_set.h"

namespace fleetmedic {

// Loads and compiles the rules and tries every example and counter-example on its own rule; an
// example that does not match and a counter-example that does are errors at the rule's place.
// Null with errors in `diagnostics`. Blocks on the disk and for the compiler, a few milliseconds a
// rule that is not in the cache.
std::shared_ptr<const RuleSet> CheckRules(std::span<const RuleText> texts, Diagnostics* diagnostics,
                                          const CandidateCache* cache = nullptr);
// Of these files and folders of *.toml.
std::shared_ptr<const RuleSet> CheckRuleFiles(std::span<const std::string> paths,
                                              Diagnostics* diagnostics,
                                              const CandidateCache* cache = nullptr);

// The packs that ship, as they are in rules/: part of the program.
std::span<const RuleText> ShippedRules();

// A rule that matched a line.
struct LineMatch {
  size_t line_number = 0;  // from 1
  std::string rule;
  std::string version;
  std::string condition;
  std::string severity;
  std::string unit;
  std::string message;
  std::map<std::string, std::string> captures;

  bool operator==(const LineMatch&) const = default;
};

// Every match in a text, by lines and then by rules; at most matches_max. With a source only the
// rules that trust it; without one every rule, whatever it trusts.
std::vector<LineMatch> MatchLines(const std::shared_ptr<const RuleSet>& rules,
                                  std::string_view text, const std::optional<std::string>& source,
                                  size_t matches_max = 100'000);

Json ToJson(const LineMatch& match);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_RULE_CHECK_H_

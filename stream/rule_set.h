// Rules as one engine, compiled: what a matcher (stream/matcher.h) asks. What a rule set says of a
// line is, by definition, what each rule's RE2 says of that line alone.
#ifndef FLEETMEDIC_STREAM_RULE_SET_H_
#define FLEETMEDIC_STREAM_RULE_SET_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "config/diagnostics.h"
#include "config/rule.h"
#include "config/text_template.h"
#include "stream/candidate_cache.h"
#include "stream/candidates.h"
#include "stream/line_pattern.h"
#include "stream/match_plan.h"
#include "stream/plain_program.h"

namespace fleetmedic {

// Immutable, thread-safe, shared.
class RuleSet {
 public:
  // Null where an expression is not sound; each such is an error in `diagnostics` at its place in
  // the file. Requires rules that ParseRules let through. No rules are a set that matches nothing.
  // With a cache the engine comes from there where it is kept, and is put there where it is not.
  static std::shared_ptr<const RuleSet> Compile(std::vector<Rule> rules, Diagnostics* diagnostics,
                                                const CandidateCache* cache = nullptr);

  const std::vector<Rule>& rules() const { return rules_; }
  // Of the compiled expressions.
  size_t database_bytes() const { return database_->bytes(); }

 private:
  friend class Matcher;
  RuleSet() = default;

  std::vector<Rule> rules_;
  // The rules' patterns in order, then the cancels of those that have one.
  std::vector<LinePattern> patterns_;
  PlainPrograms plain_;          // of each pattern, where it has one
  std::vector<size_t> rule_of_;  // of each pattern
  std::vector<TextTemplate> units_;
  std::vector<TextTemplate> messages_;
  std::vector<PatternToFind> to_find_;  // of each pattern
  std::shared_ptr<const CandidateDatabase> database_;
  std::shared_ptr<const MatchPlan> first_plan_;  // with nothing learnt
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_RULE_SET_H_

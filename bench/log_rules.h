// Rules for the benches: the packs that ship and, past them, rules written like them from a seed.
#ifndef FLEETMEDIC_BENCH_LOG_RULES_H_
#define FLEETMEDIC_BENCH_LOG_RULES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/line_text.h"
#include "config/rule.h"

namespace fleetmedic {

// A rule and what its lines are made of.
struct RuleSample {
  Rule rule;
  // One after another: the texts that may stand there, with holes as LineText has them.
  std::vector<std::vector<std::string>> pieces;

  // A line that the rule matches.
  std::string Line(LineText* text) const;
};

// `count` rules; the same for the same seed, and those of a smaller count are the first of a larger
// one. Each trusts every source, so that each is asked about each line, and none has a cancel: what
// others call a pattern is a rule here. An error where the packs that ship do not parse.
Result<std::vector<RuleSample>> MakeRules(size_t count, uint64_t seed);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BENCH_LOG_RULES_H_

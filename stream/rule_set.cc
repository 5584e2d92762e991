#include "stream/rule_set.h"

#include <algorithm>
#include <string>
#include <utility>

#include "config/pattern.h"
#include "stream/plain_reader.h"

namespace fleetmedic {
namespace {

void ErrorInPattern(const Rule& rule, bool cancel, size_t offset, const std::string& message,
                    Diagnostics* diagnostics) {
  SourcePlace place = cancel ? rule.cancel_place : rule.pattern_place;
  place.column += static_cast<int>(offset);
  diagnostics->Error(place, 1,
                     rule.name + (cancel ? ".cancel: " : ".pattern: ") + message +
                         (offset > 0 ? " at offset " + std::to_string(offset) : ""));
}

}  // namespace

std::shared_ptr<const RuleSet> RuleSet::Compile(std::vector<Rule> rules, Diagnostics* diagnostics,
                                                const CandidateCache* cache) {
  const size_t errors_before = diagnostics->errors();
  std::shared_ptr<RuleSet> set(new RuleSet);
  std::vector<CandidateExpression> expressions;
  std::vector<Pattern> read;
  PlainReader reader;
  const auto compile = [&](size_t index, bool cancel) {
    const Rule& rule = rules[index];
    const std::string& text = cancel ? rule.cancel : rule.pattern;
    read.push_back(ReadPattern(text));
    expressions.push_back({read.back().hyperscan, rule.ignore_case});
    set->to_find_.push_back({RequiredLiterals(text, rule.ignore_case), expressions.back(),
                             LineBegins(text, rule.ignore_case)});
    set->rule_of_.push_back(index);
    Result<LinePattern> pattern = LinePattern::Compile(text, rule.ignore_case);
    if (!pattern) return ErrorInPattern(rule, cancel, 0, pattern.error().message, diagnostics);
    // Two readers of one pattern: ours found the names, RE2 the groups.
    FLEETMEDIC_CHECK(pattern->captures() == read.back().captures);
    set->patterns_.push_back(*std::move(pattern));
    set->plain_.Add(reader.Read(text, rule.ignore_case));
  };
  for (size_t i = 0; i < rules.size(); ++i) {
    compile(i, false);
    Result<TextTemplate> unit = TextTemplate::Parse(rules[i].unit);
    Result<TextTemplate> message = TextTemplate::Parse(rules[i].message);
    FLEETMEDIC_CHECK(unit.has_value() && message.has_value());
    set->units_.push_back(*std::move(unit));
    set->messages_.push_back(*std::move(message));
  }
  for (size_t i = 0; i < rules.size(); ++i) {
    if (!rules[i].cancel.empty()) compile(i, true);
  }
  // What RE2 refuses needs no second word.
  if (diagnostics->errors() != errors_before) return nullptr;
  std::vector<CandidateProblem> problems;
  set->database_ = CompileOrGet(expressions, cache, &problems);
  for (const CandidateProblem& problem : problems) {
    const std::vector<size_t>& origins = read[problem.expression].origins;
    ErrorInPattern(rules[set->rule_of_[problem.expression]], problem.expression >= rules.size(),
                   origins[std::min(problem.offset, origins.size() - 1)], problem.message,
                   diagnostics);
  }
  if (!problems.empty()) return nullptr;
  set->first_plan_ = MatchPlan::Make(set->to_find_, StreamKnowledge(), set->database_, cache);
  set->rules_ = std::move(rules);
  return set;
}

}  // namespace fleetmedic

#include "stream/rule_check.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "stream/matcher.h"

namespace fleetmedic {
namespace {

void CheckExamples(const std::shared_ptr<const RuleSet>& rules, Diagnostics* diagnostics) {
  Matcher matcher(rules);
  for (size_t index = 0; index < rules->rules().size(); ++index) {
    const Rule& rule = rules->rules()[index];
    const auto matches = [&](const std::string& line, bool cancels = false) {
      bool found = false;
      matcher.MatchAnySource(line, [&](const RuleMatch& match) {
        found = found || (match.rule_index == index && match.cancels == cancels);
      });
      return found;
    };
    for (const std::string& line : rule.cancel_examples) {
      if (matches(line, true) && !matches(line)) continue;
      diagnostics->Error(rule.place, 8,
                         rule.name +
                             ".cancel_examples: expected the cancel and not the pattern "
                             "to match " +
                             Quote(line));
    }
    for (const std::string& line : rule.examples) {
      if (matches(line)) continue;
      diagnostics->Error(rule.place, 8,
                         rule.name + ".examples: expected the rule to match " + Quote(line));
    }
    for (const std::string& line : rule.counter_examples) {
      if (!matches(line)) continue;
      diagnostics->Error(
          rule.place, 8,
          rule.name + ".counter_examples: expected the rule not to match " + Quote(line));
    }
  }
}

}  // namespace

std::shared_ptr<const RuleSet> CheckRules(std::span<const RuleText> texts, Diagnostics* diagnostics,
                                          const CandidateCache* cache) {
  std::vector<Rule> usable = ParseRules(texts, diagnostics);
  // Compiled even when some were left out: what is wrong with the others is told too.
  std::shared_ptr<const RuleSet> rules = RuleSet::Compile(std::move(usable), diagnostics, cache);
  if (rules != nullptr) CheckExamples(rules, diagnostics);
  return diagnostics->ok() ? rules : nullptr;
}

std::shared_ptr<const RuleSet> CheckRuleFiles(std::span<const std::string> paths,
                                              Diagnostics* diagnostics,
                                              const CandidateCache* cache) {
  return CheckRules(ReadRuleFiles(paths, diagnostics), diagnostics, cache);
}

std::vector<LineMatch> MatchLines(const std::shared_ptr<const RuleSet>& rules,
                                  std::string_view text, const std::optional<std::string>& source,
                                  size_t matches_max) {
  std::vector<LineMatch> matches;
  Matcher matcher(rules);
  ForEachLine(text, [&](size_t number, std::string_view line) {
    const auto add = [&](const RuleMatch& match) {
      if (match.cancels || matches.size() >= matches_max) return;
      matches.push_back({number, match.rule.name, match.rule.version, match.rule.condition,
                         std::string(SeverityName(match.rule.severity)), match.Unit(),
                         match.Message(), match.CaptureTexts()});
    };
    if (source) {
      matcher.Match(line, *source, add);
    } else {
      matcher.MatchAnySource(line, add);
    }
  });
  return matches;
}

Json ToJson(const LineMatch& match) {
  Json json;
  json.Set("line", uint64_t{match.line_number});
  json.Set("rule", match.rule);
  json.Set("rule_version", match.version);
  json.Set("condition", match.condition);
  json.Set("severity", match.severity);
  json.Set("unit", match.unit);
  json.Set("message", match.message);
  Json captures(Json::Object{});
  for (const auto& [name, value] : match.captures) captures.Set(name, value);
  json.Set("captures", std::move(captures));
  return json;
}

}  // namespace fleetmedic

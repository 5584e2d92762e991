// A template as a rule for rules/*.toml, so that a person goes on from there. Pure.
#ifndef FLEETMEDIC_STREAM_TEMPLATE_RULE_H_
#define FLEETMEDIC_STREAM_TEMPLATE_RULE_H_

#include <string>
#include <vector>

#include "base/result.h"
#include "model/pattern_count.h"

namespace fleetmedic {

// What people see of a template: TextOf(MinedTemplate), or the API's pattern.
struct TemplateRuleInput {
  std::string id;    // "t-3a0517cfd9c4da1a"
  std::string text;  // "nvme «…»: I/O «…» QID «…» timeout, aborting"
  std::vector<PatternExample> examples;
  std::vector<PatternVariable> variables;  // by their numbers from 1; may be fewer
  // Lines of other templates: one that the rule does not match is its counter example.
  std::vector<std::string> other_lines;
};

// One [[rule]], which passes CheckRules: its pattern has the words as they are and a capture, named
// after the word before it, for each variable; it is an event of severity info, from the sources of
// the examples. kUnsupported where there is no example, no source that a rule can trust, too few
// words to tell the lines from others, or a pattern that does not match the examples: a text that
// was cut, or a line that has « itself.
Result<std::string> RuleFromTemplate(const TemplateRuleInput& input);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_TEMPLATE_RULE_H_

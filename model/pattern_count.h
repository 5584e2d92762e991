// What one replica of the stream saw of one pattern, from one partition of the logs, within one
// minute: a record of fleetmedic.counts, keyed by the pattern.
#ifndef FLEETMEDIC_MODEL_PATTERN_COUNT_H_
#define FLEETMEDIC_MODEL_PATTERN_COUNT_H_

#include <map>
#include <string>
#include <vector>

#include "model/ids.h"

namespace fleetmedic {

enum class PatternKind : uint8_t {
  kRule,      // `pattern` is the rule's name
  kTemplate,  // lines that no rule matches; `pattern` is the template's identifier
};
std::string_view PatternKindName(PatternKind kind);
std::optional<PatternKind> ParsePatternKind(std::string_view word);

// A line that the pattern is of.
struct PatternExample {
  HostId host;
  std::string source;  // LogFrame::source
  std::string line;    // visible text, at most kLineBytesMax
  WallTime at = kWallNever;

  static constexpr size_t kLineBytesMax = 512;

  bool operator==(const PatternExample&) const = default;
};

// What stood in one variable part of a template, or in one capture of a rule.
struct PatternVariable {
  std::string name;  // the capture's; of a template the variable's number from 1
  // Lines by value: the most frequent ones, at most kValuesMax, each at most kValueBytesMax.
  std::map<std::string, uint64_t> values;
  uint64_t other_lines = 0;  // with a value that is not among them

  static constexpr size_t kValuesMax = 8;
  static constexpr size_t kValueBytesMax = 128;

  bool operator==(const PatternVariable&) const = default;
};

// Counting is by sets, so that a record that comes twice changes nothing: `hosts` are those that
// were not told of this minute before, and lines are known by the offsets that they were read from.
struct PatternCount {
  std::string pattern;
  PatternKind kind = PatternKind::kRule;
  // Of the rule: Rule::version. Empty for a template.
  std::string version;
  // What people read: a rule's condition and reason, a template with «…» for its variable parts.
  std::string text;
  // When this pattern was seen for the first time, as far as the stream remembers.
  WallTime first_seen = kWallNever;
  WallTime minute = kWallNever;  // its beginning
  // The records of fleetmedic.logs that it was counted from: all between the two, inclusive.
  int32_t partition = 0;
  int64_t first_offset = 0;
  int64_t last_offset = 0;
  uint64_t lines = 0;
  std::vector<HostId> hosts;  // at most kHostsMax; more are another record
  std::vector<PatternExample> examples;
  std::vector<PatternVariable> variables;
  // Of a template: identifiers under which it was counted before it turned out to be this one. Told
  // when they change, and once by each process.
  std::vector<std::string> aliases;

  static constexpr size_t kPatternCharsMax = 128;
  static constexpr size_t kTextBytesMax = 1024;
  static constexpr size_t kHostsMax = 2000;
  static constexpr size_t kExamplesMax = 3;
  static constexpr size_t kVariablesMax = 16;
  static constexpr size_t kAliasesMax = 64;

  bool operator==(const PatternCount&) const = default;
};

Result<HostId> HostIdFromJson(const Json& json);
Json ToJson(const PatternExample& example);
Result<PatternExample> PatternExampleFromJson(const Json& json);
Json ToJson(const PatternVariable& variable);
Result<PatternVariable> PatternVariableFromJson(const Json& json);
Json ToJson(const PatternCount& count);
// kInvalidArgument for anything that is past a limit above.
Result<PatternCount> PatternCountFromJson(const Json& json);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_MODEL_PATTERN_COUNT_H_

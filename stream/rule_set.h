// Rules as one engine. What a rule set says of a line is, by definition, what each rule's RE2 says
// of that line alone; Hyperscan only finds the rules that are worth asking.
#ifndef FLEETMEDIC_STREAM_RULE_SET_H_
#define FLEETMEDIC_STREAM_RULE_SET_H_

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "config/diagnostics.h"
#include "config/rule.h"
#include "config/text_template.h"
#include "stream/candidate_cache.h"
#include "stream/candidates.h"
#include "stream/line_pattern.h"

namespace fleetmedic {

// One rule on one line. Lives as long as the call it is passed to.
struct RuleMatch {
  const Rule& rule;
  size_t rule_index = 0;  // in RuleSet::rules()
  // It is the rule's cancel that matched: the unit is well again, and the message says nothing.
  bool cancels = false;
  // In the order of the pattern; views into the line.
  std::span<const std::pair<std::string_view, std::string_view>> captures;
  // Rule::unit and Rule::message with the captures in them. What log text puts there cannot do
  // harm further on: a unit has only characters of identifiers, the rest as '_', at most
  // kUnitCharsMax; a message is visible text, each capture at most kCaptureCharsMax.
  std::string Unit() const;
  std::string Message() const;
  // The captures as visible text, each capped.
  std::map<std::string, std::string> CaptureTexts() const;

  static constexpr size_t kUnitCharsMax = 128;
  static constexpr size_t kCaptureCharsMax = 256;

  const TextTemplate& unit_template;
  const TextTemplate& message_template;
};

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
  std::vector<size_t> rule_of_;  // of each pattern
  std::vector<TextTemplate> units_;
  std::vector<TextTemplate> messages_;
  std::shared_ptr<const CandidateDatabase> database_;
};

// What a rule set is asked through. Owned by one thread.
class Matcher {
 public:
  // Sources whose trusted rules are kept at hand; past it they are found again.
  static constexpr size_t kSourcesKeptMax = 4096;

  explicit Matcher(std::shared_ptr<const RuleSet> rules);

  // Calls `matched` for each rule that trusts the source and matches the line, in the order of the
  // rules, and then for each whose cancel matches it. `line` is one line, without its end, of any
  // bytes.
  void Match(std::string_view line, std::string_view source,
             absl::FunctionRef<void(const RuleMatch&)> matched);
  // The same for every rule, whatever source it trusts: for people who try rules on a file.
  void MatchAnySource(std::string_view line, absl::FunctionRef<void(const RuleMatch&)> matched);

  // Every line of a text: lines end with '\n', one '\r' before it belongs to the end, a last line
  // may lack it. `line_number` counts from 1.
  using LineMatched =
      absl::FunctionRef<void(size_t line_number, std::string_view line, const RuleMatch&)>;
  void MatchText(std::string_view text, std::string_view source, LineMatched matched);

  const RuleSet& rules() const { return *rules_; }
  // Whether any rule trusts the source: where none does, its lines need not be looked at.
  bool Trusts(std::string_view source) { return !Trusted(source).empty(); }

 private:
  // For each rule whether it is trusted; empty where none is.
  const std::vector<bool>& Trusted(std::string_view source);
  void MatchTrusted(std::string_view line, const std::vector<bool>& trusted,
                    absl::FunctionRef<void(const RuleMatch&)> matched);

  std::shared_ptr<const RuleSet> rules_;
  CandidateScanner scanner_;
  std::map<std::string, std::vector<bool>, std::less<>> trusted_;
  std::vector<bool> all_;
  // Kept so that a line allocates nothing.
  std::vector<size_t> candidates_;
  std::vector<std::string_view> values_;
  std::vector<std::pair<std::string_view, std::string_view>> captures_;
};

// Calls `line` for each line of the text as MatchText sees them.
void ForEachLine(std::string_view text,
                 absl::FunctionRef<void(size_t line_number, std::string_view line)> line);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_RULE_SET_H_

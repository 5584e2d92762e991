// What a rule set is asked through. What comes before RE2 only finds the lines and the rules that
// are worth asking: the rules' rarest literals, looked for in a whole frame at once; where a line
// holds those of many patterns, Hyperscan; then, for what is left, the patterns' small programs,
// and RE2 for those that have none.
#ifndef FLEETMEDIC_STREAM_MATCHER_H_
#define FLEETMEDIC_STREAM_MATCHER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "config/rule.h"
#include "config/text_template.h"
#include "stream/candidates.h"
#include "stream/line_pattern.h"
#include "stream/literal_sieve.h"
#include "stream/match_plan.h"
#include "stream/rule_set.h"

namespace fleetmedic {

// One rule on one line. Lives as long as the call it is passed to.
struct RuleMatch {
  const Rule& rule;
  size_t rule_index = 0;  // in RuleSet::rules()
  // It is the rule's cancel that matched: the unit is well again, and the message says nothing.
  bool cancels = false;
  // In the order of the pattern; views into the line. Where RE2 said that it matches, RE2 is asked
  // for them at the first call: most of what it costs is its captures.
  std::span<const std::pair<std::string_view, std::string_view>> captures() const;
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
  const LinePattern& pattern;
  std::string_view line;
  // What captures() fills: the matcher's, so that a line allocates nothing.
  struct Captured {
    bool filled = false;
    bool has_values = false;  // of the pattern's program
    std::vector<std::string_view> values;
    std::vector<std::pair<std::string_view, std::string_view>> captures;
  };
  Captured* captured = nullptr;
};

// What a matcher did since it was made, for metrics.
struct MatchCounts {
  uint64_t candidate_lines = 0;  // that held a literal, or were Hyperscan's word
  uint64_t asked = 0;            // patterns, by their programs or by RE2
  uint64_t asked_of_re2 = 0;     // of these: those that have no program, or whose gave up
  uint64_t gave_up = 0;          // programs, for that the line takes too many steps
  uint64_t matched = 0;          // of those that were asked
  uint64_t crowded_lines = 0;    // that Hyperscan was asked about for holding too many literals
  uint64_t hot_literals = 0;     // that turned out to be in too many lines
};

// Owned by one thread.
//
// It learns from the texts it is given which literals are rare. When it knows better than its plan
// does, WantsPlan says so, and whoever owns it lets a plan be made where there is time for it:
//   if (matcher.WantsPlan()) { elsewhere: plan = matcher.Planning()(); later: matcher.Use(plan); }
// Without that it goes on with what it has. A plan changes how fast it is and nothing else.
class Matcher {
 public:
  // Sources whose trusted rules are kept at hand; past it they are found again.
  static constexpr size_t kSourcesKeptMax = 4096;
  // Different sets of trusted rules whose literals are kept ready to be looked for.
  static constexpr size_t kTrustSetsKeptMax = 32;
  // A line is asked about that many patterns by RE2 alone.
  static constexpr size_t kAskedAloneMax = 6;
  // Of lines. A literal in more of them, whose patterns match few of those, is hot.
  static constexpr double kHotShare = 0.01;

  explicit Matcher(std::shared_ptr<const RuleSet> rules);

  // Calls `matched` for each rule that trusts the source and matches the line, in the order of the
  // rules, and then for each whose cancel matches it. `line` is one line, without its end, of any
  // bytes.
  void Match(std::string_view line, std::string_view source,
             absl::FunctionRef<void(const RuleMatch&)> matched);
  // The same for every rule, whatever source it trusts: for people who try rules on a file.
  void MatchAnySource(std::string_view line, absl::FunctionRef<void(const RuleMatch&)> matched);

  // The same for every line of a text, in order, in far less time: lines end with '\n', one '\r'
  // before it belongs to the end, a last line may lack it. `line_number` counts from 1. The text is
  // at most 2 GiB.
  using LineMatched =
      absl::FunctionRef<void(size_t line_number, std::string_view line, const RuleMatch&)>;
  void MatchText(std::string_view text, std::string_view source, LineMatched matched);

  // MatchText in two steps, for those who have something else to do with every line: finds the
  // lines that may match, and then says of one of them, a view that ForEachLine gives, what Match
  // would. Lines are asked for in their order; some may be left out. True where any rule matched
  // it. The text stays as it is in between.
  void Look(std::string_view text, std::string_view source);
  bool MatchLooked(std::string_view line, absl::FunctionRef<void(const RuleMatch&)> matched);

  const RuleSet& rules() const { return *rules_; }
  // Whether any rule trusts the source: where none does, its lines need not be looked at.
  bool Trusts(std::string_view source) { return TrustOf(source)->any; }

  // False from Planning to Use.
  bool WantsPlan() const { return wants_plan_; }
  // Makes a plan from what is known now, whenever and on whatever thread it is called.
  std::function<std::shared_ptr<const MatchPlan>()> Planning();
  void Use(std::shared_ptr<const MatchPlan> plan);

  const MatchPlan& plan() const { return *plan_; }
  const MatchCounts& counts() const { return counts_; }

 private:
  // The rules that trust a source, and what is looked for in its texts.
  struct Trust {
    bool any = false;
    std::vector<bool> patterns;  // whose rule it is
    std::unique_ptr<const LiteralSieve> sieve;
    std::vector<uint32_t> sieve_literals;  // of the plan's
    bool shorts = false;
    bool residual = false;
  };
  // A pattern that may match a line.
  struct Candidate {
    uint32_t begin = 0;  // of the line, in the text
    uint32_t end = 0;
    uint32_t pattern = 0;
    auto operator<=>(const Candidate&) const = default;
  };

  std::shared_ptr<const Trust> TrustOf(std::string_view source);
  std::shared_ptr<const Trust> MakeTrust(const std::vector<bool>& rules) const;
  void NoteLiteral(uint32_t literal, size_t begin);
  void LookByLine();
  void Learn(std::string_view text);
  // In use, in many lines, and not known to be without a better one.
  size_t HotLiterals() const;
  bool Ask(std::string_view line, std::span<const Candidate> candidates,
           absl::FunctionRef<void(const RuleMatch&)> matched);
  bool AskPattern(std::string_view line, size_t pattern,
                  absl::FunctionRef<void(const RuleMatch&)> matched);
  bool AskAll(std::string_view line, const std::vector<bool>& patterns,
              absl::FunctionRef<void(const RuleMatch&)> matched);
  std::span<const Candidate> NextLine();

  std::shared_ptr<const RuleSet> rules_;
  CandidateScanner scanner_;
  const std::vector<bool> all_;
  std::map<std::string, std::shared_ptr<const Trust>, std::less<>> trusted_;
  std::map<std::vector<bool>, std::shared_ptr<const Trust>> trusts_;

  std::shared_ptr<const MatchPlan> plan_;
  std::unique_ptr<CandidateScanner> shorts_;
  std::unique_ptr<CandidateScanner> residual_;
  StreamKnowledge known_;
  bool wants_plan_ = false;
  bool planning_ = false;
  uint64_t looks_ = 0;
  uint64_t bytes_ = 0;       // looked at under this plan
  uint64_t plan_bytes_ = 0;  // after which it is made anew; grows
  uint64_t hot_looked_at_ = 0;
  std::vector<uint64_t> literal_hits_;  // under this plan, as pattern_matches_
  std::vector<uint64_t> pattern_matches_;
  MatchCounts counts_;

  // Of the text that is looked at.
  std::string_view text_;
  std::shared_ptr<const Trust> trust_;
  size_t line_begin_ = 0;
  size_t line_end_ = 0;
  std::vector<uint64_t> literal_lines_;  // of each literal: the look and the line that it was in
  std::vector<Candidate> candidates_;
  size_t next_ = 0;
  // Kept so that a line allocates nothing.
  std::vector<size_t> found_;
  RuleMatch::Captured captured_;
};

// Calls `line` for each line of the text as MatchText sees them.
void ForEachLine(std::string_view text,
                 absl::FunctionRef<void(size_t line_number, std::string_view line)> line);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_MATCHER_H_

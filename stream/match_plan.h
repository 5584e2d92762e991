// By which literals each pattern is looked for: the rare ones. What is rare differs from fleet to
// fleet and from day to day, so a plan is made from what the stream showed so far, and made anew
// when it shows otherwise.
#ifndef FLEETMEDIC_STREAM_MATCH_PLAN_H_
#define FLEETMEDIC_STREAM_MATCH_PLAN_H_

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "stream/candidate_cache.h"
#include "stream/candidates.h"
#include "stream/literal_sieve.h"
#include "stream/literals.h"

namespace fleetmedic {

// What a matcher learnt from the lines that it saw.
struct StreamKnowledge {
  static constexpr size_t kLiteralsMax = 20'000;

  GramCounts grams;
  // Lines that hold the literal, for each line there was. Of literals that are or were in use.
  std::map<Literal, double> hits_per_line;
};

struct PatternToFind {
  Requirement requirement;
  CandidateExpression expression;
  std::optional<std::bitset<256>> begins = std::nullopt;  // LineBegins
};

// Immutable, thread-safe. Patterns are numbered from 0 in the order given.
class MatchPlan {
 public:
  // A text of this many bytes counts as one line where lines are not counted.
  static constexpr double kBytesOfLine = 128;

  // Takes milliseconds for a thousand patterns, and tens of them an expression where one has no
  // literal that is of use. `all` are the patterns' expressions, compiled.
  static std::shared_ptr<const MatchPlan> Make(std::span<const PatternToFind> patterns,
                                               const StreamKnowledge& known,
                                               std::shared_ptr<const CandidateDatabase> all,
                                               const CandidateCache* cache = nullptr);

  struct PlannedLiteral {
    Literal literal;
    int window = 0;                  // of the sieve; not where `is_short`
    bool is_short = false;           // too short for the sieve: Hyperscan looks for it
    std::vector<uint32_t> patterns;  // that are asked about a line that holds it
  };
  const std::vector<PlannedLiteral>& literals() const { return literals_; }

  // The short literals, in whole texts; each is which of literals().
  const std::shared_ptr<const CandidateDatabase>& shorts() const { return shorts_; }
  const std::vector<uint32_t>& short_literals() const { return short_literals_; }
  // The patterns that no literal tells of, line by line; each is which pattern.
  const std::shared_ptr<const CandidateDatabase>& residual() const { return residual_; }
  const std::vector<uint32_t>& residual_patterns() const { return residual_patterns_; }
  // The bytes that a line starts with where one of them may match it.
  const std::bitset<256>& residual_begins() const { return residual_begins_; }

 private:
  MatchPlan() = default;
  void Add(const Literal& literal, uint32_t pattern, const GramCounts& grams,
           std::map<Literal, uint32_t>* numbers);

  std::vector<PlannedLiteral> literals_;
  std::shared_ptr<const CandidateDatabase> shorts_;
  std::vector<uint32_t> short_literals_;
  std::shared_ptr<const CandidateDatabase> residual_;
  std::vector<uint32_t> residual_patterns_;
  std::bitset<256> residual_begins_;
};

// From the cache where it is kept there; compiled, and put there, where it is not. Null where
// `problems` gets any. `cache` may be null.
std::shared_ptr<const CandidateDatabase> CompileOrGet(
    std::span<const CandidateExpression> expressions, const CandidateCache* cache,
    std::vector<CandidateProblem>* problems);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_MATCH_PLAN_H_

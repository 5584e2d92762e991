#include "stream/match_plan.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "base/logging.h"

namespace fleetmedic {
namespace {

// What things cost a line, in nanoseconds, as measured on one core of 2.6 GHz. Only their
// proportions matter.
constexpr double kCompare = 10;   // a window that is known, and the literal behind it
constexpr double kAsk = 250;      // a pattern, of a line
constexpr double kShort = 20;     // a part of looking through the text once more
constexpr double kResidual = 80;  // a part of looking through every line with Hyperscan
// A literal is in fewer lines than its rarest window.
constexpr double kOfRarestWindow = 0.5;
// Three bytes say so little that the counts of four tell nothing.
constexpr double kHitsOfThreeBytes = 0.05;

double GuessedHits(const Literal& literal, const GramCounts& grams) {
  if (literal.text.size() < 4) return kHitsOfThreeBytes;
  double rarest = 1;
  for (size_t i = 0; i + 4 <= literal.text.size(); ++i) {
    rarest = std::min(rarest, grams.Share(std::string_view(literal.text).substr(i, 4)));
  }
  return std::min(1.0, rarest * MatchPlan::kBytesOfLine * kOfRarestWindow);
}

double CostOf(const Literal& literal, const StreamKnowledge& known) {
  const auto seen = known.hits_per_line.find(literal);
  const double hits =
      seen != known.hits_per_line.end() ? seen->second : GuessedHits(literal, known.grams);
  if (literal.text.size() < LiteralSieve::kBytesMin) return kShort + hits * kAsk;
  const SieveWindow window = LiteralSieve::BestWindow(literal, known.grams);
  return window.share * MatchPlan::kBytesOfLine * kCompare + hits * kAsk;
}

}  // namespace

std::shared_ptr<const CandidateDatabase> CompileOrGet(
    std::span<const CandidateExpression> expressions, const CandidateCache* cache,
    std::vector<CandidateProblem>* problems) {
  if (cache == nullptr) return CandidateDatabase::Compile(expressions, problems);
  if (auto kept = cache->Get(expressions); kept != nullptr) return kept;
  auto database = CandidateDatabase::Compile(expressions, problems);
  if (database == nullptr) return nullptr;
  if (const Status put = cache->Put(expressions, *database); !put) {
    LogWarning("cannot keep the compiled rules; the next start compiles them again",
               {{"error", put.error().message}});
  }
  return database;
}

std::shared_ptr<const MatchPlan> MatchPlan::Make(std::span<const PatternToFind> patterns,
                                                 const StreamKnowledge& known,
                                                 std::shared_ptr<const CandidateDatabase> all,
                                                 const CandidateCache* cache) {
  std::shared_ptr<MatchPlan> plan(new MatchPlan);
  // The same literal stands in many patterns.
  std::map<Literal, double> costs;
  const auto cost = [&](const Literal& literal) {
    const auto [at, is_new] = costs.try_emplace(literal, 0.0);
    if (is_new) at->second = CostOf(literal, known);
    return at->second;
  };
  std::map<Literal, uint32_t> numbers;
  std::vector<CandidateExpression> residual;
  for (uint32_t i = 0; i < patterns.size(); ++i) {
    const std::optional<LiteralPick> pick = Cheapest(patterns[i].requirement, cost);
    if (!pick || pick->cost > kResidual) {
      plan->residual_patterns_.push_back(i);
      residual.push_back(patterns[i].expression);
      plan->residual_begins_ |= patterns[i].begins.value_or(std::bitset<256>().set());
      continue;
    }
    for (const Literal& literal : pick->literals) plan->Add(literal, i, known.grams, &numbers);
  }
  std::vector<CandidateExpression> shorts;
  for (const uint32_t literal : plan->short_literals_) {
    const Literal& one = plan->literals_[literal].literal;
    shorts.push_back({one.text, one.ignore_case, true});
  }
  std::vector<CandidateProblem> problems;
  plan->shorts_ = CompileOrGet(shorts, cache, &problems);
  // A literal is text: Hyperscan has nothing to refuse in it.
  FLEETMEDIC_CHECK(plan->shorts_ != nullptr);
  plan->residual_ = CompileOrGet(residual, cache, &problems);
  if (plan->residual_ == nullptr) {
    // Each was compiled with all the others before; those together do the same more slowly.
    LogWarning("some patterns do not compile without the others; all are asked about each line",
               {{"error", problems.front().message}});
    plan->residual_ = std::move(all);
    plan->residual_begins_.set();
    plan->residual_patterns_.resize(patterns.size());
    std::iota(plan->residual_patterns_.begin(), plan->residual_patterns_.end(), 0u);
  }
  return plan;
}

void MatchPlan::Add(const Literal& literal, uint32_t pattern, const GramCounts& grams,
                    std::map<Literal, uint32_t>* numbers) {
  const auto [at, is_new] = numbers->try_emplace(literal, static_cast<uint32_t>(literals_.size()));
  if (is_new) {
    PlannedLiteral planned{literal, 0, literal.text.size() < LiteralSieve::kBytesMin, {}};
    if (planned.is_short) {
      short_literals_.push_back(at->second);
    } else {
      planned.window = LiteralSieve::BestWindow(literal, grams).offset;
    }
    literals_.push_back(std::move(planned));
  }
  literals_[at->second].patterns.push_back(pattern);
}

}  // namespace fleetmedic

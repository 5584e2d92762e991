#include "stream/attribution.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <numbers>
#include <utility>

#include "stream/hypergeometric.h"

namespace fleetmedic {
namespace {

constexpr size_t kFactsMax = 3;
// A pair that fewer have is not looked at.
constexpr size_t kPairHitMin = 3;
// A key of which some value is less likely than this by chance does differ.
constexpr double kDifferentP = 0.05;

bool HasBit(std::span<const uint64_t> bits, size_t i) {
  return (bits[i / 64] >> (i % 64) & 1) != 0;
}

HostBits Both(std::span<const uint64_t> a, std::span<const uint64_t> b) {
  HostBits both(a.size());
  for (size_t w = 0; w < a.size(); ++w) both[w] = a[w] & b[w];
  return both;
}

// The question, put in order.
struct Hits {
  std::vector<HostIndex> hosts;
  std::map<HostIndex, WallTime> first;  // empty where the question does not tell
  uint64_t untold = 0;
};

HostBits PopulationOf(const HostTable& table, const WhyQuestion& question) {
  HostBits population(table.told().begin(), table.told().end());
  if (question.population.empty()) return population;
  for (size_t w = 0; w < population.size(); ++w) {
    population[w] &= w < question.population.size() ? question.population[w] : 0;
  }
  return population;
}

Hits HitsOf(const HostTable& table, const WhyQuestion& question, const HostBits& population) {
  Hits hits;
  for (size_t i = 0; i < question.hit.size(); ++i) {
    const HostIndex host = question.hit[i];
    if (host >= table.index_end()) continue;
    if (!HasBit(table.told(), host)) ++hits.untold;
    if (!HasBit(population, host)) continue;
    hits.hosts.push_back(host);
    if (i < question.first_hits.size()) hits.first.emplace(host, question.first_hits[i]);
  }
  std::ranges::sort(hits.hosts);
  hits.hosts.erase(std::ranges::unique(hits.hosts).begin(), hits.hosts.end());
  return hits;
}

WhyVerdict VerdictOf(const FactComparison& comparison, const WhyLimits& limits) {
  if (comparison.hit() < limits.hit_min) return WhyVerdict::kTooFewHit;
  if (comparison.hosts() - comparison.hit() < limits.others_min) return WhyVerdict::kTooFewOthers;
  return WhyVerdict::kCompared;
}

WhyFact InWords(const HostTable& table, const FactRef& fact) {
  switch (fact.kind) {
    case FactKind::kValue:
      return {table.KeyName(fact.key), table.ValueName(fact.key, fact.value), FactTime::kAny};
    case FactKind::kChanged:
      return {table.KeyName(fact.key), "", FactTime::kLately};
    case FactKind::kBooted:
      return {"boot", "", FactTime::kLately};
    case FactKind::kWork:
    case FactKind::kWorkStarted:
      break;
  }
  const std::string& name = table.WorkName(fact.value);
  const size_t equals = name.find('=');
  const FactTime time = fact.kind == FactKind::kWork ? FactTime::kAny : FactTime::kLately;
  if (equals == std::string::npos) return {"work", name, time};
  return {name.substr(0, equals), name.substr(equals + 1), time};
}

WhyFacts InWords(const HostTable& table, std::span<const FactRef> facts) {
  WhyFacts words;
  for (const FactRef& fact : facts) words.push_back(InWords(table, fact));
  return words;
}

// One fact, or several that hold together, that may be the cause.
struct Candidate {
  std::vector<FactRef> facts;
  std::vector<size_t> parts;  // which of the singles
  ComparedFact numbers;
  HostBits hit_bits;
  HostBits bits;              // empty until they are needed
  std::vector<FactRef> same;  // of a single
};

// Looks for one cause.
class CauseSearch {
 public:
  CauseSearch(FactComparison* comparison, const WhyLimits& limits, double false_causes)
      : comparison_(*comparison), limits_(limits) {
    const double level = std::log(false_causes / kFactsMax);
    for (size_t n = 1; n <= kFactsMax; ++n)
      levels_[n] = level - std::log(comparison_.sets_tested(n));
  }

  // The best, and which others are as good. Empty: none.
  std::vector<Candidate> Find() {
    FindSingles();
    for (const Candidate& single : singles_) {
      if (single.numbers.log_p <= levels_[1]) found_.push_back(single);
    }
    const std::vector<Candidate> pairs = FindPairs();
    found_.insert(found_.end(), pairs.begin(), pairs.end());
    FindTriples(pairs);
    std::ranges::stable_sort(found_, {}, [](const Candidate& c) { return c.numbers.log_p; });
    if (found_.empty()) return {};
    const Candidate& best = found_.front();
    const double tie_log_p = best.numbers.log_p + std::log(limits_.tie_factor);
    std::erase_if(found_, [&](const Candidate& c) {
      const size_t shared = CountBoth(c.hit_bits, best.hit_bits);
      return c.numbers.log_p > tie_log_p || shared * 2 < best.numbers.hit;
    });
    if (found_.size() > limits_.ties_max + 1) found_.resize(limits_.ties_max + 1);
    EnsureBits(&found_.front());
    return std::move(found_);
  }

 private:
  void FindSingles();
  std::vector<Candidate> FindPairs();
  void FindTriples(const std::vector<Candidate>& pairs);
  std::optional<Candidate> Join(Candidate* a, Candidate* b);
  bool Beats(const ComparedFact& set, const ComparedFact& part) const;
  int Rank(const FactRef& fact) const;
  void EnsureBits(Candidate* candidate) const;

  FactComparison& comparison_;
  const WhyLimits& limits_;
  double levels_[kFactsMax + 1] = {};
  std::vector<Candidate> singles_;
  std::vector<Candidate> found_;
};

// Which of several that the same hosts have names them: a fact that these hosts came to have
// lately, then what a host is, what it runs, and last that something changed, whatever to.
int CauseSearch::Rank(const FactRef& fact) const {
  if (fact.kind == FactKind::kBooted) return 4;
  if (fact.kind == FactKind::kChanged || fact.kind == FactKind::kWorkStarted) return 3;
  size_t lately = 0;
  size_t have = 0;
  for (const uint32_t since : comparison_.HitSince(fact)) {
    if (since == FactComparison::kHasNot) continue;
    ++have;
    lately += since >= comparison_.recent_seconds() ? 1 : 0;
  }
  if (lately * 2 >= have) return 0;
  return fact.kind == FactKind::kValue ? 1 : 2;
}

void CauseSearch::EnsureBits(Candidate* candidate) const {
  if (!candidate->bits.empty()) return;
  for (const FactRef& fact : candidate->facts) {
    HostBits bits = comparison_.Bits(fact);
    candidate->bits = candidate->bits.empty() ? std::move(bits) : Both(candidate->bits, bits);
  }
}

void CauseSearch::FindSingles() {
  std::vector<ComparedFact> facts = comparison_.Facts(2);
  const double log_p_max = std::log(limits_.part_p_max);
  std::erase_if(facts, [&](const ComparedFact& f) { return f.log_p > log_p_max; });
  std::ranges::stable_sort(facts, {}, &ComparedFact::log_p);
  if (facts.size() > 2 * limits_.parts_max) facts.resize(2 * limits_.parts_max);
  std::vector<std::pair<std::pair<double, int>, ComparedFact>> ranked;
  for (const ComparedFact& f : facts) ranked.push_back({{f.log_p, Rank(f.fact)}, f});
  std::ranges::stable_sort(ranked, {}, [](const auto& item) { return item.first; });
  for (const auto& [rank, fact] : ranked) {
    Candidate single;
    single.facts = {fact.fact};
    single.numbers = fact;
    single.hit_bits = comparison_.HitBits(fact.fact);
    const auto is_same = [&](Candidate& other) {
      if (other.numbers.hosts != fact.hosts || other.hit_bits != single.hit_bits) return false;
      EnsureBits(&single);
      EnsureBits(&other);
      return other.bits == single.bits;
    };
    const auto same = std::ranges::find_if(singles_, is_same);
    if (same != singles_.end()) {
      same->same.push_back(fact.fact);
    } else if (singles_.size() < limits_.parts_max) {
      single.parts = {singles_.size()};
      singles_.push_back(std::move(single));
    }
  }
}

// Whether the set's hosts are hit more than hosts that have only its part: the same test, among
// the hosts of the part.
bool CauseSearch::Beats(const ComparedFact& set, const ComparedFact& part) const {
  const double log_p = LogHypergeometricTail(part.hosts, set.hosts, part.hit, set.hit);
  return log_p <= levels_[1];
}

// Both together, where the hosts that have both beat those that have the one or the other and are
// more than chance puts there.
std::optional<Candidate> CauseSearch::Join(Candidate* a, Candidate* b) {
  Candidate joined;
  joined.numbers.hit = static_cast<uint32_t>(CountBoth(a->hit_bits, b->hit_bits));
  if (joined.numbers.hit < kPairHitMin) return std::nullopt;
  // If no host had both but those that are hit: better it cannot be.
  joined.numbers.hosts = joined.numbers.hit;
  if (!Beats(joined.numbers, a->numbers) || !Beats(joined.numbers, b->numbers)) {
    return std::nullopt;
  }
  EnsureBits(a);
  EnsureBits(b);
  joined.numbers.hosts = static_cast<uint32_t>(CountBoth(a->bits, b->bits));
  if (!Beats(joined.numbers, a->numbers) || !Beats(joined.numbers, b->numbers)) {
    return std::nullopt;
  }
  comparison_.Test(&joined.numbers);
  joined.facts = a->facts;
  joined.facts.insert(joined.facts.end(), b->facts.begin(), b->facts.end());
  if (joined.numbers.log_p > levels_[joined.facts.size()]) return std::nullopt;
  joined.parts = a->parts;
  joined.parts.insert(joined.parts.end(), b->parts.begin(), b->parts.end());
  joined.hit_bits = Both(a->hit_bits, b->hit_bits);
  joined.bits = Both(a->bits, b->bits);
  return joined;
}

std::vector<Candidate> CauseSearch::FindPairs() {
  std::vector<Candidate> pairs;
  for (size_t i = 0; i < singles_.size(); ++i) {
    for (size_t j = i + 1; j < singles_.size(); ++j) {
      std::optional<Candidate> pair = Join(&singles_[i], &singles_[j]);
      if (!pair) continue;
      // Nothing new where one fact has the same hosts.
      const bool is_single = std::ranges::any_of(singles_, [&](Candidate& single) {
        if (single.numbers.hosts != pair->numbers.hosts) return false;
        EnsureBits(&single);
        return single.bits == pair->bits;
      });
      if (!is_single) pairs.push_back(std::move(*pair));
    }
  }
  std::ranges::stable_sort(pairs, {}, [](const Candidate& c) { return c.numbers.log_p; });
  if (pairs.size() > limits_.pairs_kept_max) pairs.resize(limits_.pairs_kept_max);
  return pairs;
}

void CauseSearch::FindTriples(const std::vector<Candidate>& pairs) {
  std::vector<std::vector<size_t>> seen;
  for (Candidate pair : pairs) {
    for (size_t k = 0; k < singles_.size(); ++k) {
      if (std::ranges::find(pair.parts, k) != pair.parts.end()) continue;
      std::vector<size_t> parts = {pair.parts[0], pair.parts[1], k};
      std::ranges::sort(parts);
      if (std::ranges::find(seen, parts) != seen.end()) continue;
      seen.push_back(parts);
      std::optional<Candidate> triple = Join(&pair, &singles_[k]);
      if (!triple) continue;
      const bool beats_all = std::ranges::all_of(pair.parts, [&](size_t i) {
        ComparedFact other;
        other.hit = static_cast<uint32_t>(CountBoth(singles_[i].hit_bits, singles_[k].hit_bits));
        EnsureBits(&singles_[i]);
        other.hosts = static_cast<uint32_t>(CountBoth(singles_[i].bits, singles_[k].bits));
        return Beats(triple->numbers, other);
      });
      if (beats_all) found_.push_back(std::move(*triple));
    }
  }
}

// When and from what the hit that have the cause came to have it.
void FillChange(const HostTable& table, const Candidate& found, const FactComparison& comparison,
                const Hits& hits, WhyCause* cause) {
  const std::span<const HostIndex> hit = comparison.hit_hosts();
  std::vector<FactRef> facts = found.facts;
  facts.insert(facts.end(), found.same.begin(), found.same.end());
  std::vector<std::pair<uint32_t, HostIndex>> best;
  const FactRef* changed = nullptr;
  for (const FactRef& fact : facts) {
    std::vector<std::pair<uint32_t, HostIndex>> lately;
    const std::vector<uint32_t> since = comparison.HitSince(fact);
    for (size_t i = 0; i < hit.size(); ++i) {
      if (!HasBit(found.hit_bits, i) || since[i] == FactComparison::kHasNot) continue;
      if (since[i] >= comparison.recent_seconds()) lately.push_back({since[i], hit[i]});
    }
    if (lately.size() * 2 < found.numbers.hit || lately.size() <= best.size()) continue;
    best = std::move(lately);
    changed = &fact;
  }
  if (changed == nullptr) return;
  std::ranges::sort(best);
  cause->changed_at = WallFromMillis(int64_t{best[best.size() / 2].first} * 1000);
  cause->changed_key = InWords(table, *changed).key;
  std::vector<Millis> after;
  std::map<ValueNumber, size_t> from;
  for (const auto& [since, host] : best) {
    if (changed->kind == FactKind::kValue || changed->kind == FactKind::kChanged) {
      ++from[table.OldValue(changed->key, host)];
    }
    const auto first = hits.first.find(host);
    if (first == hits.first.end()) continue;
    after.push_back(Millis(MillisOf(first->second) - int64_t{since} * 1000));
  }
  const auto most =
      std::ranges::max_element(from, {}, [](const auto& item) { return item.second; });
  if (most != from.end() && most->second * 2 > best.size() && most->first != kValueUnknown) {
    cause->changed_from = table.ValueName(changed->key, most->first);
  }
  std::ranges::sort(after);
  const auto before = std::ranges::count_if(after, [](Millis m) { return m < Millis(0); });
  if (!after.empty() && static_cast<size_t>(before) * 5 <= after.size()) {
    cause->hit_after = std::max(Millis(0), after[after.size() / 2]);
  }
}

WhyCause CauseOf(const HostTable& table, const std::vector<Candidate>& found,
                 const FactComparison& comparison, const WhyLimits& limits) {
  const Candidate& best = found.front();
  WhyCause cause;
  cause.facts = InWords(table, best.facts);
  cause.hit_with = best.numbers.hit;
  cause.hit = comparison.hit();
  cause.hosts_with = best.numbers.hosts;
  cause.hosts = comparison.hosts();
  cause.llr = best.numbers.llr;
  const double tried = std::log(comparison.sets_tested(best.facts.size()) * kFactsMax);
  cause.log10_p = std::min(0.0, (best.numbers.log_p + tried) / std::numbers::ln10);
  for (const FactRef& same : best.same) {
    if (cause.same.size() < limits.same_max) cause.same.push_back({InWords(table, same)});
  }
  for (size_t i = 1; i < found.size(); ++i) cause.ties.push_back(InWords(table, found[i].facts));
  cause.likely = cause.hit < limits.sure_min || !cause.ties.empty();
  return cause;
}

// The fixed keys first, in their order.
std::vector<std::string> NotDifferent(const std::map<std::string, KeyComparison>& keys,
                                      size_t keys_max) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name, const KeyComparison& key) {
    if (key.values == 0 || names.size() >= keys_max) return;
    const double log_p = key.log_p_min + std::log(static_cast<double>(key.values));
    if (log_p > std::log(kDifferentP)) names.push_back(name);
  };
  for (const std::string_view fixed : HostTable::kFixedKeys) {
    const auto key = keys.find(std::string(fixed));
    if (key != keys.end()) add(key->first, key->second);
  }
  for (const auto& [name, key] : keys) {
    if (std::ranges::find(HostTable::kFixedKeys, name) == std::end(HostTable::kFixedKeys)) {
      add(name, key);
    }
  }
  return names;
}

}  // namespace

Why ExplainHosts(const HostTable& table, const WhyQuestion& question, const WhyLimits& limits) {
  HostBits population = PopulationOf(table, question);
  const Hits hits = HitsOf(table, question, population);
  std::vector<HostIndex> hit = hits.hosts;
  const WallTime recent_since = question.now - limits.recent;
  Why why;
  why.untold = hits.untold;
  double false_causes = limits.false_causes;
  for (size_t round = 0; round < limits.causes_max; ++round) {
    if (round > 0 && hit.size() < limits.hit_min) break;
    FactComparison comparison(table, population, hit, recent_since);
    const WhyVerdict verdict = VerdictOf(comparison, limits);
    if (round == 0) {
      why.verdict = verdict;
      why.hit = comparison.hit();
      why.hosts = comparison.hosts();
      why.facts_tested = comparison.facts_tested();
    }
    if (verdict != WhyVerdict::kCompared) break;
    // Halved for each further question, so that all of them together keep the promise.
    false_causes /= 2;
    CauseSearch search(&comparison, limits, false_causes);
    const std::vector<Candidate> found = search.Find();
    if (round == 0) {
      why.not_different = NotDifferent(comparison.keys(), limits.not_different_max);
    }
    if (found.empty()) break;
    const Candidate& best = found.front();
    WhyCause cause = CauseOf(table, found, comparison, limits);
    cause.hit_set_aside = why.hit - comparison.hit();
    FillChange(table, best, comparison, hits, &cause);
    why.causes.push_back(std::move(cause));
    std::erase_if(hit, [&](HostIndex host) { return HasBit(best.bits, host); });
    for (size_t w = 0; w < population.size(); ++w) population[w] &= ~best.bits[w];
  }
  return why;
}

Differences CompareHosts(const HostTable& table, const WhyQuestion& question,
                         const WhyLimits& limits) {
  const HostBits population = PopulationOf(table, question);
  Hits hits = HitsOf(table, question, population);
  FactComparison comparison(table, population, std::move(hits.hosts), question.now - limits.recent);
  Differences differences;
  differences.verdict = VerdictOf(comparison, limits);
  differences.hit = comparison.hit();
  differences.hosts = comparison.hosts();
  differences.untold = hits.untold;
  if (differences.verdict != WhyVerdict::kCompared) return differences;
  const uint64_t hit = comparison.hit();
  const uint64_t hosts = comparison.hosts();
  // Either more or fewer: twice as many questions.
  const double tried = std::log(2.0 * static_cast<double>(comparison.facts_tested()));
  std::vector<ComparedFact> facts = comparison.Facts(0);
  std::map<std::string, KeyComparison> keys = comparison.keys();
  for (ComparedFact& fact : facts) {
    const WhyFact words = InWords(table, fact.fact);
    if (fact.llr == 0) {
      fact.log_p = LogHypergeometricTail(hosts, fact.hosts, hosts - hit, fact.hosts - fact.hit);
    }
    const auto key = keys.find(words.key);
    if (key != keys.end()) key->second.log_p_min = std::min(key->second.log_p_min, fact.log_p);
    if (fact.log_p + tried > std::log(kDifferentP)) continue;
    DifferenceRow row;
    row.fact = words;
    row.hit_with = fact.hit;
    row.hosts_with = fact.hosts;
    row.hit_share = static_cast<double>(fact.hit) / static_cast<double>(hit);
    row.others_share =
        static_cast<double>(fact.hosts - fact.hit) / static_cast<double>(hosts - hit);
    row.log10_p = std::min(0.0, (fact.log_p + tried) / std::numbers::ln10);
    differences.rows.push_back(std::move(row));
  }
  std::ranges::stable_sort(differences.rows, {}, &DifferenceRow::log10_p);
  if (differences.rows.size() > limits.rows_max) differences.rows.resize(limits.rows_max);
  differences.not_different = NotDifferent(keys, limits.not_different_max);
  return differences;
}

}  // namespace fleetmedic

// The why: what hosts that are hit have in common and the others have not. Pure: the answer follows
// from the table and the question alone.
//
// Each value of each fact is a question of its own, "do more of the hit have it than chance puts
// there", and so is each set of two or three facts that stand out. Answers are exact tails of the
// hypergeometric distribution, corrected by Bonferroni for every fact, pair or triple that could
// have been asked, whether it was or not: which ones stand out is known only from who is hit. A set
// of facts counts only where it beats each of its parts, tested among the hosts that have that
// part. What has been explained is then set aside, hosts that are hit and hosts that are not, and
// what is left is asked again.
#ifndef FLEETMEDIC_STREAM_ATTRIBUTION_H_
#define FLEETMEDIC_STREAM_ATTRIBUTION_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "stream/fact_comparison.h"
#include "stream/host_table.h"

namespace fleetmedic {

struct WhyLimits {
  // Fewer hosts that are hit, or fewer others, are not compared.
  size_t hit_min = 4;
  size_t others_min = 4;
  // Fewer hosts that are hit are not sure: what is found is likely.
  size_t sure_min = 8;
  // How often a cause may be named where there is none, for one question.
  double false_causes = 0.01;
  // A fact that is so little more likely than the best is named beside it: 20 times.
  double tie_factor = 20;
  // A change or start counts as such for so long.
  Minutes recent{60};
  // Facts that are tried in sets: the ones that stand out most, and stand out at all.
  size_t parts_max = 32;
  double part_p_max = 0.02;
  size_t pairs_kept_max = 16;
  size_t causes_max = 4;
  size_t ties_max = 8;
  size_t same_max = 8;
  size_t not_different_max = 64;
  size_t rows_max = 64;
};

struct WhyQuestion {
  // In any order. A host that told neither facts nor work is counted (Why::untold) and left out.
  std::span<const HostIndex> hit;
  // When each of `hit` was hit first; or empty.
  std::span<const WallTime> first_hits;
  // One bit for each index: among whom the hit are compared. Empty: all that told.
  std::span<const uint64_t> population;
  WallTime now = kWallNever;
};

enum class FactTime : uint8_t { kAny, kLately };

// A fact in words. `value` is as the host told it: hostile.
struct WhyFact {
  std::string key;    // "kernel", "job", "boot" for that it booted
  std::string value;  // empty where it is any: "kernel changed in the last hour"
  // That it came to be so within WhyLimits::recent.
  FactTime time = FactTime::kAny;

  bool operator==(const WhyFact&) const = default;
};
using WhyFacts = std::vector<WhyFact>;  // that hold together, at most three

struct WhyCause {
  WhyFacts facts;
  uint64_t hit_with = 0;  // of the hosts that are hit: a of X
  uint64_t hit = 0;
  uint64_t hosts_with = 0;  // of all that are compared: n of N
  uint64_t hosts = 0;
  double llr = 0;
  double log10_p = 0;          // of so many by chance, corrected for all that was tried
  std::vector<WhyFacts> same;  // facts that exactly the same hosts have
  std::vector<WhyFacts> ties;  // that explain as well; the best first
  bool likely = false;         // too few hosts to be sure
  // Of the first cause 0. Of a later one, hosts that an earlier one explains are set aside: they
  // are in none of its numbers.
  uint64_t hit_set_aside = 0;
  // Where at least half of the hit that have it came to have it lately: the middle of when, from
  // what most of them (empty where they had none), and how long the first hit of a host came after
  // (none where more than one of five were hit before).
  WallTime changed_at = kWallNever;
  std::string changed_key;
  std::string changed_from;
  std::optional<Millis> hit_after;
};

enum class WhyVerdict : uint8_t {
  kCompared,
  kTooFewHit,     // below WhyLimits::hit_min
  kTooFewOthers,  // everybody is hit: there is nobody to compare with
};

struct Why {
  WhyVerdict verdict = WhyVerdict::kCompared;
  uint64_t hit = 0;
  uint64_t hosts = 0;   // that are compared, the hit among them
  uint64_t untold = 0;  // that are hit and told nothing
  uint64_t facts_tested = 0;
  // The strongest first. Empty where nothing tells them apart.
  std::vector<WhyCause> causes;
  // Keys of which no value is more common among the hit than chance puts there.
  std::vector<std::string> not_different;
};

Why ExplainHosts(const HostTable& table, const WhyQuestion& question, const WhyLimits& limits = {});

// One fact of what differs between a selection of hosts and the others.
struct DifferenceRow {
  WhyFact fact;
  uint64_t hit_with = 0;    // of Differences::hit
  uint64_t hosts_with = 0;  // of Differences::hosts
  double hit_share = 0;     // 0 to 1
  double others_share = 0;
  double log10_p = 0;  // of so many, or so few, by chance; corrected for all facts
};

struct Differences {
  WhyVerdict verdict = WhyVerdict::kCompared;
  uint64_t hit = 0;
  uint64_t hosts = 0;
  uint64_t untold = 0;
  std::vector<DifferenceRow> rows;  // the strongest first, also what the hit lack
  std::vector<std::string> not_different;
};

Differences CompareHosts(const HostTable& table, const WhyQuestion& question,
                         const WhyLimits& limits = {});

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_ATTRIBUTION_H_

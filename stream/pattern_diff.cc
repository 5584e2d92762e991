#include "stream/pattern_diff.h"

#include <utility>

#include "stream/why_text.h"

namespace fleetmedic {

PatternDiff DifferencesOf(const HostTable& table, std::span<const HostIndex> hit,
                          std::span<const uint64_t> among, WallTime now) {
  WhyQuestion question;
  question.hit = hit;
  question.population = among;
  question.now = now;
  Differences differences = CompareHosts(table, question);
  PatternDiff diff;
  diff.hit = differences.hit;
  diff.others = differences.hosts - differences.hit;
  diff.enough = differences.verdict == WhyVerdict::kCompared;
  diff.why = WhyText(ExplainHosts(table, question));
  if (!diff.enough) return diff;
  for (const DifferenceRow& row : differences.rows) {
    diff.rows.push_back({row.fact.key, row.fact.value, row.fact.time == FactTime::kLately,
                         row.hit_with, diff.hit, row.hosts_with - row.hit_with, diff.others,
                         row.log10_p});
  }
  diff.not_different = std::move(differences.not_different);
  return diff;
}

}  // namespace fleetmedic

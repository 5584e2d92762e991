#include "stream/pattern_diff.h"

#include <fmt/format.h>

namespace fleetmedic {
namespace {

std::string FactText(const WhyFact& fact) {
  const bool lately = fact.time == FactTime::kLately;
  if (fact.key == "host") return "a boot in the last hour";
  if (fact.value.empty()) return fact.key + " changed in the last hour";
  return fact.key + " " + fact.value + (lately ? " since the last hour" : "");
}

std::string WhyText(const Why& why, const Differences& differences) {
  switch (differences.verdict) {
    case WhyVerdict::kTooFewHit:
      return fmt::format("{} hosts hit are too few to compare.", GroupedNumber(differences.hit));
    case WhyVerdict::kTooFewOthers:
      return fmt::format("There are too few other hosts to compare with: {}.",
                         GroupedNumber(differences.hosts - differences.hit));
    case WhyVerdict::kCompared:
      break;
  }
  if (why.causes.empty()) return "Nothing that hosts tell of themselves tells them apart.";
  const WhyCause& cause = why.causes.front();
  std::string text = fmt::format(
      "{} of {} hit have {}; {} of {} others do.", GroupedNumber(cause.hit_with),
      GroupedNumber(cause.hit), FactsText(cause.facts),
      GroupedNumber(cause.hosts_with - cause.hit_with), GroupedNumber(cause.hosts - cause.hit));
  if (cause.likely) text = "Likely: " + text;
  if (!cause.same.empty())
    text += fmt::format(" The same hosts have {}.", FactsText(cause.same[0]));
  return text;
}

}  // namespace

std::string GroupedNumber(uint64_t number) {
  std::string text = std::to_string(number);
  for (size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, 1, ',');
  return text;
}

std::string FactsText(const WhyFacts& facts) {
  std::string text;
  for (const WhyFact& fact : facts) text += (text.empty() ? "" : " and ") + FactText(fact);
  return text;
}

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
  diff.why = WhyText(diff.enough ? ExplainHosts(table, question) : Why(), differences);
  if (differences.untold > 0) {
    diff.why +=
        fmt::format(" {} hosts hit told nothing of themselves.", GroupedNumber(differences.untold));
  }
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

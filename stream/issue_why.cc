#include "stream/issue_why.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "stream/attribution.h"

namespace fleetmedic {
namespace {

constexpr std::string_view kLately = "changed in the last hour";

// "kernel" and "6.1.99", "since the last hour" where that is what tells.
std::pair<std::string, std::string> FactOf(const WhyFact& fact) {
  if (fact.time == FactTime::kAny) return {fact.key, fact.value};
  if (fact.value.empty()) return {fact.key, std::string(kLately)};
  return {fact.key, fmt::format("{} ({})", fact.value, kLately)};
}

std::string SameText(const WhyFacts& facts) {
  std::string text;
  for (const WhyFact& fact : facts) {
    const auto [key, value] = FactOf(fact);
    text += (text.empty() ? "" : " and ") + key + "=" + VisibleText(value);
  }
  return text;
}

// 3,959
std::string Grouped(uint64_t number) {
  std::string text = std::to_string(number);
  for (size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string FactsText(const WhyFacts& facts) {
  std::string text;
  for (const WhyFact& fact : facts) {
    const auto [key, value] = FactOf(fact);
    text += (text.empty() ? "" : " and ") + key + " " + VisibleText(value);
  }
  return text;
}

// "41 of 41 hit have kernel 6.1.99; 0 of 3,959 others do."
std::string SentenceOf(const WhyCause& cause) {
  std::string text =
      fmt::format("{}{} of {} hit have {}; {} of {} others do.", cause.likely ? "Likely: " : "",
                  Grouped(cause.hit_with), Grouped(cause.hit), FactsText(cause.facts),
                  Grouped(cause.hosts_with - cause.hit_with), Grouped(cause.hosts - cause.hit));
  if (cause.hit_after) {
    text += fmt::format(" They were hit {} after it changed.", FormatDuration(*cause.hit_after));
  }
  return text;
}

std::string SentenceOf(const Why& why) {
  switch (why.verdict) {
    case WhyVerdict::kTooFewHit:
      return fmt::format("Not enough hosts to compare ({}).", why.hit);
    case WhyVerdict::kTooFewOthers:
      return fmt::format("{} of {} hosts are hit: there is nobody to compare with.",
                         Grouped(why.hit), Grouped(why.hosts));
    case WhyVerdict::kCompared:
      break;
  }
  if (!why.causes.empty()) return SentenceOf(why.causes[0]);
  return fmt::format("Nothing that is known tells the {} hosts that are hit from the {} others.",
                     Grouped(why.hit), Grouped(why.hosts - why.hit));
}

IssueCause CauseOf(const WhyCause& cause) {
  IssueCause out;
  for (const WhyFact& fact : cause.facts) out.facts.push_back(FactOf(fact));
  for (const WhyFacts& facts : cause.same) {
    if (out.same_hosts.size() < FleetIssue::kSameHostsMax) {
      out.same_hosts.push_back(SameText(facts));
    }
  }
  out.hit_with = cause.hit_with;
  out.hit = cause.hit;
  out.others_with = cause.hosts_with - cause.hit_with;
  out.others = cause.hosts - cause.hit;
  out.log10_p = cause.log10_p;
  out.likely = cause.likely;
  out.changed_at = cause.changed_at;
  out.sentence = SentenceOf(cause);
  return out;
}

}  // namespace

void ExplainIssue(const HostTable& table, std::span<const HostHit> hits, WallTime now,
                  FleetIssue* issue) {
  std::vector<HostIndex> hosts;
  std::vector<WallTime> firsts;
  for (const HostHit& hit : hits) {
    hosts.push_back(hit.host);
    firsts.push_back(hit.first);
  }
  const Why why =
      ExplainHosts(table, {.hit = hosts, .first_hits = firsts, .population = {}, .now = now});
  issue->causes.clear();
  for (const WhyCause& cause : why.causes) {
    if (issue->causes.size() < FleetIssue::kCausesMax) issue->causes.push_back(CauseOf(cause));
  }
  issue->not_different = why.not_different;
  if (issue->not_different.size() > FleetIssue::kNotDifferentMax) {
    issue->not_different.resize(FleetIssue::kNotDifferentMax);
  }
  issue->why = SentenceOf(why);
  issue->response =
      "Drains of these hosts that are part of it are held until it closes; a person may still "
      "drain one by name.";
}

}  // namespace fleetmedic

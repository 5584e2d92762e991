#include "stream/why_text.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/cap_text.h"
#include "base/text.h"

namespace fleetmedic {
namespace {

constexpr size_t kWordBytesMax = 80;
constexpr size_t kListedMax = 3;
constexpr size_t kCausesTold = 2;

// How a sentence goes on after "41 of 41 hit", and how a fact is called alone.
struct Phrase {
  std::string_view key;
  std::string_view verb;  // "run", "are in"
  std::string_view noun;
};
constexpr std::array<Phrase, 10> kPhrases = {{{"cell", "are in", "cell"},
                                              {"pool", "are in", "pool"},
                                              {"rack", "are in", "rack"},
                                              {"zone", "are in", "zone"},
                                              {"kernel", "run", "kernel"},
                                              {"image", "run", "image"},
                                              {"instance_type", "are", "instance type"},
                                              {"agent_version", "run", "agent"},
                                              {"job", "run", "job"},
                                              {"task_image", "run", "task image"}}};

std::string Word(std::string_view text) {
  std::string word(text.substr(0, kWordBytesMax + 4));
  const bool is_cut = text.size() > kWordBytesMax;
  CapText(&word, kWordBytesMax);
  return VisibleText(word) + (is_cut ? "..." : "");
}

Phrase PhraseOf(std::string_view key) {
  const auto known = std::ranges::find(kPhrases, key, &Phrase::key);
  return known != kPhrases.end() ? *known : Phrase{key, "have", key};
}

std::string Count(uint64_t n) {
  std::string digits = std::to_string(n);
  for (size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

bool IsLately(const WhyFact& fact) { return fact.time == FactTime::kLately; }

// "kernel 6.1.99", "kernel changed in the last hour".
std::string FactText(const WhyFact& fact) {
  const std::string noun = Word(PhraseOf(fact.key).noun);
  if (!IsLately(fact)) return noun + " " + Word(fact.value);
  if (fact.key == "boot") return "booted in the last hour";
  if (fact.value.empty()) return noun + " changed in the last hour";
  return noun + " " + Word(fact.value) + " started in the last hour";
}

// "run kernel 6.1.99", "changed kernel in the last hour".
std::string Clause(const WhyFact& fact) {
  const Phrase phrase = PhraseOf(fact.key);
  const std::string noun = Word(phrase.noun);
  if (!IsLately(fact)) return fmt::format("{} {} {}", phrase.verb, noun, Word(fact.value));
  if (fact.key == "boot") return "booted in the last hour";
  if (fact.value.empty()) return fmt::format("changed {} in the last hour", noun);
  return fmt::format("started {} {} in the last hour", noun, Word(fact.value));
}

// What the others do, or do not: takes up the clause of a single fact.
std::string_view Echo(const WhyFacts& facts, uint64_t others_with) {
  const bool is_one = others_with == 1;
  if (std::ranges::all_of(facts, IsLately)) return "did";
  const bool are = std::ranges::all_of(
      facts, [](const WhyFact& f) { return PhraseOf(f.key).verb.starts_with("are"); });
  if (are) return is_one ? "is" : "are";
  return is_one ? "does" : "do";
}

std::string Listed(const std::vector<std::string>& items, std::string_view separator) {
  std::string list;
  for (size_t i = 0; i < items.size() && i < kListedMax; ++i) {
    if (i > 0) list += separator;
    list += items[i];
  }
  if (items.size() > kListedMax) {
    list += fmt::format("{}{} more", separator, items.size() - kListedMax);
  }
  return list;
}

// What the same hosts have beside, but for what the sentence of the change says anyway.
std::vector<std::string> SameTexts(const WhyCause& cause) {
  std::vector<std::string> texts;
  for (const WhyFacts& same : cause.same) {
    if (cause.changed_at != kWallNever && std::ranges::all_of(same, IsLately)) continue;
    texts.push_back(FactsText(same));
  }
  return texts;
}

std::string Span(Millis span) {
  const int64_t seconds = span.count() / 1000;
  if (seconds < 120) return fmt::format("{} s", seconds);
  return fmt::format("{} min", seconds / 60);
}

std::string Capitalised(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] -= 'a' - 'A';
  return text;
}

// " Kernel changed from 6.1.98 around 02:13 UTC, 17 min before the hits."
std::string ChangeText(const WhyCause& cause) {
  if (cause.changed_at == kWallNever) return "";
  const auto fact = std::ranges::find(cause.facts, cause.changed_key, &WhyFact::key);
  const std::string noun = Word(PhraseOf(cause.changed_key).noun);
  std::string what = noun + " changed";
  if (cause.changed_key == "boot") {
    what = "they booted";
  } else if (cause.changed_key == "job" || cause.changed_key == "task_image") {
    const bool is_named = fact != cause.facts.end() && !fact->value.empty();
    what = is_named ? fmt::format("{} {} started", noun, Word(fact->value)) : noun + " started";
  } else if (!cause.changed_from.empty()) {
    what += " from " + Word(cause.changed_from);
  }
  std::string text = fmt::format(" {} around {} UTC", Capitalised(what),
                                 FormatWall(cause.changed_at).substr(11, 5));
  if (cause.hit_after) text += fmt::format(", {} before the hits", Span(*cause.hit_after));
  return text + ".";
}

// "2 hits" is no word: "1 hit host", "2 hit hosts".
std::string HitHosts(uint64_t n) {
  return fmt::format("{} hit host{}", Count(n), n == 1 ? "" : "s");
}

std::string NotEnough(const Why& why) {
  if (why.verdict == WhyVerdict::kTooFewHit) {
    return fmt::format("Not enough hosts to compare ({}).", why.hit);
  }
  return fmt::format("Not enough other hosts to compare with: {} of {} are hit.", Count(why.hit),
                     Count(why.hosts));
}

std::string NothingText(const Why& why) {
  std::string text = fmt::format("Nothing known sets the {} hit apart from {} others.",
                                 Count(why.hit), Count(why.hosts - why.hit));
  std::vector<std::string> names;
  for (const std::string& name : why.not_different) names.push_back(Word(PhraseOf(name).noun));
  if (!names.empty()) text += fmt::format(" Not different: {}.", Listed(names, ", "));
  return text;
}

// As a pair, for tables and queries: "kernel" and "6.1.99", "kernel" and "changed in the last
// hour".
std::pair<std::string, std::string> IssueFact(const WhyFact& fact) {
  std::string value = Word(fact.value);
  if (IsLately(fact)) {
    if (fact.key == "boot") {
      value = "in the last hour";
    } else {
      value = value.empty() ? "changed in the last hour" : value + " (started in the last hour)";
    }
  }
  return {Word(fact.key), std::move(value)};
}

}  // namespace

std::string FactsText(const WhyFacts& facts) {
  std::string text;
  for (const WhyFact& fact : facts) text += (text.empty() ? "" : " and ") + FactText(fact);
  return text;
}

std::string CauseText(const WhyCause& cause) {
  std::string clauses;
  for (const WhyFact& fact : cause.facts)
    clauses += (clauses.empty() ? "" : " and ") + Clause(fact);
  const std::vector<std::string> same = SameTexts(cause);
  if (!same.empty()) clauses += fmt::format(" (≡ {})", Listed(same, ", "));
  const uint64_t others_with = cause.hosts_with - cause.hit_with;
  std::string text = cause.likely ? "Likely: " : "";
  if (cause.hit_set_aside > 0) {
    text += fmt::format("{}f the {} hit that this does not explain, {} {}",
                        cause.likely ? "o" : "O", Count(cause.hit), Count(cause.hit_with), clauses);
  } else {
    text += fmt::format("{} of {} hit {}", Count(cause.hit_with), Count(cause.hit), clauses);
  }
  text += fmt::format("; {} of {} others {}.", Count(others_with), Count(cause.hosts - cause.hit),
                      Echo(cause.facts, others_with));
  text += ChangeText(cause);
  std::vector<std::string> ties;
  for (const WhyFacts& tie : cause.ties) ties.push_back(FactsText(tie));
  if (!ties.empty()) text += fmt::format(" As likely: {}.", Listed(ties, "; "));
  return text;
}

std::string WhyText(const Why& why) {
  std::string text;
  uint64_t explained = 0;
  if (why.verdict != WhyVerdict::kCompared) {
    text = NotEnough(why);
  } else if (why.causes.empty()) {
    text = NothingText(why);
  } else {
    uint64_t further = 0;
    for (size_t i = 0; i < why.causes.size(); ++i) {
      explained += why.causes[i].hit_with;
      if (i < kCausesTold) {
        text += (i > 0 ? " " : "") + CauseText(why.causes[i]);
      } else {
        further += why.causes[i].hit_with;
      }
    }
    const size_t more = why.causes.size() - std::min(why.causes.size(), kCausesTold);
    if (more > 0) {
      text += fmt::format(" {} further {} {}.", more,
                          more == 1 ? "cause explains" : "causes explain", HitHosts(further));
    }
    const uint64_t rest = why.hit - std::min(why.hit, explained);
    if (rest > 0) {
      text += fmt::format(" {} {} by nothing known.", HitHosts(rest),
                          rest == 1 ? "is explained" : "are explained");
    }
  }
  if (why.untold > 0) {
    text += fmt::format(" {} told no facts and {} left out.", HitHosts(why.untold),
                        why.untold == 1 ? "was" : "were");
  }
  return text;
}

std::vector<IssueCause> IssueCauses(const Why& why) {
  std::vector<IssueCause> causes;
  for (const WhyCause& cause : why.causes) {
    if (causes.size() >= FleetIssue::kCausesMax) break;
    IssueCause& out = causes.emplace_back();
    for (const WhyFact& fact : cause.facts) {
      if (out.facts.size() < FleetIssue::kFactsMax) out.facts.push_back(IssueFact(fact));
    }
    for (const WhyFacts& same : cause.same) {
      if (out.same_hosts.size() >= FleetIssue::kSameHostsMax) break;
      std::string& text = out.same_hosts.emplace_back();
      for (const WhyFact& fact : same) {
        const auto [key, value] = IssueFact(fact);
        text += (text.empty() ? "" : " and ") + key + "=" + value;
      }
    }
    out.hit_with = cause.hit_with;
    out.hit = cause.hit;
    out.others_with = cause.hosts_with - cause.hit_with;
    out.others = cause.hosts - cause.hit;
    out.log10_p = cause.log10_p;
    out.likely = cause.likely;
    out.changed_at = cause.changed_at;
    out.sentence = CauseText(cause);
  }
  return causes;
}

}  // namespace fleetmedic

#include "stream/matcher.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/result.h"
#include "base/text.h"
#include "config/rules_load.h"
#include "model/ids.h"
#include "stream/line_begins.h"

namespace fleetmedic {
namespace {

// At most this many bytes are looked at: visible text is at most that many characters.
std::string CappedText(std::string_view value) {
  return VisibleText(value.substr(0, RuleMatch::kCaptureCharsMax));
}

std::string_view ValueOf(const RuleMatch& match, std::string_view name) {
  for (const auto& [capture, value] : match.captures()) {
    if (capture == name) return value;
  }
  return {};
}

// Texts from which the first plan of a stream's own is made; each later one waits longer.
constexpr uint64_t kFirstPlanBytes = uint64_t{2} << 20;
constexpr uint64_t kPlanBytesGrowth = 8;
constexpr uint64_t kPlanBytesMax = uint64_t{1} << 36;
// So often it is looked whether a literal turned hot; about 64,000 lines.
constexpr uint64_t kHotBytes = uint64_t{8} << 20;
// Of a hot literal's lines its patterns match fewer than this part.
constexpr double kHotMatchedShare = 0.25;
// Texts are learnt from whole at first and then here and there.
constexpr uint64_t kLearnFirstPlaces = uint64_t{1} << 20;
constexpr uint64_t kLearnEvery = 16;
constexpr size_t kLearnBytes = 4096;

std::string_view LineAt(std::string_view text, size_t begin, size_t end) {
  if (end > begin && text[end - 1] == '\r') --end;
  return text.substr(begin, end - begin);
}

size_t CountLines(std::string_view text) {
  size_t lines = 0;
  for (size_t at = 0; (at = text.find('\n', at)) != std::string_view::npos; ++at) ++lines;
  return lines;
}

}  // namespace

std::span<const std::pair<std::string_view, std::string_view>> RuleMatch::captures() const {
  if (std::exchange(captured->filled, true)) return captured->captures;
  captured->captures.clear();
  if (pattern.captures().empty()) return {};
  // It matches: Matches said so.
  FLEETMEDIC_CHECK(captured->has_values || pattern.Match(line, &captured->values));
  for (size_t i = 0; i < captured->values.size(); ++i) {
    captured->captures.emplace_back(pattern.captures()[i], captured->values[i]);
  }
  return captured->captures;
}

std::string RuleMatch::Unit() const {
  std::string unit = unit_template.Render(
      [this](const std::string& name) { return std::string(ValueOf(*this, name)); });
  if (unit.size() > kUnitCharsMax) unit.resize(kUnitCharsMax);
  std::ranges::replace_if(
      unit, [](char c) { return !ValidId(std::string_view(&c, 1)); }, '_');
  return unit;
}

std::string RuleMatch::Message() const {
  return message_template.Render(
      [this](const std::string& name) { return CappedText(ValueOf(*this, name)); });
}

std::map<std::string, std::string> RuleMatch::CaptureTexts() const {
  std::map<std::string, std::string> texts;
  for (const auto& [name, value] : captures()) texts.emplace(name, CappedText(value));
  return texts;
}

Matcher::Matcher(std::shared_ptr<const RuleSet> rules)
    : rules_(std::move(rules)),
      scanner_(rules_->database_),
      all_(rules_->patterns_.size(), true),
      plan_bytes_(kFirstPlanBytes) {
  Use(rules_->first_plan_);
}

std::function<std::shared_ptr<const MatchPlan>()> Matcher::Planning() {
  if (bytes_ >= kFirstPlanBytes) counts_.hot_literals += HotLiterals();
  // Of literals that are not in use less and less is known.
  for (auto& [literal, hits] : known_.hits_per_line) hits /= 2;
  if (known_.hits_per_line.size() > StreamKnowledge::kLiteralsMax) known_.hits_per_line.clear();
  const double lines = static_cast<double>(bytes_) / MatchPlan::kBytesOfLine;
  for (size_t i = 0; i < plan_->literals().size() && bytes_ >= kFirstPlanBytes; ++i) {
    known_.hits_per_line[plan_->literals()[i].literal] =
        static_cast<double>(literal_hits_[i]) / lines;
  }
  wants_plan_ = false;
  planning_ = true;
  return [rules = rules_, known = known_] {
    return MatchPlan::Make(rules->to_find_, known, rules->database_);
  };
}

void Matcher::Use(std::shared_ptr<const MatchPlan> plan) {
  if (plan_ != nullptr) plan_bytes_ = std::min(plan_bytes_ * kPlanBytesGrowth, kPlanBytesMax);
  plan_ = std::move(plan);
  shorts_ = std::make_unique<CandidateScanner>(plan_->shorts());
  residual_ = std::make_unique<CandidateScanner>(plan_->residual());
  trusted_.clear();
  trusts_.clear();
  trust_ = nullptr;
  candidates_.clear();
  wants_plan_ = planning_ = false;
  bytes_ = hot_looked_at_ = 0;
  literal_hits_.assign(plan_->literals().size(), 0);
  literal_lines_.assign(plan_->literals().size(), 0);
  pattern_matches_.assign(rules_->patterns_.size(), 0);
}

std::shared_ptr<const Matcher::Trust> Matcher::TrustOf(std::string_view source) {
  const auto known = trusted_.find(source);
  if (known != trusted_.end()) return known->second;
  std::vector<bool> rules;
  for (const Rule& rule : rules_->rules()) {
    rules.push_back(std::ranges::any_of(rule.sources, [source](const std::string& of_rule) {
      return SourceTrusted(of_rule, source);
    }));
  }
  if (trusted_.size() >= kSourcesKeptMax || trusts_.size() >= kTrustSetsKeptMax) {
    trusted_.clear();
    trusts_.clear();
  }
  const auto [same, is_new] = trusts_.try_emplace(std::move(rules));
  if (is_new) same->second = MakeTrust(same->first);
  return trusted_.emplace(source, same->second).first->second;
}

std::shared_ptr<const Matcher::Trust> Matcher::MakeTrust(const std::vector<bool>& rules) const {
  auto trust = std::make_shared<Trust>();
  for (const size_t rule : rules_->rule_of_) trust->patterns.push_back(rules[rule]);
  const auto trusted = [&trust](uint32_t pattern) { return trust->patterns[pattern]; };
  std::vector<LiteralSieve::Entry> entries;
  for (uint32_t i = 0; i < plan_->literals().size(); ++i) {
    const MatchPlan::PlannedLiteral& literal = plan_->literals()[i];
    if (std::ranges::none_of(literal.patterns, trusted)) continue;
    if (literal.is_short) {
      trust->shorts = true;
      continue;
    }
    entries.push_back({literal.literal, literal.window});
    trust->sieve_literals.push_back(i);
  }
  trust->any = std::ranges::find(rules, true) != rules.end();
  trust->sieve = std::make_unique<LiteralSieve>(entries);
  trust->residual = std::ranges::any_of(plan_->residual_patterns(), trusted);
  return trust;
}

void Matcher::Match(std::string_view line, std::string_view source,
                    absl::FunctionRef<void(const RuleMatch&)> matched) {
  const std::shared_ptr<const Trust> trust = TrustOf(source);
  if (trust->any) AskAll(line, trust->patterns, matched);
}

void Matcher::MatchAnySource(std::string_view line,
                             absl::FunctionRef<void(const RuleMatch&)> matched) {
  AskAll(line, all_, matched);
}

bool Matcher::AskAll(std::string_view line, const std::vector<bool>& patterns,
                     absl::FunctionRef<void(const RuleMatch&)> matched) {
  found_.clear();
  scanner_.Scan(line, [this, &patterns](size_t pattern) {
    if (patterns[pattern]) found_.push_back(pattern);
  });
  std::ranges::sort(found_);
  bool any = false;
  for (const size_t pattern : found_) any = AskPattern(line, pattern, matched) || any;
  return any;
}

bool Matcher::AskPattern(std::string_view line, size_t index,
                         absl::FunctionRef<void(const RuleMatch&)> matched) {
  const LinePattern& pattern = rules_->patterns_[index];
  ++counts_.asked;
  const PlainPrograms::Answer answer = rules_->plain_.Run(index, line, &captured_.values);
  if (answer == PlainPrograms::Answer::kUnknown) {
    ++counts_.asked_of_re2;
    counts_.gave_up += rules_->plain_.Has(index) ? 1 : 0;
    if (!pattern.Matches(line)) return false;
  } else if (answer == PlainPrograms::Answer::kNo) {
    return false;
  }
  ++counts_.matched;
  ++pattern_matches_[index];
  captured_.has_values = answer == PlainPrograms::Answer::kYes;
  captured_.filled = false;
  const size_t rule = rules_->rule_of_[index];
  matched({rules_->rules_[rule], rule, index >= rules_->rules_.size(), rules_->units_[rule],
           rules_->messages_[rule], pattern, line, &captured_});
  return true;
}

bool Matcher::Ask(std::string_view line, std::span<const Candidate> candidates,
                  absl::FunctionRef<void(const RuleMatch&)> matched) {
  if (candidates.size() > kAskedAloneMax) {
    ++counts_.crowded_lines;
    return AskAll(line, trust_->patterns, matched);
  }
  bool any = false;
  for (const Candidate& one : candidates) any = AskPattern(line, one.pattern, matched) || any;
  return any;
}

void Matcher::Look(std::string_view text, std::string_view source) {
  FLEETMEDIC_CHECK(text.size() <= std::numeric_limits<int32_t>::max());
  ++looks_;
  candidates_.clear();
  next_ = 0;
  text_ = text;
  line_begin_ = line_end_ = 0;
  trust_ = TrustOf(source);
  if (!trust_->any || text.empty()) return;
  Learn(text);
  trust_->sieve->Scan(text, [this](size_t literal, size_t begin) {
    NoteLiteral(trust_->sieve_literals[literal], begin);
  });
  if (trust_->shorts) {
    shorts_->ScanText(text, [this](size_t literal, size_t end) {
      NoteLiteral(plan_->short_literals()[literal], end - 1);
    });
  }
  if (trust_->residual) LookByLine();
  std::ranges::sort(candidates_);
  const auto again = std::ranges::unique(candidates_);
  candidates_.erase(again.begin(), again.end());
}

// `at` is any place in the literal's occurrence: it stays within its line.
void Matcher::NoteLiteral(uint32_t literal, size_t at) {
  if (at < line_begin_ || at >= line_end_) {
    const void* before = ::memrchr(text_.data(), '\n', at);
    line_begin_ = before == nullptr
                      ? 0
                      : static_cast<size_t>(static_cast<const char*>(before) - text_.data()) + 1;
    line_end_ = std::min(text_.find('\n', at), text_.size());
  }
  const uint64_t line = looks_ << 32 | line_begin_;
  if (literal_lines_[literal] == line) return;
  literal_lines_[literal] = line;
  ++literal_hits_[literal];
  for (const uint32_t pattern : plan_->literals()[literal].patterns) {
    if (!trust_->patterns[pattern]) continue;
    candidates_.push_back(
        {static_cast<uint32_t>(line_begin_), static_cast<uint32_t>(line_end_), pattern});
  }
}

void Matcher::LookByLine() {
  ForEachLineBegin(text_, plan_->residual_begins(), [this](size_t begin) {
    const size_t end = std::min(text_.find('\n', begin), text_.size());
    residual_->Scan(LineAt(text_, begin, end), [&](size_t which) {
      const uint32_t pattern = plan_->residual_patterns()[which];
      if (!trust_->patterns[pattern]) return;
      candidates_.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(end), pattern});
    });
  });
}

void Matcher::Learn(std::string_view text) {
  bytes_ += text.size();
  if (known_.grams.places() < kLearnFirstPlaces) {
    known_.grams.Learn(text.substr(0, 4 * kLearnBytes));
  } else if (looks_ % kLearnEvery == 0) {
    // Another part each time.
    const size_t from = looks_ * kLearnBytes % text.size();
    known_.grams.Learn(text.substr(from, kLearnBytes));
  }
  if (planning_ || wants_plan_) return;
  if (bytes_ >= plan_bytes_) wants_plan_ = true;
  if (bytes_ - hot_looked_at_ < kHotBytes) return;
  hot_looked_at_ = bytes_;
  if (HotLiterals() > 0) wants_plan_ = true;
}

size_t Matcher::HotLiterals() const {
  size_t hot = 0;
  const double lines = static_cast<double>(bytes_) / MatchPlan::kBytesOfLine;
  for (size_t i = 0; i < literal_hits_.size(); ++i) {
    const auto hits = static_cast<double>(literal_hits_[i]);
    if (hits < kHotShare * lines) continue;
    const MatchPlan::PlannedLiteral& planned = plan_->literals()[i];
    double matches = 0;
    for (const uint32_t pattern : planned.patterns) {
      matches += static_cast<double>(pattern_matches_[pattern]);
    }
    if (matches >= kHotMatchedShare * hits) continue;
    // What is known already and is still in use has nothing better.
    const auto known = known_.hits_per_line.find(planned.literal);
    if (known != known_.hits_per_line.end() && known->second >= kHotShare / 2) continue;
    ++hot;
  }
  return hot;
}

std::span<const Matcher::Candidate> Matcher::NextLine() {
  const size_t first = next_;
  while (next_ < candidates_.size() && candidates_[next_].begin == candidates_[first].begin) {
    ++next_;
  }
  ++counts_.candidate_lines;
  return std::span(candidates_).subspan(first, next_ - first);
}

bool Matcher::MatchLooked(std::string_view line,
                          absl::FunctionRef<void(const RuleMatch&)> matched) {
  const auto begin = static_cast<size_t>(line.data() - text_.data());
  while (next_ < candidates_.size() && candidates_[next_].begin < begin) ++next_;
  if (next_ == candidates_.size() || candidates_[next_].begin != begin) return false;
  return Ask(line, NextLine(), matched);
}

void Matcher::MatchText(std::string_view text, std::string_view source, LineMatched matched) {
  Look(text, source);
  size_t number = 1;
  size_t counted = 0;  // bytes
  while (next_ < candidates_.size()) {
    const std::span<const Candidate> candidates = NextLine();
    const size_t begin = candidates.front().begin;
    const std::string_view line = LineAt(text, begin, candidates.front().end);
    Ask(line, candidates, [&](const RuleMatch& match) {
      number += CountLines(text.substr(counted, begin - counted));
      counted = begin;
      matched(number, line, match);
    });
  }
}

void ForEachLine(std::string_view text,
                 absl::FunctionRef<void(size_t line_number, std::string_view line)> line) {
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view one = text.substr(0, end);
    if (one.ends_with('\r')) one.remove_suffix(1);
    line(number, one);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace fleetmedic

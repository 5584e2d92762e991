#include "stream/rule_set.h"

#include <algorithm>

#include "base/logging.h"
#include "base/text.h"
#include "config/pattern.h"
#include "config/rules_load.h"
#include "model/ids.h"

namespace fleetmedic {
namespace {

// At most this many bytes are looked at: visible text is at most that many characters.
std::string CappedText(std::string_view value) {
  return VisibleText(value.substr(0, RuleMatch::kCaptureCharsMax));
}

std::string_view ValueOf(const RuleMatch& match, std::string_view name) {
  for (const auto& [capture, value] : match.captures) {
    if (capture == name) return value;
  }
  return {};
}

void ErrorInPattern(const Rule& rule, bool cancel, size_t offset, const std::string& message,
                    Diagnostics* diagnostics) {
  SourcePlace place = cancel ? rule.cancel_place : rule.pattern_place;
  place.column += static_cast<int>(offset);
  diagnostics->Error(place, 1,
                     rule.name + (cancel ? ".cancel: " : ".pattern: ") + message +
                         (offset > 0 ? " at offset " + std::to_string(offset) : ""));
}

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

}  // namespace

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
  for (const auto& [name, value] : captures) texts.emplace(name, CappedText(value));
  return texts;
}

std::shared_ptr<const RuleSet> RuleSet::Compile(std::vector<Rule> rules, Diagnostics* diagnostics,
                                                const CandidateCache* cache) {
  const size_t errors_before = diagnostics->errors();
  std::shared_ptr<RuleSet> set(new RuleSet);
  std::vector<CandidateExpression> expressions;
  std::vector<Pattern> read;
  const auto compile = [&](size_t index, bool cancel) {
    const Rule& rule = rules[index];
    const std::string& text = cancel ? rule.cancel : rule.pattern;
    read.push_back(ReadPattern(text));
    expressions.push_back({read.back().hyperscan, rule.ignore_case});
    set->rule_of_.push_back(index);
    Result<LinePattern> pattern = LinePattern::Compile(text, rule.ignore_case);
    if (!pattern) return ErrorInPattern(rule, cancel, 0, pattern.error().message, diagnostics);
    // Two readers of one pattern: ours found the names, RE2 the groups.
    FLEETMEDIC_CHECK(pattern->captures() == read.back().captures);
    set->patterns_.push_back(*std::move(pattern));
  };
  for (size_t i = 0; i < rules.size(); ++i) {
    compile(i, false);
    Result<TextTemplate> unit = TextTemplate::Parse(rules[i].unit);
    Result<TextTemplate> message = TextTemplate::Parse(rules[i].message);
    FLEETMEDIC_CHECK(unit.has_value() && message.has_value());
    set->units_.push_back(*std::move(unit));
    set->messages_.push_back(*std::move(message));
  }
  for (size_t i = 0; i < rules.size(); ++i) {
    if (!rules[i].cancel.empty()) compile(i, true);
  }
  // What RE2 refuses needs no second word.
  if (diagnostics->errors() != errors_before) return nullptr;
  std::vector<CandidateProblem> problems;
  set->database_ = CompileOrGet(expressions, cache, &problems);
  for (const CandidateProblem& problem : problems) {
    const std::vector<size_t>& origins = read[problem.expression].origins;
    ErrorInPattern(rules[set->rule_of_[problem.expression]], problem.expression >= rules.size(),
                   origins[std::min(problem.offset, origins.size() - 1)], problem.message,
                   diagnostics);
  }
  if (!problems.empty()) return nullptr;
  set->rules_ = std::move(rules);
  return set;
}

Matcher::Matcher(std::shared_ptr<const RuleSet> rules)
    : rules_(std::move(rules)), scanner_(rules_->database_), all_(rules_->rules().size(), true) {}

const std::vector<bool>& Matcher::Trusted(std::string_view source) {
  const auto known = trusted_.find(source);
  if (known != trusted_.end()) return known->second;
  if (trusted_.size() >= kSourcesKeptMax) trusted_.clear();
  std::vector<bool> trusted;
  for (const Rule& rule : rules_->rules()) {
    trusted.push_back(std::ranges::any_of(rule.sources, [source](const std::string& of_rule) {
      return SourceTrusted(of_rule, source);
    }));
  }
  if (std::ranges::find(trusted, true) == trusted.end()) trusted.clear();
  return trusted_.emplace(source, std::move(trusted)).first->second;
}

void Matcher::Match(std::string_view line, std::string_view source,
                    absl::FunctionRef<void(const RuleMatch&)> matched) {
  MatchTrusted(line, Trusted(source), matched);
}

void Matcher::MatchAnySource(std::string_view line,
                             absl::FunctionRef<void(const RuleMatch&)> matched) {
  MatchTrusted(line, all_, matched);
}

void Matcher::MatchTrusted(std::string_view line, const std::vector<bool>& trusted,
                           absl::FunctionRef<void(const RuleMatch&)> matched) {
  if (trusted.empty()) return;
  candidates_.clear();
  scanner_.Scan(line, [this, &trusted](size_t pattern) {
    if (trusted[rules_->rule_of_[pattern]]) candidates_.push_back(pattern);
  });
  if (candidates_.empty()) return;
  std::ranges::sort(candidates_);
  for (const size_t index : candidates_) {
    const LinePattern& pattern = rules_->patterns_[index];
    if (!pattern.Match(line, &values_)) continue;
    captures_.clear();
    for (size_t i = 0; i < values_.size(); ++i) {
      captures_.emplace_back(pattern.captures()[i], values_[i]);
    }
    const size_t rule = rules_->rule_of_[index];
    matched({rules_->rules_[rule], rule, index >= rules_->rules_.size(), captures_,
             rules_->units_[rule], rules_->messages_[rule]});
  }
}

void Matcher::MatchText(std::string_view text, std::string_view source, LineMatched matched) {
  const std::vector<bool>& trusted = Trusted(source);
  if (trusted.empty()) return;
  ForEachLine(text, [&](size_t number, std::string_view line) {
    MatchTrusted(line, trusted, [&](const RuleMatch& match) { matched(number, line, match); });
  });
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

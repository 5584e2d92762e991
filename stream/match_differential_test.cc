// The matcher, and the program of each pattern that has one, against the plain definition: each
// rule's RE2 on each line, alone. Expressions and lines are made up from what the stages could get
// wrong.
#include <algorithm>
#include <map>
#include <span>

#include <gtest/gtest.h>

#include "base/random.h"
#include "config/pattern.h"
#include "stream/matcher.h"
#include "stream/pattern_example.h"
#include "stream/plain_program.h"
#include "stream/plain_reader.h"

// Of made-up rules, and lines for each set of them; more in match_sim_test: 10^7 pairs.
#ifndef FLEETMEDIC_MATCH_ROUNDS
#define FLEETMEDIC_MATCH_ROUNDS 20
#define FLEETMEDIC_MATCH_LINES 2000
#endif

namespace fleetmedic {
namespace {

constexpr std::string_view kWords[] = {
    "error",  "Error",    "I/O error", "failed", "link", "down",     "eth0", "nvme",
    "timed",  "out",      "disk full", "a",      "b",    "ab",       "aaaa", "abab",
    "x",      "xyz",      "[Hardware", "Error]", ": ",   " ",        "-",    "kernel: ",
    "Oops",   "oops: 17", "EXT4-fs",   "(sda1)", "0x1f", "12345678", "_",    "k",
    "KERNEL", "Kelvin",   "straße",    "ssss",   "....", "\\",       "{2}",  "aaaaaaaaaaaa"};
constexpr std::string_view kOddBytes[] = {"\r",   "\t",           "\v",      "\f", "\x1b[0m",
                                          "\xff", "\xc3\xa4",     "\a",      "\b", "\x7f",
                                          "\x80", "\xe2\x84\xaa", "\xc5\xbf"};

std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) > 0x7e) continue;
    if (std::string_view(R"(\.+*?()|[]{}^$)").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

// A pattern of our language; whether the engines take it is for them to say.
class PatternMaker {
 public:
  explicit PatternMaker(Random* random) : random_(*random) {}

  std::string Make() {
    captures_ = 0;
    std::string pattern;
    if (random_.Chance(0.2)) pattern += Any({"^", R"(\A)", "(?m)^", "(?i)", "(?s)"});
    pattern += Chain(3);
    if (random_.Chance(0.2)) pattern += Any({"$", R"(\z)", "(?m:$)", R"(\b)"});
    return pattern;
  }

 private:
  std::string Any(std::initializer_list<std::string_view> list) {
    return std::string(*(list.begin() + random_.Below(list.size())));
  }
  std::string Word() { return Escaped(kWords[random_.Below(std::size(kWords))]); }

  std::string Chain(int depth) {
    std::string chain;
    const size_t parts = 1 + random_.Below(4);
    for (size_t i = 0; i < parts; ++i) chain += Part(depth);
    return chain;
  }

  std::string Part(int depth) {
    const uint64_t kind = random_.Below(12);
    if (kind < 5) return Word();
    if (kind == 5) return Repeated(Class());
    if (kind == 6) {
      return Any({R"(\b)", R"(\B)", "^", "$", R"(\s)", R"(\S)", R"(\x00)", R"(\x1b)", R"(\t)"});
    }
    if (kind == 7) return Any({".*", ".+?", ".", R"(\s*)", R"(\d+)", R"([^\n]*)", R"(\W)"});
    if (depth == 0) return Word();
    if (kind == 8) return "(?:" + Chain(depth - 1) + "|" + Chain(depth - 1) + ")";
    if (kind == 9) return Repeated("(?:" + Chain(depth - 1) + ")");
    if (kind == 10) {
      return "(?P<c" + std::to_string(captures_++) + ">" + Chain(depth - 1) + ")";
    }
    return Any({"(?i:", "(?s:", "(?-i:"}) + Chain(depth - 1) +
           (random_.Chance(0.3) ? "|" + Chain(0) : "") + ")";
  }

  std::string Class() {
    return Any({"[a-c]", "[^a]", R"([^\s])", R"([\n\r])", R"([^\n])", "[Ee]", R"([\d.])", "[]x]",
                "[[:alpha:]]", "[^[:digit:]]", R"([\x00-\x1f])", "[a-]", "[xyz]", R"([\]\\])"});
  }

  std::string Repeated(std::string part) {
    return part + Any({"", "?", "*", "+", "+?", "{2}", "{1,3}", "{0,2}", "{2,}"});
  }

  Random& random_;
  int captures_ = 0;
};

struct Rules {
  std::shared_ptr<const RuleSet> set;
  std::vector<LinePattern> alone;
  PlainPrograms programs;
};

struct Compared {
  size_t pairs = 0;     // of a rule and a line
  size_t programs = 0;  // of these, those whose rule's program said something
};

constexpr std::string_view kSources[] = {"kernel", "journal:a.service", "file:/var/log/b"};

// Expressions that either engine refuses are left out, as the rules' check would have it.
Rules MakeRules(size_t count, Random* random) {
  std::vector<Rule> rules;
  PatternMaker maker(random);
  while (rules.size() < count) {
    Rule rule;
    rule.name = "t.r" + std::to_string(rules.size());
    rule.pattern = maker.Make();
    rule.ignore_case = random->Chance(0.2);
    rule.message = "m";
    for (const std::string_view source : kSources) {
      if (random->Chance(0.6)) rule.sources.emplace_back(source);
    }
    if (rule.sources.empty() || ReadPattern(rule.pattern).problem) continue;
    Diagnostics diagnostics;
    if (RuleSet::Compile({rule}, &diagnostics) == nullptr) continue;
    rules.push_back(std::move(rule));
  }
  Rules made;
  PlainReader reader;
  for (const Rule& rule : rules) {
    made.programs.Add(reader.Read(rule.pattern, rule.ignore_case));
    made.alone.push_back(LinePattern::Compile(rule.pattern, rule.ignore_case).value());
  }
  Diagnostics diagnostics;
  made.set = RuleSet::Compile(std::move(rules), &diagnostics);
  EXPECT_NE(made.set, nullptr) << diagnostics.Text();
  return made;
}

std::string SwappedCase(std::string text, Random* random) {
  for (char& c : text) {
    if (random->Chance(0.3) && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))) {
      c = static_cast<char>(c ^ 0x20);
    }
  }
  return text;
}

std::string MakeLine(const std::vector<std::string>& examples, Random* random) {
  std::string line;
  const size_t pieces = random->Below(8);
  for (size_t i = 0; i < pieces; ++i) {
    const uint64_t kind = random->Below(20);
    if (kind < 8) line += kWords[random->Below(std::size(kWords))];
    if (kind >= 8 && kind < 11) line += examples[random->Below(examples.size())];
    if (kind == 11) line += SwappedCase(examples[random->Below(examples.size())], random);
    if (kind == 12) line += kOddBytes[random->Below(std::size(kOddBytes))];
    if (kind == 13) line.push_back(static_cast<char>(random->Below(256)));
    if (kind == 14) line.push_back('\0');
    if (kind == 15 && !line.empty()) line.resize(random->Below(line.size()));
  }
  std::ranges::replace(line, '\n', random->Chance(0.5) ? 'n' : ' ');
  return line;
}

bool Same(std::span<const std::string_view> left, std::span<const std::string_view> right) {
  return std::ranges::equal(left, right, [](std::string_view a, std::string_view b) {
    return a.data() == b.data() && a.size() == b.size();
  });
}

// `expected`: RE2's captures, null where it says that the pattern does not match.
bool CompareProgram(const Rules& rules, size_t rule, std::string_view line,
                    const std::vector<std::string_view>* expected) {
  std::vector<std::string_view> values;
  const PlainPrograms::Answer answer = rules.programs.Run(rule, line, &values);
  if (answer == PlainPrograms::Answer::kUnknown) return false;
  const bool matches = answer == PlainPrograms::Answer::kYes;
  const std::string& pattern = rules.set->rules()[rule].pattern;
  EXPECT_EQ(matches, expected != nullptr) << pattern << "\non " << line;
  EXPECT_TRUE(!matches || expected == nullptr || Same(values, *expected))
      << pattern << "\non " << line;
  return true;
}

Compared CompareTexts(const Rules& rules, size_t lines, size_t long_line_bytes, Random* random) {
  std::vector<std::string> examples;
  for (const Rule& rule : rules.set->rules()) {
    const std::optional<std::string> example = ExampleOf(rule.pattern);
    examples.push_back(example.value_or(std::string(kWords[0])));
  }
  Matcher matcher(rules.set);
  std::vector<std::string_view> values;
  Compared compared;
  for (size_t done = 0; done < lines;) {
    std::string text;
    const size_t of_text = std::min(lines - done, 1 + random->Below(120));
    for (size_t i = 0; i < of_text; ++i) {
      text += MakeLine(examples, random);
      if (random->Chance(0.002)) text += std::string(long_line_bytes, 'a') + examples.front();
      if (i + 1 < of_text || random->Chance(0.7)) text += random->Chance(0.2) ? "\r\n" : "\n";
    }
    done += of_text;
    const std::string_view source = kSources[random->Below(std::size(kSources))];
    std::map<std::pair<size_t, size_t>, std::vector<std::string_view>> expected;
    ForEachLine(text, [&](size_t number, std::string_view line) {
      for (size_t i = 0; i < rules.alone.size(); ++i) {
        const bool matches = rules.alone[i].Match(line, &values);
        ++compared.pairs;
        compared.programs += CompareProgram(rules, i, line, matches ? &values : nullptr) ? 1 : 0;
        const auto& sources = rules.set->rules()[i].sources;
        if (std::ranges::find(sources, source) == sources.end()) continue;
        if (matches) expected[{number, i}] = values;
      }
    });
    auto next = expected.begin();
    matcher.MatchText(text, source,
                      [&](size_t number, std::string_view line, const RuleMatch& match) {
                        ASSERT_NE(next, expected.end()) << match.rule.pattern << "\non " << line;
                        ASSERT_EQ(next->first, std::pair(number, match.rule_index))
                            << match.rule.pattern << "\non " << line;
                        for (size_t i = 0; i < match.captures().size(); ++i) {
                          ASSERT_EQ(match.captures()[i].second.data(), next->second[i].data());
                          ASSERT_EQ(match.captures()[i].second.size(), next->second[i].size());
                        }
                        ++next;
                      });
    if (next != expected.end()) {
      const Rule& missed = rules.set->rules()[next->first.second];
      ADD_FAILURE() << "missed line " << next->first.first << " of " << missed.pattern << " needs "
                    << ToText(RequiredLiterals(missed.pattern, missed.ignore_case));
      return compared;
    }
    // What it learnt changes by what it looks, and not what it finds.
    if (random->Chance(0.02)) matcher.Use(matcher.Planning()());
  }
  return compared;
}

TEST(MatchText, SaysOfEveryLineWhatEachRulesExpressionSaysAlone) {
  Random random(41);
  Compared all;
  for (int round = 0; round < FLEETMEDIC_MATCH_ROUNDS && !::testing::Test::HasFailure(); ++round) {
    const size_t rules = 10 + random.Below(50);
    const Compared compared =
        CompareTexts(MakeRules(rules, &random), FLEETMEDIC_MATCH_LINES, 3000, &random);
    all.pairs += compared.pairs;
    all.programs += compared.programs;
  }
  EXPECT_GE(all.pairs, size_t{FLEETMEDIC_MATCH_ROUNDS} * FLEETMEDIC_MATCH_LINES * 25);
  EXPECT_GE(all.programs, all.pairs / 4);
}

TEST(MatchText, SaysItOfLinesOfAMegabyteToo) {
  Random random(43);
  for (int round = 0; round < 3 && !::testing::Test::HasFailure(); ++round) {
    CompareTexts(MakeRules(8, &random), 600, size_t{1} << 20, &random);
  }
}

}  // namespace
}  // namespace fleetmedic

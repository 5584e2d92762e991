#include "stream/template_rule.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "config/pattern.h"
#include "config/rules_load.h"
#include "stream/line_pattern.h"
#include "stream/toml_text.h"

namespace fleetmedic {
namespace {

constexpr std::string_view kOpen = "«";
constexpr std::string_view kClose = "»";
constexpr std::string_view kMore = "…";
constexpr std::string_view kAnotherLine = "a line that has nothing to do with it";
constexpr size_t kLettersMin = 4;
constexpr size_t kNameBytesMax = 40;
constexpr size_t kCaptureBytesMax = 24;
constexpr size_t kMessageBytesMax = 200;
constexpr size_t kConditionWordsMax = 4;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLetter(char c) { return IsUpper(c) || (c >= 'a' && c <= 'z'); }
char Lower(char c) { return IsUpper(c) ? static_cast<char>(c - 'A' + 'a') : c; }
bool IsAscii(char c) { return static_cast<unsigned char>(c) < 0x80; }

struct Part {
  std::string text;  // as it is, or of a variable what stands between the marks
  bool variable = false;
  std::string capture;  // its name; "" past what a pattern may have
};

struct Parts {
  std::vector<Part> parts;
  bool whole = true;  // nothing may follow
};

Parts PartsOf(std::string_view text) {
  Parts made;
  if (text.ends_with(std::string(" ") + std::string(kMore))) {
    text.remove_suffix(kMore.size() + 1);
    made.whole = false;
  }
  // Where it was cut for its length.
  made.whole = made.whole && text.size() + kClose.size() < PatternCount::kTextBytesMax;
  while (!text.empty()) {
    const size_t open = text.find(kOpen);
    if (open > 0) made.parts.push_back({std::string(text.substr(0, open)), false, {}});
    if (open == std::string_view::npos) break;
    text.remove_prefix(open + kOpen.size());
    const size_t close = text.find(kClose);
    if (close == std::string_view::npos) {
      made.whole = false;
      break;
    }
    made.parts.push_back({std::string(text.substr(0, close)), true, {}});
    text.remove_prefix(close + kClose.size());
  }
  return made;
}

// The last word of a text in small letters, digits and '_'; "" where there is none.
std::string LastWord(std::string_view text) {
  const auto fits = [](char c) { return IsLetter(c) || IsDigit(c) || c == '_'; };
  size_t end = text.size();
  while (end > 0 && !fits(text[end - 1])) --end;
  size_t begin = end;
  while (begin > 0 && fits(text[begin - 1]) && end - begin < kCaptureBytesMax) --begin;
  while (begin < end && !IsLetter(text[begin])) ++begin;
  std::string word(text.substr(begin, end - begin));
  std::ranges::transform(word, word.begin(), Lower);
  return word.size() < 2 ? "" : word;
}

// "QID «3»" is qid, "sshd[«12»]" pid; what has no word before it is value.
void NameCaptures(std::vector<Part>* parts) {
  std::set<std::string> taken;
  for (size_t i = 0; i < parts->size(); ++i) {
    Part& part = (*parts)[i];
    if (!part.variable || taken.size() == kPatternCapturesMax) continue;
    const std::string before = i > 0 ? (*parts)[i - 1].text : "";
    const std::string after = i + 1 < parts->size() ? (*parts)[i + 1].text : "";
    std::string name = LastWord(before);
    if (before.ends_with('[') && before.size() > 1 && IsLetter(before[before.size() - 2]) &&
        after.starts_with("]")) {
      name = "pid";
    }
    if (name.empty()) name = "value";
    part.capture = name;
    for (int more = 2; !taken.insert(part.capture).second; ++more) {
      part.capture = name + "_" + std::to_string(more);
    }
  }
}

// A text's bytes for RE2. `blanks` stands for each blank; a character that is no ASCII may be one
// byte of the line that is shown so, or its own.
std::string Literal(std::string_view text, std::string_view blanks) {
  std::string pattern;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ' ') {
      pattern += blanks;
    } else if (!IsAscii(c)) {
      while (i + 1 < text.size() && (static_cast<unsigned char>(text[i + 1]) & 0xC0) == 0x80) ++i;
      pattern += ".{1,4}";
    } else {
      if (!IsLetter(c) && !IsDigit(c) &&
          std::string_view(" _-:,;='\"/<>@#%&~!`").find(c) == std::string_view::npos) {
        pattern += '\\';
      }
      pattern += c;
    }
  }
  return pattern;
}

// The same with a blank beside a variable as any number of them: columns are padded there.
std::string LiteralBetween(std::string_view text, bool variable_before, bool variable_after,
                           bool all_blanks) {
  if (all_blanks) return Literal(text, "\\s+");
  std::string pattern;
  if (variable_before && text.starts_with(' ')) {
    pattern += " +";
    text.remove_prefix(1);
  }
  const bool end = variable_after && text.ends_with(' ');
  if (end) text.remove_suffix(1);
  pattern += Literal(text, " ");
  return pattern + (end ? " +" : "");
}

bool AllDigits(const PatternVariable& variable) {
  return !variable.values.empty() && std::ranges::all_of(variable.values, [](const auto& value) {
    return !value.first.empty() && std::ranges::all_of(value.first, IsDigit);
  });
}

std::string PatternOf(const Parts& parts, const std::vector<PatternVariable>& variables,
                      bool all_blanks) {
  std::string pattern = "^";
  size_t number = 0;
  for (size_t i = 0; i < parts.parts.size(); ++i) {
    const Part& part = parts.parts[i];
    std::string more;
    if (part.variable) {
      ++number;
      const auto known =
          std::ranges::find(variables, std::to_string(number), &PatternVariable::name);
      const std::string value = known != variables.end() && AllDigits(*known) ? "\\d+" : "\\S+";
      more = part.capture.empty() ? value : "(?P<" + part.capture + ">" + value + ")";
    } else {
      const bool before = i > 0;
      const bool after = i + 1 < parts.parts.size();
      more = LiteralBetween(part.text, before, after, all_blanks);
    }
    // What is said so far tells the line well enough.
    if (pattern.size() + more.size() + 4 > kPatternBytesMax) return pattern;
    pattern += more;
  }
  return pattern + (parts.whole ? "\\s*$" : "");
}

bool MatchesAll(const std::string& pattern, const std::vector<PatternExample>& examples) {
  if (ReadPattern(pattern).problem) return false;
  const Result<LinePattern> compiled = LinePattern::Compile(pattern, false);
  std::vector<std::string_view> values;
  return compiled && std::ranges::all_of(examples, [&](const PatternExample& example) {
           return compiled->Match(example.line, &values);
         });
}

// A source with parts that differ from one unit to the next, as far as these.
std::string TrustedSource(std::string_view source) {
  const size_t kind = source.find(':');
  if (kind == std::string_view::npos) return std::string(source);
  size_t part = kind + 1;
  for (size_t i = kind + 1; i < source.size(); ++i) {
    if (IsDigit(source[i])) {
      // The file's or the unit's name itself has a number in it.
      if (part == kind + 1 || !source.starts_with("journal:")) return std::string(source);
      return std::string(source.substr(0, part)) + "*";
    }
    if (!IsLetter(source[i])) part = i + 1;
  }
  return std::string(source);
}

// Words of letters that say what it is about.
std::vector<std::string> TellingWords(const std::vector<Part>& parts) {
  static const std::set<std::string, std::less<>> kSayNothing = {
      "a",   "an", "and", "at",  "by",   "for", "from", "in",   "is",     "it", "level",
      "msg", "of", "on",  "the", "time", "to",  "was",  "with", "caller", "ts"};
  std::vector<std::string> words;
  for (const Part& part : parts) {
    if (part.variable) continue;
    for (size_t i = 0; i < part.text.size();) {
      std::string word;
      for (; i < part.text.size() && IsLetter(part.text[i]); ++i) word += Lower(part.text[i]);
      if (word.size() > 1 && !kSayNothing.contains(word)) words.push_back(std::move(word));
      if (i < part.text.size()) i += IsLetter(part.text[i]) ? 0 : 1;
    }
  }
  return words;
}

std::string MessageOf(const std::vector<Part>& parts) {
  std::string message;
  for (const Part& part : parts) {
    std::string more;
    if (part.variable) {
      more = part.capture.empty() ? std::string(kMore) : "{" + part.capture + "}";
    } else {
      for (const char c : part.text) {
        more += c;
        if (c == '{' || c == '}') more += c;
      }
    }
    if (message.size() + more.size() > kMessageBytesMax) {
      // A cut within a brace or a character would be another text.
      return message + (message.empty() ? std::string("an unknown pattern") : std::string(kMore));
    }
    message += more;
  }
  return message;
}

std::string List(const std::vector<std::string>& texts) {
  std::string list = "[";
  for (const std::string& text : texts) list += (list.size() > 1 ? ", " : "") + TomlPattern(text);
  return list + "]";
}

tl::unexpected<Error> Unsupported(const std::string& why) {
  return Fail(Code::kUnsupported, why + ": write the rule by hand");
}

}  // namespace

Result<std::string> RuleFromTemplate(const TemplateRuleInput& input) {
  if (input.examples.empty()) return Unsupported("the template has no example yet");
  Parts parts = PartsOf(input.text);
  NameCaptures(&parts.parts);
  const std::vector<std::string> words = TellingWords(parts.parts);
  size_t letters = 0;
  for (const std::string& word : words) letters += word.size();
  if (letters < kLettersMin) return Unsupported("it has too few words of its own");
  std::string pattern = PatternOf(parts, input.variables, false);
  // Values and blanks that were not among the frequent ones.
  if (!MatchesAll(pattern, input.examples)) pattern = PatternOf(parts, {}, true);
  if (!MatchesAll(pattern, input.examples)) {
    return Unsupported("its text as a pattern does not match its examples");
  }
  std::vector<std::string> sources;
  std::vector<std::string> examples;
  for (const PatternExample& example : input.examples) {
    const std::string source = TrustedSource(example.source);
    const bool fresh = std::ranges::find(sources, source) == sources.end();
    if (fresh && ValidRuleSource(source)) sources.push_back(source);
    if (std::ranges::find(examples, example.line) == examples.end()) {
      examples.push_back(example.line);
    }
  }
  if (sources.empty()) return Unsupported("it comes from no source that a rule can trust");
  std::string counter(kAnotherLine);
  for (const std::string& line : input.other_lines) {
    if (MatchesAll(pattern, {{HostId(), "", line, kWallNever}})) continue;
    counter = line;
    break;
  }
  std::string name = "mined.";
  std::string condition;
  size_t used = 0;
  for (const std::string& word : words) {
    if (used == kConditionWordsMax || name.size() + word.size() > kNameBytesMax) break;
    name += (used > 0 ? "_" : "") + word;
    condition += static_cast<char>(word[0] - 'a' + 'A') + word.substr(1);
    ++used;
  }
  if (used == 0) {  // the first is too long
    name += "pattern";
    condition = "MinedPattern";
  }
  // Two templates may begin with the same words.
  const size_t digits = input.id.rfind('-') + 1;
  name += '_';
  for (const char c : input.id.substr(digits, 6))
    name += IsDigit(c) || IsLetter(c) ? Lower(c) : '_';
  return "# Made of the template " + VisibleText(input.id) +
         ". Say what it means for a host: condition, severity, help.\n[[rule]]\nname = " +
         TomlText(name) + "\npattern = " + TomlPattern(pattern) + "\nsources = " + List(sources) +
         "\ncondition = " + TomlText(condition) +
         "\nseverity = \"info\"\nreason = " + TomlText(condition) +
         "\nmessage = " + TomlText(MessageOf(parts.parts)) +
         "\nkind = \"event\"\nthreshold = { count = 1, within = \"1m\" }\nhelp = " +
         TomlText("Made of a template of log lines; nobody has said yet what to do.") +
         "\nexamples = " + List(examples) + "\ncounter_examples = " + List({counter}) + "\n";
}

}  // namespace fleetmedic

#include "stream/pattern_example.h"

#include <algorithm>
#include <vector>

#include "config/pattern.h"
#include "stream/line_pattern.h"
#include "stream/pattern_syntax.h"

namespace fleetmedic {
namespace {

constexpr size_t kExampleBytesMax = 4096;
constexpr int kDepthMax = 100;
constexpr std::string_view kTried = "ax1 0A-_.:/,;=[]()<>\"'#@%&*+?!|~^$`{}\\\t";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsWord(char c) {
  return IsDigit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool IsSpace(char c) { return c == ' ' || c == '\t'; }

class Maker {
 public:
  // `many`: how often what may be missing stands there.
  Maker(std::string_view pattern, int many) : rest_(pattern), many_(many) {}

  std::optional<std::string> Make() {
    std::string text = Alternatives(0);
    if (failed_ || !rest_.empty()) return std::nullopt;
    return text;
  }

 private:
  bool Next(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  std::string Alternatives(int depth) {
    if (depth > kDepthMax) failed_ = true;
    std::string first = Sequence(depth);
    while (!failed_ && Next("|")) Sequence(depth);
    return first;
  }

  std::string Sequence(int depth) {
    std::string text;
    while (!failed_ && !rest_.empty() && rest_.front() != '|' && rest_.front() != ')') {
      const std::string atom = Atom(depth);
      for (int i = Times(); i > 0 && !failed_; --i) {
        text += atom;
        if (text.size() > kExampleBytesMax) failed_ = true;
      }
    }
    return text;
  }

  int Times() {
    const Repetition times = TakeRepetition(&rest_).value_or(Repetition());
    return times.least == 0 && times.most != 0 ? many_ : times.least;
  }

  std::string Atom(int depth) {
    const char c = rest_.front();
    if (c == '(') return Group(depth);
    if (c == '[') return Class();
    if (c == '\\') return Escape();
    rest_.remove_prefix(1);
    if (c == '^' || c == '$') return "";
    if (c == '.') return "x";
    return std::string(1, c);
  }

  std::string Group(int depth) {
    rest_.remove_prefix(1);
    if (Next("?P<")) {
      rest_.remove_prefix(std::min(rest_.find('>') + 1, rest_.size()));
    } else if (Next("?")) {
      const size_t end = rest_.find_first_of(":)");
      if (end == std::string_view::npos) return Fail();
      const bool flags_alone = rest_[end] == ')';
      rest_.remove_prefix(end + 1);
      if (flags_alone) return "";
    }
    std::string text = Alternatives(depth + 1);
    return Next(")") ? text : Fail();
  }

  std::string Escape() {
    const char c = rest_.size() < 2 ? '\0' : rest_[1];
    const std::optional<char> one = TakeEscape(&rest_);
    if (one) return std::string(1, *one);
    constexpr std::string_view kNothing = "bBAz";
    if (kNothing.find(c) != std::string_view::npos) return "";
    if (std::string_view("dDwWsS").find(c) == std::string_view::npos) return Fail();
    for (const char tried : kTried) {
      if (InKind(c, tried)) return std::string(1, tried);
    }
    return Fail();
  }

  static bool InKind(char kind, char c) {
    switch (kind) {
      case 'd':
        return IsDigit(c);
      case 'D':
        return !IsDigit(c);
      case 'w':
        return IsWord(c);
      case 'W':
        return !IsWord(c);
      case 's':
        return IsSpace(c);
      default:
        return !IsSpace(c);
    }
  }

  // By asking RE2 of single characters: classes have too many forms to be read twice.
  std::string Class() {
    const size_t length = ClassLength(rest_);
    if (length == 0) return Fail();
    const std::string of_class(rest_.substr(0, length));
    rest_.remove_prefix(length);
    const Result<LinePattern> one = LinePattern::Compile("^(?:" + of_class + ")$", false);
    if (!one) return Fail();
    std::vector<std::string_view> values;
    for (const char& c : kTried) {
      if (one->Match(std::string_view(&c, 1), &values)) return std::string(1, c);
    }
    for (char c = ' '; c < '\x7f'; ++c) {
      if (one->Match(std::string_view(&c, 1), &values)) return std::string(1, c);
    }
    return Fail();
  }

  std::string Fail() {
    failed_ = true;
    return "";
  }

  std::string_view rest_;
  const int many_;
  bool failed_ = false;
};

}  // namespace

std::optional<std::string> ExampleOf(const std::string& pattern) {
  if (ReadPattern(pattern).problem) return std::nullopt;
  const Result<LinePattern> compiled = LinePattern::Compile(pattern, false);
  if (!compiled) return std::nullopt;
  std::vector<std::string_view> values;
  for (const int many : {0, 1}) {
    std::optional<std::string> text = Maker(pattern, many).Make();
    if (!text || text->find('\n') != std::string::npos) continue;
    if (compiled->Match(*text, &values)) return text;
  }
  return std::nullopt;
}

}  // namespace fleetmedic

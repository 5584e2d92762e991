#include "bench/rule_literals.h"

#include <algorithm>
#include <cctype>

namespace fleetmedic {
namespace {

constexpr size_t kLiteralCharsMin = 3;
constexpr size_t kBranchesMax = 32;

using Literals = std::vector<std::string>;

size_t Shortest(const Literals& literals) {
  if (literals.empty()) return 0;
  return std::ranges::min(literals, {}, &std::string::size).size();
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  // The branches from here to the end of the group.
  Literals Branches() {
    Literals all;
    bool each = true;
    while (true) {
      Literals branch = Branch();
      each = each && Shortest(branch) >= kLiteralCharsMin;
      all.insert(all.end(), branch.begin(), branch.end());
      if (at_ >= text_.size() || text_[at_] == ')') break;
      ++at_;  // '|'
    }
    if (!each || all.size() > kBranchesMax) all.clear();
    return all;
  }

 private:
  Literals Branch() {
    Literals best;
    std::string run;
    const auto offer = [&best](Literals some) {
      if (Shortest(some) > Shortest(best)) best = std::move(some);
    };
    const auto end_run = [&] {
      if (!run.empty()) offer({run});
      run.clear();
    };
    while (at_ < text_.size() && text_[at_] != '|' && text_[at_] != ')') {
      Literals group;
      const std::string one = Item(&group);
      const bool zero_width = one.empty() && group.empty() && boundary_;
      const bool may_lack = QuantifierMayLack();
      if (zero_width) continue;
      if (one.empty() || may_lack) {
        end_run();
        if (!may_lack) offer(std::move(group));
        continue;
      }
      run += one;
      if (repeated_) end_run();
    }
    end_run();
    return best;
  }

  // The one character that stands here, or the group's literals; neither for anything else.
  std::string Item(Literals* group) {
    boundary_ = false;
    const char c = text_[at_++];
    if (c == '^' || c == '$') {
      boundary_ = true;
      return "";
    }
    if (c == '.') return "";
    if (c == '[') return SkipClass(), "";
    if (c == '(') {
      if (text_.substr(at_).starts_with("?P<")) at_ = text_.find('>', at_) + 1;
      if (text_.substr(at_).starts_with("?:")) at_ += 2;
      *group = Branches();
      ++at_;  // ')'
      return "";
    }
    if (c != '\\' || at_ >= text_.size()) return std::string(1, c);
    const char escaped = text_[at_++];
    boundary_ = escaped == 'b' || escaped == 'B' || escaped == 'A' || escaped == 'z';
    if (std::isalnum(static_cast<unsigned char>(escaped)) == 0) return std::string(1, escaped);
    if (escaped != 'x' || at_ + 2 > text_.size()) return "";
    const std::string digits(text_.substr(at_, 2));
    at_ += 2;
    return std::string(1, static_cast<char>(std::stoi(digits, nullptr, 16)));
  }

  void SkipClass() {
    if (at_ < text_.size() && text_[at_] == '^') ++at_;
    if (at_ < text_.size() && text_[at_] == ']') ++at_;
    while (at_ < text_.size() && text_[at_] != ']') {
      if (text_.substr(at_).starts_with("[:")) at_ = text_.find(":]", at_) + 1;
      at_ += text_[at_] == '\\' ? 2 : 1;
    }
    ++at_;
  }

  // Reads a quantifier where there is one; true where it allows that its item is not there.
  bool QuantifierMayLack() {
    repeated_ = false;
    if (at_ >= text_.size()) return false;
    const char c = text_[at_];
    const bool counted = c == '{' && at_ + 1 < text_.size() &&
                         std::isdigit(static_cast<unsigned char>(text_[at_ + 1])) != 0;
    if (c != '?' && c != '*' && c != '+' && !counted) return false;
    const bool may_lack = c == '?' || c == '*' || (counted && text_[at_ + 1] == '0');
    at_ = counted ? text_.find('}', at_) + 1 : at_ + 1;
    if (at_ < text_.size() && text_[at_] == '?') ++at_;
    repeated_ = true;
    return may_lack;
  }

  const std::string_view text_;
  size_t at_ = 0;
  bool boundary_ = false;  // of the item read last: it takes no place in a line
  bool repeated_ = false;  // it had a quantifier
};

}  // namespace

std::vector<std::string> RequiredLiterals(std::string_view pattern) {
  return Reader(pattern).Branches();
}

std::string RustPattern(std::string_view pattern, bool ignore_case) {
  std::string out = ignore_case ? "(?i:" : "";
  bool in_class = false;
  for (size_t at = 0; at < pattern.size(); ++at) {
    const char c = pattern[at];
    const char next = at + 1 < pattern.size() ? pattern[at + 1] : '\0';
    if (c == '\\' && next != '\0') {
      constexpr std::string_view kOnlyRe2 = "\"'/:;<>=@!,%_` ";
      if (kOnlyRe2.find(next) == std::string_view::npos) out += c;
      out += next;
      ++at;
    } else if (pattern.substr(at).starts_with("(?P<") && !in_class) {
      out += "(?:";
      at = pattern.find('>', at);
    } else if (c == '[' && in_class && next != ':') {
      out += "\\[";
    } else if (c == '[' && in_class) {
      const size_t end = pattern.find(":]", at);
      out += pattern.substr(at, end + 2 - at);
      at = end + 1;
    } else if (c == '{' && !in_class && std::isdigit(static_cast<unsigned char>(next)) == 0) {
      out += "\\{";
    } else {
      if (c == '[') in_class = true;
      if (c == ']') in_class = false;
      out += c;
      // A bracket that comes first is a member.
      const size_t first = at + (next == '^' ? 2 : 1);
      if (c == '[' && first < pattern.size() && pattern[first] == ']') {
        out += next == '^' ? "^\\]" : "\\]";
        at = first;
      }
    }
  }
  return ignore_case ? out + ")" : out;
}

}  // namespace fleetmedic

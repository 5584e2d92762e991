#include "config/pattern.h"

#include <algorithm>
#include <utility>

namespace fleetmedic {
namespace {

// RE2's \s has no vertical tab, Hyperscan's has one. Spelled out, they are the same.
constexpr std::string_view kSpaces = "\\t\\n\\f\\r ";
constexpr std::string_view kNotSpaces = "\\x00-\\x08\\x0b\\x0e-\\x1f\\x21-\\xff";

class PatternReader {
 public:
  explicit PatternReader(std::string_view text) : text_(text) {}

  Pattern Read() {
    if (text_.empty()) Problem(0, "expected a pattern, got \"\"");
    if (text_.size() > kPatternBytesMax) {
      Problem(0, "expected at most " + std::to_string(kPatternBytesMax) + " bytes, got " +
                     std::to_string(text_.size()));
    }
    while (at_ < text_.size() && !out_.problem) Step();
    out_.origins.push_back(text_.size());
    return std::move(out_);
  }

 private:
  void Step() {
    const char c = text_[at_];
    if (c < 0x20 || c > 0x7e) return Problem(at_, "expected printable ASCII; write bytes as \\x1b");
    if (c == '\\') return Escape();
    if (in_class_) return StepInClass(c);
    if (c == '[') {
      in_class_ = true;
      Copy(1);
      if (at_ < text_.size() && text_[at_] == '^') Copy(1);
      // A bracket that comes first is a member.
      if (at_ < text_.size() && text_[at_] == ']') Copy(1);
      return;
    }
    if (text_.substr(at_).starts_with("(?P<")) return Capture();
    if (text_.substr(at_).starts_with("(?P")) {
      return Problem(at_, "expected (?P<name>...)");
    }
    for (const std::string_view only_pcre : {"(?=", "(?!", "(?<", "(?>", "(?|", "(?#", "(*"}) {
      if (text_.substr(at_).starts_with(only_pcre)) {
        return Problem(at_, "look-around, atomic groups, comments and verbs are not supported");
      }
    }
    Copy(1);
  }

  void StepInClass(char c) {
    if (text_.substr(at_).starts_with("[:")) {
      const size_t end = text_.find(":]", at_ + 2);
      if (end != std::string_view::npos) return Copy(end + 2 - at_);
    }
    if (text_.substr(at_).starts_with("[.") || text_.substr(at_).starts_with("[=")) {
      return Problem(at_, "collating elements are not supported");
    }
    if (c == ']') in_class_ = false;
    Copy(1);
  }

  void Escape() {
    if (at_ + 1 >= text_.size()) return Problem(at_, "expected a character after \\");
    const char c = text_[at_ + 1];
    if (c == 's' || c == 'S') {
      const std::string_view members = c == 's' ? kSpaces : kNotSpaces;
      return Put(in_class_ ? std::string(members) : "[" + std::string(members) + "]", 2);
    }
    if (c == 'x') return HexEscape();
    constexpr std::string_view kRefused = "vpPCQEhHNRXkgKGZuU";
    if ((c >= '0' && c <= '9') || kRefused.find(c) != std::string_view::npos) {
      return Problem(at_, "\\" + std::string(1, c) + " is not supported");
    }
    Copy(2);
  }

  void HexEscape() {
    const auto digit = [this](size_t i) {
      return i < text_.size() &&
             std::string_view("0123456789abcdefABCDEF").find(text_[i]) != std::string_view::npos;
    };
    // Above 0x7f the engines fold upper and lower case differently.
    if (!digit(at_ + 2) || !digit(at_ + 3) || text_[at_ + 2] > '7') {
      return Problem(at_, "expected \\x00 to \\x7f");
    }
    Copy(4);
  }

  void Capture() {
    const size_t end = text_.find('>', at_);
    const std::string name(
        text_.substr(at_ + 4, end == std::string_view::npos ? 0 : end - at_ - 4));
    const auto allowed = [](char c) {
      return (c >= 'a' && c <= 'z') || c == '_' || (c >= '0' && c <= '9');
    };
    if (name.empty() || name.size() > 32 || !std::ranges::all_of(name, allowed)) {
      return Problem(at_, "expected a capture's name of a-z 0-9 _");
    }
    if (std::ranges::find(out_.captures, name) != out_.captures.end()) {
      return Problem(at_, "expected each capture once, got \"" + name + "\" again");
    }
    if (out_.captures.size() == kPatternCapturesMax) {
      return Problem(at_, "expected at most " + std::to_string(kPatternCapturesMax) + " captures");
    }
    out_.captures.push_back(name);
    // Candidates need no captures, and plain groups compile to less.
    Put("(?:", end + 1 - at_);
  }

  void Copy(size_t count) { Put(std::string(text_.substr(at_, count)), count); }
  void Put(const std::string& text, size_t consumed) {
    out_.hyperscan += text;
    out_.origins.insert(out_.origins.end(), text.size(), at_);
    at_ = std::min(at_ + consumed, text_.size());
  }
  void Problem(size_t offset, std::string message) {
    if (!out_.problem) out_.problem = PatternProblem{offset, std::move(message)};
  }

  std::string_view text_;
  size_t at_ = 0;
  bool in_class_ = false;
  Pattern out_;
};

}  // namespace

Pattern ReadPattern(std::string_view pattern) { return PatternReader(pattern).Read(); }

}  // namespace fleetmedic

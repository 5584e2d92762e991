#include "stream/plain_reader.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "stream/line_pattern.h"
#include "stream/pattern_syntax.h"

namespace fleetmedic {
namespace {

using Op = PlainStep::Op;
using Steps = std::vector<PlainStep>;

constexpr int kDepthMax = 100;

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

void Append(Steps from, Steps* to) { to->insert(to->end(), from.begin(), from.end()); }

PlainStep Jump(Op op, size_t ahead) { return {.op = op, .to = static_cast<uint32_t>(ahead)}; }

Steps Either(Steps first, const Steps& second) {
  Steps steps = {Jump(Op::kEither, first.size() + 2)};
  Append(std::move(first), &steps);
  steps.push_back(Jump(Op::kGo, second.size() + 1));
  Append(second, &steps);
  return steps;
}

// What matches one character.
struct One {
  std::optional<char> character;  // else any of
  ByteSet bytes;
};

}  // namespace

class PlainReader::OnePattern {
 public:
  OnePattern(PlainReader* reader, std::string_view pattern, bool ignore_case)
      : reader_(*reader), rest_(pattern), ignore_case_(ignore_case) {}

  std::optional<PlainCode> Read() {
    code_.steps = Choice();
    if (lost_ || !rest_.empty()) return std::nullopt;
    code_.steps.push_back({.op = Op::kMatched});
    return std::move(code_);
  }

 private:
  bool Skip(std::string_view expected) {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }
  Steps Lost() {
    lost_ = true;
    return {};
  }

  Steps Choice() {
    std::vector<Steps> branches = {Chain()};
    while (!lost_ && Skip("|")) branches.push_back(Chain());
    Steps choice = std::move(branches.back());
    for (size_t i = branches.size() - 1; i-- > 0;) choice = Either(std::move(branches[i]), choice);
    return choice;
  }

  Steps Chain() {
    Steps chain;
    // A text that the next character goes on.
    bool in_text = false;
    while (!lost_ && !rest_.empty() && rest_.front() != '|' && rest_.front() != ')') {
      if (rest_.front() == '(') {
        Append(Group(), &chain);
        in_text = false;
      } else if (const std::optional<Op> edge = TakeEdge()) {
        // RE2 has its own way with edges that repeat.
        if (TakeRepetition(&rest_)) return Lost();
        chain.push_back({.op = *edge});
        in_text = false;
      } else {
        in_text = AppendOne(in_text, &chain);
      }
    }
    return chain;
  }

  std::optional<Op> TakeEdge() {
    constexpr std::array<std::pair<std::string_view, Op>, 6> kEdges = {{{"^", Op::kLineBegin},
                                                                        {"\\A", Op::kLineBegin},
                                                                        {"$", Op::kLineEnd},
                                                                        {"\\z", Op::kLineEnd},
                                                                        {"\\b", Op::kWordEdge},
                                                                        {"\\B", Op::kNoWordEdge}}};
    for (const auto& [text, op] : kEdges) {
      if (Skip(text)) return op;
    }
    return std::nullopt;
  }

  // True where it is text.
  bool AppendOne(bool in_text, Steps* chain) {
    const One one = TakeOne();
    const std::optional<Repetition> repetition = TakeRepetition(&rest_);
    if (repetition && TakeRepetition(&rest_)) lost_ = true;  // for RE2 to say
    const bool folded = one.character && ignore_case_ && IsLetter(*one.character);
    if (one.character && !repetition) {
      const Op op = ignore_case_ ? Op::kFoldedText : Op::kText;
      if (!in_text || chain->back().op != op) {
        chain->push_back({.op = op, .to = static_cast<uint32_t>(code_.texts.size())});
      }
      ++chain->back().number;
      code_.texts += folded ? static_cast<char>(*one.character | 0x20) : *one.character;
      return true;
    }
    ByteSet bytes = one.bytes;
    if (one.character) bytes.set(static_cast<unsigned char>(*one.character));
    if (folded) bytes.set(static_cast<unsigned char>(*one.character ^ 0x20));
    const Repetition times = repetition.value_or(Repetition());
    const bool open = times.most == Repetition::kNoMost;
    if (times.most == 0) return false;
    chain->push_back({.op = times.lazy ? Op::kLeastOf : Op::kMostOf,
                      .number = NumberOf(bytes),
                      .least = static_cast<uint16_t>(times.least),
                      .most = open ? PlainStep::kNoMost : static_cast<uint16_t>(times.most)});
    return false;
  }

  One TakeOne() {
    const char c = rest_.front();
    if (c == '[') return TakeClass(ClassLength(rest_));
    if (c == '\\') {
      if (rest_.size() > 1 && std::string_view("dDsSwW").find(rest_[1]) != std::string_view::npos) {
        return TakeClass(2);
      }
      One one{TakeEscape(&rest_), {}};
      if (!one.character) lost_ = true;
      return one;
    }
    rest_.remove_prefix(1);
    if (c != '.') return {c, {}};
    One any;
    any.bytes.set();
    if (!with_line_ends_) any.bytes.reset('\n');
    return any;
  }

  One TakeClass(size_t length) {
    One one{std::nullopt, reader_.BytesOf(std::string(rest_.substr(0, length)), ignore_case_)};
    if (length == 0 || one.bytes.none()) lost_ = true;
    rest_.remove_prefix(length);
    return one;
  }

  uint16_t NumberOf(const ByteSet& bytes) {
    code_.sets.push_back(bytes);
    return static_cast<uint16_t>(code_.sets.size() - 1);
  }

  Steps Group() {
    if (++depth_ > kDepthMax) return Lost();
    rest_.remove_prefix(1);
    const bool ignored_case = ignore_case_;
    const bool had_line_ends = with_line_ends_;
    std::optional<size_t> capture;
    if (Skip("?P<")) {
      capture = code_.captures++;
      rest_.remove_prefix(std::min(rest_.find('>'), rest_.size() - 1) + 1);
    } else if (Skip("?") && TakeFlags()) {
      --depth_;
      return {};  // They hold to the end of the group around them.
    }
    Steps steps;
    if (capture) steps.push_back(Mark(2 * *capture));
    Append(Choice(), &steps);
    if (capture) steps.push_back(Mark(2 * *capture + 1));
    if (!Skip(")")) return Lost();
    --depth_;
    ignore_case_ = ignored_case;
    with_line_ends_ = had_line_ends;
    return Repeated(std::move(steps));
  }

  static PlainStep Mark(size_t mark) {
    return {.op = Op::kMark, .number = static_cast<uint16_t>(mark)};
  }

  // "i:" or "s-i)"; true for the latter, which is all there is of the group.
  bool TakeFlags() {
    bool on = true;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == ')' || c == ':') return c == ')';
      if (c == '-') {
        on = false;
      } else if (c == 'i') {
        ignore_case_ = on;
      } else if (c == 's') {
        with_line_ends_ = on;
      } else {
        lost_ = true;
      }
    }
    lost_ = true;
    return true;
  }

  Steps Repeated(Steps steps) {
    const std::optional<Repetition> repetition = TakeRepetition(&rest_);
    if (!repetition) return steps;
    if (repetition->least != 0 || repetition->most != 1) return Lost();
    Steps optional = {Jump(repetition->lazy ? Op::kOrElse : Op::kEither, steps.size() + 1)};
    Append(std::move(steps), &optional);
    return optional;
  }

  PlainReader& reader_;
  std::string_view rest_;
  bool ignore_case_;
  bool with_line_ends_ = false;  // '.' is '\n' too
  int depth_ = 0;
  bool lost_ = false;
  PlainCode code_;
};

std::optional<PlainCode> PlainReader::Read(std::string_view pattern, bool ignore_case) {
  return OnePattern(this, pattern, ignore_case).Read();
}

const ByteSet& PlainReader::BytesOf(const std::string& one, bool ignore_case) {
  const auto [known, is_new] = classes_.try_emplace({one, ignore_case});
  if (!is_new) return known->second;
  const Result<LinePattern> pattern = LinePattern::Compile("^" + one + "$", ignore_case);
  for (size_t i = 0; pattern && i < known->second.size(); ++i) {
    const char byte = static_cast<char>(i);
    if (pattern->Matches(std::string_view(&byte, 1))) known->second.set(i);
  }
  return known->second;
}

}  // namespace fleetmedic

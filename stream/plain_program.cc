#include "stream/plain_program.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>

namespace fleetmedic {
namespace {

using Op = PlainStep::Op;

// A byte that a search passes costs less than a step.
constexpr int64_t kSearchedBytesOfStep = 16;

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
bool IsWord(char c) {
  const char lower = Lower(c);
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

// Whether a way that leads through the step may come back to it.
bool Opens(const PlainStep& step) {
  switch (step.op) {
    case Op::kMostOf:
    case Op::kLeastOf:
      return step.least != step.most;
    case Op::kEither:
    case Op::kOrElse:
    case Op::kMark:
      return true;
    case Op::kText:
    case Op::kFoldedText:
    case Op::kGo:
    case Op::kLineBegin:
    case Op::kLineEnd:
    case Op::kWordEdge:
    case Op::kNoWordEdge:
    case Op::kMatched:
      return false;
  }
  return false;
}

// The bytes that what the code matches may start with; null where it may be empty.
std::optional<ByteSet> FirstBytes(const PlainCode& code) {
  ByteSet first;
  std::vector<bool> reached(code.steps.size() + 1);
  reached[0] = true;
  for (size_t i = 0; i < code.steps.size(); ++i) {
    if (!reached[i]) continue;
    const PlainStep& step = code.steps[i];
    switch (step.op) {
      case Op::kText:
      case Op::kFoldedText: {
        const char c = code.texts[step.to];
        first.set(static_cast<unsigned char>(c));
        const bool letter = c >= 'a' && c <= 'z';
        if (step.op == Op::kFoldedText && letter) first.set(static_cast<unsigned char>(c ^ 0x20));
        break;
      }
      case Op::kMostOf:
      case Op::kLeastOf:
        first |= code.sets[step.number];
        reached[i + 1] = reached[i + 1] || step.least == 0;
        break;
      case Op::kEither:
      case Op::kOrElse:
        reached[i + 1] = true;
        reached[i + step.to] = true;
        break;
      case Op::kGo:
        reached[i + step.to] = true;
        break;
      case Op::kMark:
      case Op::kLineBegin:
      case Op::kLineEnd:
      case Op::kWordEdge:
      case Op::kNoWordEdge:
        reached[i + 1] = true;
        break;
      case Op::kMatched:
        return std::nullopt;
    }
  }
  return first;
}

}  // namespace

void PlainPrograms::Add(const std::optional<PlainCode>& code) {
  Program& program = programs_.emplace_back();
  if (!code || code->steps.size() > kStepsMax || code->captures > kCapturesMax ||
      texts_.size() + code->texts.size() > std::numeric_limits<int32_t>::max() ||
      sets_.size() + code->sets.size() >= std::numeric_limits<uint16_t>::max() ||
      static_cast<size_t>(std::ranges::count_if(code->steps, Opens)) > kChoicesMax) {
    return;
  }
  const std::optional<ByteSet> first = FirstBytes(*code);
  if (!first) return;
  program.steps = static_cast<uint32_t>(steps_.size());
  program.captures = static_cast<uint16_t>(code->captures);
  const auto text = static_cast<uint32_t>(texts_.size());
  texts_ += code->texts;
  // What takes no byte may stand before it.
  const auto lead = std::ranges::find_if(code->steps, [](const PlainStep& step) {
    return step.op != Op::kMark && step.op != Op::kWordEdge && step.op != Op::kNoWordEdge;
  });
  if (lead->op == Op::kLineBegin) {
    program.begin = Begin::kLine;
  } else if (lead->op == Op::kText) {
    program.begin = Begin::kText;
    program.text = text + lead->to;
    program.number = lead->number;
  } else {
    program.begin = Begin::kOneOf;
    program.number = NumberOf(*first);
  }
  for (PlainStep step : code->steps) {
    if (step.op == Op::kText || step.op == Op::kFoldedText) step.to += text;
    if (step.op == Op::kMostOf || step.op == Op::kLeastOf) {
      step.number = NumberOf(code->sets[step.number]);
    }
    steps_.push_back(step);
  }
}

// Patterns have few different ones, so that those of all stay at hand.
uint16_t PlainPrograms::NumberOf(const ByteSet& bytes) {
  const auto same = std::ranges::find(sets_, bytes, &Set::bytes);
  const auto number = static_cast<size_t>(same - sets_.begin());
  if (same != sets_.end()) return static_cast<uint16_t>(number);
  Set set{bytes, bytes.all() ? kNoByte : kManyBytes};
  if (bytes.count() == bytes.size() - 1) {
    for (set.stop = 0; bytes.test(set.stop);) ++set.stop;
  }
  sets_.push_back(set);
  return static_cast<uint16_t>(number);
}

// One program on one line.
class PlainPrograms::Runner {
 public:
  Runner(const PlainPrograms& all, const Program& program, std::string_view line)
      : all_(all),
        program_(program),
        begin_(line.data()),
        end_(line.data() + line.size()),
        patience_(kPatience + kPatienceOfByte * static_cast<int64_t>(line.size())) {}

  Answer Run() {
    if (program_.begin == Begin::kLine) return From(begin_);
    for (const char* at = begin_; at < end_; ++at) {
      at = program_.begin == Begin::kText ? NextText(at) : NextOf(at);
      if (at == nullptr) return patience_ < 0 ? Answer::kUnknown : Answer::kNo;
      if (const Answer answer = From(at); answer != Answer::kNo) return answer;
    }
    return Answer::kNo;
  }

  void Captures(std::vector<std::string_view>* values) const {
    values->clear();
    for (size_t i = 0; i < program_.captures; ++i) {
      const char* from = marks_[2 * i];
      const char* to = marks_[2 * i + 1];
      values->push_back(to == nullptr ? std::string_view()
                                      : std::string_view(from, static_cast<size_t>(to - from)));
    }
  }

 private:
  // What was not tried yet.
  struct Choice {
    enum class Kind : uint8_t { kStep, kShorter, kLonger, kMark };
    Kind kind;
    uint32_t step;      // to go on with; of kMark which
    const char* at;     // of kMark what it was before
    const char* limit;  // of a run where it ends at the most, or at the least
  };

  const char* NextText(const char* at) {
    const void* found = ::memmem(at, static_cast<size_t>(end_ - at),
                                 all_.texts_.data() + program_.text, program_.number);
    const char* const to = found == nullptr ? end_ : static_cast<const char*>(found);
    patience_ -= (to - at) / kSearchedBytesOfStep;
    return static_cast<const char*>(found);
  }
  const char* NextOf(const char* at) {
    const ByteSet& set = all_.sets_[program_.number].bytes;
    const char* const from = at;
    while (at < end_ && !set[static_cast<unsigned char>(*at)]) ++at;
    patience_ -= (at - from) / kSearchedBytesOfStep;
    return at == end_ ? nullptr : at;
  }

  // A match that begins there.
  Answer From(const char* at) {
    at_ = at;
    step_ = program_.steps;
    open_ = 0;
    std::fill_n(marks_.begin(), 2 * program_.captures, nullptr);
    while (--patience_ >= 0) {
      const PlainStep& step = all_.steps_[step_];
      if (step.op == Op::kMatched) return Answer::kYes;
      if (!Take(step) && !GoBack()) return Answer::kNo;
    }
    return Answer::kUnknown;
  }

  // Goes on behind the step, or says that it cannot.
  bool Take(const PlainStep& step) {
    const uint32_t here = step_++;
    switch (step.op) {
      case Op::kText:
        return TakeText(step, false);
      case Op::kFoldedText:
        return TakeText(step, true);
      case Op::kMostOf:
      case Op::kLeastOf:
        return TakeRun(step);
      case Op::kEither:
        Open({Choice::Kind::kStep, here + step.to, at_, nullptr});
        return true;
      case Op::kOrElse:
        Open({Choice::Kind::kStep, step_, at_, nullptr});
        step_ = here + step.to;
        return true;
      case Op::kGo:
        step_ = here + step.to;
        return true;
      case Op::kMark:
        if (open_ > 0) Open({Choice::Kind::kMark, step.number, marks_[step.number], nullptr});
        marks_[step.number] = at_;
        return true;
      case Op::kLineBegin:
        return at_ == begin_;
      case Op::kLineEnd:
        return at_ == end_;
      case Op::kWordEdge:
        return AtWordEdge();
      case Op::kNoWordEdge:
        return !AtWordEdge();
      case Op::kMatched:
        return true;
    }
    return false;
  }

  bool AtWordEdge() const {
    const bool before = at_ > begin_ && IsWord(at_[-1]);
    const bool behind = at_ < end_ && IsWord(*at_);
    return before != behind;
  }

  bool TakeText(const PlainStep& step, bool folded) {
    if (end_ - at_ < step.number) return false;
    const char* const text = all_.texts_.data() + step.to;
    if (!folded) {
      if (std::memcmp(at_, text, step.number) != 0) return false;
    } else {
      for (size_t i = 0; i < step.number; ++i) {
        if (Lower(at_[i]) != text[i]) return false;
      }
    }
    at_ += step.number;
    return true;
  }

  bool TakeRun(const PlainStep& step) {
    const bool bounded = step.most != PlainStep::kNoMost && end_ - at_ > step.most;
    const char* const longest = EndOfRun(step.number, at_, bounded ? at_ + step.most : end_);
    patience_ -= (longest - at_) / kSearchedBytesOfStep;
    if (longest - at_ < step.least) return false;
    const char* const shortest = at_ + step.least;
    if (step.op == Op::kMostOf) {
      if (longest != shortest) Open({Choice::Kind::kShorter, step_, longest, shortest});
      at_ = longest;
    } else {
      if (longest != shortest) Open({Choice::Kind::kLonger, step_, shortest, longest});
      at_ = shortest;
    }
    return true;
  }

  const char* EndOfRun(uint16_t number, const char* from, const char* to) const {
    const Set& set = all_.sets_[number];
    if (set.stop == kNoByte) return to;
    if (set.stop != kManyBytes) {
      const void* stop = std::memchr(from, set.stop, static_cast<size_t>(to - from));
      return stop == nullptr ? to : static_cast<const char*>(stop);
    }
    while (from < to && set.bytes[static_cast<unsigned char>(*from)]) ++from;
    return from;
  }

  // As many as the program has steps that open one: it goes ahead only.
  void Open(const Choice& choice) { choices_[open_++] = choice; }

  // To the choice that was opened last and has something left.
  bool GoBack() {
    while (open_ > 0) {
      Choice& last = choices_[open_ - 1];
      step_ = last.step;
      switch (last.kind) {
        case Choice::Kind::kMark:
          marks_[last.step] = last.at;
          --open_;
          break;
        case Choice::Kind::kStep:
          at_ = last.at;
          --open_;
          return true;
        case Choice::Kind::kShorter:
        case Choice::Kind::kLonger:
          if (const char* to = NextEnd(last); to != nullptr) {
            at_ = last.at = to;
            if (last.at == last.limit) --open_;
            return true;
          }
          --open_;
          break;
      }
    }
    return false;
  }

  // Where the run may end next; where a text follows, at its first byte.
  const char* NextEnd(const Choice& run) {
    const PlainStep& next = all_.steps_[run.step];
    const bool shorter = run.kind == Choice::Kind::kShorter;
    if (next.op != Op::kText) return shorter ? run.at - 1 : run.at + 1;
    const char wanted = all_.texts_[next.to];
    const char* const from = shorter ? run.limit : run.at + 1;
    const char* const to = shorter ? run.at : std::min(run.limit + 1, end_);
    const auto length = static_cast<size_t>(to - from);
    const void* found =
        shorter ? ::memrchr(from, wanted, length) : std::memchr(from, wanted, length);
    const auto* const at = static_cast<const char*>(found);
    const char* const passed = at == nullptr ? (shorter ? from : to) : at;
    patience_ -= (shorter ? to - passed : passed - from) / kSearchedBytesOfStep;
    return at;
  }

  const PlainPrograms& all_;
  const Program& program_;
  const char* const begin_;
  const char* const end_;
  int64_t patience_;
  const char* at_ = nullptr;
  uint32_t step_ = 0;
  size_t open_ = 0;
  // Not filled before they are in use.
  std::array<const char*, 2 * kCapturesMax> marks_;
  std::array<Choice, kChoicesMax> choices_;
};

PlainPrograms::Answer PlainPrograms::Run(size_t program, std::string_view line,
                                         std::vector<std::string_view>* values) const {
  if (!Has(program)) return Answer::kUnknown;
  if (line.empty()) return Answer::kNo;
  Runner runner(*this, programs_[program], line);
  const Answer answer = runner.Run();
  if (answer == Answer::kYes) runner.Captures(values);
  return answer;
}

size_t PlainPrograms::bytes() const {
  return programs_.size() * sizeof(programs_[0]) + steps_.size() * sizeof(steps_[0]) +
         texts_.size() + sets_.size() * sizeof(sets_[0]);
}

}  // namespace fleetmedic

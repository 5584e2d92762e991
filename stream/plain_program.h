// What plain patterns are compiled to: a few steps each, small enough to stay in the nearer caches
// where a thousand automata do not. A program tries what RE2 prefers first: the leftmost begin,
// then at each choice the one that stands first or the longer one. So where it says "yes", its
// captures are RE2's, and where it says "no", so does RE2. It goes back and tries the next choice
// until its patience is used up, and then it does not say. Pure.
#ifndef FLEETMEDIC_STREAM_PLAIN_PROGRAM_H_
#define FLEETMEDIC_STREAM_PLAIN_PROGRAM_H_

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fleetmedic {

using ByteSet = std::bitset<256>;

struct PlainStep {
  enum class Op : uint8_t {
    kText,        // the bytes
    kFoldedText,  // the bytes, which are lower, or their upper letters
    kMostOf,      // `least` to `most` bytes of the set, as many as go
    kLeastOf,     // the same, as few as go
    kEither,      // what follows, or else what is `to` steps ahead
    kOrElse,      // what is `to` steps ahead, or else what follows
    kGo,          // to what is `to` steps ahead
    kMark,        // where a capture begins (2 n) or ends (2 n + 1)
    kLineBegin,
    kLineEnd,
    kWordEdge,
    kNoWordEdge,
    kMatched,
  };
  static constexpr uint16_t kNoMost = 0xffff;

  Op op;
  uint16_t number = 0;  // of a text its bytes, of a run its set, of a mark which
  uint16_t least = 0;
  uint16_t most = 0;
  uint32_t to = 0;  // of a text where it begins in the texts
};

struct PlainCode {
  std::vector<PlainStep> steps;  // the last is kMatched; jumps go ahead only
  std::string texts;
  std::vector<ByteSet> sets;
  size_t captures = 0;
};

// Programs are numbered from 0 in the order in which they are added. Thread-safe once they all are.
class PlainPrograms {
 public:
  // Runs and choices that may be open at once; a program with more is none.
  static constexpr size_t kChoicesMax = 96;
  static constexpr size_t kStepsMax = 1024;
  static constexpr size_t kCapturesMax = 16;
  // A run takes at most so many steps of a line, and then does not say.
  static constexpr int64_t kPatience = 512;
  static constexpr int64_t kPatienceOfByte = 8;

  // Null for a pattern that has none. That, and code that is too large or matches the empty text,
  // gets a number all the same, of which Run says kUnknown on every line.
  void Add(const std::optional<PlainCode>& code);

  enum class Answer { kNo, kYes, kUnknown };
  // Of one line, of any bytes. Where it is kYes, `values` gets one view into the line for each
  // capture; the view of one that took no part is empty.
  Answer Run(size_t program, std::string_view line, std::vector<std::string_view>* values) const;
  bool Has(size_t program) const { return programs_[program].begin != Begin::kNone; }

  size_t bytes() const;

 private:
  enum class Begin : uint8_t {
    kNone,
    kLine,   // at the line's begin alone
    kText,   // with a text
    kOneOf,  // with a byte of a set
  };
  struct Program {
    uint32_t steps = 0;
    uint16_t captures = 0;
    uint16_t number = 0;  // of the text its bytes, of the set which
    uint32_t text = 0;
    Begin begin = Begin::kNone;
  };
  // A byte of a set, and what ends a run of them.
  struct Set {
    ByteSet bytes;
    // The one byte that is not in it; kNoByte where all are, kManyBytes where several are not.
    uint16_t stop = 0;
  };
  static constexpr uint16_t kNoByte = 256;
  static constexpr uint16_t kManyBytes = 257;
  class Runner;

  uint16_t NumberOf(const ByteSet& bytes);

  std::vector<Program> programs_;
  std::vector<PlainStep> steps_;
  std::string texts_;
  std::vector<Set> sets_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_PLAIN_PROGRAM_H_

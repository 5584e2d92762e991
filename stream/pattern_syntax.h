// Pieces of the language of config/pattern.h, for those who read patterns that ReadPattern and RE2
// let through. Pure.
#ifndef FLEETMEDIC_STREAM_PATTERN_SYNTAX_H_
#define FLEETMEDIC_STREAM_PATTERN_SYNTAX_H_

#include <cstddef>
#include <optional>
#include <string_view>

namespace fleetmedic {

struct Repetition {
  static constexpr int kNoMost = -1;

  int least = 1;
  int most = 1;
  bool lazy = false;  // as few as go
};

// One of * + ? {n} {n,} {n,m} at the front of `rest`, which then stands behind it; with a '?' it is
// lazy. Null where there is none: what is not well formed is plain text.
std::optional<Repetition> TakeRepetition(std::string_view* rest);

// An escape at the front of `rest`, which then stands behind it. Null for what stands for several
// characters or for none, as \d and \b do, of which two are taken.
std::optional<char> TakeEscape(std::string_view* rest);

// How many characters the class has that begins `rest`; 0 where it does not end.
size_t ClassLength(std::string_view rest);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_PATTERN_SYNTAX_H_

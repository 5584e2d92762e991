// The pattern language of rules: what RE2 and Hyperscan both understand, and understand alike on
// one line of bytes. RE2 decides what matches; Hyperscan finds candidates and must never miss one,
// so what the two read differently is refused here or rewritten for Hyperscan.
//
// Taken: literals, '.', classes, groups, (?P<name>...), alternation, repetition, ^ $ \A \z, \b \B,
// \d \w \s and their opposites, [[:alpha:]], \xHH below 0x80, (?i) and the other flags.
// Refused: bytes outside printable ASCII, \v, \p and \P, \C, \Q, octal escapes, \x{...},
// and what only one of the two has (look-around, back-references, atomic groups).
#ifndef FLEETMEDIC_CONFIG_PATTERN_H_
#define FLEETMEDIC_CONFIG_PATTERN_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fleetmedic {

struct PatternProblem {
  size_t offset = 0;  // in bytes; patterns are ASCII, so in characters too
  std::string message;
};

struct Pattern {
  // The names of the groups in order.
  std::vector<std::string> captures;
  // For Hyperscan: matches every line that the pattern matches in RE2.
  std::string hyperscan;
  // Where each byte of `hyperscan` came from, so that its errors point into the pattern; one more
  // element for the end.
  std::vector<size_t> origins;
  std::optional<PatternProblem> problem;
};

constexpr size_t kPatternBytesMax = 2048;
constexpr size_t kPatternCapturesMax = 16;

// Reads the pattern as far as our own language goes; whether it is sound is for the two engines
// to say (stream/rule_set.h).
Pattern ReadPattern(std::string_view pattern);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_PATTERN_H_

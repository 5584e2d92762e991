// Text that people read and text that strangers wrote. What comes from outside (log lines, file
// contents, names, error messages of others) passes through Quote before it enters a message and
// through VisibleText before it reaches a terminal, so that it can neither hide nor reorder nor
// colour what stands around it.
#ifndef FLEETMEDIC_BASE_TEXT_H_
#define FLEETMEDIC_BASE_TEXT_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fleetmedic {

constexpr size_t kQuoteCharsMax = 120;

// The text in double quotes, at most chars_max characters (code points) of it; a cut is shown by
// "..." after the closing quote. Control characters (so every ANSI escape), bidirectional and
// invisible format characters, and bytes that are not UTF-8 are shown as escapes: \n, \x1b,
// \u202e, \xff. The quote and the backslash are escaped too. The answer is one line of valid
// UTF-8, so that it can be told apart from the message around it.
std::string Quote(std::string_view text, size_t chars_max = kQuoteCharsMax);

// The text for a terminal, not quoted and not cut: a control character becomes its picture
// (U+241B for escape, U+240A for newline), a bidirectional or invisible format character becomes
// "<U+202E>", a byte that is not UTF-8 becomes U+FFFD. The answer is one line of valid UTF-8.
std::string VisibleText(std::string_view text);

// The parts between separators, empty ones too: Split("a,,b", ',') is {"a", "", "b"}, and
// Split("", ',') is {""}. The parts point into `text`.
std::vector<std::string_view> Split(std::string_view text, char separator);

// Without the ASCII white space at both ends. Points into `text`.
std::string_view Trim(std::string_view text);

// How many insertions, deletions, replacements and swaps of neighbours turn one word into the
// other (optimal string alignment), counted in bytes. Takes |a| * |b| steps: only for words.
size_t EditDistance(std::string_view a, std::string_view b);

// What was probably meant by `word`, for "did you mean": the candidate with the fewest edits,
// upper and lower case taken as equal, the first of them where several tie. None when even that
// one differs in more than a third of its characters (one is always allowed).
std::optional<std::string_view> ClosestWord(std::string_view word,
                                            std::span<const std::string_view> candidates);
std::optional<std::string_view> ClosestWord(std::string_view word,
                                            std::span<const std::string> candidates);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_TEXT_H_

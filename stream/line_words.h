// A line as words and what stands between them, with those words marked that obviously differ from
// line to line. What the templates of lines (template_miner.h) are made of. Pure.
//
// A word is a run of bytes other than white space and , ; : ( ) [ ] { } = " ' < > |. One that has
// a digit is a variable: numbers, addresses, times, identifiers, devices, paths with a number in
// them. Two things are excepted: a name as "mlx5_core" or "EXT4-fs", that is letters, one or two
// digits and at least two letters more; and what only looks like several words, since colons or
// commas join it ("02:03:04,567", "fe80::1", "10.0.0.1:80", "1,2,3"), is one variable.
//
// All this is a part of what identifies a template: a change here gives templates new identities.
#ifndef FLEETMEDIC_STREAM_LINE_WORDS_H_
#define FLEETMEDIC_STREAM_LINE_WORDS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fleetmedic {

struct WordSpan {
  uint32_t begin = 0;
  uint32_t end = 0;

  std::string_view In(std::string_view line) const { return line.substr(begin, end - begin); }
  bool operator==(const WordSpan&) const = default;
};

// The variables of a line that are variables by themselves, and all else as a number. Lines whose
// `hash` is the same differ, but for a chance of 2^-64, in these variables alone.
struct LineShape {
  static constexpr size_t kVariablesMax = 48;
  // Of a longer line the end is left out, from the beginning of a word.
  static constexpr size_t kBytesMax = 1024;

  uint64_t hash = 0;  // never 0
  // Of the line, without white space at its end.
  uint32_t bytes = 0;
  bool cut = false;  // for either limit
  uint32_t variable_count = 0;
  std::array<WordSpan, kVariablesMax> variables;
};

// One pass, no allocation. The same line and seed give the same shape on every machine.
void ScanLine(std::string_view line, uint64_t seed, LineShape* shape);

struct LineWord {
  WordSpan span;
  bool variable = false;
  uint64_t hash = 0;  // of the word's bytes
};

struct LineWords {
  // Of a line with more the rest is left out.
  static constexpr size_t kWordsMax = 64;

  uint32_t count = 0;
  bool cut = false;
  uint32_t bytes = 0;  // up to where the line was looked at
  // Which of the words are LineShape's variables, in their order; bit 0 is the first word.
  uint64_t shape_mask = 0;
  // Of the words that are variables, by their shape or by what is said at SplitLine.
  uint64_t variable_mask = 0;
  // Of the number of words, of what stands between them (white space as one blank) and of `cut`.
  uint64_t structure = 0;
  std::array<LineWord, kWordsMax> words;
};

// Beside the variables of the shape: the host's name, or its first label; names of months and days
// beside a variable; 8 and more letters a to f; words of more than 64 bytes; a word in quotes that
// follow a blank after a word ("open 'x' failed").
void SplitLine(std::string_view line, const LineShape& shape, std::string_view host,
               LineWords* words);

// LineWords::structure of such words of a text, which they are spans of.
uint64_t StructureOf(std::string_view text, const LineWords& words);

// The bytes between the words, white space as one blank: before word `index`, or, past the last
// one, after it.
std::string GapBefore(std::string_view line, const LineWords& words, size_t index);

uint64_t HashBytes(std::string_view bytes, uint64_t seed);
// LineWord::hash.
uint64_t WordHash(std::string_view word);

bool IsLineBlank(char c);
// Whether it stands between words.
bool IsWordDelimiter(char c);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_LINE_WORDS_H_

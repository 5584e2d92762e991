#include "stream/line_level.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace fleetmedic {
namespace {

constexpr size_t kWordBytesMax = 16;
// How far from the line's beginning a level may stand that is only a word in capitals.
constexpr size_t kCapitalsWithin = 128;

// Whole words that say that something is bad.
constexpr std::array<std::string_view, 52> kBadWords = {
    "abort",        "aborted",   "aborting",    "alert",     "bug",         "cannot",
    "corrupt",      "corrupted", "corruption",  "crit",      "critical",    "denied",
    "emerg",        "emergency", "err",         "error",     "errors",      "exceeded",
    "exception",    "fail",      "failed",      "failing",   "fails",       "failure",
    "failures",     "fatal",     "hung",        "invalid",   "lost",        "oom",
    "oops",         "overflow",  "overrun",     "panic",     "panicked",    "refused",
    "segfault",     "stuck",     "timed",       "timedout",  "timeout",     "timeouts",
    "traceback",    "unable",    "unavailable", "unhealthy", "unreachable", "unrecoverable",
    "unresponsive", "warn",      "warning",     "warnings"};
static_assert(std::ranges::is_sorted(kBadWords));
constexpr std::array<std::string_view, 10> kGoodLevels = {
    "dbg",           "debug", "fine",   "info",  "information",
    "informational", "log",   "notice", "trace", "verbose"};
constexpr std::array<std::string_view, 11> kBadLevels = {"alert",     "crit", "critical", "emerg",
                                                         "emergency", "err",  "error",    "fatal",
                                                         "panic",     "warn", "warning"};

// Most words are told apart by their length and first letter.
template <size_t n>
bool IsOneOf(const std::array<std::string_view, n>& words, std::string_view word) {
  return std::ranges::any_of(words, [word](std::string_view one) {
    return one.size() == word.size() && one[0] == word[0] && one == word;
  });
}

// Where the bad words of each letter begin.
constexpr std::array<uint8_t, 27> kBadWordsOf = [] {
  std::array<uint8_t, 27> begins{};
  for (size_t letter = 0; letter < begins.size(); ++letter) {
    const auto* const at = std::ranges::lower_bound(kBadWords, static_cast<char>('a' + letter), {},
                                                    [](std::string_view word) { return word[0]; });
    begins[letter] = static_cast<uint8_t>(at - kBadWords.begin());
  }
  return begins;
}();

bool IsBadWord(std::string_view word) {
  const auto letter = static_cast<size_t>(word[0] - 'a');
  for (size_t i = kBadWordsOf[letter]; i < kBadWordsOf[letter + 1]; ++i) {
    if (kBadWords[i] == word) return true;
  }
  return false;
}

inline char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
inline bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
inline bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
inline bool IsDigit(char c) { return c >= '0' && c <= '9'; }
inline bool IsLetter(char c) { return IsLower(Lower(c)); }
inline bool IsWordByte(char c) { return IsLetter(c) || IsDigit(c) || c == '_'; }

// ---- Where a bad word may begin: its first three letters ----

// The letters of the words' beginnings in eight groups, by the halves of a byte; a place is worth a
// look where one group has all three of its bytes.
struct Beginnings {
  alignas(16) std::array<std::array<uint8_t, 16>, 3> low{};
  alignas(16) std::array<std::array<uint8_t, 16>, 3> high{};
};

// Those in one group are much alike, so that the groups stay narrow.
constexpr size_t GroupOf(std::string_view word) {
  constexpr std::array<std::string_view, 8> kGroups = {"abo ale",
                                                       "bug hun stu",
                                                       "can cor cri",
                                                       "den eme los",
                                                       "err exc",
                                                       "fai fat pan war",
                                                       "inv una unh unr ref seg",
                                                       "oom oop ove tim tra"};
  for (size_t i = 0; i < kGroups.size(); ++i) {
    if (kGroups[i].find(word.substr(0, 3)) != std::string_view::npos) return i;
  }
  return kGroups.size();
}

constexpr Beginnings kBeginnings = [] {
  Beginnings made;
  for (const std::string_view word : kBadWords) {
    const auto group = static_cast<uint8_t>(1U << GroupOf(word));
    for (size_t at = 0; at < 3; ++at) {
      const auto lower = static_cast<uint8_t>(word[at]);
      for (const uint8_t byte : {lower, static_cast<uint8_t>(lower - 0x20)}) {
        made.low[at][byte & 15] |= group;
        made.high[at][byte >> 4] |= group;
      }
    }
  }
  return made;
}();
static_assert(std::ranges::all_of(kBadWords,
                                  [](std::string_view word) { return GroupOf(word) < 8; }));

// The line between zeros, so that what stands beside a byte can be read.
struct PaddedLine {
  static constexpr size_t kAfter = 32;
  explicit PaddedLine(std::string_view line) : size(line.size()) {
    bytes[0] = 0;
    std::memcpy(bytes.data() + 1, line.data(), size);
    std::memset(bytes.data() + 1 + size, 0, kAfter);
  }
  const char* data() const { return bytes.data() + 1; }

  size_t size;
  std::array<char, 1 + kLevelBytesMax + kAfter> bytes;
};
using Places = std::array<uint16_t, kLevelBytesMax / 16 + 1>;

// A bit for each place of the line where a bad word may begin.
void PlacesOfBytes(const PaddedLine& line, Places* places) {
  for (size_t i = 0; i < line.size; ++i) {
    if (i % 16 == 0) (*places)[i / 16] = 0;
    const char* const data = line.data() + i;
    if (IsLetter(data[-1]) && !IsUpper(data[0])) continue;
    uint8_t groups = 0xff;
    for (size_t at = 0; at < 3; ++at) {
      const auto byte = static_cast<uint8_t>(data[at]);
      groups &= kBeginnings.low[at][byte & 15] & kBeginnings.high[at][byte >> 4];
    }
    if (groups != 0) (*places)[i / 16] |= static_cast<uint16_t>(1U << (i % 16));
  }
}

#if defined(__x86_64__)
__attribute__((target("ssse3"))) void PlacesOf16s(const PaddedLine& line, Places* places) {
  const __m128i nibble = _mm_set1_epi8(15);
  const __m128i case_bit = _mm_set1_epi8(0x20);
  const __m128i letters = _mm_set1_epi8(25);
  __m128i low[3];
  __m128i high[3];
  for (size_t at = 0; at < 3; ++at) {
    low[at] = _mm_load_si128(reinterpret_cast<const __m128i*>(kBeginnings.low[at].data()));
    high[at] = _mm_load_si128(reinterpret_cast<const __m128i*>(kBeginnings.high[at].data()));
  }
  for (size_t i = 0; i < line.size; i += 16) {
    const char* const data = line.data() + i;
    const __m128i before = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data - 1));
    const __m128i letter = _mm_sub_epi8(_mm_or_si128(before, case_bit), _mm_set1_epi8('a'));
    const __m128i here = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data));
    const __m128i capital = _mm_sub_epi8(here, _mm_set1_epi8('A'));
    // Within a word, and no capital.
    const __m128i inner = _mm_andnot_si128(_mm_cmpeq_epi8(_mm_min_epu8(capital, letters), capital),
                                           _mm_cmpeq_epi8(_mm_min_epu8(letter, letters), letter));
    __m128i groups = _mm_andnot_si128(inner, _mm_set1_epi8(-1));
    for (size_t at = 0; at < 3; ++at) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + at));
      const __m128i upper = _mm_and_si128(_mm_srli_epi16(bytes, 4), nibble);
      groups = _mm_and_si128(groups, _mm_shuffle_epi8(low[at], _mm_and_si128(bytes, nibble)));
      groups = _mm_and_si128(groups, _mm_shuffle_epi8(high[at], upper));
    }
    const __m128i none = _mm_cmpeq_epi8(groups, _mm_setzero_si128());
    (*places)[i / 16] = static_cast<uint16_t>(~_mm_movemask_epi8(none));
  }
}
const bool kHasShuffle = __builtin_cpu_supports("ssse3") != 0;
#else
void PlacesOf16s(const PaddedLine&, Places*) {}
constexpr bool kHasShuffle = false;
#endif

// ---- What a word says ----

// The letters from a place on, in lower case; empty for a longer word.
std::string_view LettersAt(std::string_view line, size_t at, char* lower) {
  size_t bytes = 0;
  for (; at + bytes < line.size() && IsLetter(line[at + bytes]); ++bytes) {
    if (bytes == kWordBytesMax) return {};
    lower[bytes] = Lower(line[at + bytes]);
  }
  return {lower, bytes};
}

// "no errors", "0 errors", "errors=0", "error: none", "err=<nil>".
bool IsDenied(std::string_view line, size_t begin, size_t end) {
  std::string_view before = line.substr(0, begin);
  while (before.ends_with(' ')) before.remove_suffix(1);
  for (const std::string_view no : {"no", "No", "without", "zero", "0"}) {
    if (!before.ends_with(no)) continue;
    if (before.size() == no.size() || !IsWordByte(before[before.size() - no.size() - 1]))
      return true;
  }
  std::string_view after = line.substr(end);
  const size_t value = after.find_first_not_of("=:\" <");
  if (value == 0 || value == std::string_view::npos) {
    return after.starts_with("=\"\"") || after.starts_with("\":\"\"");
  }
  if (after.find_first_of("=:") > value) return false;
  after.remove_prefix(value);
  for (const std::string_view none : {"0", "nil", "null", "none", "false"}) {
    if (after.starts_with(none) &&
        (after.size() == none.size() || !IsWordByte(after[none.size()]))) {
      return true;
    }
  }
  return false;
}

bool BadWordAt(std::string_view line, size_t at) {
  // Within a word only as the last part of a name ("NullPointerException").
  const bool inner = at > 0 && IsWordByte(line[at - 1]);
  if (inner && !(IsLower(line[at - 1]) && IsUpper(line[at]))) return false;
  if (at > 0 && line[at - 1] == '/') return false;  // of a path
  char lower[kWordBytesMax];
  const std::string_view word = LettersAt(line, at, lower);
  if (word.empty() || !IsBadWord(word)) return false;
  const size_t end = at + word.size();
  if (inner && word != "error" && word != "exception" && word != "failed") return false;
  if (end < line.size()) {
    if (IsDigit(line[end]) || line[end] == '_' || line[end] == '/') return false;
    if (line[end] == '.' && end + 1 < line.size() && IsLetter(line[end + 1])) return false;
  }
  return !IsDenied(line, at, end);
}

bool HasBadWord(std::string_view line) {
  const PaddedLine padded(line);
  Places places;
  if (kHasShuffle) {
    PlacesOf16s(padded, &places);
  } else {
    PlacesOfBytes(padded, &places);
  }
  for (size_t i = 0; i * 16 < line.size(); ++i) {
    for (uint32_t some = places[i]; some != 0; some &= some - 1) {
      if (BadWordAt(line, i * 16 + static_cast<size_t>(std::countr_zero(some)))) return true;
    }
  }
  return false;
}

// ---- A level in a usual form ----

// "<3>", where the number is a priority with or without a facility; "E0312 02:03:04".
std::optional<bool> PrefixWarns(std::string_view line) {
  if (line.size() >= 3 && line[0] == '<' && IsDigit(line[1])) {
    size_t at = 1;
    unsigned priority = 0;
    for (; at < line.size() && at <= 3 && IsDigit(line[at]); ++at) {
      priority = priority * 10 + static_cast<unsigned>(line[at] - '0');
    }
    if (at < line.size() && line[at] == '>') return (priority & 7) <= 4;
  }
  if (line.size() >= 8 && std::string_view("IWEF").find(line[0]) != std::string_view::npos) {
    const bool digits = std::all_of(line.begin() + 1, line.begin() + 5, IsDigit);
    if (digits && line[5] == ' ' && IsDigit(line[6]) && IsDigit(line[7])) return line[0] != 'I';
  }
  return std::nullopt;
}

bool BeforeIsLevelKey(std::string_view before) {
  const size_t key = before.find_last_not_of("=:\"' ");
  if (key == std::string_view::npos || key + 1 == before.size()) return false;
  if (before.find_first_of("=:", key + 1) == std::string_view::npos) return false;
  before = before.substr(0, key + 1);
  for (const std::string_view name : {"level", "lvl", "severity", "Level", "Severity", "LEVEL"}) {
    if (before.ends_with(name)) return true;
  }
  return false;
}

// The level of the word, where it is one by how it stands there.
std::optional<bool> LevelAt(std::string_view line, size_t at, size_t end, std::string_view word) {
  const bool good = IsOneOf(kGoodLevels, word);
  const bool bad = IsOneOf(kBadLevels, word);
  if (!good && !bad) return std::nullopt;
  if (BeforeIsLevelKey(line.substr(0, at))) return bad;
  if (at >= kCapitalsWithin) return std::nullopt;
  const bool bracketed =
      at > 0 && end < line.size() &&
      ((line[at - 1] == '[' && line[end] == ']') || (line[at - 1] == '<' && line[end] == '>'));
  const bool capitals = std::all_of(line.begin() + static_cast<std::ptrdiff_t>(at),
                                    line.begin() + static_cast<std::ptrdiff_t>(end), IsUpper);
  const bool alone =
      (at == 0 || line[at - 1] == ' ' || line[at - 1] == '\t' || line[at - 1] == '-') &&
      (end == line.size() || std::string_view(" \t:|-").find(line[end]) != std::string_view::npos);
  if (bracketed || (capitals && alone)) return bad;
  return std::nullopt;
}

std::optional<bool> TextLevel(std::string_view line) {
  for (size_t at = 0; at < line.size();) {
    if (!IsLetter(line[at])) {
      ++at;
      continue;
    }
    char lower[kWordBytesMax];
    const std::string_view word = LettersAt(line, at, lower);
    size_t end = at + word.size();
    if (!word.empty()) {
      if (const std::optional<bool> level = LevelAt(line, at, end, word)) return level;
    }
    while (end < line.size() && IsWordByte(line[end])) ++end;
    at = std::max(end, at + 1);
  }
  return std::nullopt;
}

}  // namespace

bool TextWarns(std::string_view line) {
  line = line.substr(0, kLevelBytesMax);
  if (const std::optional<bool> level = PrefixWarns(line)) return *level;
  // Every level of warning and above is such a word too, so most lines end here.
  if (!HasBadWord(line)) return false;
  return TextLevel(line).value_or(true);
}

bool FrameLevels::Warns(uint32_t number, std::string_view line) {
  while (run_ < frame_.warnings.size() && frame_.warnings[run_].last < number) ++run_;
  if (run_ < frame_.warnings.size() && frame_.warnings[run_].first <= number) return true;
  return !frame_.levels_known && TextWarns(line);
}

}  // namespace fleetmedic

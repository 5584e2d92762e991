#include "stream/line_words.h"

#include <algorithm>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace fleetmedic {
namespace {

constexpr uint64_t kMixA = 0x9e3779b97f4a7c15;
constexpr uint64_t kMixB = 0xd6e8feb86659fd93;
constexpr uint64_t kVariableMark = 0xa0761d6478bd642f;
constexpr size_t kWordBytesMax = 64;
constexpr size_t kHexWordBytesMin = 8;
constexpr size_t kHexPartBytesMax = 4;
constexpr size_t kNameDigitsMax = 2;

// What a byte is.
constexpr uint8_t kDelimiter = 1;
constexpr uint8_t kBlank = 2;
constexpr uint8_t kDigit = 4;
constexpr uint8_t kLetter = 8;
constexpr uint8_t kHexLetter = 16;
constexpr uint8_t kNamePart = 32;  // a letter, '-' or '_'

constexpr std::array<uint8_t, 256> kKinds = [] {
  std::array<uint8_t, 256> kinds{};
  for (const char c : std::string_view(",;:()[]{}=\"'<>|"))
    kinds[static_cast<size_t>(c)] = kDelimiter;
  for (const char c : std::string_view(" \t\r\n\v\f")) {
    kinds[static_cast<size_t>(c)] = kDelimiter | kBlank;
  }
  for (size_t c = '0'; c <= '9'; ++c) kinds[c] = kDigit;
  for (size_t i = 0; i < 26; ++i) {
    const uint8_t hex = i < 6 ? kHexLetter : 0;
    kinds['a' + i] = kLetter | kNamePart | hex;
    kinds['A' + i] = kLetter | kNamePart | hex;
  }
  kinds['-'] = kinds['_'] = kNamePart;
  return kinds;
}();

inline bool Is(char c, uint8_t kind) { return (kKinds[static_cast<uint8_t>(c)] & kind) != 0; }

// Little-endian whatever the machine is.
inline uint64_t LittleEndian(uint64_t word) {
  if constexpr (std::endian::native == std::endian::big) return __builtin_bswap64(word);
  return word;
}

inline uint64_t Load8(const char* at) {
  uint64_t word = 0;
  std::memcpy(&word, at, 8);
  return LittleEndian(word);
}

// Fewer than 8 bytes, zeros above them.
inline uint64_t LoadRest(const char* at, size_t bytes) {
  uint64_t word = 0;
  for (size_t i = 0; i < bytes; ++i) {
    word |= static_cast<uint64_t>(static_cast<uint8_t>(at[i])) << (8 * i);
  }
  return word;
}

// At most 8 bytes, in few steps.
inline uint64_t LoadShort(const char* at, size_t bytes) {
  if (bytes == 8) return Load8(at);
  if (bytes >= 4) {
    uint32_t low = 0;
    uint32_t high = 0;
    std::memcpy(&low, at, 4);
    std::memcpy(&high, at + bytes - 4, 4);
    const uint64_t word = static_cast<uint64_t>(high) << 32 | low;
    if constexpr (std::endian::native == std::endian::little) return word;
    return static_cast<uint64_t>(__builtin_bswap32(high)) << 32 | __builtin_bswap32(low);
  }
  return LoadRest(at, bytes);
}

__extension__ using Wide = unsigned __int128;

inline uint64_t Mix(uint64_t a, uint64_t b) {
  const auto product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t HashRun(const char* at, size_t bytes, uint64_t hash) {
  const size_t all = bytes;
  while (bytes > 16) {
    hash = Mix(Load8(at) ^ kMixA, Load8(at + 8) ^ hash);
    at += 16;
    bytes -= 16;
  }
  uint64_t low = 0;
  uint64_t high = 0;
  if (bytes > 8) {
    low = Load8(at);
    high = LoadShort(at + 8, bytes - 8);
  } else {
    low = LoadShort(at, bytes);
  }
  // Multiplied: beside the bytes themselves a length could make good for one of them.
  return Mix(low ^ kMixA, high ^ kMixB ^ hash ^ (all * kVariableMark));
}

// A bit for each byte of a line: whether it is a delimiter, whether it is a digit. One word more
// than a line has, all delimiters.
struct LineBits {
  static constexpr size_t kWords = LineShape::kBytesMax / 64 + 1;
  std::array<uint64_t, kWords> delimiters;
  std::array<uint64_t, kWords> digits;
};

// The first bit at `from` or after it; for a mask that has one.
inline size_t NextBit(const std::array<uint64_t, LineBits::kWords>& bits, size_t from) {
  size_t word = from / 64;
  uint64_t rest = bits[word] >> (from % 64);
  if (rest != 0) return from + static_cast<size_t>(std::countr_zero(rest));
  do {
    rest = bits[++word];
  } while (rest == 0);
  return word * 64 + static_cast<size_t>(std::countr_zero(rest));
}

// The place after the last bit before `before`; 0 without one.
inline size_t AfterBitBefore(const std::array<uint64_t, LineBits::kWords>& bits, size_t before) {
  size_t word = before / 64;
  uint64_t rest = before % 64 == 0 ? 0 : bits[word] << (64 - before % 64);
  if (rest != 0) return before - static_cast<size_t>(std::countl_zero(rest));
  while (word > 0) {
    rest = bits[--word];
    if (rest != 0) return word * 64 + 64 - static_cast<size_t>(std::countl_zero(rest));
  }
  return 0;
}

void BitsOfBytes(const char* data, size_t size, LineBits* bits) {
  std::fill_n(bits->delimiters.begin(), size / 64 + 1, 0);
  std::fill_n(bits->digits.begin(), size / 64 + 1, 0);
  for (size_t i = 0; i < size; ++i) {
    const uint8_t kind = kKinds[static_cast<uint8_t>(data[i])];
    bits->delimiters[i / 64] |= static_cast<uint64_t>((kind & kDelimiter) != 0) << (i % 64);
    bits->digits[i / 64] |= static_cast<uint64_t>((kind & kDigit) != 0) << (i % 64);
  }
}

#if defined(__x86_64__)
// kKinds by the halves of a byte, for sixteen bytes at once: bits 0 to 4 are delimiters, by the
// upper half, and bit 5 digits.
constexpr uint8_t kDigitHalf = 32;
struct Halves {
  alignas(16) std::array<uint8_t, 16> low{};
  alignas(16) std::array<uint8_t, 16> high{};
};
constexpr Halves kHalves = [] {
  Halves made;
  uint8_t group = 1;
  for (size_t high = 0; high < 8; ++high) {
    bool any = false;
    for (size_t low = 0; low < 16; ++low) {
      if ((kKinds[high * 16 + low] & kDelimiter) == 0) continue;
      made.low[low] |= group;
      any = true;
    }
    if (!any) continue;
    made.high[high] = group;
    group = static_cast<uint8_t>(group << 1);
  }
  made.high[3] |= kDigitHalf;
  for (size_t low = 0; low < 10; ++low) made.low[low] |= kDigitHalf;
  return made;
}();
static_assert((kHalves.high[7] & kDigitHalf) == 0 && kHalves.high[7] < kDigitHalf);

__attribute__((target("ssse3"))) void BitsOf64(const char* data, uint64_t* delimiters,
                                               uint64_t* digits) {
  const __m128i nibble = _mm_set1_epi8(15);
  const __m128i low = _mm_load_si128(reinterpret_cast<const __m128i*>(kHalves.low.data()));
  const __m128i high = _mm_load_si128(reinterpret_cast<const __m128i*>(kHalves.high.data()));
  const __m128i digit = _mm_set1_epi8(static_cast<char>(kDigitHalf));
  uint64_t some = 0;
  uint64_t numbers = 0;
  for (int i = 0; i < 4; ++i) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + 16 * i));
    const __m128i upper = _mm_and_si128(_mm_srli_epi16(bytes, 4), nibble);
    // A byte above 0x7f has no group, whatever its lower half is.
    const __m128i groups = _mm_and_si128(_mm_shuffle_epi8(low, _mm_and_si128(bytes, nibble)),
                                         _mm_shuffle_epi8(high, upper));
    const __m128i none = _mm_cmpeq_epi8(groups, _mm_setzero_si128());
    const __m128i number = _mm_cmpeq_epi8(groups, digit);
    some |= static_cast<uint64_t>(~static_cast<uint32_t>(_mm_movemask_epi8(none)) & 0xffff)
            << 16 * i;
    numbers |= static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(number))) << 16 * i;
  }
  *delimiters = some & ~numbers;
  *digits = numbers;
}

void BitsOf16s(const char* data, size_t size, LineBits* bits) {
  size_t i = 0;
  for (; i + 64 <= size; i += 64) {
    BitsOf64(data + i, &bits->delimiters[i / 64], &bits->digits[i / 64]);
  }
  char rest[64] = {};
  std::memcpy(rest, data + i, size - i);
  BitsOf64(rest, &bits->delimiters[i / 64], &bits->digits[i / 64]);
}
const bool kHasShuffle = __builtin_cpu_supports("ssse3") != 0;
#else
void BitsOf16s(const char*, size_t, LineBits*) {}
constexpr bool kHasShuffle = false;
#endif

void BitsOf(const char* data, size_t size, LineBits* bits) {
  if (kHasShuffle) {
    BitsOf16s(data, size, bits);
  } else {
    BitsOfBytes(data, size, bits);
  }
  // The line's end, so that what looks for an end finds one.
  bits->delimiters[size / 64] |= ~uint64_t{0} << (size % 64);
  bits->digits[size / 64] |= ~uint64_t{0} << (size % 64);
}

// "mlx5_core", "EXT4-fs": `digit` is where its first digit is.
bool IsName(const char* data, size_t begin, size_t digit, size_t end) {
  if (digit == begin || !Is(data[begin], kLetter)) return false;
  size_t at = digit;
  while (at < end && Is(data[at], kDigit)) ++at;
  if (at - digit > kNameDigitsMax || end - at < 2) return false;
  if (!Is(data[at], kNamePart) || !Is(data[at + 1], kNamePart)) return false;
  return std::none_of(data + at, data + end, [](char c) { return Is(c, kDigit); });
}

// Over "::1f" and ",567" behind a variable.
size_t ExtendRight(const char* data, size_t end, size_t size) {
  while (end + 1 < size) {
    size_t begin = end;
    if (data[end] == ',') {
      if (!Is(data[end + 1], kDigit)) return end;
      begin = end + 1;
    } else if (data[end] == ':') {
      begin = data[end + 1] == ':' ? end + 2 : end + 1;
    } else {
      return end;
    }
    bool digit = false;
    bool hex = true;
    size_t at = begin;
    for (; at < size && !Is(data[at], kDelimiter); ++at) {
      digit = digit || Is(data[at], kDigit);
      hex = hex && Is(data[at], kDigit | kHexLetter);
    }
    if (at == begin || !(digit || (hex && at - begin <= kHexPartBytesMax))) return end;
    end = at;
  }
  return end;
}

// Over "aa:bb:" before a variable.
size_t ExtendLeft(const char* data, size_t begin, size_t literal) {
  while (begin > literal && data[begin - 1] == ':') {
    size_t end = begin - 1;
    if (end > literal && data[end - 1] == ':') --end;
    size_t at = end;
    while (at > literal && end - at <= kHexPartBytesMax && Is(data[at - 1], kHexLetter)) --at;
    const bool whole = at == literal || Is(data[at - 1], kDelimiter);
    if (at == end || end - at > kHexPartBytesMax || !whole) return begin;
    begin = at;
  }
  return begin;
}

size_t TrimmedSize(std::string_view line) {
  size_t size = line.size();
  while (size > 0 && Is(line[size - 1], kBlank)) --size;
  return size;
}

}  // namespace

bool IsLineBlank(char c) { return Is(c, kBlank); }
bool IsWordDelimiter(char c) { return Is(c, kDelimiter); }

uint64_t HashBytes(std::string_view bytes, uint64_t seed) {
  return HashRun(bytes.data(), bytes.size(), seed);
}

uint64_t WordHash(std::string_view word) { return HashBytes(word, kMixA); }

void ScanLine(std::string_view line, uint64_t seed, LineShape* shape) {
  const char* const data = line.data();
  size_t size = line.size() > LineShape::kBytesMax ? line.size() : TrimmedSize(line);
  shape->cut = size > LineShape::kBytesMax;
  if (shape->cut) {
    size = LineShape::kBytesMax;
    while (size > 0 && !Is(data[size - 1], kDelimiter)) --size;
    if (size == 0) size = LineShape::kBytesMax;
  }
  LineBits bits;
  BitsOf(data, size, &bits);
  uint64_t hash = seed;
  uint32_t count = 0;
  size_t literal = 0;  // where the run of bytes began that no variable is in
  for (size_t digit = NextBit(bits.digits, 0); digit < size;) {
    size_t begin = AfterBitBefore(bits.delimiters, digit);
    size_t end = NextBit(bits.delimiters, digit);
    if (begin < digit && IsName(data, begin, digit, end)) {
      digit = NextBit(bits.digits, end);
      continue;
    }
    if (begin > literal && data[begin - 1] == ':') begin = ExtendLeft(data, begin, literal);
    if (end < size && (data[end] == ':' || data[end] == ',')) end = ExtendRight(data, end, size);
    if (count == LineShape::kVariablesMax) {
      shape->cut = true;
      size = begin;
      break;
    }
    hash = HashRun(data + literal, begin - literal, hash) ^ kVariableMark;
    shape->variables[count++] = {static_cast<uint32_t>(begin), static_cast<uint32_t>(end)};
    literal = end;
    digit = NextBit(bits.digits, end);
  }
  hash = HashRun(data + literal, size - literal, hash);
  shape->hash = std::max<uint64_t>(Mix(hash ^ (shape->cut ? kMixB : kMixA), kVariableMark), 1);
  shape->bytes = static_cast<uint32_t>(size);
  shape->variable_count = count;
}

namespace {

bool IsCalendarName(std::string_view word) {
  static constexpr std::array<std::string_view, 19> kNames = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct",
      "Nov", "Dec", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  return word.size() == 3 && std::ranges::find(kNames, word) != kNames.end();
}

bool InQuotes(std::string_view line, const LineWord& word) {
  const auto [begin, end] = word.span;
  if (begin < 3 || end >= line.size()) return false;
  const char quote = line[begin - 1];
  return (quote == '"' || quote == '\'') && line[end] == quote && line[begin - 2] == ' ' &&
         !Is(line[begin - 3], kDelimiter);
}

bool IsVariable(std::string_view line, const LineWord& word, std::string_view host) {
  const std::string_view text = word.span.In(line);
  if (text.size() > kWordBytesMax || InQuotes(line, word)) return true;
  if (!host.empty() && (text == host || text == host.substr(0, host.find('.')))) return true;
  return text.size() >= kHexWordBytesMin &&
         std::ranges::all_of(text, [](char c) { return Is(c, kHexLetter); });
}

// White space as one blank.
uint64_t HashGap(std::string_view gap, uint64_t hash) {
  char text[16];
  size_t bytes = 0;
  for (size_t i = 0; i < gap.size(); ++i) {
    const bool blank = Is(gap[i], kBlank);
    if (blank && i > 0 && Is(gap[i - 1], kBlank)) continue;
    if (bytes == sizeof text) {
      hash = HashRun(text, bytes, hash);
      bytes = 0;
    }
    text[bytes++] = blank ? ' ' : gap[i];
  }
  return HashRun(text, bytes, hash);
}

}  // namespace

void SplitLine(std::string_view line, const LineShape& shape, std::string_view host,
               LineWords* words) {
  line = line.substr(0, shape.bytes);
  words->count = 0;
  words->cut = shape.cut;
  words->bytes = shape.bytes;
  words->shape_mask = words->variable_mask = 0;
  size_t at = 0;
  uint32_t variable = 0;  // the next of the shape
  while (true) {
    const size_t next =
        variable < shape.variable_count ? shape.variables[variable].begin : line.size();
    // A variable may begin with colons ("::1" behind a word does not).
    while (at < line.size() && at != next && Is(line[at], kDelimiter)) ++at;
    if (at == line.size()) break;
    if (words->count == LineWords::kWordsMax) {
      words->cut = true;
      words->bytes = static_cast<uint32_t>(at);
      break;
    }
    LineWord& word = words->words[words->count];
    word.span.begin = static_cast<uint32_t>(at);
    word.variable = at == next;
    if (word.variable) {
      words->shape_mask |= uint64_t{1} << words->count;
      at = shape.variables[variable++].end;
    } else {
      while (at < line.size() && !Is(line[at], kDelimiter)) ++at;
    }
    word.span.end = static_cast<uint32_t>(at);
    word.hash = WordHash(word.span.In(line));
    word.variable = word.variable || IsVariable(line, word, host);
    ++words->count;
  }
  // From the right, for a day stands before its month.
  for (uint32_t i = words->count; i-- > 0;) {
    LineWord& word = words->words[i];
    const bool beside = (i > 0 && words->words[i - 1].variable) ||
                        (i + 1 < words->count && words->words[i + 1].variable);
    if (!word.variable && beside) word.variable = IsCalendarName(word.span.In(line));
    if (word.variable) words->variable_mask |= uint64_t{1} << i;
  }
  words->structure = StructureOf(line, *words);
}

uint64_t StructureOf(std::string_view text, const LineWords& words) {
  uint64_t structure = kVariableMark;
  size_t at = 0;
  for (uint32_t i = 0; i < words.count; ++i) {
    const auto [begin, end] = words.words[i].span;
    structure = HashGap(text.substr(at, begin - at), structure);
    at = end;
  }
  structure = HashGap(text.substr(at, words.bytes - at), structure);
  return Mix(structure ^ words.count, words.cut ? kMixA : kVariableMark);
}

std::string GapBefore(std::string_view line, const LineWords& words, size_t index) {
  const size_t begin = index == 0 ? 0 : words.words[index - 1].span.end;
  const size_t end = index < words.count ? words.words[index].span.begin : words.bytes;
  std::string gap;
  for (size_t i = begin; i < end; ++i) {
    const bool blank = Is(line[i], kBlank);
    if (blank && i > begin && Is(line[i - 1], kBlank)) continue;
    gap += blank ? ' ' : line[i];
  }
  return gap;
}

}  // namespace fleetmedic

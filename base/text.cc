#include "base/text.h"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

namespace fleetmedic {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n\v\f";
// Longer words are not typing mistakes of each other, and the table of distances would be large.
constexpr size_t kClosestWordBytesMax = 128;

struct Character {
  uint32_t code_point = 0;
  size_t bytes = 1;
  bool valid = false;
};

// The first character of a text that is not empty. RFC 3629: no overlong forms, no surrogates,
// nothing above U+10FFFF; what breaks that is one invalid byte.
Character FirstCharacter(std::string_view text) {
  const auto byte = [&](size_t i) -> uint32_t { return static_cast<unsigned char>(text[i]); };
  const uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
  uint32_t code_point = lead & (0x7fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code_point = code_point << 6 | (byte(i) & 0x3f);
  }
  static constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code_point < kLeast[length] || code_point > 0x10ffff) return {};
  if (code_point >= 0xd800 && code_point <= 0xdfff) return {};
  return {code_point, length, true};
}

// Characters that are not seen, or that change how others are seen: joiners and bidirectional
// controls, line and paragraph separators, invisible operators, the byte order mark, interlinear
// annotation, and the tag characters.
bool HidesOrReorders(uint32_t c) {
  return c == 0xad || c == 0x61c || c == 0x180e || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
         (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f);
}

bool IsControl(uint32_t c) { return c < 0x20 || (c >= 0x7f && c <= 0x9f); }

std::string Escape(uint32_t c) {
  if (c == '\n') return "\\n";
  if (c == '\r') return "\\r";
  if (c == '\t') return "\\t";
  if (c < 0x80) return fmt::format("\\x{:02x}", c);
  return c <= 0xffff ? fmt::format("\\u{:04x}", c) : fmt::format("\\U{:08x}", c);
}

// U+2400 to U+241F picture the controls up to U+001F; U+2421 pictures delete.
std::string ControlPicture(uint32_t c) {
  if (c > 0x7f) return fmt::format("<U+{:04X}>", c);
  const uint32_t picture = c == 0x7f ? 0x2421 : 0x2400 + c;
  return {'\xe2', '\x90', static_cast<char>(0x80 | (picture & 0x3f))};
}

std::string AsciiLower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

template <typename Word>
std::optional<std::string_view> Closest(std::string_view word, std::span<const Word> candidates) {
  if (word.size() > kClosestWordBytesMax) return std::nullopt;
  const std::string lower = AsciiLower(word);
  std::optional<std::string_view> best;
  size_t best_distance = 0;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > kClosestWordBytesMax) continue;
    const size_t distance = EditDistance(lower, AsciiLower(candidate));
    if (distance > std::max<size_t>(1, candidate.size() / 3)) continue;
    if (best && distance >= best_distance) continue;
    best = candidate;
    best_distance = distance;
  }
  return best;
}

}  // namespace

std::string Quote(std::string_view text, size_t chars_max) {
  std::string quoted = "\"";
  for (size_t chars = 0; !text.empty(); ++chars) {
    if (chars == chars_max) return quoted + "\"...";
    const Character c = FirstCharacter(text);
    if (!c.valid) {
      quoted += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
    } else if (IsControl(c.code_point) || HidesOrReorders(c.code_point)) {
      quoted += Escape(c.code_point);
    } else {
      if (c.code_point == '"' || c.code_point == '\\') quoted += '\\';
      quoted += text.substr(0, c.bytes);
    }
    text.remove_prefix(c.bytes);
  }
  return quoted + '"';
}

std::string VisibleText(std::string_view text) {
  std::string visible;
  visible.reserve(text.size());
  while (!text.empty()) {
    const Character c = FirstCharacter(text);
    if (!c.valid) {
      visible += "\xef\xbf\xbd";
    } else if (IsControl(c.code_point)) {
      visible += ControlPicture(c.code_point);
    } else if (HidesOrReorders(c.code_point)) {
      visible += fmt::format("<U+{:04X}>", c.code_point);
    } else {
      visible += text.substr(0, c.bytes);
    }
    text.remove_prefix(c.bytes);
  }
  return visible;
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(kWhiteSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kWhiteSpace) - begin + 1);
}

size_t EditDistance(std::string_view a, std::string_view b) {
  // Three rows of the table: two prefixes of `a` back, one back, and the present one.
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replace, last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::optional<std::string_view> ClosestWord(std::string_view word,
                                            std::span<const std::string_view> candidates) {
  return Closest(word, candidates);
}

std::optional<std::string_view> ClosestWord(std::string_view word,
                                            std::span<const std::string> candidates) {
  return Closest(word, candidates);
}

}  // namespace fleetmedic

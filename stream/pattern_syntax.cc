#include "stream/pattern_syntax.h"

#include <algorithm>
#include <charconv>

namespace fleetmedic {
namespace {

constexpr int kNumberMax = 100'000;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Null where there is none, as the second of "{3,}".
std::optional<int> TakeNumber(std::string_view* rest) {
  std::optional<int> number;
  while (!rest->empty() && IsDigit(rest->front())) {
    number = std::min(number.value_or(0) * 10 + (rest->front() - '0'), kNumberMax);
    rest->remove_prefix(1);
  }
  return number;
}

std::optional<Repetition> TakeCount(std::string_view* rest) {
  std::string_view count = rest->substr(1);
  const std::optional<int> least = TakeNumber(&count);
  if (!least) return std::nullopt;
  Repetition repetition{*least, *least};
  if (count.starts_with(',')) {
    count.remove_prefix(1);
    repetition.most = TakeNumber(&count).value_or(Repetition::kNoMost);
  }
  if (!count.starts_with('}')) return std::nullopt;
  count.remove_prefix(1);
  *rest = count;
  return repetition;
}

}  // namespace

std::optional<Repetition> TakeRepetition(std::string_view* rest) {
  std::optional<Repetition> repetition;
  if (rest->starts_with('{')) {
    repetition = TakeCount(rest);
  } else {
    if (rest->starts_with('*')) repetition = {0, Repetition::kNoMost};
    if (rest->starts_with('+')) repetition = {1, Repetition::kNoMost};
    if (rest->starts_with('?')) repetition = {0, 1};
    if (repetition) rest->remove_prefix(1);
  }
  if (repetition && rest->starts_with('?')) {
    repetition->lazy = true;
    rest->remove_prefix(1);
  }
  return repetition;
}

std::optional<char> TakeEscape(std::string_view* rest) {
  const char c = rest->size() < 2 ? '\0' : (*rest)[1];
  if (c == 'x') {
    int value = 0;
    const std::string_view digits = rest->substr(2, 2);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    rest->remove_prefix(std::min<size_t>(rest->size(), 4));
    if (error != std::errc() || end != digits.data() + 2) return std::nullopt;
    return static_cast<char>(value);
  }
  rest->remove_prefix(std::min<size_t>(rest->size(), 2));
  constexpr std::string_view kNamed = "afnrt";
  constexpr std::string_view kStandFor = "\a\f\n\r\t";
  if (const size_t at = kNamed.find(c); at != std::string_view::npos) return kStandFor[at];
  if (IsLetter(c) || IsDigit(c) || c == '\0') return std::nullopt;
  return c;
}

size_t ClassLength(std::string_view rest) {
  size_t end = 1;
  if (rest.substr(end).starts_with('^')) ++end;
  // A bracket that comes first is a member.
  if (rest.substr(end).starts_with(']')) ++end;
  while (end < rest.size() && rest[end] != ']') {
    if (rest.substr(end).starts_with("[:")) {
      end = std::min(rest.find(":]", end), rest.size() - 1) + 1;
    } else if (rest[end] == '\\') {
      ++end;
    }
    ++end;
  }
  return end < rest.size() ? end + 1 : 0;
}

}  // namespace fleetmedic

// A closed set of words: the one table from which both directions of an enum's text are made.
#ifndef FLEETMEDIC_MODEL_WORDS_H_
#define FLEETMEDIC_MODEL_WORDS_H_

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace fleetmedic {

template <typename Enum, size_t kCount>
using Words = std::array<std::pair<Enum, std::string_view>, kCount>;

template <typename Enum, size_t kCount>
constexpr std::string_view WordOf(const Words<Enum, kCount>& words, Enum value) {
  for (const auto& [candidate, word] : words) {
    if (candidate == value) return word;
  }
  CheckFailed(__FILE__, __LINE__, "an enum value has no word");
}

template <typename Enum, size_t kCount>
constexpr std::optional<Enum> ValueOf(const Words<Enum, kCount>& words, std::string_view word) {
  for (const auto& [value, candidate] : words) {
    if (candidate == word) return value;
  }
  return std::nullopt;
}

}  // namespace fleetmedic

#endif  // FLEETMEDIC_MODEL_WORDS_H_

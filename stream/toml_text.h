// Texts as TOML has them, for rules that the program writes. Pure.
#ifndef FLEETMEDIC_STREAM_TOML_TEXT_H_
#define FLEETMEDIC_STREAM_TOML_TEXT_H_

#include <algorithm>
#include <string>
#include <string_view>

namespace fleetmedic {

// A basic string: "a \"b\"". The text is UTF-8.
inline std::string TomlText(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    constexpr char kHex[] = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      quoted += "\\u00";
      quoted += kHex[byte >> 4];
      quoted += kHex[byte & 15];
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

// Patterns and log lines read best as they are: '...' where that can be.
inline std::string TomlPattern(const std::string& text) {
  const bool plain = std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return c == '\'' || byte < 0x20 || byte == 0x7f;
  });
  return plain ? "'" + text + "'" : TomlText(text);
}

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_TOML_TEXT_H_

// A TOML document as plain data, with the place of every key and value. Parsing is toml++'s
// (toml.cc); the readers of config and rules see only this.
#ifndef FLEETMEDIC_CONFIG_TOML_H_
#define FLEETMEDIC_CONFIG_TOML_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostics.h"

namespace fleetmedic {

enum class TomlKind : uint8_t {
  kString,
  kInteger,
  kFloat,
  kBool,
  kDateTime,  // a date, a time or both: nothing of ours takes one
  kArray,
  kTable,
};
// With its article: "a string", "an integer", "a table".
std::string_view TomlKindName(TomlKind kind);

struct TomlMember;

struct TomlNode {
  TomlKind kind = TomlKind::kTable;
  // Where the value begins: a string's quote, a table's '[' or the key that made it.
  SourcePlace place;
  int width = 1;
  // Where a string's own first character stands, behind the quotes.
  SourcePlace text_place;

  std::string string;
  int64_t integer = 0;
  double number = 0;  // of an integer too
  bool boolean = false;
  std::vector<TomlNode> array;
  std::vector<TomlMember> members;  // in the order of the file

  // The member of a table; null where there is none.
  const TomlNode* Find(std::string_view key) const;
  // The value for a message: a string quoted and capped, `[...]`, `{...}`.
  std::string Shown() const;
};

struct TomlMember {
  std::string key;
  SourcePlace place;  // of the key
  TomlNode value;
};

constexpr size_t kTomlBytesMax = size_t{4} << 20;

// Reads the text; `file` is the name in messages and is added to the diagnostics. A syntax error
// is reported there (the first: the parser stops at it), and the answer is an empty table. More
// than kTomlBytesMax bytes is an error too.
TomlNode ParseToml(std::string_view text, const std::string& file, Diagnostics* diagnostics);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_TOML_H_

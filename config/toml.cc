#include "config/toml.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <toml++/toml.h>

#include "base/text.h"

namespace fleetmedic {
namespace {

class Converter {
 public:
  Converter(std::string_view text, const std::string& file)
      : lines_(Split(text, '\n')), file_(file) {}

  // As deep as the parser lets a document nest (TOML_MAX_NESTED_VALUES, 256).
  TomlNode Convert(const toml::node& node) const;
  SourcePlace Place(const toml::source_position& position) const {
    return {file_, std::max<int>(1, static_cast<int>(position.line)),
            std::max<int>(1, static_cast<int>(position.column))};
  }

 private:
  void ConvertTable(const toml::table& table, TomlNode* out) const;
  SourcePlace TextPlace(const SourcePlace& value) const;

  std::vector<std::string_view> lines_;
  const std::string& file_;
};

TomlNode Converter::Convert(const toml::node& node) const {
  TomlNode out;
  const toml::source_region& region = node.source();
  out.place = Place(region.begin);
  if (region.end.line == region.begin.line && region.end.column > region.begin.column) {
    out.width = static_cast<int>(region.end.column - region.begin.column);
  }
  if (const auto* string = node.as_string()) {
    out.kind = TomlKind::kString;
    out.string = string->get();
    out.text_place = TextPlace(out.place);
  } else if (const auto* integer = node.as_integer()) {
    out.kind = TomlKind::kInteger;
    out.integer = integer->get();
    out.number = static_cast<double>(integer->get());
  } else if (const auto* number = node.as_floating_point()) {
    out.kind = TomlKind::kFloat;
    out.number = number->get();
  } else if (const auto* boolean = node.as_boolean()) {
    out.kind = TomlKind::kBool;
    out.boolean = boolean->get();
  } else if (const auto* array = node.as_array()) {
    out.kind = TomlKind::kArray;
    for (const toml::node& element : *array) out.array.push_back(Convert(element));
  } else if (const auto* table = node.as_table()) {
    ConvertTable(*table, &out);
  } else {
    out.kind = TomlKind::kDateTime;
  }
  return out;
}

void Converter::ConvertTable(const toml::table& table, TomlNode* out) const {
  out->kind = TomlKind::kTable;
  for (const auto& [key, value] : table) {
    out->members.push_back({std::string(key.str()), Place(key.source().begin), Convert(value)});
  }
  // The parser orders by name; people read top down.
  std::stable_sort(
      out->members.begin(), out->members.end(), [](const TomlMember& a, const TomlMember& b) {
        return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
      });
}

SourcePlace Converter::TextPlace(const SourcePlace& value) const {
  SourcePlace place = value;
  if (static_cast<size_t>(value.line) > lines_.size()) return place;
  std::string_view rest = lines_[static_cast<size_t>(value.line) - 1];
  for (int column = 1; column < value.column && !rest.empty(); ++column) {
    rest.remove_prefix(1);
    while (!rest.empty() && (rest[0] & 0xc0) == 0x80) rest.remove_prefix(1);
  }
  if (rest.starts_with("'''") || rest.starts_with("\"\"\"")) {
    place.column += 3;
    rest.remove_prefix(3);
    // A line end right behind the quotes is not part of the text.
    if (rest.empty() || rest == "\r") return {value.file, value.line + 1, 1};
  } else if (rest.starts_with('\'') || rest.starts_with('"')) {
    place.column += 1;
  }
  return place;
}

}  // namespace

std::string_view TomlKindName(TomlKind kind) {
  switch (kind) {
    case TomlKind::kString:
      return "a string";
    case TomlKind::kInteger:
      return "an integer";
    case TomlKind::kFloat:
      return "a number";
    case TomlKind::kBool:
      return "true or false";
    case TomlKind::kDateTime:
      return "a date or time";
    case TomlKind::kArray:
      return "an array";
    case TomlKind::kTable:
      return "a table";
  }
  FLEETMEDIC_CHECK(false);
}

const TomlNode* TomlNode::Find(std::string_view key) const {
  for (const TomlMember& member : members) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

std::string TomlNode::Shown() const {
  switch (kind) {
    case TomlKind::kString:
      return Quote(string);
    case TomlKind::kInteger:
      return std::to_string(integer);
    case TomlKind::kFloat:
      // JSON has no word for these.
      if (std::isnan(number)) return "nan";
      if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
      return Json(number).Dump();
    case TomlKind::kBool:
      return boolean ? "true" : "false";
    case TomlKind::kDateTime:
    case TomlKind::kArray:
    case TomlKind::kTable:
      return std::string(TomlKindName(kind));
  }
  FLEETMEDIC_CHECK(false);
}

TomlNode ParseToml(std::string_view text, const std::string& file, Diagnostics* diagnostics) {
  if (text.size() > kTomlBytesMax) {
    diagnostics->AddFile(file, "");
    diagnostics->Error({file, 0, 0}, 1,
                       "expected at most " + std::to_string(kTomlBytesMax) + " bytes, got " +
                           std::to_string(text.size()));
    return {};
  }
  diagnostics->AddFile(file, text);
  const Converter converter(text, file);
  // Debian's build of the parser throws; nothing of that leaves this function.
  try {
    return converter.Convert(toml::parse(text));
  } catch (const toml::parse_error& error) {
    diagnostics->Error(converter.Place(error.source().begin), 1, std::string(error.description()));
    return {};
  }
}

}  // namespace fleetmedic

#include "config/value.h"

#include <charconv>
#include <type_traits>
#include <utility>

#include "base/text.h"
#include "model/ids.h"

namespace fleetmedic {
namespace {

// Enums of the model, their words in order.
template <typename Enum>
struct EnumTraits;
template <>
struct EnumTraits<Mode> {
  // Of the modes these two are a person's to choose; the others come about.
  static constexpr Mode kFirst = Mode::kAuto;
  static constexpr Mode kLast = Mode::kShadow;
  static std::string_view Name(Mode value) { return ModeName(value); }
};
template <>
struct EnumTraits<Severity> {
  static constexpr Severity kFirst = Severity::kInfo;
  static constexpr Severity kLast = Severity::kHard;
  static std::string_view Name(Severity value) { return SeverityName(value); }
};
template <>
struct EnumTraits<Rung> {
  static constexpr Rung kFirst = Rung::kRestartUnit;
  static constexpr Rung kLast = Rung::kPerson;
  static std::string_view Name(Rung value) { return RungName(value); }
};
template <>
struct EnumTraits<LimitScope> {
  static constexpr LimitScope kFirst = LimitScope::kFleet;
  static constexpr LimitScope kLast = LimitScope::kRack;
  static std::string_view Name(LimitScope value) { return LimitScopeName(value); }
};
template <>
struct EnumTraits<LimitKind> {
  static constexpr LimitKind kFirst = LimitKind::kConcurrent;
  static constexpr LimitKind kLast = LimitKind::kFloor;
  static std::string_view Name(LimitKind value) { return LimitKindName(value); }
};

template <typename Enum>
std::vector<std::string_view> WordsOf() {
  std::vector<std::string_view> words;
  for (int i = static_cast<int>(EnumTraits<Enum>::kFirst);
       i <= static_cast<int>(EnumTraits<Enum>::kLast); ++i) {
    words.push_back(EnumTraits<Enum>::Name(static_cast<Enum>(i)));
  }
  return words;
}

template <typename Enum>
std::optional<Enum> EnumOf(std::string_view word) {
  const std::vector<std::string_view> words = WordsOf<Enum>();
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == word) {
      return static_cast<Enum>(static_cast<size_t>(EnumTraits<Enum>::kFirst) + i);
    }
  }
  return std::nullopt;
}

std::string AnyOf(std::span<const std::string_view> words) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += "\"" + std::string(words[i]) + "\"";
  }
  return text;
}

std::string FormatBytes(int64_t bytes) {
  for (const auto& [unit, size] :
       {std::pair{"GiB", int64_t{1} << 30}, {"MiB", int64_t{1} << 20}, {"KiB", int64_t{1} << 10}}) {
    if (bytes != 0 && bytes % size == 0) return std::to_string(bytes / size) + unit;
  }
  return std::to_string(bytes);
}

std::optional<int64_t> ParseInteger(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> ParseNumber(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "64MiB", "512 KiB", "4096".
std::optional<int64_t> ParseBytes(std::string_view text) {
  int64_t scale = 1;
  for (const auto& [unit, size] : {std::pair{std::string_view("GiB"), int64_t{1} << 30},
                                   {"MiB", int64_t{1} << 20},
                                   {"KiB", int64_t{1} << 10}}) {
    if (!text.ends_with(unit)) continue;
    text.remove_suffix(unit.size());
    scale = size;
    break;
  }
  const std::optional<int64_t> count = ParseInteger(Trim(text));
  int64_t bytes = 0;
  if (!count || __builtin_mul_overflow(*count, scale, &bytes)) return std::nullopt;
  return bytes;
}

bool InForm(std::string_view text, const Range& range) {
  if (!range.words.empty()) {
    for (const std::string_view word : range.words) {
      if (word == text) return true;
    }
    return false;
  }
  switch (range.form) {
    case TextForm::kAny:
      return true;
    case TextForm::kNotEmpty:
      return !text.empty();
    case TextForm::kId:
      return ValidId(text);
    case TextForm::kIdOrEmpty:
      return text.empty() || ValidId(text);
    case TextForm::kPath:
      return text.starts_with('/');
    case TextForm::kPathOrEmpty:
      return text.empty() || text.starts_with('/');
  }
  FLEETMEDIC_CHECK(false);
}

std::string ExpectedText(const Range& range) {
  if (!range.words.empty()) return AnyOf(range.words);
  switch (range.form) {
    case TextForm::kAny:
      return "a string";
    case TextForm::kNotEmpty:
      return "a string that is not empty";
    case TextForm::kId:
      return "a name of 1 to 253 characters of A-Z a-z 0-9 . _ : / @ -";
    case TextForm::kIdOrEmpty:
      return "a name of at most 253 characters of A-Z a-z 0-9 . _ : / @ -";
    case TextForm::kPath:
      return "an absolute path";
    case TextForm::kPathOrEmpty:
      return "an absolute path or \"\"";
  }
  FLEETMEDIC_CHECK(false);
}

// What could be meant by a value that was refused.
std::string Hint(const TomlNode& node, const Slot& slot, const Range& range) {
  const auto closest = [&node](std::span<const std::string_view> words) -> std::string {
    const std::optional<std::string_view> word = ClosestWord(node.string, words);
    return word ? "did you mean \"" + std::string(*word) + "\"?" : "";
  };
  return std::visit(
      [&](auto* out) -> std::string {
        using T = std::remove_pointer_t<decltype(out)>;
        const bool string = node.kind == TomlKind::kString;
        if constexpr (std::is_same_v<T, Millis> || std::is_same_v<T, std::optional<Millis>>) {
          if (node.kind == TomlKind::kInteger) {
            return "name the unit: \"" + std::to_string(node.integer) + "s\"";
          }
        } else if constexpr (std::is_same_v<T, bool>) {
          if (string && (node.string == "true" || node.string == "false")) {
            return "remove the quotes";
          }
        } else if constexpr (std::is_arithmetic_v<T>) {
          if (string && ParseNumber(node.string)) return "remove the quotes";
        } else if constexpr (std::is_enum_v<T>) {
          if (string) return closest(WordsOf<T>());
        } else if constexpr (std::is_same_v<T, std::string>) {
          if (string && !range.words.empty()) return closest(range.words);
        } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
          if (string) return "write [" + TomlString(node.string) + "]";
        }
        return "";
      },
      slot);
}

class ValueReader {
 public:
  ValueReader(const Range& range, std::string_view path, const Slot& slot, Diagnostics* diagnostics)
      : range_(range), path_(path), slot_(slot), diagnostics_(diagnostics) {}

  bool operator()(const TomlNode& node, std::string* out) const {
    if (node.kind != TomlKind::kString || !InForm(node.string, range_)) return Refuse(node);
    *out = node.string;
    return true;
  }
  bool operator()(const TomlNode& node, bool* out) const {
    if (node.kind != TomlKind::kBool) return Refuse(node);
    *out = node.boolean;
    return true;
  }
  bool operator()(const TomlNode& node, int* out) const { return Integer(node, out); }
  bool operator()(const TomlNode& node, int64_t* out) const { return Integer(node, out); }
  bool operator()(const TomlNode& node, uint16_t* out) const { return Integer(node, out); }
  bool operator()(const TomlNode& node, double* out) const {
    const bool number = node.kind == TomlKind::kFloat || node.kind == TomlKind::kInteger;
    // Written so that NaN is out of range.
    if (!number || !(node.number >= range_.share_min && node.number <= range_.share_max)) {
      return Refuse(node);
    }
    *out = node.number;
    return true;
  }
  bool operator()(const TomlNode& node, Millis* out) const {
    if (node.kind != TomlKind::kString) return Refuse(node);
    const Result<Millis> duration = ParseDuration(node.string);
    if (!duration || duration->count() < range_.min || duration->count() > range_.max) {
      return Refuse(node);
    }
    *out = *duration;
    return true;
  }
  bool operator()(const TomlNode& node, std::optional<Millis>* out) const {
    Millis duration{0};
    if (!(*this)(node, &duration)) return false;
    *out = duration;
    return true;
  }
  bool operator()(const TomlNode& node, std::vector<std::string>* out) const {
    if (node.kind != TomlKind::kArray) return Refuse(node);
    std::vector<std::string> list;
    for (const TomlNode& element : node.array) {
      if (element.kind != TomlKind::kString || !InForm(element.string, range_)) {
        return Refuse(element);
      }
      list.push_back(element.string);
    }
    *out = std::move(list);
    return true;
  }
  bool operator()(const TomlNode& node, std::map<std::string, std::string>* out) const {
    if (node.kind != TomlKind::kTable) return Refuse(node);
    std::map<std::string, std::string> map;
    for (const TomlMember& member : node.members) {
      if (member.value.kind != TomlKind::kString) return Refuse(member.value);
      map[member.key] = member.value.string;
    }
    *out = std::move(map);
    return true;
  }
  template <typename Enum>
    requires std::is_enum_v<Enum>
  bool operator()(const TomlNode& node, Enum* out) const {
    const std::optional<Enum> value =
        node.kind == TomlKind::kString ? EnumOf<Enum>(node.string) : std::nullopt;
    if (!value) return Refuse(node);
    *out = *value;
    return true;
  }
  bool operator()(const TomlNode& node, std::vector<Rung>* out) const {
    if (node.kind != TomlKind::kArray) return Refuse(node);
    std::vector<Rung> rungs;
    for (const TomlNode& element : node.array) {
      Rung rung{};
      if (!(*this)(element, &rung)) return false;
      rungs.push_back(rung);
    }
    *out = std::move(rungs);
    return true;
  }

 private:
  bool Refuse(const TomlNode& node) const {
    diagnostics_->Error(
        node.place, node.width,
        std::string(path_) + ": expected " + Expected(slot_, range_) + ", got " + node.Shown(),
        Hint(node, slot_, range_));
    return false;
  }
  template <typename T>
  bool Integer(const TomlNode& node, T* out) const {
    std::optional<int64_t> value;
    if (node.kind == TomlKind::kInteger) value = node.integer;
    if (range_.bytes && node.kind == TomlKind::kString) value = ParseBytes(node.string);
    if (!value || *value < range_.min || *value > range_.max) return Refuse(node);
    *out = static_cast<T>(*value);
    return true;
  }

  const Range& range_;
  std::string_view path_;
  const Slot& slot_;
  Diagnostics* diagnostics_;
};

// The node that TOML would have made of the text, were it written there.
TomlNode NodeOf(std::string_view text, const SourcePlace& place, const Slot& slot,
                const Range& range) {
  TomlNode node;
  node.kind = TomlKind::kString;
  node.place = place;
  node.string = std::string(text);
  const auto list = [&](std::string_view items) {
    node.kind = TomlKind::kArray;
    if (Trim(items).empty()) return;
    for (const std::string_view item : Split(items, ',')) {
      node.array.push_back({.kind = TomlKind::kString,
                            .place = place,
                            .text_place = place,
                            .string = std::string(Trim(item)),
                            .array = {},
                            .members = {}});
    }
  };
  std::visit(
      [&](auto* out) {
        using T = std::remove_pointer_t<decltype(out)>;
        if constexpr (std::is_same_v<T, bool>) {
          if (text != "true" && text != "false") return;
          node.kind = TomlKind::kBool;
          node.boolean = text == "true";
        } else if constexpr (std::is_same_v<T, double>) {
          const std::optional<double> number = ParseNumber(text);
          if (!number) return;
          node.kind = TomlKind::kFloat;
          node.number = *number;
        } else if constexpr (std::is_integral_v<T>) {
          const std::optional<int64_t> integer =
              range.bytes ? ParseBytes(text) : ParseInteger(text);
          if (!integer) return;
          node.kind = TomlKind::kInteger;
          node.integer = *integer;
        } else if constexpr (std::is_same_v<T, std::vector<std::string>> ||
                             std::is_same_v<T, std::vector<Rung>>) {
          list(text);
        } else if constexpr (std::is_same_v<T, std::map<std::string, std::string>>) {
          list(text);
          std::vector<TomlMember> members;
          for (const TomlNode& item : node.array) {
            const size_t equals = item.string.find('=');
            if (equals == std::string::npos) {
              node.kind = TomlKind::kString;
              return;
            }
            TomlNode value = item;
            value.string = item.string.substr(equals + 1);
            members.push_back({item.string.substr(0, equals), place, std::move(value)});
          }
          node.kind = TomlKind::kTable;
          node.members = std::move(members);
        }
      },
      slot);
  return node;
}

std::string StringList(const std::vector<std::string>& list) {
  std::string text = "[";
  for (const std::string& item : list) {
    text += (text.size() > 1 ? ", " : "") + TomlString(item);
  }
  return text + "]";
}

}  // namespace

std::string Expected(const Slot& slot, const Range& range) {
  return std::visit(
      [&](auto* out) -> std::string {
        using T = std::remove_pointer_t<decltype(out)>;
        if constexpr (std::is_same_v<T, std::string>) {
          return ExpectedText(range);
        } else if constexpr (std::is_same_v<T, bool>) {
          return "true or false";
        } else if constexpr (std::is_same_v<T, double>) {
          return "a number from " + Json(range.share_min).Dump() + " to " +
                 Json(range.share_max).Dump();
        } else if constexpr (std::is_integral_v<T>) {
          if (range.bytes) {
            return "a size from " + FormatBytes(range.min) + " to " + FormatBytes(range.max) +
                   ", like \"64MiB\"";
          }
          if (range.max == std::numeric_limits<int64_t>::max()) {
            return "an integer of at least " + std::to_string(range.min);
          }
          return "an integer from " + std::to_string(range.min) + " to " +
                 std::to_string(range.max);
        } else if constexpr (std::is_same_v<T, Millis> ||
                             std::is_same_v<T, std::optional<Millis>>) {
          return "a duration from " + FormatDuration(Millis(range.min)) + " to " +
                 FormatDuration(Millis(range.max)) + ", like \"30s\"";
        } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
          return range.form == TextForm::kAny ? "an array of strings"
                                              : "an array, each element " + ExpectedText(range);
        } else if constexpr (std::is_same_v<T, std::map<std::string, std::string>>) {
          return "a table of strings";
        } else if constexpr (std::is_same_v<T, std::vector<Rung>>) {
          return "an array of " + AnyOf(WordsOf<Rung>());
        } else {
          return AnyOf(WordsOf<T>());
        }
      },
      slot);
}

bool ReadValue(const TomlNode& node, std::string_view path, const Slot& slot, const Range& range,
               Diagnostics* diagnostics) {
  const ValueReader reader(range, path, slot, diagnostics);
  return std::visit([&](auto* out) { return reader(node, out); }, slot);
}

bool ReadText(std::string_view text, const SourcePlace& place, std::string_view path,
              const Slot& slot, const Range& range, Diagnostics* diagnostics) {
  return ReadValue(NodeOf(text, place, slot, range), path, slot, range, diagnostics);
}

std::string FormatValue(const Slot& slot, const Range& range) {
  return std::visit(
      [&](auto* in) -> std::string {
        using T = std::remove_pointer_t<decltype(in)>;
        if constexpr (std::is_same_v<T, std::string>) {
          return TomlString(*in);
        } else if constexpr (std::is_same_v<T, bool>) {
          return *in ? "true" : "false";
        } else if constexpr (std::is_same_v<T, double>) {
          return Json(*in).Dump();
        } else if constexpr (std::is_integral_v<T>) {
          const std::string bytes = range.bytes ? FormatBytes(int64_t{*in}) : "";
          return bytes.ends_with('B') ? TomlString(bytes) : std::to_string(*in);
        } else if constexpr (std::is_same_v<T, Millis>) {
          return TomlString(FormatDuration(*in));
        } else if constexpr (std::is_same_v<T, std::optional<Millis>>) {
          return in->has_value() ? TomlString(FormatDuration(**in)) : "";
        } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
          return StringList(*in);
        } else if constexpr (std::is_same_v<T, std::map<std::string, std::string>>) {
          std::string text;
          for (const auto& [key, value] : *in) {
            text += (text.empty() ? "{ " : ", ") + TomlString(key) + " = " + TomlString(value);
          }
          return text.empty() ? "{}" : text + " }";
        } else if constexpr (std::is_same_v<T, std::vector<Rung>>) {
          std::vector<std::string> words;
          for (const Rung rung : *in) words.emplace_back(RungName(rung));
          return StringList(words);
        } else {
          return TomlString(EnumTraits<T>::Name(*in));
        }
      },
      slot);
}

std::string TomlString(std::string_view text) {
  // JSON's escapes are TOML's, but for DEL, which TOML does not take raw.
  std::string out;
  for (const char c : Json(text).Dump()) {
    if (c == '\x7f') {
      out += "\\u007F";
    } else {
      out += c;
    }
  }
  return out;
}

Json ValueSchema(const Slot& slot, const Range& range) {
  const auto words = [](std::span<const std::string_view> list) {
    Json schema;
    Json values(Json::Array{});
    for (const std::string_view word : list) values.Append(word);
    schema.Set("enum", std::move(values));
    return schema;
  };
  return std::visit(
      [&](auto* out) -> Json {
        using T = std::remove_pointer_t<decltype(out)>;
        Json schema;
        if constexpr (std::is_same_v<T, bool>) {
          schema.Set("type", "boolean");
        } else if constexpr (std::is_same_v<T, double>) {
          schema.Set("type", "number");
          schema.Set("minimum", range.share_min);
          schema.Set("maximum", range.share_max);
        } else if constexpr (std::is_integral_v<T>) {
          schema.Set("type", range.bytes ? Json(Json::Array{"integer", "string"}) : "integer");
          schema.Set("minimum", range.min);
          schema.Set("maximum", range.max);
        } else if constexpr (std::is_same_v<T, std::vector<std::string>> ||
                             std::is_same_v<T, std::vector<Rung>>) {
          Json items;
          items.Set("type", "string");
          schema.Set("type", "array");
          schema.Set("items", std::is_same_v<T, std::vector<Rung>> ? words(WordsOf<Rung>())
                                                                   : std::move(items));
        } else if constexpr (std::is_same_v<T, std::map<std::string, std::string>>) {
          Json values;
          values.Set("type", "string");
          schema.Set("type", "object");
          schema.Set("additionalProperties", std::move(values));
        } else if constexpr (std::is_enum_v<T>) {
          schema = words(WordsOf<T>());
        } else if (!range.words.empty()) {
          schema = words(range.words);
        } else {
          schema.Set("type", "string");
        }
        return schema;
      },
      slot);
}

}  // namespace fleetmedic

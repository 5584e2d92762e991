// A JSON value, its reader and its writer. Parsing is nlohmann's (json.cc); the value type is ours
// so that a hundred files can use JSON without compiling its header.
#ifndef FLEETMEDIC_BASE_JSON_H_
#define FLEETMEDIC_BASE_JSON_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace fleetmedic {

class Json {
 public:
  using Array = std::vector<Json>;
  // Ordered by key, so that the same value is always the same text.
  using Object = std::map<std::string, Json, std::less<>>;
  using Members = const Json&;  // where a JsonReader looks for them

  static constexpr size_t kDepthMax = 32;
  static constexpr size_t kTextBytesMax = size_t{16} << 20;

  Json() = default;
  Json(std::nullptr_t) {}                                       // NOLINT(runtime/explicit)
  Json(bool value) : value_(value) {}                           // NOLINT(runtime/explicit)
  Json(int value) : value_(int64_t{value}) {}                   // NOLINT(runtime/explicit)
  Json(int64_t value) : value_(value) {}                        // NOLINT(runtime/explicit)
  Json(uint32_t value) : value_(int64_t{value}) {}              // NOLINT(runtime/explicit)
  Json(uint64_t value);                                         // NOLINT(runtime/explicit)
  Json(double value) : value_(value) {}                         // NOLINT(runtime/explicit)
  Json(const char* value) : value_(std::string(value)) {}       // NOLINT(runtime/explicit)
  Json(std::string_view value) : value_(std::string(value)) {}  // NOLINT(runtime/explicit)
  Json(std::string value) : value_(std::move(value)) {}         // NOLINT(runtime/explicit)
  Json(Array value) : value_(std::move(value)) {}               // NOLINT(runtime/explicit)
  Json(Object value) : value_(std::move(value)) {}              // NOLINT(runtime/explicit)
  Json(WallTime value) : value_(FormatWall(value)) {}           // NOLINT(runtime/explicit)

  // Reads one JSON text. Refused with kInvalidArgument, the byte offset in the message: anything
  // after the value, nesting deeper than kDepthMax, more than kTextBytesMax bytes, invalid UTF-8,
  // an integer outside int64.
  static Result<Json> Parse(std::string_view text);

  // The compact text, keys in order. Strings that are not UTF-8 get U+FFFD where they are not.
  std::string Dump() const;
  // The same with two spaces of indent, for people.
  std::string DumpPretty() const;

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }

  // Typed views; null where the value is of another type. An integer is also a number.
  const std::string* string() const { return std::get_if<std::string>(&value_); }
  const Array* array() const { return std::get_if<Array>(&value_); }
  Array* array() { return std::get_if<Array>(&value_); }
  const Object* object() const { return std::get_if<Object>(&value_); }
  Object* object() { return std::get_if<Object>(&value_); }
  std::optional<int64_t> integer() const;
  std::optional<double> number() const;
  std::optional<bool> boolean() const;

  // The member of an object; null (a shared constant) where there is none or this is no object.
  const Json& operator[](std::string_view key) const;
  // Until `visit` is false; of what is no array or object there are none.
  template <typename Visit>
  void EachElement(Visit visit) const {
    if (array() == nullptr) return;
    for (const Json& element : *array()) {
      if (!visit(element)) return;
    }
  }
  template <typename Visit>
  void EachMember(Visit visit) const {
    if (object() == nullptr) return;
    for (const auto& [key, member] : *object()) {
      if (!visit(std::string_view(key), member)) return;
    }
  }
  // The member of an object, made when it is not there. Requires null or an object.
  Json& Set(std::string_view key, Json value);
  // One more element. Requires null or an array.
  void Append(Json value);

  bool operator==(const Json&) const = default;

 private:
  friend class JsonCodec;
  std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> value_;
};

// Reads the members of one object and collects what is wrong, so that a decoder reads as a list
// of its fields:
//
//   JsonReader in(json, "condition");
//   in.Required("type", &condition.type);
//   in.Optional("unit", &condition.unit);
//   FLEETMEDIC_RETURN_IF_ERROR(in.Done());
//
// The first problem wins and names the path: `condition.type: expected a string`. Members that
// nobody asked for are ignored: schemas grow only by adding.
//
// `Value` is Json, or the JsonElement of base/json_element.h.
template <typename Value>
class JsonReaderOf {
 public:
  JsonReaderOf(const Value& json, std::string_view what);

  void Required(std::string_view key, std::string* out);
  void Required(std::string_view key, int64_t* out);
  void Required(std::string_view key, uint64_t* out);
  void Required(std::string_view key, bool* out);
  void Required(std::string_view key, double* out);
  void Required(std::string_view key, WallTime* out);
  void Required(std::string_view key, Millis* out);  // an integer: milliseconds
  void Required(std::string_view key, std::vector<std::string>* out);
  void Required(std::string_view key, std::map<std::string, std::string>* out);

  // As Required where the member is there and not null; otherwise *out stays as it is.
  template <typename T>
  void Optional(std::string_view key, T* out) {
    if (!json_[key].is_null()) Required(key, out);
  }

  // For members with a decoder of their own: `parse` is Result<T>(const Value&).
  template <typename T, typename Parse>
  void RequiredAs(std::string_view key, T* out, Parse parse) {
    Take(key, parse(json_[key]), out);
  }
  template <typename T, typename Parse>
  void OptionalAs(std::string_view key, T* out, Parse parse) {
    if (!json_[key].is_null()) RequiredAs(key, out, parse);
  }
  // An array of such; a missing or null member is an empty list.
  template <typename T, typename Parse>
  void ListAs(std::string_view key, std::vector<T>* out, Parse parse) {
    const Value& member = json_[key];
    if (member.is_null()) return;
    if (!member.is_array()) return Problem(key, "expected an array");
    member.EachElement([&](const Value& element) {
      T item{};
      if (!Take(key, parse(element), &item)) return false;
      out->push_back(std::move(item));
      return true;
    });
  }
  // A word of a closed set: `parse` is std::optional<T>(std::string_view).
  template <typename T, typename Parse>
  void Word(std::string_view key, T* out, Parse parse) {
    std::string text;
    Required(key, &text);
    if (!error_.message.empty()) return;
    if (const std::optional<T> value = parse(text)) {
      *out = *value;
    } else {
      Problem(key, "unknown word \"" + text.substr(0, 64) + "\"");
    }
  }
  template <typename T, typename Parse>
  void OptionalWord(std::string_view key, T* out, Parse parse) {
    if (!json_[key].is_null()) Word(key, out, parse);
  }

  Status Done() const;

 private:
  void Problem(std::string_view key, std::string_view what);
  template <typename T>
  bool Take(std::string_view key, Result<T> value, T* out) {
    if (!value) {
      Problem(key, value.error().message);
      return false;
    }
    *out = *std::move(value);
    return true;
  }

  const typename Value::Members json_;
  const std::string_view what_;
  Error error_{Code::kInvalidArgument, ""};
};
using JsonReader = JsonReaderOf<Json>;
extern template class JsonReaderOf<Json>;

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_JSON_H_

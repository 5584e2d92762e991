#include "base/json.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <span>

#include <fmt/format.h>
#include <simdjson.h>
#include <nlohmann/json.hpp>

#include "base/json_element.h"
#include "base/long_json.h"

namespace fleetmedic {
namespace {

// Past this a text is read by nlohmann's parser alone: simdjson's keeps, for each thread, buffers
// of several times the longest text that it read.
constexpr size_t kFastTextBytesMax = size_t{64} << 10;

// The member's place; the last of several with one key counts. Ours are written in order, so that
// each comes behind the others.
Json& PlaceMember(Json::Object* members, std::string key) {
  return members->try_emplace(members->end(), std::move(key))->second;
}

// What simdjson read. False where it is nested too deeply or not ours to hold.
bool Import(const simdjson::dom::element& from, size_t depth, Json* to) {
  using Type = simdjson::dom::element_type;
  switch (from.type()) {
    case Type::NULL_VALUE:
      *to = Json();
      return true;
    case Type::BOOL:
      *to = Json(from.get_bool().value_unsafe());
      return true;
    case Type::INT64:
      *to = Json(from.get_int64().value_unsafe());
      return true;
    case Type::UINT64:  // only past int64
      return false;
    case Type::DOUBLE:
      *to = Json(from.get_double().value_unsafe());
      return true;
    case Type::STRING:
      *to = Json(from.get_string().value_unsafe());
      return true;
    case Type::ARRAY: {
      if (depth >= Json::kDepthMax) return false;
      Json::Array elements;
      const simdjson::dom::array array = from.get_array().value_unsafe();
      elements.reserve(array.size());
      for (const simdjson::dom::element element : array) {
        if (!Import(element, depth + 1, &elements.emplace_back())) return false;
      }
      *to = Json(std::move(elements));
      return true;
    }
    case Type::OBJECT: {
      if (depth >= Json::kDepthMax) return false;
      Json::Object members;
      const simdjson::dom::object object = from.get_object().value_unsafe();
      for (const auto& [key, value] : object) {
        if (!Import(value, depth + 1, &PlaceMember(&members, std::string(key)))) return false;
      }
      *to = Json(std::move(members));
      return true;
    }
  }
  return false;
}

// The root of the text, until the thread's next call; none where it is not JSON, or not as we want
// it: nlohmann's parser says why.
std::optional<simdjson::dom::element> ParseTape(std::string_view text) {
  thread_local simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (text.size() > kFastTextBytesMax) return std::nullopt;
  if (parser.parse(text.data(), text.size()).get(root) != simdjson::SUCCESS) return std::nullopt;
  return root;
}

bool ParseFast(std::string_view text, Json* json) {
  const std::optional<simdjson::dom::element> root = ParseTape(text);
  return root && Import(*root, 0, json);
}

// Whether Import would take it.
bool IsOurs(const simdjson::dom::element& element, size_t depth) {
  using Type = simdjson::dom::element_type;
  const Type type = element.type();
  if (type == Type::UINT64) return false;
  if (type != Type::ARRAY && type != Type::OBJECT) return true;
  if (depth >= Json::kDepthMax) return false;
  if (type == Type::ARRAY) {
    const simdjson::dom::array array = element.get_array().value_unsafe();
    for (const simdjson::dom::element part : array) {
      if (!IsOurs(part, depth + 1)) return false;
    }
    return true;
  }
  const simdjson::dom::object object = element.get_object().value_unsafe();
  for (const auto& [key, value] : object) {
    if (!IsOurs(value, depth + 1)) return false;
  }
  return true;
}

bool IsPlain(char c) { return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\'; }
bool IsPlainAscii(char c) { return IsPlain(c) && static_cast<unsigned char>(c) < 0x80; }

void AppendString(std::string_view text, std::string* out) {
  // Nearly all.
  if (std::ranges::all_of(text, IsPlainAscii)) {
    out->push_back('"');
    out->append(text);
    out->push_back('"');
    return;
  }
  if (!simdjson::validate_utf8(text)) {
    *out += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return;
  }
  out->push_back('"');
  size_t from = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (IsPlain(text[i])) continue;
    out->append(text, from, i - from);
    from = i + 1;
    switch (text[i]) {
      case '"':
        *out += "\\\"";
        break;
      case '\\':
        *out += "\\\\";
        break;
      case '\b':
        *out += "\\b";
        break;
      case '\f':
        *out += "\\f";
        break;
      case '\n':
        *out += "\\n";
        break;
      case '\r':
        *out += "\\r";
        break;
      case '\t':
        *out += "\\t";
        break;
      default:
        fmt::format_to(std::back_inserter(*out), "\\u{:04x}", text[i]);
    }
  }
  out->append(text, from);
  out->push_back('"');
}

}  // namespace

// Builds a Json from nlohmann's SAX events, and writes one.
class JsonCodec final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return Add(Json()); }
  bool boolean(bool value) override { return Add(Json(value)); }
  bool number_integer(int64_t value) override { return Add(Json(value)); }
  bool number_unsigned(uint64_t value) override {
    if (value > uint64_t{std::numeric_limits<int64_t>::max()}) {
      problem_ = "an integer is larger than 2^63 - 1";
      return false;
    }
    return Add(Json(static_cast<int64_t>(value)));
  }
  bool number_float(double value, const std::string& text) override {
    // The parser makes a number of an integer that is too large for it.
    if (text.find_first_of(".eE") == std::string::npos) {
      problem_ = "an integer is larger than 2^63 - 1 or smaller than -2^63";
      return false;
    }
    return Add(Json(value));
  }
  bool string(std::string& value) override { return Add(Json(std::move(value))); }
  bool binary(nlohmann::json::binary_t&) override { return false; }
  bool start_object(size_t) override { return Open(Json(Json::Object{})); }
  bool start_array(size_t) override { return Open(Json(Json::Array{})); }
  bool key(std::string& value) override {
    key_ = std::move(value);
    return true;
  }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::json::exception& e) override {
    // nlohmann's text starts with its own identifier in brackets; people need the rest.
    const std::string_view text = e.what();
    const size_t after = text.find("] ");
    problem_ = fmt::format("at byte {}: {}", position,
                           after == std::string_view::npos ? text : text.substr(after + 2));
    return false;
  }

  Json TakeRoot() { return std::move(root_); }
  const std::string& problem() const { return problem_; }

  static nlohmann::json Export(const Json& json) {
    return std::visit(
        [](const auto& value) -> nlohmann::json {
          using T = std::decay_t<decltype(value)>;
          if constexpr (std::is_same_v<T, std::monostate>) {
            return nullptr;
          } else if constexpr (std::is_same_v<T, Json::Array>) {
            nlohmann::json array = nlohmann::json::array();
            for (const Json& element : value) array.push_back(Export(element));
            return array;
          } else if constexpr (std::is_same_v<T, Json::Object>) {
            nlohmann::json object = nlohmann::json::object();
            for (const auto& [key, member] : value) object[key] = Export(member);
            return object;
          } else {
            return value;
          }
        },
        json.value_);
  }

  // The text that nlohmann's serialiser gives; numbers that are no integers are its own.
  static void Write(const Json& json, std::string* out) {
    std::visit([out](const auto& value) { WriteValue(value, out); }, json.value_);
  }

 private:
  static void WriteValue(std::monostate, std::string* out) { *out += "null"; }
  static void WriteValue(bool value, std::string* out) { *out += value ? "true" : "false"; }
  static void WriteValue(int64_t value, std::string* out) { *out += fmt::format_int(value).str(); }
  static void WriteValue(double value, std::string* out) { *out += nlohmann::json(value).dump(); }
  static void WriteValue(const std::string& value, std::string* out) { AppendString(value, out); }
  static void WriteValue(const Json::Array& value, std::string* out) {
    char before = '[';
    for (const Json& element : value) {
      out->push_back(std::exchange(before, ','));
      Write(element, out);
    }
    if (value.empty()) out->push_back('[');
    out->push_back(']');
  }
  static void WriteValue(const Json::Object& value, std::string* out) {
    char before = '{';
    for (const auto& [key, member] : value) {
      out->push_back(std::exchange(before, ','));
      AppendString(key, out);
      out->push_back(':');
      Write(member, out);
    }
    if (value.empty()) out->push_back('{');
    out->push_back('}');
  }

  bool Add(Json value) {
    Place(std::move(value));
    return true;
  }
  bool Open(Json container) {
    if (open_.size() >= Json::kDepthMax) {
      problem_ = fmt::format("nested deeper than {} levels", Json::kDepthMax);
      return false;
    }
    open_.push_back(Place(std::move(container)));
    return true;
  }
  bool Close() {
    open_.pop_back();
    return true;
  }
  Json* Place(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json* parent = open_.back();
    if (Json::Array* array = parent->array()) {
      array->push_back(std::move(value));
      return &array->back();
    }
    return &parent->Set(key_, std::move(value));
  }

  Json root_;
  // The containers that are open, outermost first. A pointer stays valid: while a container is
  // open, nothing is added to the one that holds it.
  std::vector<Json*> open_;
  std::string key_;
  std::string problem_;
};

// Between the parser's element and ours.
class JsonElementCodec {
 public:
  using Element = simdjson::dom::element;
  static_assert(sizeof(Element) == sizeof(JsonElement));
  static_assert(std::is_trivially_copyable_v<Element>);

  static JsonElement Lend(const Element& element) { return std::bit_cast<JsonElement>(element); }
  // Not for null's.
  static Element Of(const JsonElement& element) { return std::bit_cast<Element>(element); }
  static bool IsNone(const JsonElement& element) { return element.document_ == nullptr; }
};

bool JsonElement::is_null() const {
  return JsonElementCodec::IsNone(*this) || JsonElementCodec::Of(*this).is_null();
}
bool JsonElement::is_object() const {
  return !JsonElementCodec::IsNone(*this) && JsonElementCodec::Of(*this).is_object();
}
bool JsonElement::is_array() const {
  return !JsonElementCodec::IsNone(*this) && JsonElementCodec::Of(*this).is_array();
}

std::optional<std::string_view> JsonElement::string() const {
  std::string_view text;
  if (is_null() || JsonElementCodec::Of(*this).get(text) != simdjson::SUCCESS) return std::nullopt;
  return text;
}

std::optional<int64_t> JsonElement::integer() const {
  if (is_null() || !JsonElementCodec::Of(*this).is_int64()) return std::nullopt;
  return JsonElementCodec::Of(*this).get_int64().value_unsafe();
}

std::optional<double> JsonElement::number() const {
  if (is_null() || !JsonElementCodec::Of(*this).is_number()) return std::nullopt;
  return JsonElementCodec::Of(*this).get_double().value_unsafe();
}

std::optional<bool> JsonElement::boolean() const {
  if (is_null() || !JsonElementCodec::Of(*this).is_bool()) return std::nullopt;
  return JsonElementCodec::Of(*this).get_bool().value_unsafe();
}

void JsonElement::EachElement(absl::FunctionRef<bool(const JsonElement&)> visit) const {
  if (!is_array()) return;
  const simdjson::dom::array array = JsonElementCodec::Of(*this).get_array().value_unsafe();
  for (const simdjson::dom::element element : array) {
    if (!visit(JsonElementCodec::Lend(element))) return;
  }
}

void JsonElement::EachMember(
    absl::FunctionRef<bool(std::string_view, const JsonElement&)> visit) const {
  if (!is_object()) return;
  const simdjson::dom::object object = JsonElementCodec::Of(*this).get_object().value_unsafe();
  for (const auto& [key, value] : object) {
    if (!visit(key, JsonElementCodec::Lend(value))) return;
  }
}

JsonMembers::JsonMembers(const JsonElement& object) : is_object_(object.is_object()) {
  std::string_view before;
  object.EachMember([&](std::string_view key, const JsonElement& value) {
    if (size_ > 0 && key <= before) in_order_ = false;
    before = key;
    if (size_ == few_.size()) many_.assign(few_.begin(), few_.end());
    if (size_ < few_.size()) {
      few_[size_] = {key, value};
    } else {
      many_.emplace_back(key, value);
    }
    ++size_;
    return true;
  });
}

std::span<const JsonMembers::Member> JsonMembers::all() const {
  return many_.empty() ? std::span<const Member>(few_.data(), size_) : std::span(many_);
}

JsonElement JsonMembers::operator[](std::string_view key) const {
  const std::span<const Member> members = all();
  if (in_order_) {
    const auto at = std::ranges::lower_bound(members, key, {}, &Member::first);
    return at == members.end() || at->first != key ? JsonElement() : at->second;
  }
  for (auto at = members.rbegin(); at != members.rend(); ++at) {
    if (at->first == key) return at->second;
  }
  return {};
}

bool ReadJsonElement(std::string_view text, absl::FunctionRef<void(const JsonElement&)> read) {
  const std::optional<simdjson::dom::element> root = ParseTape(text);
  if (!root || !IsOurs(*root, 0)) return false;
  read(JsonElementCodec::Lend(*root));
  return true;
}

Json::Json(uint64_t value) : value_(static_cast<int64_t>(value)) {
  FLEETMEDIC_CHECK(value <= uint64_t{std::numeric_limits<int64_t>::max()});
}

Result<Json> Json::Parse(std::string_view text) { return ParseLongJson(text, kTextBytesMax); }

Result<Json> ParseLongJson(std::string_view text, size_t bytes_max) {
  if (text.size() > bytes_max) {
    return Fail(Code::kInvalidArgument,
                fmt::format("not JSON: {} bytes are more than {}", text.size(), bytes_max));
  }
  Json json;
  if (ParseFast(text, &json)) return json;
  JsonCodec codec;
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &codec)) {
    return Fail(Code::kInvalidArgument, "not JSON: " + codec.problem());
  }
  return codec.TakeRoot();
}

std::string Json::Dump() const {
  std::string text;
  JsonCodec::Write(*this, &text);
  return text;
}

std::string Json::DumpPretty() const {
  return JsonCodec::Export(*this).dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<int64_t> Json::integer() const {
  if (const int64_t* value = std::get_if<int64_t>(&value_)) return *value;
  return std::nullopt;
}

std::optional<double> Json::number() const {
  if (const double* value = std::get_if<double>(&value_)) return *value;
  if (const int64_t* value = std::get_if<int64_t>(&value_)) return static_cast<double>(*value);
  return std::nullopt;
}

std::optional<bool> Json::boolean() const {
  if (const bool* value = std::get_if<bool>(&value_)) return *value;
  return std::nullopt;
}

const Json& Json::operator[](std::string_view key) const {
  static const Json kNull;
  const Object* members = object();
  if (members == nullptr) return kNull;
  const auto it = members->find(key);
  return it == members->end() ? kNull : it->second;
}

Json& Json::Set(std::string_view key, Json value) {
  if (is_null()) value_ = Object{};
  Object* members = object();
  FLEETMEDIC_CHECK(members != nullptr);
  return members->insert_or_assign(std::string(key), std::move(value)).first->second;
}

void Json::Append(Json value) {
  if (is_null()) value_ = Array{};
  FLEETMEDIC_CHECK(array() != nullptr);
  array()->push_back(std::move(value));
}

template <typename Value>
JsonReaderOf<Value>::JsonReaderOf(const Value& json, std::string_view what)
    : json_(json), what_(what) {
  if (!json.is_object()) error_.message = std::string(what_) + ": expected an object";
}

template <typename Value>
void JsonReaderOf<Value>::Problem(std::string_view key, std::string_view what) {
  if (!error_.message.empty()) return;
  error_.message = fmt::format("{}.{}: {}", what_, key, what);
}

template <typename Value>
Status JsonReaderOf<Value>::Done() const {
  if (error_.message.empty()) return {};
  return tl::unexpected<Error>(error_);
}

template <typename Value>
void JsonReaderOf<Value>::Required(std::string_view key, std::string* out) {
  const auto& member = json_[key];
  const auto text = member.string();
  if (!text) return Problem(key, "expected a string");
  *out = *text;
}

template <typename Value>
void JsonReaderOf<Value>::Required(std::string_view key, int64_t* out) {
  const std::optional<int64_t> value = json_[key].integer();
  if (!value) return Problem(key, "expected an integer");
  *out = *value;
}

template <typename Value>
void JsonReaderOf<Value>::Required(std::string_view key, uint64_t* out) {
  const std::optional<int64_t> value = json_[key].integer();
  if (!value || *value < 0) return Problem(key, "expected an integer of at least 0");
  *out = static_cast<uint64_t>(*value);
}

template <typename Value>
void JsonReaderOf<Value>::Required(std::string_view key, bool* out) {
  const std::optional<bool> value = json_[key].boolean();
  if (!value) return Problem(key, "expected true or false");
  *out = *value;
}

template <typename Value>
void JsonReaderOf<Value>::Required(std::string_view key, double* out) {
  const std::optional<double> value = json_[key].number();
  if (!value || !std::isfinite(*value)) return Problem(key, "expected a number");
  *out = *value;
}

template <typename Value>
void JsonReaderOf<Value>::Required(std::string_view key, WallTime* out) {
  const auto& member = json_[key];
  const auto text = member.string();
  if (!text) return Problem(key, "expected a string");
  if (error_.message.empty()) Take(key, ParseWall(*text), out);
}

template <typename Value>
void JsonReaderOf<Value>::Required(std::string_view key, Millis* out) {
  int64_t count = 0;
  Required(key, &count);
  *out = Millis(count);
}

template <typename Value>
void JsonReaderOf<Value>::Required(std::string_view key, std::vector<std::string>* out) {
  const auto& member = json_[key];
  if (!member.is_array()) return Problem(key, "expected an array of strings");
  out->clear();
  member.EachElement([&](const Value& element) {
    const auto text = element.string();
    if (!text) {
      Problem(key, "expected an array of strings");
      return false;
    }
    out->emplace_back(*text);
    return true;
  });
}

template <typename Value>
void JsonReaderOf<Value>::Required(std::string_view key, std::map<std::string, std::string>* out) {
  const auto& member = json_[key];
  if (!member.is_object()) return Problem(key, "expected an object of strings");
  out->clear();
  member.EachMember([&](std::string_view name, const Value& value) {
    const auto text = value.string();
    if (!text) {
      Problem(key, "expected an object of strings");
      return false;
    }
    out->insert_or_assign(std::string(name), std::string(*text));
    return true;
  });
}

template class JsonReaderOf<Json>;
template class JsonReaderOf<JsonElement>;

}  // namespace fleetmedic

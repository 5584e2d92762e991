#include "base/json.h"

#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace fleetmedic {

// Builds a Json from nlohmann's SAX events, and writes one by its serialiser.
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
  bool number_float(double value, const std::string&) override { return Add(Json(value)); }
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

  static std::string Write(const Json& json, int indent) {
    return Export(json).dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
  }

 private:
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

Json::Json(uint64_t value) : value_(static_cast<int64_t>(value)) {
  FLEETMEDIC_CHECK(value <= uint64_t{std::numeric_limits<int64_t>::max()});
}

Result<Json> Json::Parse(std::string_view text) {
  if (text.size() > kTextBytesMax) {
    return Fail(Code::kInvalidArgument,
                fmt::format("not JSON: {} bytes are more than {}", text.size(), kTextBytesMax));
  }
  JsonCodec codec;
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &codec)) {
    return Fail(Code::kInvalidArgument, "not JSON: " + codec.problem());
  }
  return codec.TakeRoot();
}

std::string Json::Dump() const { return JsonCodec::Write(*this, -1); }
std::string Json::DumpPretty() const { return JsonCodec::Write(*this, 2); }

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

JsonReader::JsonReader(const Json& json, std::string_view what) : json_(json), what_(what) {
  if (!json.is_object()) error_.message = what_ + ": expected an object";
}

void JsonReader::Problem(std::string_view key, std::string_view what) {
  if (!error_.message.empty()) return;
  error_.message = fmt::format("{}.{}: {}", what_, key, what);
}

Status JsonReader::Done() const {
  if (error_.message.empty()) return {};
  return tl::unexpected<Error>(error_);
}

void JsonReader::Required(std::string_view key, std::string* out) {
  const std::string* value = json_[key].string();
  if (value == nullptr) return Problem(key, "expected a string");
  *out = *value;
}

void JsonReader::Required(std::string_view key, int64_t* out) {
  const std::optional<int64_t> value = json_[key].integer();
  if (!value) return Problem(key, "expected an integer");
  *out = *value;
}

void JsonReader::Required(std::string_view key, uint64_t* out) {
  const std::optional<int64_t> value = json_[key].integer();
  if (!value || *value < 0) return Problem(key, "expected an integer of at least 0");
  *out = static_cast<uint64_t>(*value);
}

void JsonReader::Required(std::string_view key, bool* out) {
  const std::optional<bool> value = json_[key].boolean();
  if (!value) return Problem(key, "expected true or false");
  *out = *value;
}

void JsonReader::Required(std::string_view key, double* out) {
  const std::optional<double> value = json_[key].number();
  if (!value || !std::isfinite(*value)) return Problem(key, "expected a number");
  *out = *value;
}

void JsonReader::Required(std::string_view key, WallTime* out) {
  std::string text;
  Required(key, &text);
  if (error_.message.empty()) Take(key, ParseWall(text), out);
}

void JsonReader::Required(std::string_view key, Millis* out) {
  int64_t count = 0;
  Required(key, &count);
  *out = Millis(count);
}

void JsonReader::Required(std::string_view key, std::vector<std::string>* out) {
  const Json::Array* elements = json_[key].array();
  if (elements == nullptr) return Problem(key, "expected an array of strings");
  out->clear();
  for (const Json& element : *elements) {
    if (element.string() == nullptr) return Problem(key, "expected an array of strings");
    out->push_back(*element.string());
  }
}

void JsonReader::Required(std::string_view key, std::map<std::string, std::string>* out) {
  const Json::Object* members = json_[key].object();
  if (members == nullptr) return Problem(key, "expected an object of strings");
  out->clear();
  for (const auto& [name, member] : *members) {
    if (member.string() == nullptr) return Problem(key, "expected an object of strings");
    out->emplace(name, *member.string());
  }
}

}  // namespace fleetmedic

// For decoders of texts that come by the hundred thousand.
#ifndef FLEETMEDIC_MODEL_FROM_TEXT_H_
#define FLEETMEDIC_MODEL_FROM_TEXT_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/json_element.h"
#include "model/condition.h"
#include "model/host_facts.h"

namespace fleetmedic {

// The decoders of what stands in such a text, beside those of their Json.
Result<Condition> ConditionFrom(const JsonElement& json);
inline Result<Condition> ConditionFrom(const Json& json) { return ConditionFromJson(json); }
Result<HostFacts> HostFactsFrom(const JsonElement& json);
inline Result<HostFacts> HostFactsFrom(const Json& json) { return HostFactsFromJson(json); }

// What `read` makes of the text where it lies; where that is nothing, what `from_json` makes of its
// Json, or why it makes nothing.
template <typename T>
Result<T> FromText(std::string_view text, Result<T> (*read)(const JsonElement&),
                   Result<T> (*from_json)(const Json&)) {
  std::optional<T> value;
  ReadJsonElement(text, [&](const JsonElement& root) {
    if (Result<T> taken = read(root)) value = *std::move(taken);
  });
  if (value) return *std::move(value);
  FLEETMEDIC_ASSIGN_OR_RETURN(const Json json, Json::Parse(text));
  return from_json(json);
}

// The value of a key; quick where the keys come in order, as ours are written.
template <typename T>
T& PlaceMember(std::map<std::string, T>* members, std::string_view key) {
  return members->try_emplace(members->end(), std::string(key))->second;
}

}  // namespace fleetmedic

#endif  // FLEETMEDIC_MODEL_FROM_TEXT_H_

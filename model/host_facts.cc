#include "model/host_facts.h"

#include <array>
#include <utility>

#include "model/from_text.h"

namespace fleetmedic {
namespace {

using Field = std::string HostFacts::*;
constexpr std::array<std::pair<std::string_view, Field>, 9> kFields = {{
    {"cell", &HostFacts::cell},
    {"pool", &HostFacts::pool},
    {"rack", &HostFacts::rack},
    {"zone", &HostFacts::zone},
    {"kernel", &HostFacts::kernel},
    {"image", &HostFacts::image},
    {"instance_type", &HostFacts::instance_type},
    {"agent_version", &HostFacts::agent_version},
    {"boot_id", &HostFacts::boot_id},
}};

template <typename Value>
Result<HostFacts> ReadFacts(const Value& json) {
  HostFacts facts;
  JsonReaderOf<Value> in(json, "facts");
  ReadId(&in, "host", &facts.host);
  for (const auto& [name, field] : kFields) in.Optional(name, &(facts.*field));
  in.Optional("booted_at", &facts.booted_at);
  in.Optional("labels", &facts.labels);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return facts;
}

}  // namespace

Json ToJson(const HostFacts& facts) {
  Json json;
  json.Set("host", facts.host.str());
  for (const auto& [name, field] : kFields) json.Set(name, facts.*field);
  if (facts.booted_at != kWallNever) json.Set("booted_at", facts.booted_at);
  Json labels(Json::Object{});
  for (const auto& [name, value] : facts.labels) labels.Set(name, value);
  json.Set("labels", std::move(labels));
  return json;
}

Result<HostFacts> HostFactsFromJson(const Json& json) { return ReadFacts(json); }
Result<HostFacts> HostFactsFrom(const JsonElement& json) { return ReadFacts(json); }

std::string FactValue(const HostFacts& facts, std::string_view name) {
  if (name == "host") return facts.host.str();
  for (const auto& [field_name, field] : kFields) {
    if (field_name == name) return facts.*field;
  }
  const auto it = facts.labels.find(std::string(name));
  return it == facts.labels.end() ? "" : it->second;
}

}  // namespace fleetmedic

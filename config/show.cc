#include "config/show.h"

#include <map>
#include <utility>

#include "base/text.h"
#include "config/keys.h"

namespace fleetmedic {
namespace {

// [policy.pools.NAME]: what differs from [policy].
void AppendPool(Config& config, const std::string& name, Policy& policy, std::string* out) {
  *out += "\n[policy.pools." + name + "]\n";
  Config own;
  own.remediator.policy = policy;
  for (const ConfigKey* key : PoolPolicyKeys()) {
    const std::string value = FormatValue(key->slot(own), key->range);
    if (value == FormatValue(key->slot(config), key->range)) continue;
    *out += std::string(key->key) + " = " + value + "\n";
  }
  for (auto& [type, condition] : policy.conditions) {
    const auto& of_fleet = config.remediator.policy.conditions;
    const auto same = of_fleet.find(type);
    if (same != of_fleet.end() && same->second == condition) continue;
    *out += "\n[policy.pools." + name + ".conditions." + type + "]\n";
    for (const ConditionKey& key : ConditionKeys()) {
      const std::string value = FormatValue(key.slot(condition), key.range);
      if (!value.empty()) *out += std::string(key.key) + " = " + value + "\n";
    }
  }
}

// What follows the keys of a section: the tables below it.
void AppendTables(Config& config, std::string_view section, std::string* out) {
  const auto append = [out](const auto& keys, auto& root) {
    for (const auto& key : keys) {
      const std::string value = FormatValue(key.slot(root), key.range);
      if (!value.empty()) *out += std::string(key.key) + " = " + value + "\n";
    }
  };
  if (section == "agent") {
    for (TailedFile& file : config.agent.files) {
      *out += "\n[[agent.files]]\n";
      append(FileKeys(), file);
    }
  }
  if (section == "notify") {
    for (NotifyChannel& channel : config.notify.channels) {
      *out += "\n[[notify.channel]]\n";
      append(NotifyChannelKeys(), channel);
    }
  }
  if (section == "detectors.checks") {
    for (CheckConfig& check : config.detectors.checks.list) {
      *out += "\n[[checks]]\n";
      append(CheckKeys(), check);
    }
  }
  if (section == "policy") {
    for (auto& [type, policy] : config.remediator.policy.conditions) {
      *out += "\n[policy.conditions." + type + "]\n";
      append(ConditionKeys(), policy);
    }
    for (auto& [name, policy] : config.remediator.pool_policies) {
      AppendPool(config, name, policy, out);
    }
    for (Limit& limit : config.remediator.limits) {
      *out += "\n[[limits]]\n";
      for (const LimitKey& key : LimitKeys()) {
        // The window means nothing for the other kinds, and the loader says so.
        if (key.key == "window" && limit.kind != LimitKind::kWindow) continue;
        *out += std::string(key.key) + " = " + FormatValue(key.slot(limit), key.range) + "\n";
      }
    }
  }
}

std::string Origin(const SourcePlace& place) {
  return place.line > 0 ? place.file + ":" + std::to_string(place.line) : place.file;
}

std::string Show(Config config, const ConfigOrigins& origins, bool with_help) {
  std::string out;
  std::string_view section;
  for (const ConfigKey& key : ConfigKeys()) {
    if (key.section != section) {
      AppendTables(config, section, &out);
      section = key.section;
      out += "\n[" + std::string(section) + "]\n";
    }
    if (with_help) out += "# " + std::string(key.help) + "\n";
    out += std::string(key.key) + " = " + FormatValue(key.slot(config), key.range);
    const auto origin = origins.find(key.Path());
    if (origin != origins.end()) out += "  # " + VisibleText(Origin(origin->second));
    out += "\n";
  }
  AppendTables(config, section, &out);
  return out;
}

Json Table(Json properties) {
  Json table;
  table.Set("type", "object");
  table.Set("additionalProperties", false);
  table.Set("properties", std::move(properties));
  return table;
}

template <typename Root>
Json TableSchema(std::span<const ConfigKeyOf<Root>> keys) {
  Root defaults;
  Json properties(Json::Object{});
  for (const ConfigKeyOf<Root>& key : keys) {
    Json schema = ValueSchema(key.slot(defaults), key.range);
    schema.Set("description", key.help);
    properties.Set(key.key, std::move(schema));
  }
  return Table(std::move(properties));
}

Json ListOf(Json items) {
  Json list;
  list.Set("type", "array");
  list.Set("items", std::move(items));
  return list;
}

}  // namespace

std::string ShowConfig(const Config& config, const ConfigOrigins& origins) {
  return Show(config, origins, false);
}

std::string ConfigReference() { return Show(Config{}, {}, true); }

Json ConfigSchema() {
  Config defaults;
  std::map<std::string, Json, std::less<>> sections;
  Json top(Json::Object{});
  for (const ConfigKey& key : ConfigKeys()) {
    Json schema = ValueSchema(key.slot(defaults), key.range);
    schema.Set("description", key.help);
    if (key.section.empty()) {
      top.Set(key.key, std::move(schema));
    } else {
      sections[std::string(key.section)].Set(key.key, std::move(schema));
    }
  }
  sections["agent"].Set("files", ListOf(TableSchema(FileKeys())));
  sections["notify"].Set("channel", ListOf(TableSchema(NotifyChannelKeys())));
  Json conditions;
  conditions.Set("type", "object");
  conditions.Set("additionalProperties", TableSchema(ConditionKeys()));
  Json pool(Json::Object{});
  for (const ConfigKey* key : PoolPolicyKeys()) {
    pool.Set(key->key, sections["policy"][key->key]);
  }
  pool.Set("conditions", conditions);
  Json pools;
  pools.Set("type", "object");
  pools.Set("additionalProperties", Table(std::move(pool)));
  sections["policy"].Set("pools", std::move(pools));
  sections["policy"].Set("conditions", std::move(conditions));
  top.Set("checks", ListOf(TableSchema(CheckKeys())));
  top.Set("limits", ListOf(TableSchema(LimitKeys())));
  Json detectors(Json::Object{});
  for (auto& [name, properties] : sections) {
    constexpr std::string_view kDetectors = "detectors.";
    if (name.starts_with(kDetectors)) {
      detectors.Set(name.substr(kDetectors.size()), Table(std::move(properties)));
    } else {
      top.Set(name, Table(std::move(properties)));
    }
  }
  top.Set("detectors", Table(std::move(detectors)));
  Json schema;
  schema.Set("$schema", "https://json-schema.org/draft/2020-12/schema");
  schema.Set("title", "fleetmedic.toml");
  schema.Set("type", "object");
  schema.Set("additionalProperties", false);
  schema.Set("properties", std::move(top));
  return schema;
}

}  // namespace fleetmedic

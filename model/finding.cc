#include "model/finding.h"

#include "model/words.h"

namespace fleetmedic {
namespace {

constexpr Words<Clear, 4> kClears = {{{Clear::kQuiet, "quiet"},
                                      {Clear::kBoot, "boot"},
                                      {Clear::kTime, "time"},
                                      {Clear::kProbe, "probe"}}};

}  // namespace

std::string_view ClearName(Clear clear) { return WordOf(kClears, clear); }
std::optional<Clear> ParseClear(std::string_view word) { return ValueOf(kClears, word); }

Json ToJson(const Finding& finding) {
  Json json;
  json.Set("host", finding.host.str());
  json.Set("boot_id", finding.boot_id);
  json.Set("rule", finding.rule);
  json.Set("rule_version", finding.rule_version);
  json.Set("condition", ToJson(finding.condition));
  json.Set("clear", ClearName(finding.clear));
  json.Set("clear_after_ms", finding.clear_after.count());
  if (!finding.clear_probe.empty()) json.Set("clear_probe", finding.clear_probe);
  json.Set("count", finding.count);
  json.Set("first_at", finding.first_at);
  json.Set("last_at", finding.last_at);
  json.Set("position", finding.position);
  Json captures(Json::Object{});
  for (const auto& [name, value] : finding.captures) captures.Set(name, value);
  json.Set("captures", std::move(captures));
  return json;
}

Result<Finding> FindingFromJson(const Json& json) {
  Finding finding;
  JsonReader in(json, "finding");
  ReadId(&in, "host", &finding.host);
  in.Required("boot_id", &finding.boot_id);
  in.Required("rule", &finding.rule);
  in.Optional("rule_version", &finding.rule_version);
  in.RequiredAs("condition", &finding.condition, ConditionFromJson);
  in.Word("clear", &finding.clear, ParseClear);
  in.Required("clear_after_ms", &finding.clear_after);
  in.Optional("clear_probe", &finding.clear_probe);
  in.Optional("count", &finding.count);
  in.Required("first_at", &finding.first_at);
  in.Required("last_at", &finding.last_at);
  in.Optional("position", &finding.position);
  in.Optional("captures", &finding.captures);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return finding;
}

}  // namespace fleetmedic

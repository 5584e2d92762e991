#include "model/override.h"

#include "model/words.h"

namespace fleetmedic {
namespace {

constexpr Words<OverrideKind, 7> kKinds = {{{OverrideKind::kHold, "hold"},
                                            {OverrideKind::kProtect, "protect"},
                                            {OverrideKind::kDrain, "drain"},
                                            {OverrideKind::kTaint, "taint"},
                                            {OverrideKind::kReturn, "return"},
                                            {OverrideKind::kAllow, "allow"},
                                            {OverrideKind::kBudget, "budget"}}};
constexpr Words<ScopeKind, 7> kScopes = {{{ScopeKind::kFleet, "fleet"},
                                          {ScopeKind::kCell, "cell"},
                                          {ScopeKind::kPool, "pool"},
                                          {ScopeKind::kRack, "rack"},
                                          {ScopeKind::kRule, "rule"},
                                          {ScopeKind::kHost, "host"},
                                          {ScopeKind::kLimit, "limit"}}};
constexpr Words<Mode, 5> kModes = {{{Mode::kAuto, "auto"},
                                    {Mode::kShadow, "shadow"},
                                    {Mode::kDegraded, "degraded"},
                                    {Mode::kTripped, "tripped"},
                                    {Mode::kHold, "hold"}}};

Result<Scope> ScopeFromJson(const Json& json) {
  if (json.string() == nullptr) return Fail(Code::kInvalidArgument, "expected a string");
  return ParseScope(*json.string());
}

}  // namespace

std::string_view OverrideKindName(OverrideKind kind) { return WordOf(kKinds, kind); }
std::optional<OverrideKind> ParseOverrideKind(std::string_view word) {
  return ValueOf(kKinds, word);
}
std::string_view ModeName(Mode mode) { return WordOf(kModes, mode); }
std::optional<Mode> ParseMode(std::string_view word) { return ValueOf(kModes, word); }

Result<Scope> ParseScope(std::string_view text) {
  if (text == "fleet") return Scope{ScopeKind::kFleet, ""};
  const size_t colon = text.find(':');
  if (colon != std::string_view::npos) {
    const std::optional<ScopeKind> kind = ValueOf(kScopes, text.substr(0, colon));
    const std::string_view name = text.substr(colon + 1);
    if (kind && *kind != ScopeKind::kFleet && ValidId(name)) {
      return Scope{*kind, std::string(name)};
    }
  }
  return Fail(
      Code::kInvalidArgument,
      "not a scope: \"" + std::string(text.substr(0, 64)) +
          "\"; write fleet, cell:NAME, pool:NAME, rack:NAME, rule:NAME, host:NAME or limit:NAME");
}

std::string ScopeText(const Scope& scope) {
  if (scope.kind == ScopeKind::kFleet) return "fleet";
  return std::string(WordOf(kScopes, scope.kind)) + ":" + scope.name;
}

bool ScopeCovers(const Scope& scope, const HostFacts& facts) {
  switch (scope.kind) {
    case ScopeKind::kFleet:
      return true;
    case ScopeKind::kCell:
      return !scope.name.empty() && facts.cell == scope.name;
    case ScopeKind::kPool:
      return !scope.name.empty() && facts.pool == scope.name;
    case ScopeKind::kRack:
      return !scope.name.empty() && facts.rack == scope.name;
    case ScopeKind::kRule:
    case ScopeKind::kLimit:
      return false;
    case ScopeKind::kHost:
      return !scope.name.empty() && facts.host.str() == scope.name;
  }
  return false;
}

Json ToJson(const Override& override) {
  Json json;
  json.Set("id", override.id.str());
  json.Set("kind", OverrideKindName(override.kind));
  json.Set("scope", ScopeText(override.scope));
  json.Set("who", override.who);
  json.Set("reason", override.reason);
  json.Set("created_at", override.created_at);
  if (override.review_at != kWallNever) json.Set("review_at", override.review_at);
  if (override.until != kWallNever) json.Set("until", override.until);
  if (override.kind == OverrideKind::kBudget) json.Set("value", override.value);
  return json;
}

Result<Override> OverrideFromJson(const Json& json) {
  Override override;
  JsonReader in(json, "override");
  ReadId(&in, "id", &override.id);
  in.Word("kind", &override.kind, ParseOverrideKind);
  in.RequiredAs("scope", &override.scope, ScopeFromJson);
  in.Required("who", &override.who);
  in.Optional("reason", &override.reason);
  in.Required("created_at", &override.created_at);
  in.Optional("review_at", &override.review_at);
  in.Optional("until", &override.until);
  in.Optional("value", &override.value);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return override;
}

}  // namespace fleetmedic

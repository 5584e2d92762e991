#include "model/limits.h"

#include "model/words.h"

namespace fleetmedic {
namespace {

constexpr Words<LimitScope, 4> kScopes = {{{LimitScope::kFleet, "fleet"},
                                           {LimitScope::kCell, "cell"},
                                           {LimitScope::kPool, "pool"},
                                           {LimitScope::kRack, "rack"}}};
constexpr Words<LimitKind, 3> kKinds = {{{LimitKind::kConcurrent, "concurrent"},
                                         {LimitKind::kWindow, "window"},
                                         {LimitKind::kFloor, "floor"}}};

}  // namespace

std::string_view LimitScopeName(LimitScope scope) { return WordOf(kScopes, scope); }
std::optional<LimitScope> ParseLimitScope(std::string_view word) { return ValueOf(kScopes, word); }
std::string_view LimitKindName(LimitKind kind) { return WordOf(kKinds, kind); }
std::optional<LimitKind> ParseLimitKind(std::string_view word) { return ValueOf(kKinds, word); }

Json ToJson(const Grant& grant) {
  Json json;
  json.Set("id", grant.id.str());
  json.Set("host", grant.host.str());
  json.Set("cell", grant.cell);
  json.Set("pool", grant.pool);
  json.Set("rack", grant.rack);
  json.Set("episode", grant.episode);
  json.Set("reason", grant.reason);
  json.Set("granted_at", grant.granted_at);
  if (!grant.open()) json.Set("released_at", grant.released_at);
  if (grant.lent()) {
    json.Set("holder", grant.holder);
    json.Set("act", grant.act);
    json.Set("ends_at", grant.ends_at);
    if (grant.overdue) json.Set("overdue", true);
  }
  return json;
}

Result<Grant> GrantFromJson(const Json& json) {
  Grant grant;
  JsonReader in(json, "grant");
  ReadId(&in, "id", &grant.id);
  ReadId(&in, "host", &grant.host);
  in.Required("cell", &grant.cell);
  in.Required("pool", &grant.pool);
  in.Optional("rack", &grant.rack);
  in.Required("episode", &grant.episode);
  in.Optional("reason", &grant.reason);
  in.Required("granted_at", &grant.granted_at);
  in.Optional("released_at", &grant.released_at);
  in.Optional("holder", &grant.holder);
  in.Optional("act", &grant.act);
  in.Optional("ends_at", &grant.ends_at);
  in.Optional("overdue", &grant.overdue);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return grant;
}

std::vector<Limit> ShippedLimits() {
  return {
      {.name = "fleet_concurrent",
       .scope = LimitScope::kFleet,
       .kind = LimitKind::kConcurrent,
       .share = 0.01,
       .at_least = 1},
      {.name = "cell_concurrent",
       .scope = LimitScope::kCell,
       .kind = LimitKind::kConcurrent,
       .share = 0.02,
       .at_least = 1},
      {.name = "fleet_window",
       .scope = LimitScope::kFleet,
       .kind = LimitKind::kWindow,
       .share = 0.001,
       .at_least = 1,
       .window = Minutes(10)},
      // What a pool needs is not known to us; until its config says so, half of it and one host
      // at the least must stay.
      {.name = "pool_floor",
       .scope = LimitScope::kPool,
       .kind = LimitKind::kFloor,
       .share = 0.5,
       .at_least = 1},
  };
}

}  // namespace fleetmedic

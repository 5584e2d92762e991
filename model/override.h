// What people say over the machine: holds, protections, drains and returns; and the mode.
#ifndef FLEETMEDIC_MODEL_OVERRIDE_H_
#define FLEETMEDIC_MODEL_OVERRIDE_H_

#include <string>

#include "model/host_facts.h"

namespace fleetmedic {

enum class OverrideKind : uint8_t {
  kHold,     // nothing further starts in the scope
  kProtect,  // the scope's hosts are never acted on
  kDrain,    // one host shall be drained, within the limits
  kTaint,    // one host shall take no new tasks; those that run stay
  kReturn,   // one host shall go back into service, by way of probation
  kAllow,    // the scope's hosts are acted on although a fleet issue covers them
  kBudget,   // a limit is another for a time
};
std::string_view OverrideKindName(OverrideKind kind);
std::optional<OverrideKind> ParseOverrideKind(std::string_view word);

enum class ScopeKind : uint8_t { kFleet, kCell, kPool, kRack, kRule, kHost, kLimit };

// "fleet", "pool:web", "host:web-114". There is no empty scope: an empty text does not parse, and
// a default Scope matches nothing.
struct Scope {
  ScopeKind kind = ScopeKind::kHost;
  std::string name;

  bool operator==(const Scope&) const = default;
};

Result<Scope> ParseScope(std::string_view text);
std::string ScopeText(const Scope& scope);
// Whether the host lies in the scope. A rule's scope, or a limit's, covers no host by itself.
bool ScopeCovers(const Scope& scope, const HostFacts& facts);

struct Override {
  OverrideId id;
  OverrideKind kind = OverrideKind::kHold;
  Scope scope;
  std::string who;
  std::string reason;
  WallTime created_at = kWallNever;
  // When a hold pages its holder. It does not lapse by itself.
  WallTime review_at = kWallNever;
  // When the override ends by itself; kWallNever where it does not.
  WallTime until = kWallNever;
  int64_t value = 0;  // of a budget: hosts, in place of the limit's share and at_least

  static constexpr size_t kReasonBytesMax = 1024;

  bool operator==(const Override&) const = default;
};

Json ToJson(const Override& override);
Result<Override> OverrideFromJson(const Json& json);

// What the whole is allowed to do; the strictest of all that apply wins, and the order here is
// from the loosest to the strictest.
enum class Mode : uint8_t { kAuto, kShadow, kDegraded, kTripped, kHold };
std::string_view ModeName(Mode mode);
std::optional<Mode> ParseMode(std::string_view word);
constexpr Mode Strictest(Mode a, Mode b) { return a < b ? b : a; }

}  // namespace fleetmedic

#endif  // FLEETMEDIC_MODEL_OVERRIDE_H_

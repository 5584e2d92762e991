// The objects of docs/api.md, made from a snapshot. Pure.
#ifndef FLEETMEDIC_CONSOLE_API_JSON_H_
#define FLEETMEDIC_CONSOLE_API_JSON_H_

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "model/audit.h"
#include "model/notify_book.h"
#include "remediation/query.h"

namespace fleetmedic {

// Texts of strangers (messages, evidence, reasons) are data in all of these: passed through as they
// are, escaped by the JSON writer alone. Who shows them makes them visible.

// What the pictures need besides the snapshot.
struct ApiView {
  // A host that has said nothing for this long is silent (the policy's silent_after).
  Millis silent_after = Seconds(30);
  std::string version;
  // Since when the snapshot has had its `trouble`; kWallNever where it has none.
  WallTime trouble_since = kWallNever;
};

// At most this many entries of `needs_you`; past it the last one tells how many more there are.
constexpr size_t kNeedsYouMax = 50;
// A summary holds at most this many conditions; the detail has them all.
constexpr int64_t kSummaryConditionsMax = 20;
// More silent hosts than this are one entry together.
constexpr size_t kSilentNamedMax = 5;

bool IsSilent(const HostRecord& record, WallTime now, Millis silent_after);

// Of a host: `why` is one sentence, `conditions` those that are not ok.
Json HostSummaryJson(const HostRecord& record, bool silent);
// Summary and more: facts, every condition, deadline. `timeline`, `why` (the lines), `tasks` and
// `overrides` are the caller's to set.
Json HostDetailJson(const HostRecord& record, bool silent);
Json ConditionJson(const TrackedCondition& tracked);
Json GrantJson(const Grant& grant, const FleetSnapshot& snapshot);
Json LimitJson(const LimitView& limit);
Json AuditJson(const AuditEntry& entry);
Json BrakeJson(const BrakeState& brake);
// Every source that holds something now: overrides, the file, and a store that nobody leads.
Json::Array HoldSources(const FleetSnapshot& snapshot);
// A snapshot without a leader is never milder than degraded: nothing is done here then.
Json ModeJson(const FleetSnapshot& snapshot);
Json FreshnessJson(const FleetSnapshot& snapshot, const ApiView& view);
// {"limits": [...], "grants": [...]}
Json LimitsJson(const FleetSnapshot& snapshot);
// What waits for a person, the gravest first.
Json::Array NeedsYou(const FleetSnapshot& snapshot, const ApiView& view);
// The overrides in force that cover the host.
// The reconcile report: what differs between the records and the scheduler's list.
Json ReconcileJson(const FleetSnapshot& snapshot);
Json::Array OverridesOf(const FleetSnapshot& snapshot, const HostRecord& record);
// State without `cursor`. `recent`: the newest entries, newest first.
Json StateJson(const FleetSnapshot& snapshot, const ApiView& view,
               std::span<const AuditEntry> recent);

// The channels that messages go out by.
Json NotifyJson(std::span<const NotifyChannelState> channels);

// {"items": [...]}
Json ItemsJson(Json::Array items);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONSOLE_API_JSON_H_

// Records that are older than what the scheduler was told: what differs, and how each host goes on
// once a person has looked. Pure.
#ifndef FLEETMEDIC_REMEDIATION_RECONCILE_H_
#define FLEETMEDIC_REMEDIATION_RECONCILE_H_

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/remediator_config.h"
#include "model/directive.h"
#include "model/host_record.h"

namespace fleetmedic {

// Where it stands in Table::kMeta: nothing is acted on while it does.
constexpr std::string_view kReconcileKey = "reconcile";

// The reason of a grant that was not asked for: its host was out already.
constexpr std::string_view kAdoptedReason = "adopted: the scheduler keeps the host out";

struct ReconcileMark {
  WallTime since = kWallNever;
  std::string reason;
  bool paged = false;  // a person was called for it

  bool operator==(const ReconcileMark&) const = default;
};
Json ToJson(const ReconcileMark& mark);
Result<ReconcileMark> ReconcileMarkFromJson(const Json& json);

// One host of which the record and the scheduler's list say different things.
struct HostDifference {
  enum class Kind : uint8_t {
    kNewer,       // the scheduler has a directive that the record never sent
    kOlder,       // it has one from before what it confirmed once
    kOtherWant,   // the same revision, and another wanted state
    kNotListed,   // out by the record, and the scheduler does not list it
    kUnrecorded,  // the scheduler keeps it out, and there is no record of it
  };
  Kind kind = Kind::kNewer;
  HostId host;
  HostState state = HostState::kHealthy;  // by the record
  uint64_t our_revision = 0;
  Want our_want = Want::kSchedulable;
  uint64_t their_revision = 0;
  Want their_want = Want::kSchedulable;

  bool operator==(const HostDifference&) const = default;
};

// What differs, and what becomes of it when it is accepted.
std::string DifferenceText(const HostDifference& difference);

struct ReconcileReport {
  static constexpr size_t kDifferencesMax = 1000;

  WallTime listed_at = kWallNever;
  size_t hosts_listed = 0;
  size_t foreign_taints = 0;  // hosts that somebody else keeps out too: they stay so
  size_t differences_total = 0;
  std::vector<HostDifference> differences;  // by host, the first kDifferencesMax
};

using HostRecords = std::map<HostId, std::shared_ptr<const HostRecord>>;

// The scheduler holds a directive that this record never gave: the record is older.
bool RecordIsBehind(const HostRecord& record, const HostView& view);

// What differs between one record and the scheduler's view of its host, if anything does.
std::optional<HostDifference> DifferenceOf(const HostRecord& record, const HostView& view);

ReconcileReport Compare(const HostRecords& records, std::span<const HostView> views, WallTime now);

// Whether a record is adopted when a person accepts: the scheduler holds another directive, or the
// host is in service by both and the record is in the middle of a repair, of which nobody knows
// what became. One that the scheduler lost is told again by the machine.
bool GoesOnAsListed(const HostRecord& record, const HostView& view);

// How a record goes on when a person accepted. Numbers of episodes may have been used since it was
// written, and name repairs that an executor runs once and never again: those are skipped.
// Deadlines did not run meanwhile.
HostRecord GoOn(const Policy& policy, HostRecord record, WallTime now);

// The record of a host whose directive is not the one that the scheduler holds: it goes on from the
// scheduler's word. A host that it keeps out stays out, under `grant`, until it was seen to be well
// or is found to be bad; nothing is done to it for the difference alone.
HostRecord Adopt(const Policy& policy, HostRecord record, const HostView& view, GrantId grant,
                 WallTime now);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_REMEDIATION_RECONCILE_H_

// What the API and the console may ask of the remediator, and what people may tell it.
#ifndef FLEETMEDIC_REMEDIATION_QUERY_H_
#define FLEETMEDIC_REMEDIATION_QUERY_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "model/audit.h"
#include "model/fleet_issue.h"
#include "model/host_record.h"
#include "model/override.h"
#include "ratelimit/brake.h"
#include "ratelimit/ramp.h"
#include "remediation/reconcile.h"

namespace fleetmedic {

using HostRecordPtr = std::shared_ptr<const HostRecord>;

// One limit for one scope, as people see it.
struct LimitView {
  std::string name;
  std::string scope;
  LimitKind kind = LimitKind::kConcurrent;
  int used = 0;
  int max = 0;
  Millis window{0};
  WallTime next_at = kWallNever;

  bool operator==(const LimitView&) const = default;
};

// Everything at one commit. Immutable; a host that did not change between two snapshots is the
// same pointer in both.
struct FleetSnapshot {
  uint64_t epoch = 0;
  uint64_t sequence = 0;  // grows with each snapshot of this process
  WallTime now = kWallNever;
  bool leader = false;
  Mode mode = Mode::kShadow;
  std::string mode_reason;
  bool hold_file_present = false;
  std::string hold_file;
  WallTime hold_file_since = kWallNever;  // when it was touched, where that can be told
  std::map<HostId, HostRecordPtr> hosts;
  std::vector<Grant> grants;  // the open ones
  std::vector<LimitView> limits;
  BrakeState brake;
  Ramp ramp;
  // Set while a person is waited for; the report is null until the scheduler's list came.
  std::optional<ReconcileMark> reconcile;
  std::shared_ptr<const ReconcileReport> reconcile_report;
  std::vector<FleetIssuePtr> issues;   // the open ones
  std::set<std::string> issues_stale;  // of these, by their ids: the stream renews them no more
  std::vector<Override> overrides;
  Millis log_lag{0};
  int hosts_silent = 0;
  WallTime oldest_seen_at = kWallNever;
  std::string trouble;  // what keeps the role from working: store, log, scheduler
};

// What people tell. `who` is the authenticated name.
namespace request {
struct AddOverride {
  OverrideKind kind = OverrideKind::kHold;
  Scope scope;
  std::string who;
  std::string reason;
  Millis lasts{
      0};  // 0: until it is ended; holds get a review time instead, allow and budget an hour
  int64_t value = 0;  // of a budget
};
struct EndOverride {
  OverrideId id;
  std::string who;
  std::string reason;
};
// Ends every hold that the API can end.
struct Release {
  std::string who;
  std::string reason;
};
struct ReleaseBrake {
  std::string who;
  std::string reason;
};
// The records go on from what the scheduler holds, and are acted on again.
struct AcceptReconcile {
  std::string who;
  std::string reason;
};
// Automation of the site that is not ours asks the same budget before it disrupts a host. Asked
// again by the same holder for the same host, the open grant is the answer, its lease begun anew.
struct LendGrant {
  HostId host;
  std::string who;  // the holder
  std::string act;  // one word: "reboot"
  std::string reason;
  Millis lease{0};
};
struct RenewGrant {
  GrantId id;
  std::string who;  // its holder
  Millis lease{0};  // from now on
};
// The host is back in service. Anybody may say so of a lent grant; ours are released by us alone.
struct ReleaseGrant {
  GrantId id;
  std::string who;
  std::string reason;
};
// Asks the host's agent for a bundle of evidence. Always allowed: it changes nothing.
struct CollectEvidence {
  HostId host;
  std::string who;
  std::string reason;
};
}  // namespace request

using Request =
    std::variant<request::AddOverride, request::EndOverride, request::Release,
                 request::ReleaseBrake, request::AcceptReconcile, request::CollectEvidence,
                 request::LendGrant, request::RenewGrant, request::ReleaseGrant>;

struct RequestAnswer {
  std::optional<Override> added;
  std::vector<Override> ended;
  // Holds that are still in force and why they could not be ended here.
  std::vector<std::string> still;
  std::string evidence_id;     // what the bundle that was asked for will be called
  std::optional<Grant> grant;  // that was lent or renewed
};

// The bundles of evidence that came and are kept. Thread-safe.
class EvidenceBook {
 public:
  virtual ~EvidenceBook() = default;
  // SummaryJson of each, newest first.
  virtual std::vector<Json> List(const HostId& host) const = 0;
  // The whole bundle as JSON. kNotFound where it is not kept (any more).
  virtual Result<std::string> Read(const HostId& host, std::string_view id) const = 0;
  virtual bool Has(const HostId& host, std::string_view id) const = 0;
};

// Thread-safe.
class RemediatorService {
 public:
  virtual ~RemediatorService() = default;

  // Never null; before the first commit an empty snapshot without a leader.
  virtual std::shared_ptr<const FleetSnapshot> Snapshot() const = 0;

  // `done` is called once, from any thread, after the request is durable or refused. A fleet hold
  // is in force before Post returns. kFull when too many requests wait: nothing was posted.
  virtual Status Post(Request request, std::function<void(Result<RequestAnswer>)> done) = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_REMEDIATION_QUERY_H_

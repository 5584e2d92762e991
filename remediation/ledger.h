// The remediator's durable state in memory, and what one pass changes of it. A pass stages its
// changes, Commit writes all of them in one transaction; when it does not hold, Load reads the
// truth again.
#ifndef FLEETMEDIC_REMEDIATION_LEDGER_H_
#define FLEETMEDIC_REMEDIATION_LEDGER_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "eventlog/event_log.h"
#include "model/audit.h"
#include "model/host_record.h"
#include "model/override.h"
#include "ratelimit/brake.h"
#include "ratelimit/ramp.h"
#include "remediation/reconcile.h"
#include "store/store.h"

namespace fleetmedic {

// An effect that is decided, durable, and not yet confirmed by the other side.
struct OutboxRow {
  enum class Kind : uint8_t { kDirective, kRepair };
  Kind kind = Kind::kDirective;
  HostId host;
  Directive directive;
  bool recovery = false;  // the directive gives back or softens
  Repair repair;
  WallTime created_at = kWallNever;

  // One row for each host and kind: a newer directive takes the place of an older one.
  std::string Key() const;
};

Json ToJson(const OutboxRow& row);
Result<OutboxRow> OutboxRowFromJson(const Json& json);

// A shared, immutable record: what the role knows now and what queries may read at any time.
using HostRecordPtr = std::shared_ptr<const HostRecord>;

// Owned by one thread.
class Ledger {
 public:
  // Reads everything; what was staged is dropped. On an error the ledger must not be used until a
  // later Load succeeds. A row that cannot be read is kCorrupt and names its table and key:
  // nothing starts from half a state.
  Status Load(const Store& store);
  // Writes what was staged, and nothing where nothing was.
  Status Commit(Store* store, Epoch epoch);
  bool dirty() const;
  // Whether something waits to be stored that nothing would tell again.
  bool urgent() const { return urgent_ || !audit_.empty(); }

  const std::map<HostId, HostRecordPtr>& hosts() const { return hosts_; }
  HostRecordPtr Host(const HostId& host) const;
  void PutHost(HostRecord record);
  // Replaces the record in memory alone: for what the next beat tells again anyway.
  void PutHostVolatile(HostRecord record);
  // Stores the record with the next commit, and need not be what calls for one: for what the log
  // tells again where the offsets are not stored either.
  void PutHostTold(HostRecord record);
  void ForgetHost(const HostId& host);

  const std::map<GrantId, Grant>& grants() const { return grants_; }
  std::vector<Grant> GrantList() const;
  // A new identifier: never one that any grant of this store had before.
  GrantId NextGrantId();
  // Numbers that a newer state than this may have given already.
  void SkipNumbers(uint64_t count);
  void PutGrant(Grant grant);
  void ReleaseGrant(const GrantId& id, WallTime now);
  // Forgets grants that were released before `before`.
  void PruneGrants(WallTime before);

  const std::map<std::string, OutboxRow>& outbox() const { return outbox_; }
  void PutOutbox(OutboxRow row);
  void EraseOutbox(const std::string& key);

  const std::map<OverrideId, Override>& overrides() const { return overrides_; }
  OverrideId NextOverrideId();
  void PutOverride(Override override);
  void EraseOverride(const OverrideId& id);

  const BrakeState& brake() const { return brake_; }
  void SetBrake(BrakeState brake);
  const Ramp& ramp() const { return ramp_; }
  void SetRamp(Ramp ramp);

  // Set while the records may be older than what the scheduler was told.
  const std::optional<ReconcileMark>& reconcile() const { return reconcile_; }
  void SetReconcile(std::optional<ReconcileMark> mark);
  // The highest revision of the hosts that were forgotten.
  uint64_t forgotten_revision() const { return forgotten_revision_; }

  // The newest time this state was written at: a clock behind it is wrong, or went back.
  WallTime written_at() const { return written_at_; }
  void Touch(WallTime now) { written_at_ = now > written_at_ ? now : written_at_; }

  std::vector<Position> Offsets(Topic topic) const;
  void SetOffsets(Topic topic, std::vector<Position> positions);

  void Audit(AuditEntry entry) { audit_.push_back(std::move(entry)); }
  bool has_audit() const { return !audit_.empty(); }
  // Every entry up to this seq is in the audit's topic.
  uint64_t audit_exported() const { return audit_exported_; }
  // Never back: a batch that was begun before a Load may come after it.
  void SetAuditExported(uint64_t seq);

 private:
  Status WriteTo(StoreTransaction* tx);
  void Stage(Table table, std::string key);

  std::map<HostId, HostRecordPtr> hosts_;
  std::map<GrantId, Grant> grants_;
  std::map<std::string, OutboxRow> outbox_;
  std::map<OverrideId, Override> overrides_;
  std::map<Topic, std::vector<Position>> offsets_;
  BrakeState brake_;
  Ramp ramp_;
  uint64_t last_number_ = 0;
  uint64_t audit_exported_ = 0;
  uint64_t forgotten_revision_ = 0;
  std::optional<ReconcileMark> reconcile_;
  WallTime written_at_ = kWallNever;

  // Keys that the next commit writes; a key without a value is erased.
  std::set<std::pair<Table, std::string>> touched_;
  bool urgent_ = false;
  std::vector<AuditEntry> audit_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_REMEDIATION_LEDGER_H_

#include "remediation/ledger.h"

#include <algorithm>

#include <fmt/format.h>

#include "model/words.h"

namespace fleetmedic {
namespace {

constexpr Words<OutboxRow::Kind, 2> kKinds = {
    {{OutboxRow::Kind::kDirective, "directive"}, {OutboxRow::Kind::kRepair, "repair"}}};

constexpr std::string_view kBrakeKey = "brake";
constexpr std::string_view kRampKey = "ramp";
constexpr std::string_view kNumberKey = "last_number";
constexpr std::string_view kAuditExportedKey = "audit_exported";
constexpr std::string_view kForgottenKey = "forgotten_revision";
constexpr std::string_view kWrittenAtKey = "written_at";

Json PositionsJson(const std::vector<Position>& positions) {
  Json json(Json::Array{});
  for (const Position& position : positions) json.Append(ToJson(position));
  return json;
}

// Reads a whole table into a map by `key_of`, a part at a time: the rows of a large fleet are more
// than its records.
template <typename Key, typename Value, typename Parse, typename KeyOf>
Status LoadTable(const Store& store, Table table, std::string_view name, Parse parse, KeyOf key_of,
                 std::map<Key, Value>* out) {
  constexpr size_t kPageRows = 500;
  out->clear();
  std::string after;
  while (true) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<Row> rows, store.Scan(table, after, kPageRows));
    for (const Row& row : rows) {
      auto value = parse(row.value);
      if (!value) {
        return Fail(Code::kCorrupt, fmt::format("store: table {}, key {}: {}", name, row.key,
                                                value.error().message));
      }
      out->insert_or_assign(out->end(), key_of(*value), *std::move(value));
    }
    if (rows.size() < kPageRows) return {};
    after = rows.back().key;
  }
}

// A decoder of texts by one of their Json.
template <typename Value, Result<Value> (*from_json)(const Json&)>
Result<Value> FromJsonText(std::string_view text) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const Json json, Json::Parse(text));
  return from_json(json);
}

}  // namespace

std::string OutboxRow::Key() const {
  return fmt::format("{}/{}", host.str(), WordOf(kKinds, kind));
}

Json ToJson(const OutboxRow& row) {
  Json json;
  json.Set("kind", WordOf(kKinds, row.kind));
  json.Set("host", row.host.str());
  if (row.kind == OutboxRow::Kind::kDirective) json.Set("directive", ToJson(row.directive));
  if (row.kind == OutboxRow::Kind::kRepair) json.Set("repair", ToJson(row.repair));
  json.Set("recovery", row.recovery);
  json.Set("created_at", row.created_at);
  return json;
}

Result<OutboxRow> OutboxRowFromJson(const Json& json) {
  OutboxRow row;
  JsonReader in(json, "outbox row");
  in.Word("kind", &row.kind, [](std::string_view word) { return ValueOf(kKinds, word); });
  ReadId(&in, "host", &row.host);
  in.OptionalAs("directive", &row.directive, DirectiveFromJson);
  in.OptionalAs("repair", &row.repair, RepairFromJson);
  in.Optional("recovery", &row.recovery);
  in.Required("created_at", &row.created_at);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return row;
}

Status Ledger::Load(const Store& store) {
  touched_.clear();
  audit_.clear();
  urgent_ = false;
  const auto host_from = [](std::string_view text) -> Result<HostRecordPtr> {
    FLEETMEDIC_ASSIGN_OR_RETURN(HostRecord record, HostRecordFromText(text));
    return std::make_shared<const HostRecord>(std::move(record));
  };
  FLEETMEDIC_RETURN_IF_ERROR(LoadTable(
      store, Table::kHosts, "hosts", host_from,
      [](const HostRecordPtr& record) { return record->facts.host; }, &hosts_));
  FLEETMEDIC_RETURN_IF_ERROR(LoadTable(
      store, Table::kGrants, "grants", FromJsonText<Grant, GrantFromJson>,
      [](const Grant& grant) { return grant.id; }, &grants_));
  FLEETMEDIC_RETURN_IF_ERROR(LoadTable(
      store, Table::kOutbox, "outbox", FromJsonText<OutboxRow, OutboxRowFromJson>,
      [](const OutboxRow& row) { return row.Key(); }, &outbox_));
  FLEETMEDIC_RETURN_IF_ERROR(LoadTable(
      store, Table::kOverrides, "overrides", FromJsonText<Override, OverrideFromJson>,
      [](const Override& override) { return override.id; }, &overrides_));
  offsets_.clear();
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<Row> offsets, ScanAll(store, Table::kOffsets));
  for (const Row& row : offsets) {
    const std::optional<Topic> topic = ParseTopic(row.key);
    FLEETMEDIC_ASSIGN_OR_RETURN(const Json json, Json::Parse(row.value));
    if (!topic || json.array() == nullptr) {
      return Fail(Code::kCorrupt, "store: table offsets, key " + row.key);
    }
    for (const Json& element : *json.array()) {
      FLEETMEDIC_ASSIGN_OR_RETURN(const Position position, PositionFromJson(element));
      offsets_[*topic].push_back(position);
    }
  }
  Json meta;
  for (const std::string_view key : {kBrakeKey, kRampKey, kNumberKey, kAuditExportedKey,
                                     kForgottenKey, kReconcileKey, kWrittenAtKey}) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const std::optional<std::string> value,
                                store.Get(Table::kMeta, key));
    if (!value) continue;
    FLEETMEDIC_ASSIGN_OR_RETURN(Json json, Json::Parse(*value));
    meta.Set(key, std::move(json));
  }
  brake_ = BrakeState();
  if (!meta[kBrakeKey].is_null()) {
    FLEETMEDIC_ASSIGN_OR_RETURN(brake_, BrakeStateFromJson(meta[kBrakeKey]));
  }
  ramp_ = Ramp();
  if (!meta[kRampKey].is_null()) {
    FLEETMEDIC_ASSIGN_OR_RETURN(ramp_, RampFromJson(meta[kRampKey]));
  }
  last_number_ = static_cast<uint64_t>(meta[kNumberKey].integer().value_or(0));
  audit_exported_ = static_cast<uint64_t>(meta[kAuditExportedKey].integer().value_or(0));
  forgotten_revision_ = static_cast<uint64_t>(meta[kForgottenKey].integer().value_or(0));
  reconcile_.reset();
  if (!meta[kReconcileKey].is_null()) {
    FLEETMEDIC_ASSIGN_OR_RETURN(reconcile_, ReconcileMarkFromJson(meta[kReconcileKey]));
  }
  written_at_ = kWallNever;
  if (const std::string* text = meta[kWrittenAtKey].string()) {
    FLEETMEDIC_ASSIGN_OR_RETURN(written_at_, ParseWall(*text));
  }
  return {};
}

bool Ledger::dirty() const { return !touched_.empty() || !audit_.empty(); }

Status Ledger::Commit(Store* store, Epoch epoch) {
  if (!dirty()) return {};
  FLEETMEDIC_RETURN_IF_ERROR(
      store->Commit(epoch, [this](StoreTransaction& tx) { return WriteTo(&tx); }));
  touched_.clear();
  audit_.clear();
  urgent_ = false;
  return {};
}

void Ledger::Stage(Table table, std::string key) {
  touched_.emplace(table, std::move(key));
  urgent_ = true;
}

Status Ledger::WriteTo(StoreTransaction* tx) {
  const auto put = [tx](Table table, const std::string& key, const auto& values, const auto& id,
                        const auto& to_json) -> Status {
    const auto it = values.find(id);
    if (it == values.end()) return tx->Erase(table, key);
    return tx->Put(table, key, to_json(it->second).Dump());
  };
  const auto json_of = [](const auto& value) { return ToJson(value); };
  for (const auto& [table, key] : touched_) {
    Status status;
    switch (table) {
      case Table::kHosts:
        status = put(table, key, hosts_, HostId(key),
                     [](const HostRecordPtr& record) { return ToJson(*record); });
        break;
      case Table::kGrants:
        status = put(table, key, grants_, GrantId(key), json_of);
        break;
      case Table::kOutbox:
        status = put(table, key, outbox_, key, json_of);
        break;
      case Table::kOverrides:
        status = put(table, key, overrides_, OverrideId(key), json_of);
        break;
      case Table::kOffsets:
        status = tx->Put(table, key, PositionsJson(offsets_[*ParseTopic(key)]).Dump());
        break;
      case Table::kMeta:
        if (key == kBrakeKey) status = tx->Put(table, key, ToJson(brake_).Dump());
        if (key == kRampKey) status = tx->Put(table, key, ToJson(ramp_).Dump());
        if (key == kNumberKey) status = tx->Put(table, key, Json(last_number_).Dump());
        if (key == kAuditExportedKey) status = tx->Put(table, key, Json(audit_exported_).Dump());
        if (key == kForgottenKey) status = tx->Put(table, key, Json(forgotten_revision_).Dump());
        if (key == kReconcileKey) {
          status =
              reconcile_ ? tx->Put(table, key, ToJson(*reconcile_).Dump()) : tx->Erase(table, key);
        }
        break;
      case Table::kJobs:
      case Table::kTasks:
      case Table::kDirectives:
      case Table::kBaselines:
      case Table::kIssues:
      case Table::kTemplates:
        FLEETMEDIC_CHECK(false);
    }
    FLEETMEDIC_RETURN_IF_ERROR(status);
  }
  for (const AuditEntry& entry : audit_) FLEETMEDIC_RETURN_IF_ERROR(tx->AppendAudit(entry));
  return tx->Put(Table::kMeta, kWrittenAtKey, Json(written_at_).Dump());
}

HostRecordPtr Ledger::Host(const HostId& host) const {
  const auto it = hosts_.find(host);
  return it == hosts_.end() ? nullptr : it->second;
}

void Ledger::PutHost(HostRecord record) {
  urgent_ = true;
  PutHostTold(std::move(record));
}

void Ledger::PutHostTold(HostRecord record) {
  touched_.insert({Table::kHosts, record.facts.host.str()});
  PutHostVolatile(std::move(record));
}

void Ledger::PutHostVolatile(HostRecord record) {
  auto kept = std::make_shared<const HostRecord>(std::move(record));
  hosts_[kept->facts.host] = std::move(kept);
}

void Ledger::ForgetHost(const HostId& host) {
  if (const HostRecordPtr record = Host(host);
      record != nullptr && record->revision > forgotten_revision_) {
    forgotten_revision_ = record->revision;
    Stage(Table::kMeta, std::string(kForgottenKey));
  }
  hosts_.erase(host);
  Stage(Table::kHosts, host.str());
}

std::vector<Grant> Ledger::GrantList() const {
  std::vector<Grant> list;
  list.reserve(grants_.size());
  for (const auto& [id, grant] : grants_) list.push_back(grant);
  return list;
}

GrantId Ledger::NextGrantId() {
  Stage(Table::kMeta, std::string(kNumberKey));
  return GrantId(fmt::format("G-{}", ++last_number_));
}

void Ledger::SkipNumbers(uint64_t count) {
  last_number_ += count;
  Stage(Table::kMeta, std::string(kNumberKey));
}

void Ledger::PutGrant(Grant grant) {
  Stage(Table::kGrants, grant.id.str());
  grants_[grant.id] = std::move(grant);
}

void Ledger::ReleaseGrant(const GrantId& id, WallTime now) {
  const auto it = grants_.find(id);
  if (it == grants_.end() || !it->second.open()) return;
  it->second.released_at = now;
  Stage(Table::kGrants, id.str());
}

void Ledger::PruneGrants(WallTime before) {
  std::erase_if(grants_, [&](const auto& entry) {
    const Grant& grant = entry.second;
    if (grant.open() || std::max(grant.released_at, grant.granted_at) >= before) return false;
    Stage(Table::kGrants, entry.first.str());
    return true;
  });
}

void Ledger::PutOutbox(OutboxRow row) {
  const std::string key = row.Key();
  Stage(Table::kOutbox, key);
  outbox_[key] = std::move(row);
}

void Ledger::EraseOutbox(const std::string& key) {
  if (outbox_.erase(key) > 0) Stage(Table::kOutbox, key);
}

OverrideId Ledger::NextOverrideId() {
  Stage(Table::kMeta, std::string(kNumberKey));
  return OverrideId(fmt::format("O-{}", ++last_number_));
}

void Ledger::PutOverride(Override override) {
  Stage(Table::kOverrides, override.id.str());
  overrides_[override.id] = std::move(override);
}

void Ledger::EraseOverride(const OverrideId& id) {
  if (overrides_.erase(id) > 0) Stage(Table::kOverrides, id.str());
}

void Ledger::SetBrake(BrakeState brake) {
  if (brake == brake_) return;
  brake_ = std::move(brake);
  Stage(Table::kMeta, std::string(kBrakeKey));
}

void Ledger::SetRamp(Ramp ramp) {
  if (ramp == ramp_) return;
  ramp_ = std::move(ramp);
  Stage(Table::kMeta, std::string(kRampKey));
}

void Ledger::SetReconcile(std::optional<ReconcileMark> mark) {
  reconcile_ = std::move(mark);
  Stage(Table::kMeta, std::string(kReconcileKey));
}

void Ledger::SetAuditExported(uint64_t seq) {
  if (seq <= audit_exported_) return;
  audit_exported_ = seq;
  Stage(Table::kMeta, std::string(kAuditExportedKey));
}

std::vector<Position> Ledger::Offsets(Topic topic) const {
  const auto it = offsets_.find(topic);
  return it == offsets_.end() ? std::vector<Position>() : it->second;
}

void Ledger::SetOffsets(Topic topic, std::vector<Position> positions) {
  if (offsets_[topic] == positions) return;
  offsets_[topic] = std::move(positions);
  touched_.insert({Table::kOffsets, std::string(TopicName(topic))});
}

}  // namespace fleetmedic

#include "store/backup.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "store/store_limits.h"

namespace fleetmedic {
namespace {

constexpr size_t kPageRows = 500;

Json ToJson(const BackupSection& section) {
  Json json;
  json.Set("table", section.table);
  json.Set("rows", section.rows);
  json.Set("sha256", section.sha256);
  return json;
}

Result<BackupSection> SectionFromJson(const Json& json) {
  BackupSection section;
  JsonReader in(json, "section");
  in.Required("table", &section.table);
  in.Required("rows", &section.rows);
  in.Required("sha256", &section.sha256);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return section;
}

Json ToJson(const BackupStore& store) {
  Json json;
  json.Set("name", store.name);
  json.Set("schema", store.schema);
  json.Set("epoch", store.epoch);
  json.Set("audit_seq", store.audit.seq);
  json.Set("audit_hash", store.audit.hash);
  Json sections(Json::Array{});
  for (const BackupSection& section : store.sections) sections.Append(ToJson(section));
  json.Set("sections", std::move(sections));
  return json;
}

Result<BackupStore> StoreFromJson(const Json& json) {
  BackupStore store;
  JsonReader in(json, "store");
  in.Required("name", &store.name);
  in.Required("schema", &store.schema);
  in.Required("epoch", &store.epoch);
  in.Required("audit_seq", &store.audit.seq);
  in.Required("audit_hash", &store.audit.hash);
  in.ListAs("sections", &store.sections, SectionFromJson);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return store;
}

}  // namespace

Json ToJson(const BackupManifest& manifest) {
  Json json;
  json.Set("format", manifest.format);
  json.Set("program", manifest.program);
  json.Set("made_at", manifest.made_at);
  Json stores(Json::Array{});
  for (const BackupStore& store : manifest.stores) stores.Append(ToJson(store));
  json.Set("stores", std::move(stores));
  return json;
}

Result<BackupManifest> BackupManifestFromJson(const Json& json) {
  BackupManifest manifest;
  JsonReader in(json, "manifest");
  in.Required("format", &manifest.format);
  in.Required("program", &manifest.program);
  in.Required("made_at", &manifest.made_at);
  in.ListAs("stores", &manifest.stores, StoreFromJson);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return manifest;
}

bool ValidStoreName(std::string_view name) {
  constexpr size_t kCharsMax = 64;
  return !name.empty() && name.size() <= kCharsMax && name[0] >= 'a' && name[0] <= 'z' &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

BackupWriter::BackupWriter(Sink sink, std::string program, WallTime made_at)
    : sink_(std::move(sink)) {
  manifest_.program = std::move(program);
  manifest_.made_at = made_at;
}

Status BackupWriter::Put(std::string_view bytes) {
  whole_.Add(bytes);
  return sink_(bytes);
}

Status BackupWriter::PutRow(std::string_view key, std::string_view value) {
  const std::string row = fmt::format("row {} {}\n{}{}\n", key.size(), value.size(), key, value);
  section_.Add(row);
  ++manifest_.stores.back().sections.back().rows;
  return Put(row);
}

Status BackupWriter::BeginSection(std::string_view table) {
  manifest_.stores.back().sections.push_back({std::string(table), 0, ""});
  section_ = Sha256();
  return Put(fmt::format("table {}\n", table));
}

void BackupWriter::EndSection() { manifest_.stores.back().sections.back().sha256 = section_.Hex(); }

Status BackupWriter::Add(const std::string& name, const Store& store, Epoch epoch) {
  FLEETMEDIC_CHECK(ValidStoreName(name) && manifest_.stores.size() < kBackupStoresMax);
  if (manifest_.stores.empty()) {
    FLEETMEDIC_RETURN_IF_ERROR(Put(fmt::format("fleetmedic-backup {}\n", kBackupFormat)));
  }
  manifest_.stores.push_back({name, kStoreSchemaVersion, epoch, {}, {}});
  FLEETMEDIC_RETURN_IF_ERROR(
      Put(fmt::format("store {} {} {}\n", name, kStoreSchemaVersion, epoch)));
  for (const Table table : AllTables()) FLEETMEDIC_RETURN_IF_ERROR(AddTable(store, table));
  return AddAudit(store);
}

Status BackupWriter::AddTable(const Store& store, Table table) {
  FLEETMEDIC_RETURN_IF_ERROR(BeginSection(TableName(table)));
  std::string after;
  while (true) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<Row> page, store.Scan(table, after, kPageRows));
    for (const Row& row : page) FLEETMEDIC_RETURN_IF_ERROR(PutRow(row.key, row.value));
    if (page.size() < kPageRows) break;
    after = page.back().key;
  }
  EndSection();
  return {};
}

Status BackupWriter::AddAudit(const Store& store) {
  FLEETMEDIC_RETURN_IF_ERROR(BeginSection(kAuditTableName));
  AuditTail& tail = manifest_.stores.back().audit;
  while (true) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<AuditEntry> page,
                                store.ReadAudit(tail.seq, "", kPageRows));
    for (const AuditEntry& entry : page) {
      FLEETMEDIC_RETURN_IF_ERROR(FollowAudit(entry, &tail));
      FLEETMEDIC_RETURN_IF_ERROR(PutRow(std::to_string(entry.seq), ToJson(entry).Dump()));
    }
    if (page.size() < kPageRows) break;
  }
  EndSection();
  return {};
}

Status BackupWriter::Finish() {
  FLEETMEDIC_CHECK(!manifest_.stores.empty());
  const std::string text = ToJson(manifest_).Dump();
  FLEETMEDIC_RETURN_IF_ERROR(Put(fmt::format("manifest {}\n{}\n", text.size(), text)));
  return sink_(fmt::format("sha256 {}\n", whole_.Hex()));
}

}  // namespace fleetmedic

#include "model/audit.h"

namespace fleetmedic {

Json ToJson(const AuditEntry& entry) {
  Json json;
  json.Set("seq", entry.seq);
  json.Set("at", entry.at);
  json.Set("who", entry.who);
  json.Set("action", entry.action);
  json.Set("object", entry.object);
  json.Set("why", entry.why);
  json.Set("result", entry.result);
  json.Set("detail", entry.detail);
  json.Set("previous_hash", entry.previous_hash);
  json.Set("hash", entry.hash);
  return json;
}

Result<AuditEntry> AuditEntryFromJson(const Json& json) {
  AuditEntry entry;
  JsonReader in(json, "audit entry");
  in.Required("seq", &entry.seq);
  in.Required("at", &entry.at);
  in.Required("who", &entry.who);
  in.Required("action", &entry.action);
  in.Required("object", &entry.object);
  in.Optional("why", &entry.why);
  in.Optional("result", &entry.result);
  in.Required("previous_hash", &entry.previous_hash);
  in.Required("hash", &entry.hash);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  entry.detail = json["detail"];
  return entry;
}

std::string AuditHashInput(const AuditEntry& entry) {
  Json json = ToJson(entry);
  json.object()->erase("hash");
  return json.Dump();
}

}  // namespace fleetmedic

#include "eventlog/event_log.h"

#include "base/json.h"

namespace fleetmedic {

std::string_view HeaderOf(const Record& record, std::string_view name) {
  for (const auto& [key, value] : record.headers) {
    if (key == name) return value;
  }
  return {};
}

Json ToJson(const Position& position) {
  Json json;
  json.Set("partition", position.partition);
  json.Set("offset", position.offset);
  return json;
}

Result<Position> PositionFromJson(const Json& json) {
  Position position;
  int64_t partition = 0;
  JsonReader in(json, "position");
  in.Required("partition", &partition);
  in.Required("offset", &position.offset);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  position.partition = static_cast<int32_t>(partition);
  return position;
}

bool IsCompacted(Topic topic) {
  switch (topic) {
    case Topic::kHosts:
    case Topic::kIssues:
      return true;
    case Topic::kLogs:
    case Topic::kHealth:
    case Topic::kFindings:
    case Topic::kCounts:
    case Topic::kCommands:
    case Topic::kTasks:
    case Topic::kAudit:
    case Topic::kDeadLetter:
    case Topic::kEvidence:
      return false;
  }
  CheckFailed(__FILE__, __LINE__, "a topic that does not exist");
}

}  // namespace fleetmedic

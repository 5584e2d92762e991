#include "eventlog/event_log.h"

namespace fleetmedic {

std::string_view HeaderOf(const Record& record, std::string_view name) {
  for (const auto& [key, value] : record.headers) {
    if (key == name) return value;
  }
  return {};
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

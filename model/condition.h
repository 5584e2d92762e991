// A state that holds on a host or on a part of it.
#ifndef FLEETMEDIC_MODEL_CONDITION_H_
#define FLEETMEDIC_MODEL_CONDITION_H_

#include <string>
#include <vector>

#include "base/json.h"

namespace fleetmedic {

// Could-not-tell is kUnknown; it is neither healthy nor bad.
enum class Verdict : uint8_t { kOk, kBad, kUnknown };
std::string_view VerdictName(Verdict verdict);
std::optional<Verdict> ParseVerdict(std::string_view word);

// How sure and how grave: a hard fault is confirmed in seconds, a soft one in minutes, and info
// never makes a host suspect.
enum class Severity : uint8_t { kInfo, kSoft, kHard };
std::string_view SeverityName(Severity severity);
std::optional<Severity> ParseSeverity(std::string_view word);

struct Condition {
  // CamelCase and stable: "DockerUnresponsive".
  std::string type;
  // The part of the host: "gpu-3", "eth1", "docker.service"; empty for the host itself.
  std::string unit;
  Verdict verdict = Verdict::kUnknown;
  Severity severity = Severity::kSoft;
  // One CamelCase word that says which way it is bad or why it is unknown: "InfoTimedOut".
  std::string reason;
  // For people: what was seen, with the figures.
  std::string message;
  // When the detector saw this verdict first, by the host's clock.
  WallTime since = kWallNever;
  // Lines or readings that show it; at most kEvidenceLinesMax, each capped.
  std::vector<std::string> evidence;

  static constexpr size_t kEvidenceLinesMax = 10;
  static constexpr size_t kEvidenceLineBytesMax = 1024;

  bool operator==(const Condition&) const = default;
};

Json ToJson(const Condition& condition);
Result<Condition> ConditionFromJson(const Json& json);

// "DockerUnresponsive" or "SystemdUnitFailed(nginx.service)".
std::string ConditionTitle(const Condition& condition);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_MODEL_CONDITION_H_

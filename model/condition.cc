#include "model/condition.h"

#include "model/from_text.h"
#include "model/words.h"

namespace fleetmedic {
namespace {

constexpr Words<Verdict, 3> kVerdicts = {
    {{Verdict::kOk, "ok"}, {Verdict::kBad, "bad"}, {Verdict::kUnknown, "unknown"}}};
constexpr Words<Severity, 3> kSeverities = {
    {{Severity::kInfo, "info"}, {Severity::kSoft, "soft"}, {Severity::kHard, "hard"}}};

template <typename Value>
Result<Condition> ReadCondition(const Value& json) {
  Condition condition;
  JsonReaderOf<Value> in(json, "condition");
  in.Required("type", &condition.type);
  in.Optional("unit", &condition.unit);
  in.Word("verdict", &condition.verdict, ParseVerdict);
  in.Word("severity", &condition.severity, ParseSeverity);
  in.Optional("reason", &condition.reason);
  in.Optional("message", &condition.message);
  in.Optional("since", &condition.since);
  in.Optional("evidence", &condition.evidence);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  if (condition.type.empty()) return Fail(Code::kInvalidArgument, "condition.type: empty");
  if (condition.evidence.size() > Condition::kEvidenceLinesMax) {
    condition.evidence.resize(Condition::kEvidenceLinesMax);
  }
  for (std::string& line : condition.evidence) {
    if (line.size() > Condition::kEvidenceLineBytesMax) {
      line.resize(Condition::kEvidenceLineBytesMax);
    }
  }
  return condition;
}

}  // namespace

std::string_view VerdictName(Verdict verdict) { return WordOf(kVerdicts, verdict); }
std::optional<Verdict> ParseVerdict(std::string_view word) { return ValueOf(kVerdicts, word); }
std::string_view SeverityName(Severity severity) { return WordOf(kSeverities, severity); }
std::optional<Severity> ParseSeverity(std::string_view word) { return ValueOf(kSeverities, word); }

Json ToJson(const Condition& condition) {
  Json json;
  json.Set("type", condition.type);
  json.Set("unit", condition.unit);
  json.Set("verdict", VerdictName(condition.verdict));
  json.Set("severity", SeverityName(condition.severity));
  json.Set("reason", condition.reason);
  json.Set("message", condition.message);
  json.Set("since", condition.since);
  Json::Array evidence;
  for (const std::string& line : condition.evidence) evidence.emplace_back(line);
  json.Set("evidence", std::move(evidence));
  return json;
}

Result<Condition> ConditionFromJson(const Json& json) { return ReadCondition(json); }
Result<Condition> ConditionFrom(const JsonElement& json) { return ReadCondition(json); }

std::string ConditionTitle(const Condition& condition) {
  return condition.unit.empty() ? condition.type : condition.type + "(" + condition.unit + ")";
}

}  // namespace fleetmedic

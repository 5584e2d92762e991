// Why a host stands where it stands: the chain from the log line or the probe to the act, and the
// same as a timeline. Pure.
#ifndef FLEETMEDIC_CONSOLE_WHY_H_
#define FLEETMEDIC_CONSOLE_WHY_H_

#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "model/audit.h"
#include "model/host_record.h"

namespace fleetmedic {

enum class WhyKind : uint8_t {
  kLine,     // a log line, as it was
  kProbe,    // what a detector read
  kFinding,  // the rule, its version, and where the line stands in the log
  kCondition,
  kDecision,
  kGrant,      // with the limits' figures when it was given
  kDirective,  // with its revision
  kRepair,
  kAck,       // the scheduler's word
  kRefusal,   // a limit, a hold, missing evidence
  kOverride,  // what a person said
};
std::string_view WhyKindName(WhyKind kind);

struct WhyLine {
  WallTime at = kWallNever;
  WhyKind kind = WhyKind::kDecision;
  std::string text;

  bool operator==(const WhyLine&) const = default;
};

// How many entries of one host's audit are worth asking the store for.
constexpr size_t kWhyEntriesMax = 300;
constexpr size_t kWhyLinesMax = 400;
constexpr size_t kTimelineItemsMax = 400;

// Of the present episode, or of the last one where the host is in service. `entries` are of the
// object "host:NAME", oldest first; those of other episodes are passed over. Past kWhyLinesMax the
// oldest lines go and the first says so.
std::vector<WhyLine> WhyLines(const HostRecord& record, std::span<const AuditEntry> entries);

enum class Lane : uint8_t { kCondition, kLog, kAction, kPeople, kTask };
std::string_view LaneName(Lane lane);
enum class Tone : uint8_t { kOk, kBad, kUnknown, kInfo };
std::string_view ToneName(Tone tone);

struct TimelineItem {
  WallTime at = kWallNever;
  WallTime until = kWallNever;  // kWallNever: a moment, or still so
  Lane lane = Lane::kAction;
  std::string title;
  std::string detail;
  Tone tone = Tone::kInfo;

  bool operator==(const TimelineItem&) const = default;
};

// All of the entries, whatever their episode, and the conditions of the record; oldest first.
std::vector<TimelineItem> Timeline(const HostRecord& record, std::span<const AuditEntry> entries);

Json ToJson(const WhyLine& line);
Json ToJson(const TimelineItem& item);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONSOLE_WHY_H_

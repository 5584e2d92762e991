// What an entry of the audit means to somebody who is not looking. Pure.
#ifndef FLEETMEDIC_NOTIFY_EVENT_H_
#define FLEETMEDIC_NOTIFY_EVENT_H_

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "model/audit.h"

namespace fleetmedic {

// Whom it touches, as far as the remediator said.
struct BlastRadius {
  int64_t hosts = -1;  // -1: not known
  int64_t tasks = -1;
  std::set<std::string> pools;  // at most kNamesMax of each
  std::set<std::string> cells;
  // A part of it has no names: it concerns no pool alone, or nobody knows.
  bool unnamed_part = false;

  static constexpr size_t kNamesMax = 20;

  bool named() const { return !pools.empty() || !cells.empty(); }

  bool operator==(const BlastRadius&) const = default;
};
Json ToJson(const BlastRadius& blast);
// What cannot be read is not known.
BlastRadius BlastRadiusFromJson(const Json& json);
void AddNames(const std::set<std::string>& names, std::set<std::string>* to);

struct NotifyEvent {
  enum class Kind : uint8_t { kBrake, kIssue, kHold, kHost, kOther };
  enum class Act : uint8_t {
    kPage,         // a person is needed
    kNote,         // for the digest
    kAcknowledge,  // a person has it in hand
    kEnd,          // what the key stands for is over
  };

  uint64_t seq = 0;  // of the audit's entry
  WallTime at = kWallNever;
  Kind kind = Kind::kOther;
  Act act = Act::kNote;
  bool noted = false;  // an end that the digest tells too
  // What belongs together: "issue:I-3fa94c21", "brake:disrupted", "hold:O-12", "host:web-3#12" (its
  // episode). Of an acknowledgement, what the keys that it is for begin with.
  std::string key;
  std::string object;  // of the audit's entry: "host:web-3"
  std::string title;   // one line
  std::string why;
  BlastRadius blast;

  static constexpr size_t kTextBytesMax = 1000;

  bool operator==(const NotifyEvent&) const = default;
};

// Nothing where nobody needs to be told.
std::optional<NotifyEvent> EventOf(const AuditEntry& entry);

std::string_view EventKindName(NotifyEvent::Kind kind);
std::optional<NotifyEvent::Kind> ParseEventKind(std::string_view word);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_NOTIFY_EVENT_H_

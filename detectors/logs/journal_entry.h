// What the agent wants of an entry of the journal. Pure.
#ifndef FLEETMEDIC_DETECTORS_LOGS_JOURNAL_ENTRY_H_
#define FLEETMEDIC_DETECTORS_LOGS_JOURNAL_ENTRY_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "detectors/logs/log_source.h"

namespace fleetmedic {

// The source of a line. Fields with a leading '_' are the journal's own and can be trusted; the
// identifier is what the writer says of itself, so one that looks like a unit does not become one.
//   a container's output (the journald log driver: CONTAINER_ID)   journal-container
//   _SYSTEMD_UNIT                                                   journal:UNIT
//   SYSLOG_IDENTIFIER without a dot                                 journal:IDENTIFIER
//   anything else                                                   journal-user
struct JournalFields {
  std::string container_id;
  std::string systemd_unit;
  std::string syslog_identifier;

  bool operator==(const JournalFields&) const = default;
};
std::string JournalSourceOf(const JournalFields& fields);

// By the entry's PRIORITY ("0" to "7"). What a service writes to its standard output or error has
// the unit's default there (SyslogLevel=, info) and not a level that the service chose, however bad
// the line is; so of such a line without a priority of its own nothing is known.
LineLevel JournalLevelOf(std::string_view priority, std::string_view transport);

// Filled with one entry after the other. What is made of all but the message is kept, for the entry
// before is nearly always of the same writer.
class JournalEntry {
 public:
  // Of each name the first field that is not empty.
  enum Wanted : uint8_t { kMessage, kTransport, kPriority, kUnit, kIdentifier, kContainer, kCount };
  // What is looked at of one field, its name and '=' with it; the journal itself holds more.
  static constexpr size_t kFieldBytesMax = 64 * 1024;
  // As much of a field tells which it is.
  static constexpr size_t kNameBytesMax = 20;

  // By the field's first kNameBytesMax bytes or more; kCount for one that is not wanted.
  static Wanted WantedOf(std::string_view field);
  static std::string_view NameOf(Wanted wanted);  // with its '='

  // Begin, Take for each field, End.
  void Begin() { found_.fill(false); }
  // "NAME=VALUE"
  void Take(std::string_view field);
  void Take(Wanted wanted, std::string_view value);
  void End();

  const std::string& message() const { return values_[kMessage]; }
  const std::string& source() const { return source_; }
  LineLevel level() const { return level_; }

  // The message's lines without the empty ones, and how many those were. None of a kernel's entry:
  // they are KmsgReader's.
  size_t AddLines(LogSource::AddLine add) const;

 private:
  void Set(Wanted wanted, std::string_view value);

  std::array<std::string, kCount> values_;
  std::array<bool, kCount> found_{};
  bool other_writer_ = false;
  std::string source_ = JournalSourceOf({});
  LineLevel level_ = LineLevel::kUnknown;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_LOGS_JOURNAL_ENTRY_H_

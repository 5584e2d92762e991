// The systemd journal. libsystemd is used in the .cc alone.
#ifndef FLEETMEDIC_DETECTORS_LOGS_JOURNAL_READER_H_
#define FLEETMEDIC_DETECTORS_LOGS_JOURNAL_READER_H_

#include <memory>
#include <string>
#include <string_view>

#include "base/time.h"
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

// The newest entries of the journal as lines "TIME SOURCE: MESSAGE", oldest first: at most so many,
// and no more than so many bytes. kNotFound where there is no journal.
Result<std::string> JournalTail(const std::string& folder, size_t lines_max, size_t bytes_max);

// Entries of the kernel transport are left out: they are KmsgReader's. Without a cursor it starts
// with what is written from then on.
class JournalReader final : public LogSource {
 public:
  // A folder of journal files, or "" for the machine's own journal.
  explicit JournalReader(std::string folder);
  ~JournalReader() override;

  std::string_view name() const override { return "journal"; }
  void Start(std::string_view cursor) override;
  Result<size_t> Read(size_t lines_max, AddLine add) override;
  std::string Cursor() const override;
  int PollFd() const override;

  struct Journal;  // of the .cc

 private:
  Status Open();
  Result<size_t> ReadEntries(size_t lines_max, AddLine add);
  size_t AddEntry(AddLine add);

  const std::string folder_;
  std::unique_ptr<Journal> journal_;
  std::string cursor_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_LOGS_JOURNAL_READER_H_

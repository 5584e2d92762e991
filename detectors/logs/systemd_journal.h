// The journal by libsystemd: what its own reader does not know, and the newest entries for a
// bundle. libsystemd is used in the .cc alone.
#ifndef FLEETMEDIC_DETECTORS_LOGS_SYSTEMD_JOURNAL_H_
#define FLEETMEDIC_DETECTORS_LOGS_SYSTEMD_JOURNAL_H_

#include <memory>
#include <string>
#include <string_view>

#include "detectors/logs/log_source.h"

namespace fleetmedic {

// The newest entries of the journal as lines "TIME SOURCE: MESSAGE", oldest first: at most so many,
// and no more than so many bytes. kNotFound where there is no journal.
Result<std::string> JournalTail(const std::string& folder, size_t lines_max, size_t bytes_max);

// Same lines, cursors and errors as JournalFiles.
class SystemdJournal final : public LogSource {
 public:
  // A folder of journal files, or "" for the machine's own journal.
  explicit SystemdJournal(std::string folder);
  ~SystemdJournal() override;

  std::string_view name() const override { return "journal"; }
  void Start(std::string_view cursor) override { cursor_ = cursor; }
  Result<size_t> Read(size_t lines_max, AddLine add) override;
  std::string Cursor() const override { return cursor_; }
  int PollFd() const override;

  struct Journal;  // of the .cc

 private:
  Status Open();
  Result<size_t> ReadEntries(size_t lines_max, AddLine add);

  const std::string folder_;
  std::unique_ptr<Journal> journal_;
  std::string cursor_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_LOGS_SYSTEMD_JOURNAL_H_

// The systemd journal as a source of lines.
#ifndef FLEETMEDIC_DETECTORS_LOGS_JOURNAL_READER_H_
#define FLEETMEDIC_DETECTORS_LOGS_JOURNAL_READER_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "detectors/logs/log_source.h"

namespace fleetmedic {

// Entries of the kernel transport are left out: they are KmsgReader's. Without a cursor it starts
// with what is written from then on.
//
// It reads the journal's files itself, and by libsystemd from the first one on whose form it does
// not know (JournalFiles), until it ends; the log tells why. Either goes on at the other's cursor.
class JournalReader final : public LogSource {
 public:
  // A folder of journal files, or "" for the machine's own journal.
  explicit JournalReader(std::string folder);

  std::string_view name() const override { return "journal"; }
  void Start(std::string_view cursor) override { source_->Start(cursor); }
  Result<size_t> Read(size_t lines_max, AddLine add) override;
  std::string Cursor() const override { return source_->Cursor(); }
  int PollFd() const override { return source_->PollFd(); }
  uint64_t TakeLost() override { return std::exchange(lost_, 0) + source_->TakeLost(); }

 private:
  const std::string folder_;
  std::unique_ptr<LogSource> source_;
  bool by_libsystemd_ = false;
  uint64_t lost_ = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_LOGS_JOURNAL_READER_H_

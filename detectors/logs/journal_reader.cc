#include "detectors/logs/journal_reader.h"

#include "base/logging.h"
#include "detectors/logs/journal_files.h"
#include "detectors/logs/systemd_journal.h"

namespace fleetmedic {

JournalReader::JournalReader(std::string folder)
    : folder_(std::move(folder)), source_(std::make_unique<JournalFiles>(folder_)) {}

Result<size_t> JournalReader::Read(size_t lines_max, AddLine add) {
  Result<size_t> lines = source_->Read(lines_max, add);
  if (lines || lines.error().code != Code::kUnsupported || by_libsystemd_) return lines;
  LogInfo("libsystemd reads the journal from now on",
          {{"folder", folder_}, {"reason", lines.error().message}});
  auto by_libsystemd = std::make_unique<SystemdJournal>(folder_);
  by_libsystemd->Start(source_->Cursor());
  lost_ += source_->TakeLost();
  source_ = std::move(by_libsystemd);
  by_libsystemd_ = true;
  return source_->Read(lines_max, add);
}

}  // namespace fleetmedic

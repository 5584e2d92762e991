#include "detectors/logs/systemd_journal.h"

#include <systemd/sd-journal.h>

#include <algorithm>
#include <cstdlib>

#include "detectors/logs/journal_entry.h"
#include "detectors/logs/journal_files.h"
#include "model/log_frame.h"

namespace fleetmedic {

struct SystemdJournal::Journal {
  sd_journal* handle = nullptr;
  int fd = -1;
  JournalEntry entry;  // that was read last

  // In one pass: asking for each field by its name would look at all of them each time.
  void ReadEntry();
  std::string CursorHere() const;
  ~Journal() {
    if (handle != nullptr) ::sd_journal_close(handle);
  }
};

void SystemdJournal::Journal::ReadEntry() {
  const void* data = nullptr;
  size_t bytes = 0;
  entry.Begin();
  ::sd_journal_restart_data(handle);
  while (::sd_journal_enumerate_available_data(handle, &data, &bytes) > 0) {
    entry.Take(std::string_view(static_cast<const char*>(data), bytes));
  }
  entry.End();
}

std::string SystemdJournal::Journal::CursorHere() const {
  char* text = nullptr;
  std::string cursor;
  if (::sd_journal_get_cursor(handle, &text) >= 0) cursor = text;
  std::free(text);
  return cursor;
}

SystemdJournal::SystemdJournal(std::string folder) : folder_(std::move(folder)) {}
SystemdJournal::~SystemdJournal() = default;

int SystemdJournal::PollFd() const { return journal_ == nullptr ? -1 : journal_->fd; }

namespace {

Status OpenJournal(const std::string& folder, SystemdJournal::Journal* journal) {
  const int opened = folder.empty()
                         ? ::sd_journal_open(&journal->handle, SD_JOURNAL_LOCAL_ONLY)
                         : ::sd_journal_open_directory(&journal->handle, folder.c_str(), 0);
  if (opened < 0) {
    return FailErrno("open the journal" + (folder.empty() ? "" : " in " + folder), -opened);
  }
  (void)::sd_journal_set_data_threshold(journal->handle, JournalEntry::kFieldBytesMax);
  return {};
}

}  // namespace

Status SystemdJournal::Open() {
  if (folder_.empty()) FLEETMEDIC_RETURN_IF_ERROR(MayReadJournal());
  auto journal = std::make_unique<Journal>();
  FLEETMEDIC_RETURN_IF_ERROR(OpenJournal(folder_, journal.get()));
  // Asking for the descriptor before the place is set makes libsystemd watch what comes after it.
  journal->fd = ::sd_journal_get_fd(journal->handle);
  bool found = false;
  if (!cursor_.empty() && ::sd_journal_seek_cursor(journal->handle, cursor_.c_str()) >= 0 &&
      ::sd_journal_next(journal->handle) > 0) {
    // On the entry itself when it is still kept, else on the one after it.
    found = true;
    if (::sd_journal_test_cursor(journal->handle, cursor_.c_str()) == 0) {
      (void)::sd_journal_previous(journal->handle);
    }
  }
  if (!found) {
    (void)::sd_journal_seek_tail(journal->handle);
    if (::sd_journal_previous(journal->handle) > 0) {
      cursor_ = journal->CursorHere();
    }
  }
  journal_ = std::move(journal);
  return {};
}

Result<size_t> SystemdJournal::Read(size_t lines_max, AddLine add) {
  if (journal_ == nullptr) FLEETMEDIC_RETURN_IF_ERROR(Open());
  Result<size_t> lines = ReadEntries(lines_max, add);
  if (!lines) journal_.reset();  // opened again at the cursor
  return lines;
}

Result<size_t> SystemdJournal::ReadEntries(size_t lines_max, AddLine add) {
  const int processed = ::sd_journal_process(journal_->handle);
  if (processed < 0) return FailErrno("watch the journal", -processed);
  size_t lines = 0;
  int next = 0;
  bool any = false;
  while (lines < lines_max && (next = ::sd_journal_next(journal_->handle)) > 0) {
    journal_->ReadEntry();
    lines += std::max<size_t>(journal_->entry.AddLines(add), 1);  // so that reads stay bounded
    any = true;
  }
  // Once for all that was read: it costs as much as an entry.
  if (any) {
    if (std::string cursor = journal_->CursorHere(); !cursor.empty()) cursor_ = std::move(cursor);
  }
  if (next < 0) return FailErrno("read the journal", -next);
  return lines;
}

Result<std::string> JournalTail(const std::string& folder, size_t lines_max, size_t bytes_max) {
  if (folder.empty()) FLEETMEDIC_RETURN_IF_ERROR(MayReadJournal());
  SystemdJournal::Journal journal;
  FLEETMEDIC_RETURN_IF_ERROR(OpenJournal(folder, &journal));
  (void)::sd_journal_seek_tail(journal.handle);
  const int back = ::sd_journal_previous_skip(journal.handle, lines_max);
  if (back < 0) return FailErrno("read the journal", -back);
  if (back == 0) return Fail(Code::kNotFound, "the journal has no entry");
  std::string text;
  int more = 1;
  for (; more > 0; more = ::sd_journal_next(journal.handle)) {
    journal.ReadEntry();
    uint64_t micros = 0;
    (void)::sd_journal_get_realtime_usec(journal.handle, &micros);
    text += FormatWall(WallTime(Micros(static_cast<int64_t>(micros)))) + " " +
            journal.entry.source() + ": " +
            journal.entry.message().substr(0, LogFrame::kLineBytesMax) + "\n";
    if (text.size() > 2 * bytes_max) text.erase(0, text.size() - bytes_max);
  }
  if (text.size() > bytes_max) text.erase(0, text.size() - bytes_max);
  return text;
}

}  // namespace fleetmedic

#include "detectors/logs/journal_reader.h"

#include <systemd/sd-journal.h>

#include <cstdlib>

#include "base/text.h"
#include "model/log_frame.h"

namespace fleetmedic {
namespace {

// Of one field; the journal itself holds more.
constexpr size_t kFieldBytesMax = 64 * 1024;
constexpr size_t kSourceNameBytesMax = 200;

std::string FieldOf(sd_journal* journal, const char* field) {
  const void* data = nullptr;
  size_t bytes = 0;
  if (::sd_journal_get_data(journal, field, &data, &bytes) < 0) return "";
  const std::string_view text(static_cast<const char*>(data), bytes);
  const size_t equals = text.find('=');
  return equals == std::string_view::npos ? "" : std::string(text.substr(equals + 1));
}

bool IsSourceName(std::string_view name) {
  if (name.empty() || name.size() > kSourceNameBytesMax) return false;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain && std::string_view("._-@:\\").find(c) == std::string_view::npos) return false;
  }
  return true;
}

}  // namespace

std::string JournalSourceOf(const JournalFields& fields) {
  if (!fields.container_id.empty()) return "journal-container";
  if (IsSourceName(fields.systemd_unit)) return "journal:" + fields.systemd_unit;
  const std::string& identifier = fields.syslog_identifier;
  if (fields.systemd_unit.empty() && IsSourceName(identifier) &&
      identifier.find('.') == std::string::npos) {
    return "journal:" + identifier;
  }
  return "journal-user";
}

struct JournalReader::Journal {
  sd_journal* handle = nullptr;
  int fd = -1;
  ~Journal() {
    if (handle != nullptr) ::sd_journal_close(handle);
  }
};

JournalReader::JournalReader(std::string folder) : folder_(std::move(folder)) {}
JournalReader::~JournalReader() = default;

void JournalReader::Start(std::string_view cursor) { cursor_ = cursor; }

int JournalReader::PollFd() const { return journal_ == nullptr ? -1 : journal_->fd; }

std::string JournalReader::Cursor() const { return cursor_; }

Status JournalReader::Open() {
  auto journal = std::make_unique<Journal>();
  const int opened = folder_.empty()
                         ? ::sd_journal_open(&journal->handle, SD_JOURNAL_LOCAL_ONLY)
                         : ::sd_journal_open_directory(&journal->handle, folder_.c_str(), 0);
  if (opened < 0) {
    return FailErrno("open the journal" + (folder_.empty() ? "" : " in " + folder_), -opened);
  }
  (void)::sd_journal_set_data_threshold(journal->handle, kFieldBytesMax);
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
      char* text = nullptr;
      if (::sd_journal_get_cursor(journal->handle, &text) >= 0) cursor_ = text;
      std::free(text);
    }
  }
  journal_ = std::move(journal);
  return {};
}

Result<size_t> JournalReader::Read(size_t lines_max, AddLine add) {
  if (journal_ == nullptr) FLEETMEDIC_RETURN_IF_ERROR(Open());
  Result<size_t> lines = ReadEntries(lines_max, add);
  if (!lines) journal_.reset();  // opened again at the cursor
  return lines;
}

Result<size_t> JournalReader::ReadEntries(size_t lines_max, AddLine add) {
  const int processed = ::sd_journal_process(journal_->handle);
  if (processed < 0) return FailErrno("watch the journal", -processed);
  size_t lines = 0;
  while (lines < lines_max) {
    const int next = ::sd_journal_next(journal_->handle);
    if (next < 0) return FailErrno("read the journal", -next);
    if (next == 0) break;
    lines += AddEntry(add);
    char* text = nullptr;
    if (::sd_journal_get_cursor(journal_->handle, &text) >= 0) cursor_ = text;
    std::free(text);
  }
  return lines;
}

size_t JournalReader::AddEntry(AddLine add) {
  sd_journal* const handle = journal_->handle;
  if (FieldOf(handle, "_TRANSPORT") == "kernel") return 1;  // counted, so that reads stay bounded
  const std::string source =
      JournalSourceOf({FieldOf(handle, "CONTAINER_ID"), FieldOf(handle, "_SYSTEMD_UNIT"),
                       FieldOf(handle, "SYSLOG_IDENTIFIER")});
  const std::string message = FieldOf(handle, "MESSAGE");
  size_t lines = 0;
  for (const std::string_view line : Split(message, '\n')) {
    if (line.empty()) continue;
    add(source, std::string(line.substr(0, LogFrame::kLineBytesMax)));
    ++lines;
  }
  return lines;
}

}  // namespace fleetmedic

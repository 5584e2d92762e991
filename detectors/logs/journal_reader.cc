#include "detectors/logs/journal_reader.h"

#include <systemd/sd-journal.h>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/file.h"
#include "base/text.h"
#include "model/log_frame.h"

namespace fleetmedic {
namespace {

// Of one field; the journal itself holds more.
constexpr size_t kFieldBytesMax = 64 * 1024;
constexpr size_t kSourceNameBytesMax = 200;

// sd_journal_open passes over files that it may not read and says nothing of it.
Status MayReadJournal() {
  const Result<std::string> machine = ReadFile("/etc/machine-id", 256);
  if (!machine) return {};
  for (const std::string_view folder : {"/var/log/journal/", "/run/log/journal/"}) {
    const std::string path = std::string(folder) + std::string(Trim(*machine)) + "/system.journal";
    if (::access(path.c_str(), R_OK) != 0 && errno == EACCES) {
      return Fail(Code::kPermissionDenied, "no permission (group systemd-journal): " + path);
    }
  }
  return {};
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

LineLevel JournalLevelOf(std::string_view priority, std::string_view transport) {
  if (priority.size() != 1 || priority[0] < '0' || priority[0] > '7') return LineLevel::kUnknown;
  if (priority[0] <= '4') return LineLevel::kWarning;
  return transport == "stdout" && priority[0] == '6' ? LineLevel::kUnknown
                                                     : LineLevel::kBelowWarning;
}

struct JournalReader::Journal {
  // What is wanted of an entry. The first of a name counts.
  struct Entry {
    std::string transport;
    std::string message;
    std::string priority;
    JournalFields fields;
  };

  sd_journal* handle = nullptr;
  int fd = -1;
  Entry entry;  // of ReadEntry
  // Of the entry before: nearly always the same one.
  JournalFields fields_before;
  std::string source_before = JournalSourceOf({});

  const std::string& Source();

  // In one pass: asking for each field by its name would look at all of them each time.
  void ReadEntry();
  std::string CursorHere() const;
  ~Journal() {
    if (handle != nullptr) ::sd_journal_close(handle);
  }
};

void JournalReader::Journal::ReadEntry() {
  const std::pair<std::string_view, std::string*> wanted[] = {
      {"MESSAGE=", &entry.message},
      {"_SYSTEMD_UNIT=", &entry.fields.systemd_unit},
      {"SYSLOG_IDENTIFIER=", &entry.fields.syslog_identifier},
      {"_TRANSPORT=", &entry.transport},
      {"PRIORITY=", &entry.priority},
      {"CONTAINER_ID=", &entry.fields.container_id}};
  for (const auto& [name, value] : wanted) value->clear();
  const void* data = nullptr;
  size_t bytes = 0;
  ::sd_journal_restart_data(handle);
  while (::sd_journal_enumerate_available_data(handle, &data, &bytes) > 0) {
    const std::string_view field(static_cast<const char*>(data), bytes);
    for (const auto& [name, value] : wanted) {
      if (field.empty() || field[0] != name[0] || !field.starts_with(name)) continue;
      if (value->empty()) value->assign(field.substr(name.size()));
      break;
    }
  }
}

const std::string& JournalReader::Journal::Source() {
  if (entry.fields != fields_before) {
    source_before = JournalSourceOf(entry.fields);
    fields_before = entry.fields;
  }
  return source_before;
}

std::string JournalReader::Journal::CursorHere() const {
  char* text = nullptr;
  std::string cursor;
  if (::sd_journal_get_cursor(handle, &text) >= 0) cursor = text;
  std::free(text);
  return cursor;
}

JournalReader::JournalReader(std::string folder) : folder_(std::move(folder)) {}
JournalReader::~JournalReader() = default;

void JournalReader::Start(std::string_view cursor) { cursor_ = cursor; }

int JournalReader::PollFd() const { return journal_ == nullptr ? -1 : journal_->fd; }

std::string JournalReader::Cursor() const { return cursor_; }

namespace {

Status OpenJournal(const std::string& folder, JournalReader::Journal* journal) {
  const int opened = folder.empty()
                         ? ::sd_journal_open(&journal->handle, SD_JOURNAL_LOCAL_ONLY)
                         : ::sd_journal_open_directory(&journal->handle, folder.c_str(), 0);
  if (opened < 0) {
    return FailErrno("open the journal" + (folder.empty() ? "" : " in " + folder), -opened);
  }
  (void)::sd_journal_set_data_threshold(journal->handle, kFieldBytesMax);
  return {};
}

}  // namespace

Status JournalReader::Open() {
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
  int next = 0;
  bool any = false;
  while (lines < lines_max && (next = ::sd_journal_next(journal_->handle)) > 0) {
    lines += AddEntry(add);
    any = true;
  }
  // Once for all that was read: it costs as much as an entry.
  if (any) {
    if (std::string cursor = journal_->CursorHere(); !cursor.empty()) cursor_ = std::move(cursor);
  }
  if (next < 0) return FailErrno("read the journal", -next);
  return lines;
}

size_t JournalReader::AddEntry(AddLine add) {
  journal_->ReadEntry();
  const Journal::Entry& entry = journal_->entry;
  if (entry.transport == "kernel") return 1;  // counted, so that reads stay bounded
  const std::string& source = journal_->Source();
  const LineLevel level = JournalLevelOf(entry.priority, entry.transport);
  size_t lines = 0;
  for (std::string_view rest = entry.message; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    if (end > 0) {
      add(source, rest.substr(0, std::min(end, LogFrame::kLineBytesMax)), level);
      ++lines;
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return lines;
}

Result<std::string> JournalTail(const std::string& folder, size_t lines_max, size_t bytes_max) {
  if (folder.empty()) FLEETMEDIC_RETURN_IF_ERROR(MayReadJournal());
  JournalReader::Journal journal;
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
            JournalSourceOf(journal.entry.fields) + ": " +
            journal.entry.message.substr(0, LogFrame::kLineBytesMax) + "\n";
    if (text.size() > 2 * bytes_max) text.erase(0, text.size() - bytes_max);
  }
  if (text.size() > bytes_max) text.erase(0, text.size() - bytes_max);
  return text;
}

}  // namespace fleetmedic

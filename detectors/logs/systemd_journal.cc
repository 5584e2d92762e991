#include "detectors/logs/journal_reader.h"

#include <systemd/sd-journal.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <iterator>

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
  // What is wanted of an entry: of each name the first field that is not empty.
  enum Wanted : size_t { kMessage, kTransport, kPriority, kUnit, kIdentifier, kContainer, kCount };

  sd_journal* handle = nullptr;
  int fd = -1;
  // Of the entry that was read last. What is made of all but the message is kept with it, for the
  // entry before is nearly always of the same writer.
  std::array<std::string, kCount> values;
  std::string source = JournalSourceOf({});
  LineLevel level = LineLevel::kUnknown;

  // In one pass: asking for each field by its name would look at all of them each time.
  void ReadEntry();
  bool IsKernels() const { return values[kTransport] == "kernel"; }
  std::string CursorHere() const;
  ~Journal() {
    if (handle != nullptr) ::sd_journal_close(handle);
  }
};

namespace {

using Wanted = JournalReader::Journal::Wanted;

constexpr std::string_view kNames[] = {"MESSAGE=",       "_TRANSPORT=",        "PRIORITY=",
                                       "_SYSTEMD_UNIT=", "SYSLOG_IDENTIFIER=", "CONTAINER_ID="};
static_assert(std::size(kNames) == Wanted::kCount);

// By what tells the wanted from nearly all others, which are most: an entry of journald has two
// dozen fields. kCount for those.
Wanted WantedOf(std::string_view field) {
  if (field.size() < 2) return Wanted::kCount;
  Wanted wanted = Wanted::kCount;
  switch (field[0] == '_' ? field[1] : field[0]) {
    case 'M':
      wanted = Wanted::kMessage;
      break;
    case 'T':
      wanted = Wanted::kTransport;
      break;
    case 'P':
      wanted = Wanted::kPriority;
      break;
    case 'S':
      wanted = field[0] == '_' ? Wanted::kUnit : Wanted::kIdentifier;
      break;
    case 'C':
      wanted = Wanted::kContainer;
      break;
  }
  const bool is = wanted != Wanted::kCount && field.starts_with(kNames[wanted]);
  return is ? wanted : Wanted::kCount;
}

}  // namespace

void JournalReader::Journal::ReadEntry() {
  std::array<bool, kCount> found{};
  bool other_writer = false;
  const auto take = [&](size_t wanted, std::string_view value) {
    if (values[wanted] == value) return;
    values[wanted] = value;
    other_writer = other_writer || wanted != kMessage;
  };
  const void* data = nullptr;
  size_t bytes = 0;
  ::sd_journal_restart_data(handle);
  while (::sd_journal_enumerate_available_data(handle, &data, &bytes) > 0) {
    const std::string_view field(static_cast<const char*>(data), bytes);
    const Wanted wanted = WantedOf(field);
    if (wanted == kCount || found[wanted]) continue;
    const std::string_view value = field.substr(kNames[wanted].size());
    found[wanted] = !value.empty();
    take(wanted, value);
  }
  for (size_t wanted = 0; wanted < kCount; ++wanted) {
    if (!found[wanted]) take(wanted, "");
  }
  if (!other_writer) return;
  source = JournalSourceOf({values[kContainer], values[kUnit], values[kIdentifier]});
  level = JournalLevelOf(values[kPriority], values[kTransport]);
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
  if (journal_->IsKernels()) return 1;  // counted, so that reads stay bounded
  size_t lines = 0;
  for (std::string_view rest = journal_->values[Journal::kMessage]; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    if (end > 0) {
      add(journal_->source, rest.substr(0, std::min(end, LogFrame::kLineBytesMax)),
          journal_->level);
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
    text +=
        FormatWall(WallTime(Micros(static_cast<int64_t>(micros)))) + " " + journal.source + ": " +
        journal.values[JournalReader::Journal::kMessage].substr(0, LogFrame::kLineBytesMax) + "\n";
    if (text.size() > 2 * bytes_max) text.erase(0, text.size() - bytes_max);
  }
  if (text.size() > bytes_max) text.erase(0, text.size() - bytes_max);
  return text;
}

}  // namespace fleetmedic

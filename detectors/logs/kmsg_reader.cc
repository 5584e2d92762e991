#include "detectors/logs/kmsg_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <memory>

#include <fmt/format.h>

#include "base/text.h"
#include "model/log_frame.h"

namespace fleetmedic {
namespace {

// CONSOLE_EXT_LOG_MAX of the kernel: no record is longer.
constexpr size_t kRecordBytesMax = 8192;
constexpr size_t kFixtureReadBytesMax = size_t{64} << 10;
constexpr std::string_view kKernelSource = "kernel";
constexpr std::string_view kUserSource = "kmsg-user";

template <typename T>
bool ReadNumber(std::string_view text, T* out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::optional<KmsgRecord> ParseKmsg(std::string_view line) {
  const size_t semicolon = line.find(';');
  if (semicolon == std::string_view::npos) return std::nullopt;
  // The first three fields; what stands behind a further comma is flags and more.
  std::string_view fields[3];
  std::string_view rest = line.substr(0, semicolon);
  for (std::string_view& field : fields) {
    if (rest.data() == nullptr) return std::nullopt;
    const size_t comma = rest.find(',');
    field = rest.substr(0, comma);
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  int priority = 0;
  int64_t usec = 0;
  KmsgRecord record;
  if (!ReadNumber(fields[0], &priority) || priority < 0) return std::nullopt;
  if (!ReadNumber(fields[1], &record.sequence) || !ReadNumber(fields[2], &usec)) {
    return std::nullopt;
  }
  record.level = priority & 7;
  record.facility = priority >> 3;
  record.at = Micros(usec);
  record.message = line.substr(semicolon + 1);
  record.message = record.message.substr(0, record.message.find('\n'));
  return record;
}

KmsgReader::KmsgReader(const FsRoot* root, const Clock* clock, Options options)
    : root_(root), clock_(clock), options_(std::move(options)) {}

void KmsgReader::Start(std::string_view cursor) { restored_ = cursor; }

std::string KmsgReader::BootId() const {
  const Result<std::string> id = root_->ReadFile("/proc/sys/kernel/random/boot_id", 256);
  return id ? std::string(Trim(*id)) : "";
}

Status KmsgReader::Open() {
  Result<UniqueFd> opened = root_->Open(options_.path, O_RDONLY | O_NONBLOCK);
  if (!opened && opened.error().code == Code::kPermissionDenied) {
    // With kernel.dmesg_restrict the right counts and not the file's mode (kernel
    // Documentation/admin-guide/sysctl/kernel.rst).
    return Fail(Code::kPermissionDenied,
                fmt::format("no permission (CAP_SYSLOG): {}", opened.error().message));
  }
  if (!opened) return tl::unexpected<Error>(opened.error());
  fd_ = *std::move(opened);
  struct stat info {};
  if (::fstat(fd_.get(), &info) != 0) {
    fd_.reset();
    return FailErrno("stat " + options_.path, errno);
  }
  is_device_ = S_ISCHR(info.st_mode);
  if (!is_device_ && !S_ISREG(info.st_mode)) {
    fd_.reset();
    return Fail(Code::kInvalidArgument, options_.path + " is neither a device nor a file");
  }
  boot_id_ = BootId();
  const std::vector<std::string_view> parts = Split(restored_, ':');
  uint64_t sequence = 0;
  int64_t offset = 0;
  if (parts.size() == 3 && parts[0] == boot_id_ && ReadNumber(parts[1], &sequence) &&
      ReadNumber(parts[2], &offset) && offset >= 0) {
    has_cursor_ = true;
    any_sequence_ = true;
    sequence_ = sequence;
    offset_ = offset;
  }
  return {};
}

Result<size_t> KmsgReader::Read(size_t lines_max, AddLine add) {
  if (!fd_.ok()) FLEETMEDIC_RETURN_IF_ERROR(Open());
  return is_device_ ? ReadDevice(lines_max, add) : ReadFixture(lines_max, add);
}

bool KmsgReader::Emit(std::string_view line, AddLine add) {
  const std::optional<KmsgRecord> record = ParseKmsg(line);
  if (!record.has_value()) return false;
  if (is_device_) {
    if (has_cursor_ && record->sequence <= sequence_) return false;
    // The clock of records stands still in suspend and ours does not: then more is passed over.
    if (!has_cursor_ && clock_->Mono().time_since_epoch() - record->at > options_.backlog_max) {
      sequence_ = record->sequence;
      any_sequence_ = true;
      return false;
    }
    // The ring's own count of what it overran, where a gap says more than EPIPE does.
    if (any_sequence_ && record->sequence > sequence_ + 1) {
      lost_ += record->sequence - sequence_ - 1;
    }
  }
  sequence_ = record->sequence;
  any_sequence_ = true;
  has_cursor_ = true;
  add(record->facility == 0 ? kKernelSource : kUserSource,
      record->message.substr(0, LogFrame::kLineBytesMax),
      record->level <= kWarningPriority ? LineLevel::kWarning : LineLevel::kBelowWarning);
  return true;
}

Result<size_t> KmsgReader::ReadDevice(size_t lines_max, AddLine add) {
  char buffer[kRecordBytesMax];
  size_t lines = 0;
  while (lines < lines_max) {
    const ssize_t bytes = ::read(fd_.get(), buffer, sizeof buffer);
    if (bytes > 0) {
      if (Emit(std::string_view(buffer, static_cast<size_t>(bytes)), add)) ++lines;
      continue;
    }
    if (bytes == 0 || errno == EAGAIN) break;
    // EPIPE: the ring overran our place, and the next read is the oldest that is left; the gap in
    // the sequence is what was lost.
    if (errno == EINTR || errno == EPIPE) continue;
    const int error_number = errno;
    fd_.reset();
    return FailErrno("read " + options_.path, error_number);
  }
  return lines;
}

Result<size_t> KmsgReader::ReadFixture(size_t lines_max, AddLine add) {
  struct stat info {};
  if (::fstat(fd_.get(), &info) != 0) return FailErrno("stat " + options_.path, errno);
  if (info.st_nlink == 0 || info.st_size < offset_) {
    // Replaced or begun afresh: a boot of the host that the file stands for.
    fd_.reset();
    offset_ = 0;
    restored_.clear();
    FLEETMEDIC_RETURN_IF_ERROR(Open());
  }
  const auto buffer = std::make_unique_for_overwrite<char[]>(kFixtureReadBytesMax);
  size_t lines = 0;
  while (lines < lines_max) {
    const ssize_t bytes = ::pread(fd_.get(), buffer.get(), kFixtureReadBytesMax, offset_);
    if (bytes < 0) return FailErrno("read " + options_.path, errno);
    const std::string_view text(buffer.get(), static_cast<size_t>(bytes));
    if (!TakeFixtureText(text, lines_max, add, &lines)) break;
  }
  return lines;
}

bool KmsgReader::TakeFixtureText(std::string_view text, size_t lines_max, AddLine add,
                                 size_t* lines) {
  bool any = false;
  while (*lines < lines_max) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) {
      // A line as long as the whole read never ends; step over it.
      if (text.size() < kFixtureReadBytesMax) return any;
      offset_ += static_cast<int64_t>(text.size());
      return true;
    }
    // A continuation line (" KEY=value") belongs to the record before it and is not a line.
    if (!text.starts_with(' ') && Emit(text.substr(0, end), add)) ++*lines;
    offset_ += static_cast<int64_t>(end) + 1;
    text.remove_prefix(end + 1);
    any = true;
  }
  return any;
}

std::string KmsgReader::Cursor() const {
  if (!fd_.ok() && !any_sequence_) return restored_;
  return fmt::format("{}:{}:{}", boot_id_, sequence_, offset_);
}

std::string KmsgReader::WatchPath() const { return is_device_ ? "" : root_->Path(options_.path); }

uint64_t KmsgReader::TakeLost() { return std::exchange(lost_, 0); }

}  // namespace fleetmedic

#include "detectors/report/spool.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "detectors/report/crc32c.h"
#include "detectors/report/spool_record.h"

namespace fleetmedic {
namespace {

constexpr int64_t kSegmentsPerSpool = 16;
constexpr size_t kEntriesMax = 100'000;  // names in the folder
constexpr size_t kStatesBytesMax = size_t{32} << 20;
constexpr size_t kHeadBytes = 50;  // of `head`: segment, offset, checksum
constexpr std::string_view kSegmentPrefix = "frames-";
constexpr std::string_view kSegmentSuffix = ".seg";

template <typename T>
bool ReadNumber(std::string_view text, int base, T* out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out, base);
  return error == std::errc() && end == text.data() + text.size();
}

std::optional<uint64_t> SegmentNumber(std::string_view name) {
  if (!name.starts_with(kSegmentPrefix) || !name.ends_with(kSegmentSuffix)) return std::nullopt;
  name.remove_prefix(kSegmentPrefix.size());
  name.remove_suffix(kSegmentSuffix.size());
  uint64_t number = 0;
  if (!ReadNumber(name, 10, &number)) return std::nullopt;
  return number;
}

Status WriteAll(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FailErrno("write " + path, errno);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

// Fewer bytes than asked for only at the end of the file.
Result<std::string> ReadAt(int fd, int64_t offset, size_t bytes, const std::string& path) {
  std::string out(bytes, '\0');
  size_t done = 0;
  while (done < bytes) {
    const ssize_t got =
        ::pread(fd, out.data() + done, bytes - done, offset + static_cast<int64_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FailErrno("read " + path, errno);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  out.resize(done);
  return out;
}

// One record of a segment, and where the next begins. `entry` is none for a damaged record whose
// end is known; an Error kCorrupt when the end is not, kNotFound at the end of the file.
struct Found {
  std::optional<SpoolEntry> entry;
  int64_t end = 0;
};

Result<Found> ReadEntry(int fd, int64_t offset, const std::string& path) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::string head, ReadAt(fd, offset, kSpoolHeaderBytes, path));
  if (head.empty()) return Fail(Code::kNotFound, "end of " + path);
  if (head.size() < kSpoolHeaderBytes) return Fail(Code::kCorrupt, path + " ends within a record");
  FLEETMEDIC_ASSIGN_OR_RETURN(const SpoolHeader header, ReadSpoolHeader(head));
  const int64_t start = offset + static_cast<int64_t>(kSpoolHeaderBytes);
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::string payload,
                              ReadAt(fd, start, header.payload_bytes, path));
  if (payload.size() < header.payload_bytes) {
    return Fail(Code::kCorrupt, path + " ends within a record");
  }
  Found found;
  found.end = start + header.payload_bytes;
  Result<SpoolEntry> entry = ReadSpoolPayload(header, payload);
  if (entry) found.entry = *std::move(entry);
  return found;
}

Result<UniqueFd> OpenFile(const std::string& path, int flags) {
  UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, 0600));
  if (!fd.ok()) return FailErrno("open " + path, errno);
  return fd;
}

Status SyncFolder(const std::string& folder) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const UniqueFd fd, OpenFile(folder, O_RDONLY | O_DIRECTORY));
  if (::fsync(fd.get()) != 0) return FailErrno("fsync " + folder, errno);
  return {};
}

}  // namespace

Spool::Spool(Options options, FileLock lock)
    : options_(std::move(options)), lock_(std::move(lock)) {}
Spool::~Spool() = default;

std::string Spool::SegmentPath(uint64_t number) const {
  return fmt::format("{}/{}{:010}{}", options_.folder, kSegmentPrefix, number, kSegmentSuffix);
}

Result<std::unique_ptr<Spool>> Spool::Open(Options options) {
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(options.folder, 0700));
  FLEETMEDIC_ASSIGN_OR_RETURN(FileLock lock, FileLock::Acquire(options.folder + "/lock"));
  std::unique_ptr<Spool> spool(new Spool(std::move(options), std::move(lock)));
  FLEETMEDIC_RETURN_IF_ERROR(spool->Load());
  return spool;
}

Status Spool::Load() {
  FLEETMEDIC_RETURN_IF_ERROR(LoadHead());
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                              FsRoot().List(options_.folder, kEntriesMax));
  std::vector<uint64_t> numbers;
  for (const std::string& name : names) {
    if (const std::optional<uint64_t> number = SegmentNumber(name)) numbers.push_back(*number);
  }
  std::ranges::sort(numbers);
  for (const uint64_t number : numbers) {
    if (number < head_.segment) {
      ::unlink(SegmentPath(number).c_str());  // acknowledged; the crash came before the unlink
    } else {
      FLEETMEDIC_RETURN_IF_ERROR(LoadSegment(number));
    }
  }
  next_number_ = head_.segment + 1;
  if (!segments_.empty()) next_number_ = std::max(next_number_, segments_.back().number + 1);
  LoadStates();
  return {};
}

Status Spool::LoadHead() {
  const std::string path = options_.folder + "/head";
  FLEETMEDIC_ASSIGN_OR_RETURN(head_fd_, OpenFile(path, O_RDWR | O_CREAT));
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::string text, ReadAt(head_fd_.get(), 0, kHeadBytes, path));
  if (text.empty()) return WriteHead(head_);
  Place place;
  uint32_t crc = 0;
  const bool whole = text.size() == kHeadBytes &&
                     ReadNumber(text.substr(0, 20), 10, &place.segment) &&
                     ReadNumber(text.substr(21, 19), 10, &place.offset) &&
                     ReadNumber(text.substr(41, 8), 16, &crc) &&
                     crc == Crc32c(std::string_view(text).substr(0, 40));
  if (whole) {
    head_ = place;
  } else {
    // Without it all that is there is sent again: twice is better than never.
    ++counts_.damaged_records;
  }
  return {};
}

Status Spool::LoadSegment(uint64_t number) {
  const std::string path = SegmentPath(number);
  FLEETMEDIC_ASSIGN_OR_RETURN(const UniqueFd fd, OpenFile(path, O_RDWR));
  Segment segment;
  segment.number = number;
  int64_t offset = number == head_.segment ? head_.offset : 0;
  while (true) {
    const Result<Found> found = ReadEntry(fd.get(), offset, path);
    if (!found) {
      if (found.error().code == Code::kNotFound) break;
      if (found.error().code != Code::kCorrupt) return tl::unexpected<Error>(found.error());
      ++counts_.damaged_records;
      if (::ftruncate(fd.get(), offset) != 0) return FailErrno("truncate " + path, errno);
      break;
    }
    if (found->entry.has_value()) {
      ++segment.frames;
      segment.lines += found->entry->lines;
    } else {
      ++counts_.damaged_records;
    }
    offset = found->end;
  }
  segment.bytes = offset;
  counts_.bytes += segment.bytes;
  frames_ += segment.frames;
  segments_.push_back(segment);
  return {};
}

void Spool::LoadStates() {
  const Result<std::string> text = ReadFile(options_.folder + "/states", kStatesBytesMax);
  if (!text) {
    if (text.error().code != Code::kNotFound) ++counts_.damaged_records;
    return;
  }
  std::string_view rest = *text;
  while (rest.size() >= kSpoolHeaderBytes) {
    const Result<SpoolHeader> header = ReadSpoolHeader(rest);
    if (!header || rest.size() < kSpoolHeaderBytes + header->payload_bytes) break;
    Result<SpoolEntry> entry =
        ReadSpoolPayload(*header, rest.substr(kSpoolHeaderBytes, header->payload_bytes));
    rest.remove_prefix(kSpoolHeaderBytes + header->payload_bytes);
    if (entry) {
      restored_states_.push_back({entry->topic, entry->state_key, std::move(entry->record)});
    } else {
      ++counts_.damaged_records;
    }
  }
  if (!rest.empty()) ++counts_.damaged_records;
}

Status Spool::StartSegment() {
  const std::string path = SegmentPath(next_number_);
  FLEETMEDIC_ASSIGN_OR_RETURN(UniqueFd fd, OpenFile(path, O_WRONLY | O_APPEND | O_CREAT | O_TRUNC));
  FLEETMEDIC_RETURN_IF_ERROR(SyncFolder(options_.folder));
  Segment segment;
  segment.number = next_number_++;
  segments_.push_back(segment);
  tail_ = std::move(fd);
  tail_damaged_ = false;
  return {};
}

void Spool::DropToLimit(int64_t coming_bytes) {
  while (!segments_.empty() && counts_.bytes + coming_bytes > options_.bytes_max) {
    const Segment oldest = segments_.front();
    ::unlink(SegmentPath(oldest.number).c_str());
    counts_.dropped_frames += static_cast<uint64_t>(oldest.frames);
    counts_.dropped_lines += static_cast<uint64_t>(oldest.lines);
    counts_.bytes -= oldest.bytes;
    frames_ -= oldest.frames;
    segments_.pop_front();
    peeked_.clear();
    if (head_.segment <= oldest.number) head_ = {oldest.number + 1, 0};
    if (segments_.empty()) tail_.reset();
  }
}

Status Spool::PushFrames(std::span<const SpooledFrame> frames) {
  std::string bytes;
  int64_t lines = 0;
  for (const SpooledFrame& frame : frames) {
    AppendSpoolEntry({Topic::kLogs, "", frame.lines, frame.record}, &bytes);
    lines += frame.lines;
  }
  const auto coming = static_cast<int64_t>(bytes.size());
  DropToLimit(coming);
  const int64_t segment_bytes = std::max<int64_t>(options_.bytes_max / kSegmentsPerSpool, 1);
  if (!tail_.ok() || tail_damaged_ || segments_.back().bytes >= segment_bytes) {
    FLEETMEDIC_RETURN_IF_ERROR(StartSegment());
  }
  Segment& segment = segments_.back();
  const std::string path = SegmentPath(segment.number);
  Status written = WriteAll(tail_.get(), bytes, path);
  if (written && ::fdatasync(tail_.get()) != 0) written = FailErrno("fsync " + path, errno);
  if (!written) {
    // What was written of it goes; where even that fails, nothing more is written behind it.
    tail_damaged_ = ::ftruncate(tail_.get(), segment.bytes) != 0 || ::fsync(tail_.get()) != 0;
    return written;
  }
  segment.bytes += coming;
  segment.frames += static_cast<int64_t>(frames.size());
  segment.lines += lines;
  counts_.bytes += coming;
  frames_ += static_cast<int64_t>(frames.size());
  return {};
}

Result<std::vector<SpooledFrame>> Spool::PeekFrames(size_t bytes_max) {
  peeked_.clear();
  std::vector<SpooledFrame> frames;
  size_t bytes = 0;
  for (const Segment& segment : segments_) {
    if (segment.number < head_.segment) continue;  // its end could not be written down
    const std::string path = SegmentPath(segment.number);
    FLEETMEDIC_ASSIGN_OR_RETURN(const UniqueFd fd, OpenFile(path, O_RDONLY));
    int64_t offset = segment.number == head_.segment ? head_.offset : 0;
    while (offset < segment.bytes) {
      Result<Found> found = ReadEntry(fd.get(), offset, path);
      if (!found) {
        if (found.error().code != Code::kCorrupt && found.error().code != Code::kNotFound) {
          return tl::unexpected<Error>(found.error());
        }
        break;  // damaged since it was loaded: the rest of this segment cannot be found
      }
      offset = found->end;
      if (!found->entry.has_value()) continue;
      if (!frames.empty() && bytes + found->entry->record.value.size() > bytes_max) return frames;
      bytes += found->entry->record.value.size();
      peeked_.push_back({{segment.number, offset}, found->entry->lines});
      frames.push_back({std::move(found->entry->record), found->entry->lines});
    }
  }
  if (frames.empty() && frames_ > 0) {
    // Counted when loaded or written, and now unreadable: they are lost, and must be told.
    counts_.damaged_records += static_cast<uint64_t>(frames_);
    for (const Segment& segment : segments_) {
      counts_.dropped_lines += static_cast<uint64_t>(segment.lines);
    }
    head_ = {next_number_, 0};
    counts_.dropped_frames += static_cast<uint64_t>(frames_);
    frames_ = 0;
    RemoveSegmentsBefore(next_number_);
  }
  return frames;
}

void Spool::RemoveSegmentsBefore(uint64_t number) {
  while (!segments_.empty() && segments_.front().number < number) {
    counts_.bytes -= segments_.front().bytes;
    ::unlink(SegmentPath(segments_.front().number).c_str());
    segments_.pop_front();
  }
  if (segments_.empty()) tail_.reset();
}

Status Spool::WriteHead(const Place& place) {
  // In place and always as long: it must not need a free block on a disk that is full.
  std::string text = fmt::format("{:020} {:019}", place.segment, place.offset);
  text += fmt::format(" {:08x}\n", Crc32c(text));
  FLEETMEDIC_CHECK(text.size() == kHeadBytes);
  const ssize_t written = ::pwrite(head_fd_.get(), text.data(), text.size(), 0);
  if (written != static_cast<ssize_t>(text.size()) || ::fdatasync(head_fd_.get()) != 0) {
    return FailErrno("write " + options_.folder + "/head", errno);
  }
  return {};
}

Status Spool::AcknowledgeFrames(size_t count) {
  FLEETMEDIC_CHECK(count <= peeked_.size());
  if (count == 0) return {};
  const Place place = peeked_[count - 1].end;
  for (size_t i = 0; i < count; ++i) {
    for (Segment& segment : segments_) {
      if (segment.number != peeked_[i].end.segment) continue;
      --segment.frames;
      segment.lines -= peeked_[i].lines;
    }
  }
  peeked_.clear();
  frames_ -= static_cast<int64_t>(count);
  // When all is sent the files go, and the numbers go on.
  head_ = frames_ == 0 ? Place{segments_.back().number + 1, 0} : place;
  const Status written = WriteHead(head_);
  // Files with nothing left in them can go even where the place could not be written down.
  RemoveSegmentsBefore(head_.segment);
  return written;
}

Status Spool::KeepStates(std::span<const SpooledState> states) {
  std::string bytes;
  for (const SpooledState& state : states) {
    AppendSpoolEntry({state.topic, state.key, 0, state.record}, &bytes);
  }
  if (bytes.size() > kStatesBytesMax) {
    return Fail(Code::kFull,
                fmt::format("{} bytes of state are more than {}", bytes.size(), kStatesBytesMax));
  }
  return WriteFileAtomic(options_.folder + "/states", bytes, 0600);
}

Spool::Counts Spool::counts() const {
  Counts counts = counts_;
  counts.frames = frames_;
  return counts;
}

}  // namespace fleetmedic

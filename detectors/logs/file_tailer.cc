#include "detectors/logs/file_tailer.h"

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

constexpr size_t kReadBytes = 64 * 1024;

template <typename T>
bool ReadNumber(std::string_view text, T* out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

FileTailer::FileTailer(const FsRoot* root, std::string path)
    : root_(root), path_(std::move(path)), source_("file:" + path_) {}

void FileTailer::Start(std::string_view cursor) {
  restored_ = cursor;
  const std::vector<std::string_view> parts = Split(cursor, ':');
  restored_valid_ = parts.size() == 3 && ReadNumber(parts[0], &identity_.device) &&
                    ReadNumber(parts[1], &identity_.inode) && ReadNumber(parts[2], &offset_) &&
                    offset_ >= 0;
  if (!restored_valid_) Forget();
}

void FileTailer::Forget() {
  identity_ = {};
  offset_ = 0;
  partial_.clear();
  partial_bytes_ = 0;
}

Result<UniqueFd> FileTailer::OpenAt(const std::string& path, Identity* identity) const {
  FLEETMEDIC_ASSIGN_OR_RETURN(UniqueFd fd, root_->Open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return FailErrno("stat " + path, errno);
  if (!S_ISREG(info.st_mode)) return Fail(Code::kInvalidArgument, path + " is not a file");
  *identity = {info.st_dev, info.st_ino};
  return fd;
}

Status FileTailer::Open() {
  Identity found;
  Result<UniqueFd> fd = OpenAt(path_, &found);
  const bool here_before_us = std::exchange(first_open_, false);
  if (!fd) return tl::unexpected<Error>(fd.error());
  if (restored_valid_ && found != identity_) {
    // Rotated while no agent ran: the rest of the old file first.
    Identity rotated;
    Result<UniqueFd> old = OpenAt(path_ + ".1", &rotated);
    if (old && rotated == identity_) {
      fd_ = *std::move(old);
      restored_valid_ = false;
      return {};
    }
    Forget();
  } else if (!restored_valid_) {
    Forget();
    struct stat info {};
    if (here_before_us && ::fstat(fd->get(), &info) == 0) offset_ = info.st_size;
  }
  restored_valid_ = false;
  identity_ = found;
  fd_ = *std::move(fd);
  return {};
}

Result<size_t> FileTailer::Read(size_t lines_max, AddLine add) {
  size_t lines = 0;
  // The file, and after it what took its place: at most one rotation per call.
  for (int turn = 0; turn < 2; ++turn) {
    if (!fd_.ok()) {
      const Status opened = Open();
      if (!opened) {
        // Not there (yet): nothing to read is no failure.
        if (opened.error().code == Code::kNotFound) return lines;
        if (opened.error().code == Code::kPermissionDenied) {
          return Fail(Code::kPermissionDenied,
                      "no permission (to read " + path_ + "): " + opened.error().message);
        }
        return tl::unexpected<Error>(opened.error());
      }
    }
    FLEETMEDIC_ASSIGN_OR_RETURN(const size_t read, ReadLines(lines_max - lines, add));
    lines += read;
    if (lines >= lines_max) return lines;
    Identity now_there;
    const Result<UniqueFd> newer = OpenAt(path_, &now_there);
    if (!newer || now_there == identity_) return lines;
    // Its writer may still hold the old file for a moment; what it wrote until now was read.
    if (partial_bytes_ > 0) {
      add(source_, partial_, LineLevel::kUnknown);
      ++lines;
    }
    fd_.reset();
    Forget();
  }
  return lines;
}

Result<size_t> FileTailer::ReadLines(size_t lines_max, AddLine add) {
  struct stat info {};
  if (::fstat(fd_.get(), &info) != 0) return FailErrno("stat " + path_, errno);
  if (info.st_size < offset_ + partial_bytes_) {
    if (partial_bytes_ > 0) ++lost_;
    partial_.clear();
    partial_bytes_ = 0;
    offset_ = 0;
  }
  size_t lines = 0;
  const auto buffer = std::make_unique_for_overwrite<char[]>(kReadBytes);
  while (lines < lines_max) {
    const ssize_t bytes = ::pread(fd_.get(), buffer.get(), kReadBytes, offset_ + partial_bytes_);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) {
      const int error_number = errno;
      fd_.reset();
      return FailErrno("read " + path_, error_number);
    }
    if (bytes == 0) break;
    TakeText(std::string_view(buffer.get(), static_cast<size_t>(bytes)), add, &lines);
  }
  return lines;
}

void FileTailer::TakeText(std::string_view text, AddLine add, size_t* lines) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view part = text.substr(0, end);
    if (end != std::string_view::npos && partial_bytes_ == 0) {
      // Whole, as nearly all are.
      add(source_, part.substr(0, LogFrame::kLineBytesMax), LineLevel::kUnknown);
      ++*lines;
      offset_ += static_cast<int64_t>(end) + 1;
      text.remove_prefix(end + 1);
      continue;
    }
    const size_t room = LogFrame::kLineBytesMax - partial_.size();
    partial_.append(part.substr(0, room));
    if (end == std::string_view::npos) {
      partial_bytes_ += static_cast<int64_t>(part.size());
      return;
    }
    add(source_, partial_, LineLevel::kUnknown);
    ++*lines;
    offset_ += partial_bytes_ + static_cast<int64_t>(part.size()) + 1;
    partial_.clear();
    partial_bytes_ = 0;
    text.remove_prefix(end + 1);
  }
}

std::string FileTailer::Cursor() const {
  if (!fd_.ok() && (restored_valid_ || first_open_)) return restored_;
  return fmt::format("{}:{}:{}", identity_.device, identity_.inode, offset_);
}

uint64_t FileTailer::TakeLost() { return std::exchange(lost_, 0); }

}  // namespace fleetmedic

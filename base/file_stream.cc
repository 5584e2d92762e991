#include "base/file_stream.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>

#include "base/random.h"
#include "base/text.h"

namespace fleetmedic {
namespace {

constexpr size_t kBufferBytes = size_t{256} << 10;

tl::unexpected<Error> FailPath(std::string_view verb, const std::string& path, int error_number) {
  return FailErrno("cannot " + std::string(verb) + " " + Quote(path, 256), error_number);
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

}  // namespace

Status SyncFolder(const std::string& folder) {
  const UniqueFd fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.ok()) return FailPath("open", folder, errno);
  if (fsync(fd.get()) != 0) return FailPath("sync", folder, errno);
  return {};
}

Result<NewFile> NewFile::Create(const std::string& path, mode_t mode) {
  struct stat info {};
  if (lstat(path.c_str(), &info) == 0) return FailPath("make", path, EEXIST);
  std::string temporary = path + ".tmp-" + EntropyHex(8);
  UniqueFd fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!fd.ok()) return FailPath("make", temporary, errno);
  return NewFile(path, std::move(temporary), std::move(fd));
}

NewFile::~NewFile() {
  if (fd_.ok()) unlink(temporary_.c_str());
}

Status NewFile::Write(std::string_view bytes) {
  buffer_ += bytes;
  return buffer_.size() < kBufferBytes ? Status() : Flush();
}

Status NewFile::Flush() {
  std::string_view left = buffer_;
  while (!left.empty()) {
    const ssize_t written = write(fd_.get(), left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FailPath("write", temporary_, errno);
    left.remove_prefix(static_cast<size_t>(written));
  }
  buffer_.clear();
  return {};
}

Status NewFile::Finish() {
  FLEETMEDIC_RETURN_IF_ERROR(Flush());
  if (fsync(fd_.get()) != 0) return FailPath("sync", temporary_, errno);
  // A link, unlike a rename, replaces nothing.
  if (link(temporary_.c_str(), path_.c_str()) != 0) return FailPath("make", path_, errno);
  unlink(temporary_.c_str());
  fd_.reset();
  return SyncFolder(FolderOf(path_));
}

Result<FileSource> FileSource::Open(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd.ok()) return FailPath("open", path, errno);
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return FailPath("look at", path, errno);
  if (!S_ISREG(info.st_mode)) {
    return Fail(Code::kInvalidArgument, Quote(path, 256) + " is no regular file");
  }
  return FileSource(path, std::move(fd));
}

Result<size_t> FileSource::Read(std::span<char> into) {
  while (true) {
    const ssize_t got = read(fd_.get(), into.data(), into.size());
    if (got >= 0) return static_cast<size_t>(got);
    if (errno != EINTR) return FailPath("read", path_, errno);
  }
}

}  // namespace fleetmedic

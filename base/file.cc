#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>

#include <fmt/format.h>

#include "base/random.h"
#include "base/text.h"

namespace fleetmedic {
namespace {

constexpr int kRemoveTreeLevelsMax = 256;
constexpr size_t kReadChunkBytes = size_t{64} << 10;
constexpr size_t kLockNoteBytesMax = 32;
// openat2 answers EAGAIN when a rename raced with its look at "..".
constexpr int kOpenAttemptsMax = 8;

struct CloseDir {
  void operator()(DIR* dir) const { closedir(dir); }
};
using UniqueDir = std::unique_ptr<DIR, CloseDir>;

int OpenAt2(int folder, const char* path, int flags, uint64_t resolve) {
  open_how how{};
  how.flags = static_cast<uint64_t>(static_cast<unsigned int>(flags | O_CLOEXEC));
  how.resolve = resolve;
  for (int attempt = 1;; ++attempt) {
    const long fd = syscall(SYS_openat2, folder, path, &how, sizeof how);
    const bool again = fd < 0 && (errno == EAGAIN || errno == EINTR);
    if (!again || attempt == kOpenAttemptsMax) return static_cast<int>(fd);
  }
}

int OpenPlain(const char* path, int flags, mode_t mode = 0) {
  int fd = -1;
  do {
    fd = open(path, flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

tl::unexpected<Error> FailPath(std::string_view verb, std::string_view path, int error_number) {
  return FailErrno(fmt::format("cannot {} {}", verb, Quote(path, 256)), error_number);
}

Result<std::string> ReadAll(int fd, const std::string& path, size_t bytes_max) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return FailPath("look at", path, errno);
  if (!S_ISREG(info.st_mode)) {
    return Fail(Code::kInvalidArgument,
                fmt::format("cannot read {}: it is not a regular file", Quote(path, 256)));
  }
  std::string content;
  // One byte past the limit tells "exactly full" from "more". The size is only a hint: it is 0 in
  // /proc and 4096 in /sys, and a log may grow meanwhile.
  const size_t wanted_max = bytes_max + 1;
  const auto said = static_cast<size_t>(std::max<off_t>(info.st_size, 0));
  size_t step = said > 0 ? said + 1 : 4096;
  while (content.size() < wanted_max) {
    const size_t have = content.size();
    content.resize(have + std::min({wanted_max - have, step, kReadChunkBytes}));
    const ssize_t count = read(fd, content.data() + have, content.size() - have);
    content.resize(have + static_cast<size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0) return content;
    if (count < 0 && errno != EINTR) return FailPath("read", path, errno);
    step = kReadChunkBytes;
  }
  return Fail(Code::kFull, fmt::format("cannot read {}: it holds more than the limit of {} bytes",
                                       Quote(path, 256), bytes_max));
}

Status WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno != EINTR) return FailErrno("write", errno);
    if (count > 0) bytes.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status SyncFolderOf(const std::string& path) {
  const std::string folder = FolderOf(path);
  const UniqueFd fd(OpenPlain(folder.c_str(), O_RDONLY | O_DIRECTORY));
  if (!fd.ok()) return FailPath("open", folder, errno);
  if (fsync(fd.get()) != 0) return FailPath("make lasting", folder, errno);
  return {};
}

// The content and the mode, on the disk, under a name that nobody looks at.
Status WriteTemporary(const std::string& path, std::string_view bytes, mode_t mode) {
  const UniqueFd fd(OpenPlain(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode));
  if (!fd.ok()) return FailPath("make", path, errno);
  if (auto written = WriteAll(fd.get(), bytes); !written) {
    return Fail(fmt::format("cannot write {}", Quote(path, 256)), written.error());
  }
  if (fsync(fd.get()) != 0) return FailPath("make lasting", path, errno);
  return {};
}

Status RemoveEntries(UniqueFd folder, const std::string& path, int level);

// One entry of `folder`; `path` is its full name, for messages.
Status RemoveEntry(int folder, const char* name, const std::string& path, int level) {
  if (unlinkat(folder, name, 0) == 0 || errno == ENOENT) return {};
  // Linux says EISDIR for a folder, POSIX says EPERM.
  if (errno != EISDIR && errno != EPERM) return FailPath("remove", path, errno);
  const int unlink_error = errno;
  if (level == kRemoveTreeLevelsMax) {
    return Fail(Code::kFull, fmt::format("cannot remove {}: deeper than the limit of {} levels",
                                         Quote(path, 256), kRemoveTreeLevelsMax));
  }
  UniqueFd below(
      OpenAt2(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, level == 0 ? 0 : RESOLVE_NO_XDEV));
  if (!below.ok() && errno == EXDEV) {
    return Fail(Code::kRefused, fmt::format("cannot remove {}: another file system is mounted "
                                            "there; unmount it first",
                                            Quote(path, 256)));
  }
  if (!below.ok()) return FailPath("remove", path, errno == ENOTDIR ? unlink_error : errno);
  FLEETMEDIC_RETURN_IF_ERROR(RemoveEntries(std::move(below), path, level + 1));
  if (unlinkat(folder, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
  return FailPath("remove", path, errno);
}

Status RemoveEntries(UniqueFd folder, const std::string& path, int level) {
  const UniqueDir dir(fdopendir(folder.get()));
  if (dir == nullptr) return FailPath("list", path, errno);
  const int fd = folder.release();  // closedir closes it
  while (true) {
    errno = 0;
    const dirent* entry = readdir(dir.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    FLEETMEDIC_RETURN_IF_ERROR(
        RemoveEntry(fd, entry->d_name, path + "/" + std::string(name), level));
  }
  if (errno != 0) return FailPath("list", path, errno);
  return {};
}

}  // namespace

FsRoot::FsRoot(std::string root) : root_(std::move(root)) {
  while (root_.size() > 1 && root_.back() == '/') root_.pop_back();
  FLEETMEDIC_CHECK(!root_.empty());
}

std::string FsRoot::Path(std::string_view path) const {
  std::vector<std::string_view> kept;
  for (const std::string_view part : Split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      kept.push_back(part);
    } else if (!kept.empty()) {
      kept.pop_back();
    }
  }
  std::string full = root_ == "/" ? "" : root_;
  for (const std::string_view part : kept) full += "/" + std::string(part);
  return full.empty() ? "/" : full;
}

Result<UniqueFd> FsRoot::Open(std::string_view path, int flags) const {
  FLEETMEDIC_CHECK((flags & (O_CREAT | O_TRUNC)) == 0);
  if (path.find('\0') != std::string_view::npos) {
    return Fail(Code::kInvalidArgument,
                fmt::format("cannot open {}: a zero byte in a name", Quote(path, 256)));
  }
  if (root_ == "/") {
    UniqueFd fd(OpenPlain(("/" + std::string(path)).c_str(), flags));
    if (!fd.ok()) return FailPath("open", Path(path), errno);
    return fd;
  }
  const UniqueFd root(OpenPlain(root_.c_str(), O_PATH | O_DIRECTORY));
  if (!root.ok()) return FailPath("open", root_, errno);
  UniqueFd fd(
      OpenAt2(root.get(), path.empty() ? "/" : std::string(path).c_str(), flags, RESOLVE_IN_ROOT));
  if (!fd.ok()) return FailPath("open", Path(path), errno);
  return fd;
}

Result<std::string> FsRoot::ReadFile(std::string_view path, size_t bytes_max) const {
  FLEETMEDIC_ASSIGN_OR_RETURN(const UniqueFd fd, Open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  return ReadAll(fd.get(), Path(path), bytes_max);
}

Result<std::vector<std::string>> FsRoot::List(std::string_view path, size_t entries_max) const {
  FLEETMEDIC_ASSIGN_OR_RETURN(UniqueFd fd, Open(path, O_RDONLY | O_DIRECTORY));
  const UniqueDir dir(fdopendir(fd.get()));
  if (dir == nullptr) return FailPath("list", Path(path), errno);
  (void)fd.release();  // closedir closes it
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = readdir(dir.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (names.size() == entries_max) {
      return Fail(Code::kFull, fmt::format("cannot list {}: more than the limit of {} entries",
                                           Quote(Path(path), 256), entries_max));
    }
    names.emplace_back(name);
  }
  if (errno != 0) return FailPath("list", Path(path), errno);
  std::sort(names.begin(), names.end());
  return names;
}

bool FsRoot::Exists(std::string_view path) const {
  if (root_ != "/") return Open(path, O_PATH).has_value();
  // Asked for at every look of many detectors: no error is put in words for nobody.
  const std::string plain = "/" + std::string(path);
  return path.find('\0') == std::string_view::npos &&
         UniqueFd(OpenPlain(plain.c_str(), O_PATH)).ok();
}

Result<std::string> ReadFile(const std::string& path, size_t bytes_max) {
  const UniqueFd fd(OpenPlain(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY));
  if (!fd.ok()) return FailPath("open", path, errno);
  return ReadAll(fd.get(), path, bytes_max);
}

Status WriteFileAtomic(const std::string& path, std::string_view bytes, mode_t mode) {
  const std::string temporary = path + ".tmp-" + EntropyHex(8);
  if (auto written = WriteTemporary(temporary, bytes, mode); !written) {
    unlink(temporary.c_str());
    return written;
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) {
    const int rename_error = errno;
    unlink(temporary.c_str());
    return FailPath("replace", path, rename_error);
  }
  return SyncFolderOf(path);
}

Status MakeFolders(const std::string& path, mode_t mode) {
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string folder = path.substr(0, end);
    if (mkdir(folder.c_str(), mode) != 0) {
      const int mkdir_error = errno;
      struct stat info {};
      const bool there = stat(folder.c_str(), &info) == 0;
      if (!there) return FailPath("make folder", folder, mkdir_error);
      if (!S_ISDIR(info.st_mode)) return FailPath("make folder", folder, EEXIST);
    }
    if (end == std::string::npos) return {};
  }
}

Status RemoveTree(const std::string& path) { return RemoveEntry(AT_FDCWD, path.c_str(), path, 0); }

Result<FileLock> FileLock::Acquire(const std::string& path) {
  UniqueFd fd(OpenPlain(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW, 0644));
  if (!fd.ok()) return FailPath("open lock", path, errno);
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return FailPath("lock", path, errno);
    const auto note = ReadAll(fd.get(), path, kLockNoteBytesMax);
    return Fail(Code::kBusy, fmt::format("{} is locked by another process (process id {})",
                                         Quote(path, 256), note ? Quote(Trim(*note)) : "unknown"));
  }
  // The note is for people; the lock holds without it.
  const std::string note = fmt::format("{}\n", getpid());
  if (ftruncate(fd.get(), 0) == 0) (void)WriteAll(fd.get(), note);
  return FileLock(std::move(fd));
}

TempFolder::TempFolder() {
  const char* parent = std::getenv("TMPDIR");
  path_ =
      std::string(parent != nullptr && *parent != '\0' ? parent : "/tmp") + "/fleetmedic-XXXXXX";
  FLEETMEDIC_CHECK(mkdtemp(path_.data()) != nullptr);
}

TempFolder::~TempFolder() { (void)RemoveTree(path_); }

}  // namespace fleetmedic

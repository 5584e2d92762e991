// Files and folders: bounded reads below a root that can be a fixture, writes that are either
// whole or not there, and locks. Everything here blocks on the disk and is thread-safe; errors
// name the path.
#ifndef FLEETMEDIC_BASE_FILE_H_
#define FLEETMEDIC_BASE_FILE_H_

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace fleetmedic {

// The folder that stands for "/" of a host: "/" itself in production, a recorded tree in a test,
// /proc/PID/root of a container. A name below it, symbolic links included, never leads out of it:
// openat2(2) with RESOLVE_IN_ROOT. That mode follows no magic links (/proc/PID/root, /proc/PID/fd),
// so with the root "/" names are opened plainly and such links work.
class FsRoot {
 public:
  explicit FsRoot(std::string root = "/");

  const std::string& root() const { return root_; }

  // The name for a message, or for a program that needs a path: ".." stops at the root, symbolic
  // links are not looked at (so what opens this name may leave the root; Open does not).
  std::string Path(std::string_view path) const;

  // open(2) with `flags` and O_CLOEXEC; creates nothing. Errors: kNotFound, kPermissionDenied,
  // kUnsupported (a kernel before 5.6, or a seccomp filter without openat2).
  Result<UniqueFd> Open(std::string_view path, int flags) const;

  // The whole content. Files of /proc and /sys, whose size is said to be 0, are read too. Never
  // waits on a FIFO or a device: what is not a regular file is kInvalidArgument. A content of
  // more than bytes_max is kFull.
  Result<std::string> ReadFile(std::string_view path, size_t bytes_max) const;

  // The names in a folder without "." and "..", sorted. More than entries_max of them is kFull.
  Result<std::vector<std::string>> List(std::string_view path, size_t entries_max) const;

  // True when the name leads to something. False says "not there, or could not look": who must
  // tell the two apart takes Open with O_PATH.
  bool Exists(std::string_view path) const;

 private:
  std::string root_;
};

// FsRoot("/").ReadFile for a path of our own, absolute or relative.
Result<std::string> ReadFile(const std::string& path, size_t bytes_max);

// Replaces the file's content, or makes it. Others see the old content or the new, never a part,
// and after a crash as well: a temporary file in the same folder, fsync, rename, fsync of the
// folder. After an error the old content is still there, with one exception: when the last fsync
// fails the new one is, but a power cut may undo it.
Status WriteFileAtomic(const std::string& path, std::string_view bytes, mode_t mode = 0644);

// Makes the folder and those above it that are missing, each with this mode (less the umask).
// kAlreadyExists when something on the way is there and is not a folder.
Status MakeFolders(const std::string& path, mode_t mode = 0755);

// Removes a file, or a folder with all in it. Symbolic links are removed, never followed; a mount
// below is not entered (kRefused), nor are more than 256 levels (kFull). Nothing there is fine.
// After an error a part may be gone.
Status RemoveTree(const std::string& path);

// An exclusive lock between processes (flock) on a file made for it. The kernel lets go of it when
// the process ends, however it ends; the file stays.
class FileLock {
 public:
  // Does not wait. kBusy when somebody holds it; the message has the process id they wrote there.
  static Result<FileLock> Acquire(const std::string& path);

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

// A fresh folder below $TMPDIR or /tmp, removed with all in it at the end. For tests: not being
// able to make it ends the process.
class TempFolder {
 public:
  TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder();

  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_FILE_H_

// Files that are written and read from one end to the other, and need not fit into memory.
#ifndef FLEETMEDIC_BASE_FILE_STREAM_H_
#define FLEETMEDIC_BASE_FILE_STREAM_H_

#include <sys/types.h>

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace fleetmedic {

// A file that is there when it is whole, and not before. Owned by one thread.
class NewFile {
 public:
  // Writes go to a temporary file in the same folder. kAlreadyExists where `path` is there.
  static Result<NewFile> Create(const std::string& path, mode_t mode);
  NewFile(NewFile&&) = default;
  ~NewFile();  // without a Finish nothing stays

  Status Write(std::string_view bytes);
  // Durable under its name; kAlreadyExists where somebody made that meanwhile.
  Status Finish();

 private:
  NewFile(std::string path, std::string temporary, UniqueFd fd)
      : path_(std::move(path)), temporary_(std::move(temporary)), fd_(std::move(fd)) {}
  Status Flush();

  std::string path_;
  std::string temporary_;
  UniqueFd fd_;
  std::string buffer_;
};

// Owned by one thread.
class FileSource {
 public:
  // kInvalidArgument for what is no regular file.
  static Result<FileSource> Open(const std::string& path);

  // How many of the next bytes were read; 0 at the end.
  Result<size_t> Read(std::span<char> into);

 private:
  FileSource(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  std::string path_;
  UniqueFd fd_;
};

// fsync of a folder: what was renamed into it stays.
Status SyncFolder(const std::string& folder);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_FILE_STREAM_H_

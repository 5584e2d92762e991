// The lines that are written to a log file, through rotation, truncation and restarts.
#ifndef FLEETMEDIC_DETECTORS_LOGS_FILE_TAILER_H_
#define FLEETMEDIC_DETECTORS_LOGS_FILE_TAILER_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/file.h"
#include "detectors/logs/log_source.h"

namespace fleetmedic {

// Source "file:PATH". Starts, without a cursor, at the end of a file that is there already and at
// the beginning of one that comes later.
//
// Rotation by rename (a new file at the path): the old one is read to its end first. After a
// restart it is looked for at PATH.1. Truncation (the file is shorter than what was read, as with
// copytruncate): from the beginning. A last line without its '\n' waits for it; a line of more
// than LogFrame::kLineBytesMax is cut there.
class FileTailer final : public LogSource {
 public:
  FileTailer(const FsRoot* root, std::string path);

  std::string_view name() const override { return source_; }
  // "DEVICE:INODE:OFFSET", the offset after the last whole line.
  void Start(std::string_view cursor) override;
  Result<size_t> Read(size_t lines_max, AddLine add) override;
  std::string Cursor() const override;
  std::string WatchPath() const override { return root_->Path(path_); }
  uint64_t TakeLost() override;

 private:
  struct Identity {
    uint64_t device = 0;
    uint64_t inode = 0;
    bool operator==(const Identity&) const = default;
  };

  Result<UniqueFd> OpenAt(const std::string& path, Identity* identity) const;
  Status Open();
  Result<size_t> ReadLines(size_t lines_max, AddLine add);
  void TakeText(std::string_view text, AddLine add, size_t* lines);
  void Forget();

  const FsRoot* const root_;
  const std::string path_;
  const std::string source_;
  UniqueFd fd_;
  Identity identity_;
  int64_t offset_ = 0;         // after the last whole line
  std::string partial_;        // what stands behind it, without its '\n' yet; capped
  int64_t partial_bytes_ = 0;  // how much that is in the file
  bool restored_valid_ = false;
  bool first_open_ = true;  // a file found by the first Read was there before us
  std::string restored_;
  uint64_t lost_ = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_LOGS_FILE_TAILER_H_

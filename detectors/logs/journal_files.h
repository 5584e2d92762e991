// The journal as its files are, read by ourselves: a quarter of what libsystemd takes of an entry.
#ifndef FLEETMEDIC_DETECTORS_LOGS_JOURNAL_FILES_H_
#define FLEETMEDIC_DETECTORS_LOGS_JOURNAL_FILES_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "detectors/logs/journal_entry.h"
#include "detectors/logs/journal_file.h"
#include "detectors/logs/journal_place.h"
#include "detectors/logs/log_source.h"

namespace fleetmedic {

// kPermissionDenied where the machine's own journal is there and may not be read.
Status MayReadJournal();

// The files that libsystemd takes: of the machine's own journal what stands in /var/log/journal and
// /run/log/journal, of a folder what stands in it, and in both in folders below that are named by a
// machine's id. What several files have is merged in libsystemd's order and given once; a file that
// is rotated away is read to its end.
//
// Files that cannot be read on are given up, which is logged, and what was left in them is counted
// as lost. Files without the permission are passed over like libsystemd does, unless there are no
// others.
class JournalFiles final : public LogSource {
 public:
  // A folder of journal files, or "" for the machine's own journal.
  explicit JournalFiles(std::string folder);
  ~JournalFiles() override;

  std::string_view name() const override { return "journal"; }
  void Start(std::string_view cursor) override { cursor_ = cursor; }
  // kUnsupported: a file has a form that is not known here, or there are too many of them; nothing
  // was read then, and libsystemd can go on at Cursor.
  Result<size_t> Read(size_t lines_max, AddLine add) override;
  std::string Cursor() const override;
  // Inotify; -1 where the machine has none left, and then each Read looks for new files.
  int PollFd() const override { return inotify_.ok() ? inotify_.get() : -1; }
  uint64_t TakeLost() override { return std::exchange(lost_, 0); }

 private:
  using Identity = std::pair<uint64_t, uint64_t>;  // device and inode
  struct OpenFile;
  // What one look over the folders finds.
  struct Found {
    std::set<Identity> open;
    std::set<JournalId> done;
    std::optional<JournalPlace> newest;
    size_t names = 0;
    std::string denied;  // a file without the permission
  };

  Status Look();
  void TakeEvents();
  bool Watch(const std::string& folder);
  Status Scan();
  Status ScanRoot(size_t root, Found* found);
  Status AddFiles(size_t root, const std::string& folder, const std::vector<std::string>& names,
                  Found* found);
  Status AddFile(size_t root, const std::string& path, Found* found);
  Status Place(OpenFile* file, Found* found);
  bool IsOld(const JournalFile& file) const;
  void GiveUp(OpenFile* file, const Error& error);
  OpenFile* First();
  bool IsGiven(const OpenFile& file) const;
  size_t Give(OpenFile* file, AddLine add);
  void Advance(OpenFile* file);
  void Close();

  const std::string folder_;
  const std::vector<std::string> roots_;
  const std::string machine_;  // its id
  const UniqueFd inotify_;
  bool scan_ = true;                   // the folders may hold other files than at the last scan
  bool blind_ = false;                 // not all folders are watched
  std::set<std::string> missing_;      // roots that are not there (yet)
  bool started_ = false;               // by the first scan
  std::string cursor_;                 // of Start
  std::optional<JournalPlace> place_;  // of the entry that was read last
  std::optional<size_t> place_root_;   // where that stood
  std::map<Identity, std::unique_ptr<OpenFile>> files_;
  std::vector<OpenFile*> ready_;  // have an entry to give
  std::set<JournalId> done_;      // read to their end, or given up
  std::set<std::string> told_;    // paths of those given up
  JournalEntry entry_;
  uint64_t lost_ = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_LOGS_JOURNAL_FILES_H_

#include "detectors/logs/journal_files.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/file.h"
#include "base/logging.h"
#include "base/text.h"

namespace fleetmedic {
namespace {

// journald keeps 100 that are rotated away, and one for each user.
constexpr size_t kNamesMax = 1024;
constexpr int kEventReadsMax = 64;
constexpr uint32_t kFolderChanges =
    IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB;
// The journal's own, for the size of what a lost entry takes.
constexpr uint64_t kEntryBytesMin = 64;

std::vector<std::string> RootsOf(const std::string& folder) {
  if (!folder.empty()) return {folder};
  return {"/var/log/journal", "/run/log/journal"};
}

std::string MachineId() {
  const Result<std::string> id = ReadFile("/etc/machine-id", 256);
  return id ? std::string(Trim(*id)) : "";
}

bool IsJournalFile(std::string_view name) {
  return name.ends_with(".journal") || name.ends_with(".journal~");
}

// That of a namespace has more behind the id, and is not read.
bool IsMachineId(std::string_view name) {
  return name.size() == 32 &&
         name.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

Result<size_t> ReadAt(int fd, uint64_t offset, char* into, size_t bytes) {
  size_t read = 0;
  while (read < bytes) {
    const ssize_t more = ::pread(fd, into + read, bytes - read, static_cast<off_t>(offset + read));
    if (more < 0 && errno == EINTR) continue;
    if (more < 0) return FailErrno("read", errno);
    if (more == 0) break;
    read += static_cast<size_t>(more);
  }
  return read;
}

}  // namespace

Status MayReadJournal() {
  const std::string machine = MachineId();
  if (machine.empty()) return {};
  for (const std::string& folder : RootsOf("")) {
    const std::string path = folder + "/" + machine + "/system.journal";
    if (::access(path.c_str(), R_OK) != 0 && errno == EACCES) {
      return Fail(Code::kPermissionDenied, "no permission (group systemd-journal): " + path);
    }
  }
  return {};
}

struct JournalFiles::OpenFile {
  OpenFile(std::string p, size_t r, UniqueFd f)
      : path(std::move(p)),
        root(r),
        fd(std::move(f)),
        file([this](uint64_t offset, char* into, size_t bytes) {
          return ReadAt(fd.get(), offset, into, bytes);
        }) {}

  std::string path;
  const size_t root;
  const UniqueFd fd;
  JournalFile file;
  const JournalPlace* next = nullptr;
  bool used = false;      // by this Read
  bool gone = false;      // from the folder
  bool given_up = false;  // nothing more is read

  // Nothing more is written to it: one that was not closed well is renamed like that.
  bool Ended() const { return file.archived() || path.ends_with(".journal~"); }
};

JournalFiles::JournalFiles(std::string folder)
    : folder_(std::move(folder)),
      roots_(RootsOf(folder_)),
      machine_(MachineId()),
      inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {}

JournalFiles::~JournalFiles() = default;

std::string JournalFiles::Cursor() const { return place_ ? place_->Cursor() : cursor_; }

Result<size_t> JournalFiles::Read(size_t lines_max, AddLine add) {
  FLEETMEDIC_RETURN_IF_ERROR(Look());
  size_t lines = 0;
  while (lines < lines_max) {
    OpenFile* const file = First();
    if (file == nullptr) break;
    lines += Give(file, add);
  }
  Close();
  return lines;
}

// The folders first: a new file is found before the rest of the one that it replaces is read.
Status JournalFiles::Look() {
  TakeEvents();
  for (const std::string& folder : missing_) scan_ = Watch(folder) || scan_;
  if (scan_ || blind_) FLEETMEDIC_RETURN_IF_ERROR(Scan());
  ready_.clear();
  for (const auto& [identity, file] : files_) {
    Status looked = file->file.Refresh();
    if (!looked && looked.error().code == Code::kUnsupported) {
      return Fail(Code::kUnsupported, file->path + ": " + looked.error().message);
    }
    Result<const JournalPlace*> next =
        looked ? file->file.Next() : tl::unexpected<Error>(looked.error());
    if (!next) {
      GiveUp(file.get(), next.error());
    } else if (*next != nullptr) {
      file->next = *next;
      ready_.push_back(file.get());
    }
  }
  return {};
}

void JournalFiles::TakeEvents() {
  alignas(inotify_event) char buffer[4096];
  for (int reads = 0; inotify_.ok() && reads < kEventReadsMax; ++reads) {
    const ssize_t bytes = ::read(inotify_.get(), buffer, sizeof buffer);
    if (bytes <= 0) return;
    for (size_t at = 0; at < static_cast<size_t>(bytes);) {
      inotify_event event{};
      std::memcpy(&event, buffer + at, sizeof event);
      if ((event.mask & ~uint32_t{IN_MODIFY}) != 0) scan_ = true;
      at += sizeof event + event.len;
    }
  }
}

bool JournalFiles::Watch(const std::string& folder) {
  return inotify_.ok() && ::inotify_add_watch(inotify_.get(), folder.c_str(),
                                              kFolderChanges | IN_MODIFY | IN_ONLYDIR) >= 0;
}

Status JournalFiles::Scan() {
  if (!started_) {
    if (folder_.empty()) FLEETMEDIC_RETURN_IF_ERROR(MayReadJournal());
    place_ = JournalPlace::FromCursor(cursor_);
    files_.clear();  // of a first scan that failed
  }
  blind_ = false;
  missing_.clear();
  Found found;
  for (size_t root = 0; root < roots_.size(); ++root) {
    FLEETMEDIC_RETURN_IF_ERROR(ScanRoot(root, &found));
  }
  if (found.open.empty() && found.done.empty() && !found.denied.empty()) {
    return Fail(Code::kPermissionDenied, "no permission (to read " + found.denied + ")");
  }
  for (const auto& [identity, file] : files_) file->gone = !found.open.contains(identity);
  done_ = std::move(found.done);
  if (!place_) place_ = found.newest;
  started_ = true;
  scan_ = false;
  return {};
}

Status JournalFiles::ScanRoot(size_t root, Found* found) {
  const std::string& folder = roots_[root];
  // Watched before it is listed: what comes in between is seen.
  bool watched = Watch(folder);
  Result<std::vector<std::string>> names = FsRoot().List(folder, kNamesMax);
  if (!names && names.error().code == Code::kNotFound && folder_.empty()) {
    missing_.insert(folder);
    return {};
  }
  for (size_t i = 0; names && i < names->size(); ++i) {
    const std::string& name = (*names)[i];
    // libsystemd takes those of other machines below /run alone.
    const bool wanted = IsMachineId(name) && (root != 0 || !folder_.empty() || name == machine_);
    if (!wanted) continue;
    const std::string below = folder + "/" + name;
    watched = Watch(below) && watched;
    const Result<std::vector<std::string>> inside = FsRoot().List(below, kNamesMax);
    if (inside) {
      FLEETMEDIC_RETURN_IF_ERROR(AddFiles(root, below, *inside, found));
    } else if (inside.error().code == Code::kPermissionDenied) {
      found->denied = below;
    } else if (inside.error().code == Code::kFull) {
      return Fail(Code::kUnsupported, inside.error().message);
    }
  }
  blind_ = blind_ || !watched;
  if (names) return AddFiles(root, folder, *names, found);
  const bool full = names.error().code == Code::kFull;
  return Fail(full ? Code::kUnsupported : names.error().code,
              "open the journal: " + names.error().message);
}

Status JournalFiles::AddFiles(size_t root, const std::string& folder,
                              const std::vector<std::string>& names, Found* found) {
  for (const std::string& name : names) {
    if (!IsJournalFile(name)) continue;
    if (++found->names > kNamesMax) {
      return Fail(Code::kUnsupported,
                  "more than " + std::to_string(kNamesMax) + " files of the journal");
    }
    FLEETMEDIC_RETURN_IF_ERROR(AddFile(root, folder + "/" + name, found));
  }
  return {};
}

Status JournalFiles::AddFile(size_t root, const std::string& path, Found* found) {
  Result<UniqueFd> fd = FsRoot().Open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!fd && fd.error().code == Code::kPermissionDenied) found->denied = path;
  if (!fd && (fd.error().code == Code::kPermissionDenied || fd.error().code == Code::kNotFound)) {
    return {};
  }
  if (!fd) return tl::unexpected<Error>(fd.error());
  struct stat info {};
  if (::fstat(fd->get(), &info) != 0) return FailErrno("stat " + path, errno);
  if (!S_ISREG(info.st_mode)) return {};
  const Identity identity(info.st_dev, info.st_ino);
  if (const auto open = files_.find(identity); open != files_.end()) {
    open->second->path = path;
    found->open.insert(identity);
    return {};
  }
  auto file = std::make_unique<OpenFile>(path, root, *std::move(fd));
  FLEETMEDIC_RETURN_IF_ERROR(Place(file.get(), found));
  // Told apart by what the file says: an inode is soon another file's.
  const JournalId& id = file->file.id();
  if (file->given_up || (file->Ended() && file->file.left() == 0)) {
    if (id != JournalId{}) found->done.insert(id);
    return {};
  }
  found->open.insert(identity);
  files_.emplace(identity, std::move(file));
  return {};
}

// To where reading is to begin.
Status JournalFiles::Place(OpenFile* file, Found* found) {
  Status placed = file->file.Refresh();
  if (file->file.id() != JournalId{} && done_.contains(file->file.id())) {
    file->given_up = true;
    return {};
  }
  if (!placed && placed.error().code == Code::kUnsupported) {
    if (!IsOld(file->file)) {
      return Fail(Code::kUnsupported, file->path + ": " + placed.error().message);
    }
    file->given_up = true;
    return {};
  }
  if (placed && place_) {
    placed = file->file.SeekAfter(*place_);
  } else if (placed && !started_) {
    const Result<std::optional<JournalPlace>> last = file->file.SeekEnd();
    if (!last) {
      placed = tl::unexpected<Error>(last.error());
    } else if (*last && (!found->newest || Order(**last, *found->newest) > 0)) {
      found->newest = *last;
    }
  }
  if (!placed) GiveUp(file, placed.error());
  return {};
}

bool JournalFiles::IsOld(const JournalFile& file) const {
  if (!file.archived()) return false;
  return place_ ? file.last_realtime() <= place_->realtime : !started_;
}

void JournalFiles::GiveUp(OpenFile* file, const Error& error) {
  file->given_up = true;
  file->next = nullptr;
  struct stat info {};
  if (::fstat(file->fd.get(), &info) == 0) {
    lost_ += std::min(file->file.left(), static_cast<uint64_t>(info.st_size) / kEntryBytesMin);
  }
  if (told_.size() >= kNamesMax) told_.clear();
  if (!told_.insert(file->path).second) return;
  LogWarning("a file of the journal cannot be read on",
             {{"path", file->path}, {"error", error.message}});
}

JournalFiles::OpenFile* JournalFiles::First() {
  while (!ready_.empty()) {
    OpenFile* first = ready_.front();
    for (OpenFile* const file : ready_) {
      if (Order(*file->next, *first->next) < 0) first = file;
    }
    if (!IsGiven(*first)) return first;
    Advance(first);
  }
  return nullptr;
}

// By another file: a copy, or what journald moved from /run to /var at boot, numbered anew.
bool JournalFiles::IsGiven(const OpenFile& file) const {
  if (!place_) return false;
  const std::weak_ordering order = Order(*file.next, *place_);
  const bool moved =
      place_root_ && *place_root_ != file.root && file.next->boot_id == place_->boot_id;
  return order == 0 || (moved && order < 0);
}

size_t JournalFiles::Give(OpenFile* file, AddLine add) {
  if (!file->file.ReadFields(&entry_) && entry_.message().empty()) ++lost_;
  const size_t lines = entry_.AddLines(add);
  file->used = true;
  place_ = *file->next;
  place_root_ = file->root;
  Advance(file);
  return std::max<size_t>(lines, 1);  // so that reads stay bounded
}

void JournalFiles::Advance(OpenFile* file) {
  file->file.Pass();
  const Result<const JournalPlace*> next = file->file.Next();
  file->next = next ? *next : nullptr;
  if (!next) GiveUp(file, next.error());
  if (file->next == nullptr) std::erase(ready_, file);
}

void JournalFiles::Close() {
  for (auto at = files_.begin(); at != files_.end();) {
    OpenFile& file = *at->second;
    lost_ += file.file.TakeBad();
    const bool at_end = file.file.left() == 0;
    // One that is written to is soon read again.
    if (at_end && !std::exchange(file.used, false)) file.file.Rest();
    if (!file.given_up && !(at_end && (file.gone || file.Ended()))) {
      ++at;
      continue;
    }
    if (file.file.id() != JournalId{}) done_.insert(file.file.id());
    at = files_.erase(at);
  }
}

}  // namespace fleetmedic

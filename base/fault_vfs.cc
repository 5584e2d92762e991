#include "base/fault_vfs.h"

#include <fcntl.h>

#include <algorithm>
#include <map>
#include <new>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <sqlite3.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/random.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace fleetmedic {
namespace {

constexpr int64_t kSectorBytes = 512;

// One write or truncation since the last sync, with what undoes it.
struct Change {
  int64_t offset = 0;
  std::string written;  // empty for a truncation to `offset`
  std::string covered;  // what stood from `offset` on
  int64_t file_bytes_before = 0;
};

struct Command {
  int64_t first = 0;  // counted as writes() and syncs() are
  int64_t times = 0;
  FaultVfs::Effect effect = FaultVfs::Effect::kIo;
};

void WriteAt(int fd, int64_t offset, std::string_view bytes) {
  FLEETMEDIC_CHECK(pwrite(fd, bytes.data(), bytes.size(), offset) ==
                   static_cast<ssize_t>(bytes.size()));
}

void Undo(int fd, const Change& change) {
  WriteAt(fd, change.offset, change.covered);
  FLEETMEDIC_CHECK(ftruncate(fd, change.file_bytes_before) == 0);
}

void RedoBySeed(int fd, const Change& change, Random* random) {
  const uint64_t fate = random->Below(3);
  if (fate == 0) return;
  if (change.written.empty()) {
    FLEETMEDIC_CHECK(ftruncate(fd, change.offset) == 0);
    return;
  }
  const auto size = static_cast<int64_t>(change.written.size());
  for (int64_t at = 0; at < size; at += kSectorBytes) {
    const bool kept = fate == 1 || random->Chance(0.5);
    const auto sector = std::string_view(change.written)
                            .substr(static_cast<size_t>(at), static_cast<size_t>(kSectorBytes));
    if (kept) WriteAt(fd, change.offset + at, sector);
  }
}

}  // namespace

// The state that all files of one FaultVfs share, and the sqlite3_vfs itself.
class FaultVfs::Disk {
 public:
  explicit Disk(uint64_t seed);
  ~Disk() {
    FLEETMEDIC_CHECK(open_files() == 0);
    sqlite3_vfs_unregister(&vfs);
  }

  const std::string& name() const { return name_; }
  void AtWrite(int64_t nth, Effect effect, int64_t times);
  void AtSync(int64_t nth, Effect effect, int64_t times);
  void Crash() {
    absl::MutexLock lock(&mutex_);
    CrashLocked();
  }
  void Heal();
  void Restart();
  bool crashed() const {
    absl::MutexLock lock(&mutex_);
    return crashed_;
  }
  int64_t writes() const {
    absl::MutexLock lock(&mutex_);
    return writes_;
  }
  int64_t syncs() const {
    absl::MutexLock lock(&mutex_);
    return syncs_;
  }
  int64_t open_files() const {
    absl::MutexLock lock(&mutex_);
    return open_files_;
  }
  void NoteOpen(int64_t difference) {
    absl::MutexLock lock(&mutex_);
    open_files_ += difference;
  }
  void Forget(const std::string& path) {
    absl::MutexLock lock(&mutex_);
    unsynced_.erase(path);
  }

  // The calls that faults can hit. `path` is empty for a temporary file: nothing of it survives.
  int Write(sqlite3_file* real, const std::string& path, const void* bytes, int size,
            int64_t offset);
  int Truncate(sqlite3_file* real, const std::string& path, int64_t size);
  int Sync(const std::string& path);

  sqlite3_vfs* const platform = sqlite3_vfs_find(nullptr);
  sqlite3_vfs vfs{};

 private:
  std::optional<Effect> Due(const std::optional<Command>& command, int64_t count) const;
  // Keeps what undoes a change of [offset, offset + size).
  int Remember(sqlite3_file* real, const std::string& path, int64_t offset, int64_t size,
               std::string written) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CrashLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  std::string name_;
  mutable absl::Mutex mutex_;
  Random random_ ABSL_GUARDED_BY(mutex_);
  bool crashed_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t open_files_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t writes_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t syncs_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<Command> at_write_ ABSL_GUARDED_BY(mutex_);
  std::optional<Command> at_sync_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::vector<Change>> unsynced_ ABSL_GUARDED_BY(mutex_);
};

namespace {

// What SQLite allocates for an open file; the platform's own file follows it in memory.
struct File {
  sqlite3_file base;
  FaultVfs::Disk* disk;
  std::string* path;
};

File* Self(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
sqlite3_file* Real(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<char*>(file) + sizeof(File));
}
const sqlite3_io_methods* Methods(sqlite3_file* file) { return Real(file)->pMethods; }
bool Off(sqlite3_file* file) { return Self(file)->disk->crashed(); }

// What gives resources back works after a crash too; everything else fails.
int Close(sqlite3_file* file) {
  const int code = Methods(file)->xClose(Real(file));
  Self(file)->disk->NoteOpen(-1);
  delete Self(file)->path;
  return code;
}
int Read(sqlite3_file* file, void* bytes, int size, sqlite3_int64 offset) {
  if (Off(file)) return SQLITE_IOERR_READ;
  return Methods(file)->xRead(Real(file), bytes, size, offset);
}
int Write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
  return Self(file)->disk->Write(Real(file), *Self(file)->path, bytes, size, offset);
}
int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  return Self(file)->disk->Truncate(Real(file), *Self(file)->path, size);
}
int Sync(sqlite3_file* file, int) { return Self(file)->disk->Sync(*Self(file)->path); }
int FileSize(sqlite3_file* file, sqlite3_int64* size) {
  if (Off(file)) return SQLITE_IOERR_FSTAT;
  return Methods(file)->xFileSize(Real(file), size);
}
int Lock(sqlite3_file* file, int level) {
  if (Off(file)) return SQLITE_IOERR_LOCK;
  return Methods(file)->xLock(Real(file), level);
}
int Unlock(sqlite3_file* file, int level) { return Methods(file)->xUnlock(Real(file), level); }
int CheckReservedLock(sqlite3_file* file, int* reserved) {
  if (Off(file)) return SQLITE_IOERR_CHECKRESERVEDLOCK;
  return Methods(file)->xCheckReservedLock(Real(file), reserved);
}
int FileControl(sqlite3_file* file, int operation, void* argument) {
  if (Off(file)) return SQLITE_NOTFOUND;
  return Methods(file)->xFileControl(Real(file), operation, argument);
}
int SectorSize(sqlite3_file*) { return static_cast<int>(kSectorBytes); }
// No promise (atomic, safe append) that the model above would break.
int DeviceCharacteristics(sqlite3_file*) { return 0; }
int ShmMap(sqlite3_file* file, int page, int page_bytes, int extend, void volatile** address) {
  if (Off(file)) return SQLITE_IOERR_SHMMAP;
  return Methods(file)->xShmMap(Real(file), page, page_bytes, extend, address);
}
int ShmLock(sqlite3_file* file, int offset, int count, int flags) {
  if (Off(file) && (flags & SQLITE_SHM_LOCK) != 0) return SQLITE_IOERR_SHMLOCK;
  return Methods(file)->xShmLock(Real(file), offset, count, flags);
}
void ShmBarrier(sqlite3_file* file) { Methods(file)->xShmBarrier(Real(file)); }
int ShmUnmap(sqlite3_file* file, int remove) {
  return Methods(file)->xShmUnmap(Real(file), Off(file) ? 0 : remove);
}

// In the order of sqlite3_io_methods, version 2: without memory-mapped files.
constexpr sqlite3_io_methods kMethods = {
    2,
    Close,
    Read,
    Write,
    Truncate,
    Sync,
    FileSize,
    Lock,
    Unlock,
    CheckReservedLock,
    FileControl,
    SectorSize,
    DeviceCharacteristics,
    ShmMap,
    ShmLock,
    ShmBarrier,
    ShmUnmap,
    nullptr,
    nullptr,
};

FaultVfs::Disk* DiskOf(sqlite3_vfs* vfs) { return static_cast<FaultVfs::Disk*>(vfs->pAppData); }

int Open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* flags_out) {
  FaultVfs::Disk* const disk = DiskOf(vfs);
  file->pMethods = nullptr;
  if (disk->crashed()) return SQLITE_CANTOPEN;
  Real(file)->pMethods = nullptr;
  const int code = disk->platform->xOpen(disk->platform, name, Real(file), flags, flags_out);
  if (code != SQLITE_OK) {
    // SQLite closes a file that has methods, and this one gets none.
    if (Real(file)->pMethods != nullptr) Real(file)->pMethods->xClose(Real(file));
    return code;
  }
  Self(file)->disk = disk;
  Self(file)->path = new std::string(name == nullptr ? "" : name);
  file->pMethods = &kMethods;
  disk->NoteOpen(1);
  return SQLITE_OK;
}
int Delete(sqlite3_vfs* vfs, const char* name, int sync_folder) {
  FaultVfs::Disk* const disk = DiskOf(vfs);
  if (disk->crashed()) return SQLITE_IOERR_DELETE;
  disk->Forget(name);
  return disk->platform->xDelete(disk->platform, name, sync_folder);
}
int Access(sqlite3_vfs* vfs, const char* name, int flags, int* answer) {
  FaultVfs::Disk* const disk = DiskOf(vfs);
  if (disk->crashed()) return SQLITE_IOERR_ACCESS;
  return disk->platform->xAccess(disk->platform, name, flags, answer);
}

}  // namespace

FaultVfs::Disk::Disk(uint64_t seed) : name_("fault-" + EntropyHex(8)), random_(seed) {
  FLEETMEDIC_CHECK(platform != nullptr);
  // Everything that is not a file (time, randomness, full names) stays the platform's: its
  // functions take the platform's vfs only to reach members that are copied here.
  vfs = *platform;
  vfs.pNext = nullptr;
  vfs.szOsFile = static_cast<int>(sizeof(File)) + platform->szOsFile;
  vfs.zName = name_.c_str();
  vfs.pAppData = this;
  vfs.xOpen = Open;
  vfs.xDelete = Delete;
  vfs.xAccess = Access;
  FLEETMEDIC_CHECK(sqlite3_vfs_register(&vfs, 0) == SQLITE_OK);
}

void FaultVfs::Disk::AtWrite(int64_t nth, Effect effect, int64_t times) {
  FLEETMEDIC_CHECK(nth >= 1 && times >= 1);
  absl::MutexLock lock(&mutex_);
  at_write_ = Command{writes_ + nth, times, effect};
}

void FaultVfs::Disk::AtSync(int64_t nth, Effect effect, int64_t times) {
  FLEETMEDIC_CHECK(nth >= 1 && times >= 1);
  absl::MutexLock lock(&mutex_);
  at_sync_ = Command{syncs_ + nth, times, effect};
}

void FaultVfs::Disk::Heal() {
  absl::MutexLock lock(&mutex_);
  at_write_.reset();
  at_sync_.reset();
}

void FaultVfs::Disk::Restart() {
  Heal();
  absl::MutexLock lock(&mutex_);
  FLEETMEDIC_CHECK(open_files_ == 0);
  crashed_ = false;
}

std::optional<FaultVfs::Effect> FaultVfs::Disk::Due(const std::optional<Command>& command,
                                                    int64_t count) const {
  if (!command || count < command->first) return std::nullopt;
  // Written so that `times` may be as large as it likes.
  if (count - command->first >= command->times) return std::nullopt;
  return command->effect;
}

int FaultVfs::Disk::Remember(sqlite3_file* real, const std::string& path, int64_t offset,
                             int64_t size, std::string written) {
  if (path.empty()) return SQLITE_OK;
  Change change{offset, std::move(written), "", 0};
  sqlite3_int64 bytes = 0;
  const int code = real->pMethods->xFileSize(real, &bytes);
  if (code != SQLITE_OK) return code;
  change.file_bytes_before = bytes;
  const int64_t covered = std::clamp<int64_t>(bytes - offset, 0, size);
  change.covered.resize(static_cast<size_t>(covered));
  if (covered > 0) {
    const int read =
        real->pMethods->xRead(real, change.covered.data(), static_cast<int>(covered), offset);
    if (read != SQLITE_OK) return read;
  }
  unsynced_[path].push_back(std::move(change));
  return SQLITE_OK;
}

int FaultVfs::Disk::Write(sqlite3_file* real, const std::string& path, const void* bytes, int size,
                          int64_t offset) {
  absl::MutexLock lock(&mutex_);
  if (crashed_) return SQLITE_IOERR_WRITE;
  const auto effect = Due(at_write_, ++writes_);
  if (effect == Effect::kFull) return SQLITE_FULL;
  if (effect == Effect::kIo) return SQLITE_IOERR_WRITE;
  const int written = effect == Effect::kShortWrite ? size / 2 : size;
  const int kept =
      Remember(real, path, offset, written,
               std::string(static_cast<const char*>(bytes), static_cast<size_t>(written)));
  if (kept != SQLITE_OK) return kept;
  const int code = real->pMethods->xWrite(real, bytes, written, offset);
  if (effect == Effect::kCrash) CrashLocked();
  return effect ? SQLITE_IOERR_WRITE : code;
}

int FaultVfs::Disk::Truncate(sqlite3_file* real, const std::string& path, int64_t size) {
  absl::MutexLock lock(&mutex_);
  if (crashed_) return SQLITE_IOERR_TRUNCATE;
  const int kept = Remember(real, path, size, int64_t{1} << 31, "");
  if (kept != SQLITE_OK) return kept;
  return real->pMethods->xTruncate(real, size);
}

int FaultVfs::Disk::Sync(const std::string& path) {
  absl::MutexLock lock(&mutex_);
  if (crashed_) return SQLITE_IOERR_FSYNC;
  const auto effect = Due(at_sync_, ++syncs_);
  if (effect == Effect::kCrash) CrashLocked();
  if (effect) return effect == Effect::kFull ? SQLITE_FULL : SQLITE_IOERR_FSYNC;
  // The machine under the test goes on: what is to survive here is what the model remembers.
  unsynced_.erase(path);
  return SQLITE_OK;
}

void FaultVfs::Disk::CrashLocked() {
  if (crashed_) return;
  crashed_ = true;
  for (const auto& [path, changes] : unsynced_) {
    const UniqueFd fd(open(path.c_str(), O_RDWR | O_CLOEXEC));
    FLEETMEDIC_CHECK(fd.ok());
    for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
      Undo(fd.get(), *change);
    }
    for (const Change& change : changes) RedoBySeed(fd.get(), change, &random_);
  }
  unsynced_.clear();
}

FaultVfs::FaultVfs(uint64_t seed) : disk_(std::make_unique<Disk>(seed)) {}
FaultVfs::~FaultVfs() = default;

const std::string& FaultVfs::name() const { return disk_->name(); }
void FaultVfs::AtWrite(int64_t nth, Effect effect, int64_t times) {
  disk_->AtWrite(nth, effect, times);
}
void FaultVfs::AtSync(int64_t nth, Effect effect, int64_t times) {
  disk_->AtSync(nth, effect, times);
}
void FaultVfs::Crash() { disk_->Crash(); }
void FaultVfs::Heal() { disk_->Heal(); }
void FaultVfs::Restart() { disk_->Restart(); }
bool FaultVfs::crashed() const { return disk_->crashed(); }
int64_t FaultVfs::writes() const { return disk_->writes(); }
int64_t FaultVfs::syncs() const { return disk_->syncs(); }

}  // namespace fleetmedic

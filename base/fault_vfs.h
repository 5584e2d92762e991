// A disk that fails on command, for tests of what is kept in SQLite: a VFS over the platform's.
// Link fleetmedic_base_testing; nothing that ships does.
#ifndef FLEETMEDIC_BASE_FAULT_VFS_H_
#define FLEETMEDIC_BASE_FAULT_VFS_H_

#include <cstdint>
#include <memory>
#include <string>

namespace fleetmedic {

// Registers itself with SQLite under name() and passes every call on to the platform's VFS until
// told otherwise. All databases opened through it must be closed before it ends.
//
//   FaultVfs disk(seed);
//   DatabaseOptions options;
//   options.vfs = disk.name();
//   ... Database::Open(path, options) ...
//   disk.AtSync(3, FaultVfs::Effect::kCrash);   // the third sync from now
//   ... errors; close every database ...
//   disk.Restart();
//   ... open again: what is there now? ...
//
// A crash is a power cut. From it on every call fails; what was synced before stays; of each write
// and truncation since a file's last sync the seed decides whether it is kept, lost, or (a write)
// torn: some of its 512-byte sectors kept, the others lost. The same seed and the same calls give
// the same disk. Not modelled: a lost creation or removal of a file, and memory-mapped writes,
// which SQLite does not make by default.
//
// Thread-safe. Files are told apart by name, so that several connections share one disk.
class FaultVfs {
 public:
  enum class Effect : uint8_t {
    kFull,        // SQLITE_FULL; nothing was written
    kIo,          // SQLITE_IOERR; nothing was written, or nothing was synced
    kShortWrite,  // the first half is written, then SQLITE_IOERR (a sync: as kIo)
    kCrash,       // the call is the last: a write may be kept, lost or torn like the others
  };

  explicit FaultVfs(uint64_t seed);
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;
  ~FaultVfs();

  // The name for DatabaseOptions::vfs.
  const std::string& name() const;

  // The nth write (or sync) from now has this effect, 1 being the next, and so have those after it
  // up to `times` in all. A later command for the same call replaces the earlier one.
  void AtWrite(int64_t nth, Effect effect, int64_t times = 1);
  void AtSync(int64_t nth, Effect effect, int64_t times = 1);
  // Power off, now.
  void Crash();
  // Forgets pending commands.
  void Heal();
  // Power on again after a crash; pending commands are forgotten. Requires that every database is
  // closed.
  void Restart();

  bool crashed() const;
  // Calls so far, the failed ones too: so that a test can fail each in turn.
  int64_t writes() const;
  int64_t syncs() const;

  class Disk;

 private:
  std::unique_ptr<Disk> disk_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_FAULT_VFS_H_

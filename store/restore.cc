#include "store/restore.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "base/file.h"
#include "base/file_stream.h"
#include "base/random.h"
#include "base/sqlite.h"
#include "base/text.h"
#include "base/use_lock.h"
#include "store/sqlite_store.h"
#include "store/store_limits.h"

namespace fleetmedic {
namespace {

constexpr std::string_view kEnding = ".db";
constexpr size_t kFolderEntriesMax = 10'000;
constexpr size_t kBatchRows = 1000;
constexpr size_t kBatchBytes = size_t{8} << 20;
constexpr Millis kLeaseTtl = Hours(24);

Status Rename(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) == 0) return {};
  return FailErrno("cannot rename " + Quote(from, 256) + " to " + Quote(to, 256), errno);
}

bool There(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

// What SQLite keeps beside a file. It would take what an older file left for the new one's.
constexpr std::string_view kBeside[] = {"-wal", "-journal", "-shm"};

bool AnyThere(const std::string& path) {
  return There(path) || std::ranges::any_of(kBeside, [&path](std::string_view suffix) {
           return There(path + std::string(suffix));
         });
}

// Fills one fresh store, batch by batch: nobody sees it before all of it is there.
class StoreFiller {
 public:
  static Result<std::unique_ptr<StoreFiller>> Make(const std::string& path, Epoch epoch,
                                                   const Clock& clock) {
    auto filler = std::make_unique<StoreFiller>();
    FLEETMEDIC_ASSIGN_OR_RETURN(filler->store_,
                                SqliteStore::Open(path, clock, {.epoch_min = epoch}));
    FLEETMEDIC_ASSIGN_OR_RETURN(filler->lease_, filler->store_->Acquire("restore", kLeaseTtl));
    return filler;
  }

  Status Row(Table table, std::string_view key, std::string_view value) {
    rows_.emplace_back(table, fleetmedic::Row{std::string(key), std::string(value)});
    bytes_ += key.size() + value.size();
    return FlushWhenFull();
  }
  Status Audit(const AuditEntry& entry) {
    entries_.push_back(entry);
    bytes_ += kAuditEntryBytesMax / 8;
    return FlushWhenFull();
  }
  Status Flush() {
    const auto write = [this](StoreTransaction& tx) -> Status {
      for (const auto& [table, row] : rows_) {
        FLEETMEDIC_RETURN_IF_ERROR(tx.Put(table, row.key, row.value));
      }
      // Sealed anew: the same content after the same entry has the same hash.
      for (const AuditEntry& entry : entries_) FLEETMEDIC_RETURN_IF_ERROR(tx.AppendAudit(entry));
      return {};
    };
    FLEETMEDIC_RETURN_IF_ERROR(store_->Commit(lease_.epoch, write));
    rows_.clear();
    entries_.clear();
    bytes_ = 0;
    return {};
  }
  // Requires Flush.
  Status Finish(const AuditTail& audit, const std::function<Status(StoreTransaction&)>& finish) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<AuditEntry> newest, store_->NewestAudit("", 1));
    const AuditTail tail = newest.empty() ? AuditTail() : AuditTail{newest[0].seq, newest[0].hash};
    if (tail != audit) return Fail(Code::kCorrupt, "the audit did not come out as it was");
    if (finish) FLEETMEDIC_RETURN_IF_ERROR(store_->Commit(lease_.epoch, finish));
    return store_->Release(lease_);
  }

 private:
  Status FlushWhenFull() {
    const bool full = rows_.size() + entries_.size() >= kBatchRows || bytes_ >= kBatchBytes;
    return full ? Flush() : Status();
  }

  std::unique_ptr<SqliteStore> store_;
  Lease lease_;
  std::vector<std::pair<Table, fleetmedic::Row>> rows_;
  std::vector<AuditEntry> entries_;
  size_t bytes_ = 0;
};

// Fills the chosen stores of a backup below a folder that is only for this.
class Filling final : public BackupVisitor {
 public:
  Filling(std::string folder, const std::vector<std::string>& names, const Clock& clock)
      : folder_(std::move(folder)), names_(names), clock_(clock) {}

  Status Begin(const BackupStore& store) override {
    FLEETMEDIC_RETURN_IF_ERROR(Close());
    if (std::ranges::find(names_, store.name) == names_.end()) return {};
    FLEETMEDIC_ASSIGN_OR_RETURN(
        now_, StoreFiller::Make(StorePath(folder_, store.name), store.epoch, clock_));
    fillers_.emplace_back(store.name, now_);
    return {};
  }
  Status Row(Table table, std::string_view key, std::string_view value) override {
    return now_ == nullptr ? Status() : now_->Row(table, key, value);
  }
  Status Audit(const AuditEntry& entry) override {
    return now_ == nullptr ? Status() : now_->Audit(entry);
  }
  // Ends with the stores closed, each in one file.
  Status Finish(const BackupManifest& manifest, const RestoreOptions& options) {
    FLEETMEDIC_RETURN_IF_ERROR(Close());
    for (auto& [name, filler] : fillers_) {
      const auto store = std::ranges::find(manifest.stores, name, &BackupStore::name);
      FLEETMEDIC_RETURN_IF_ERROR(filler->Finish(store->audit, [&](StoreTransaction& tx) -> Status {
        return options.finish ? options.finish(manifest, *store, tx) : Status();
      }));
      filler.reset();
      // Closing leaves the store in its one file; this says so where it did not.
      FLEETMEDIC_ASSIGN_OR_RETURN(Database whole, Database::Open(StorePath(folder_, name)));
      FLEETMEDIC_RETURN_IF_ERROR(whole.Checkpoint());
    }
    return {};
  }

 private:
  Status Close() {
    const std::shared_ptr<StoreFiller> last = std::exchange(now_, nullptr);
    return last == nullptr ? Status() : last->Flush();
  }

  const std::string folder_;
  const std::vector<std::string>& names_;
  const Clock& clock_;
  std::shared_ptr<StoreFiller> now_;
  std::vector<std::pair<std::string, std::shared_ptr<StoreFiller>>> fillers_;
};

// The new file takes the old one's name at one instant: a server that starts meanwhile finds the
// one or the other, and never none. What belonged to the old one is kept.
Status PutInPlace(const std::string& fresh, const std::string& path, const std::string& kept) {
  if (!AnyThere(path)) return Rename(fresh, path);
  const bool whole = There(path);
  // Brings what is in its write-ahead log into the file. A file that is too damaged for that is
  // kept with its log.
  if (whole) {
    if (Result<Database> old = Database::Open(path)) (void)old->Checkpoint();
  }
  const std::string copy = kept + path.substr(path.rfind('/'));
  for (const std::string_view each : kBeside) {
    const std::string suffix(each);
    if (There(path + suffix)) FLEETMEDIC_RETURN_IF_ERROR(Rename(path + suffix, copy + suffix));
  }
  if (whole && link(path.c_str(), copy.c_str()) != 0) {
    return FailErrno("cannot keep " + Quote(path, 256) + " as " + Quote(copy, 256), errno);
  }
  FLEETMEDIC_RETURN_IF_ERROR(SyncFolder(kept));
  return Rename(fresh, path);
}

Result<std::vector<std::string>> Chosen(const BackupManifest& manifest,
                                        const std::set<std::string>& only) {
  std::vector<std::string> names;
  for (const BackupStore& store : manifest.stores) {
    if (only.empty() || only.contains(store.name)) names.push_back(store.name);
  }
  for (const std::string& name : only) {
    if (std::ranges::find(names, name) != names.end()) continue;
    return Fail(Code::kNotFound, "the backup has no store " + Quote(name));
  }
  return names;
}

// "20260301T061502Z": a part of a folder's name.
std::string Stamp(WallTime time) {
  std::string stamp;
  for (const char c : FormatWallSecond(time)) {
    if (c != '-' && c != ':') stamp += c;
  }
  return stamp;
}

// For who has to know what stands where now.
std::string Interrupted(const RestoreReport& report, size_t placed) {
  std::string text = fmt::format("{} of {} stores are restored", placed, report.restored.size());
  if (!report.kept_in.empty()) {
    text += ", what was there before is in " + Quote(report.kept_in, 256);
  }
  return text + "; repeat it once this is mended";
}

}  // namespace

std::string StorePath(const std::string& folder, std::string_view name) {
  return fmt::format("{}/{}{}", folder, name, kEnding);
}

Result<std::vector<std::string>> StoresIn(const std::string& folder) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<std::string> entries,
                              FsRoot().List(folder, kFolderEntriesMax));
  std::vector<std::string> names;
  for (const std::string& entry : entries) {
    if (!entry.ends_with(kEnding)) continue;
    const std::string name = entry.substr(0, entry.size() - kEnding.size());
    if (name != "log" && ValidStoreName(name)) names.push_back(name);
  }
  if (names.size() > kBackupStoresMax) {
    return Fail(Code::kFull, fmt::format("{} has {} stores; a backup holds up to {}",
                                         Quote(folder, 256), names.size(), kBackupStoresMax));
  }
  return names;
}

Result<BackupManifest> BackUp(const std::string& folder, std::span<const std::string> names,
                              const std::string& file, const std::string& program,
                              const Clock& clock) {
  // It holds what the stores hold, and nobody else may read those.
  FLEETMEDIC_ASSIGN_OR_RETURN(NewFile out, NewFile::Create(file, 0600));
  BackupWriter writer([&out](std::string_view bytes) { return out.Write(bytes); }, program,
                      clock.Wall());
  for (const std::string& name : names) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const std::unique_ptr<SqliteStore> store,
                                SqliteStore::OpenSnapshot(StorePath(folder, name), clock));
    FLEETMEDIC_ASSIGN_OR_RETURN(const Lease lease, store->NewestLease());
    if (const Status added = writer.Add(name, *store, lease.epoch); !added) {
      return Fail("store " + name, added.error());
    }
  }
  FLEETMEDIC_RETURN_IF_ERROR(writer.Finish());
  FLEETMEDIC_RETURN_IF_ERROR(out.Finish());
  return writer.manifest();
}

Result<BackupManifest> VerifyBackup(const std::string& file, BackupVisitor* visitor) {
  FLEETMEDIC_ASSIGN_OR_RETURN(FileSource source, FileSource::Open(file));
  return ReadBackup([&source](std::span<char> into) { return source.Read(into); }, visitor);
}

Result<RestoreReport> Restore(const std::string& file, const RestoreOptions& options,
                              const Clock& clock) {
  RestoreReport report;
  FLEETMEDIC_ASSIGN_OR_RETURN(report.manifest, VerifyBackup(file));
  FLEETMEDIC_ASSIGN_OR_RETURN(report.restored, Chosen(report.manifest, options.only));
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(options.folder, 0700));
  std::vector<UseLock> locks;  // held to the end: nobody opens what is being replaced
  bool any_there = false;
  for (const std::string& name : report.restored) {
    const std::string path = StorePath(options.folder, name);
    Result<UseLock> lock = UseLock::Alone(path + std::string(kStoreUseSuffix));
    if (!lock && lock.error().code == Code::kBusy) {
      return Fail(Code::kBusy, Quote(path, 256) + " is in use: stop the server that runs on it");
    }
    if (!lock) return tl::unexpected<Error>(lock.error());
    locks.push_back(*std::move(lock));
    if (!AnyThere(path)) continue;
    any_there = true;
    if (options.replace) continue;
    return Fail(Code::kAlreadyExists,
                Quote(path, 256) +
                    (There(path) ? "" : "-wal or its like, of a file that is lost,") +
                    " is there: --replace keeps it aside and takes its place");
  }
  const std::string work = options.folder + "/restoring-" + EntropyHex(8);
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(work, 0700));
  const Status filled = [&]() -> Status {
    Filling filling(work, report.restored, clock);
    FLEETMEDIC_ASSIGN_OR_RETURN(const BackupManifest again, VerifyBackup(file, &filling));
    if (again != report.manifest) return Fail(Code::kConflict, "the backup changed meanwhile");
    FLEETMEDIC_RETURN_IF_ERROR(filling.Finish(again, options));
    if (any_there) {
      report.kept_in = fmt::format("{}/before-restore-{}", options.folder, Stamp(clock.Wall()));
      FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(report.kept_in, 0700));
    }
    for (size_t i = 0; i < report.restored.size(); ++i) {
      const std::string& name = report.restored[i];
      const Status placed =
          PutInPlace(StorePath(work, name), StorePath(options.folder, name), report.kept_in);
      if (!placed) return Fail(Interrupted(report, i), placed.error());
    }
    return SyncFolder(options.folder);
  }();
  (void)RemoveTree(work);
  if (!filled) return tl::unexpected<Error>(filled.error());
  return report;
}

}  // namespace fleetmedic

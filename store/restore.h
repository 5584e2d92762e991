// Putting the stores of a backup in place, as SQLite files.
#ifndef FLEETMEDIC_STORE_RESTORE_H_
#define FLEETMEDIC_STORE_RESTORE_H_

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "store/backup.h"

namespace fleetmedic {

// The stores of a folder by name, in order: every NAME.db but the event log's. kFull past
// kBackupStoresMax.
Result<std::vector<std::string>> StoresIn(const std::string& folder);
std::string StorePath(const std::string& folder, std::string_view name);

// Backs up these stores of the folder into a new file, beside whoever runs on them: of each as it
// is at one moment. kAlreadyExists where the file is there.
Result<BackupManifest> BackUp(const std::string& folder, std::span<const std::string> names,
                              const std::string& file, const std::string& program,
                              const Clock& clock);

// Reads the whole file and writes nothing.
Result<BackupManifest> VerifyBackup(const std::string& file, BackupVisitor* visitor = nullptr);

struct RestoreOptions {
  std::string folder;
  std::set<std::string> only;  // of the backup's stores; empty: all of them
  bool replace = false;        // stores that are there are kept aside
  // The last thing that is written to each store.
  std::function<Status(const BackupManifest&, const BackupStore&, StoreTransaction&)> finish;
};

struct RestoreReport {
  BackupManifest manifest;
  std::vector<std::string> restored;
  std::string kept_in;  // the folder with what was there before; empty where there was nothing
};

// All of it is verified before anything is put in place. The epoch of a restored store goes on from
// the backup's, and the hashes of its audit are those of the backup.
// Errors: kCorrupt, kUnsupported (the file); kBusy (a process has one of the stores open);
// kAlreadyExists (one is there, and not `replace`); kNotFound (the file, or a name of `only`).
Result<RestoreReport> Restore(const std::string& file, const RestoreOptions& options,
                              const Clock& clock);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STORE_RESTORE_H_

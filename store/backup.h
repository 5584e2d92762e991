// A backup: the rows and the audit of one or several stores in one file, as text that names what it
// is, so that another engine and a person can read it.
//
//   fleetmedic-backup 1
//   store remediator 2 17          the store's name, the schema's version, the lease's epoch
//   table hosts
//   row 5 812                      bytes of the key and of the value, which follow as they are
//   web-1{"state": ...}
//   ...
//   table audit                    the entries by seq, their chain of hashes verified
//   manifest 640                   a JSON object: what is above, counted and hashed
//   {"format": 1, ...}
//   sha256 9f3c...                 of everything above this line
//
// Of each store the rows are those of one moment; the stores of a backup are not of the same one.
#ifndef FLEETMEDIC_STORE_BACKUP_H_
#define FLEETMEDIC_STORE_BACKUP_H_

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/sha256.h"
#include "model/audit_chain.h"
#include "store/store.h"

namespace fleetmedic {

constexpr int64_t kBackupFormat = 1;
constexpr size_t kBackupStoresMax = 1000;

struct BackupSection {
  std::string table;  // "hosts", ..., "audit"
  uint64_t rows = 0;
  std::string sha256;

  bool operator==(const BackupSection&) const = default;
};

struct BackupStore {
  std::string name;  // ValidStoreName; its file is NAME.db
  int64_t schema = 0;
  Epoch epoch = 0;
  AuditTail audit;  // the end of its chain
  std::vector<BackupSection> sections;

  bool operator==(const BackupStore&) const = default;
};

struct BackupManifest {
  int64_t format = kBackupFormat;
  std::string program;  // the version that made it
  WallTime made_at = kWallNever;
  std::vector<BackupStore> stores;

  bool operator==(const BackupManifest&) const = default;
};

Json ToJson(const BackupManifest& manifest);
Result<BackupManifest> BackupManifestFromJson(const Json& json);

// 1 to 64 of a-z, 0-9 and "-", the first a letter.
bool ValidStoreName(std::string_view name);

// Owned by one thread. An error ends it: what was written so far is no backup.
class BackupWriter {
 public:
  using Sink = std::function<Status(std::string_view)>;
  BackupWriter(Sink sink, std::string program, WallTime made_at);

  // All of a store that does not change meanwhile. kCorrupt where its audit's chain is broken.
  Status Add(const std::string& name, const Store& store, Epoch epoch);
  Status Finish();

  const BackupManifest& manifest() const { return manifest_; }

 private:
  Status Put(std::string_view bytes);
  Status PutRow(std::string_view key, std::string_view value);
  Status AddTable(const Store& store, Table table);
  Status AddAudit(const Store& store);
  Status BeginSection(std::string_view table);
  void EndSection();

  const Sink sink_;
  BackupManifest manifest_;
  Sha256 whole_;
  Sha256 section_;
};

// What reading a backup meets, in order. An error ends the reading. Nothing may be trusted before
// ReadBackup has returned without an error.
class BackupVisitor {
 public:
  virtual ~BackupVisitor() = default;
  // `store` has no sections yet.
  virtual Status Begin(const BackupStore& store) = 0;
  virtual Status Row(Table table, std::string_view key, std::string_view value) = 0;
  virtual Status Audit(const AuditEntry& entry) = 0;
};

// How many of the next bytes were read; 0 at the end.
using BackupSource = absl::FunctionRef<Result<size_t>(std::span<char>)>;

// Reads all of it and checks everything: framing, limits, counts, hashes, the audit's chain.
// kCorrupt says at which byte; kUnsupported: a newer build made it. `visitor` may be null.
Result<BackupManifest> ReadBackup(BackupSource source, BackupVisitor* visitor);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STORE_BACKUP_H_

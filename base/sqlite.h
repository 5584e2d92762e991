// SQLite for files of our own: one connection, statements that are prepared once, transactions
// that roll back unless they were committed, errors that name the file and the statement.
//
// Threads: a Database and all made from it belong to one thread at a time. Several connections
// (threads or processes) may have one file open: many read while one writes.
#ifndef FLEETMEDIC_BASE_SQLITE_H_
#define FLEETMEDIC_BASE_SQLITE_H_

#include <concepts>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/time.h"

struct sqlite3_stmt;

namespace fleetmedic {

struct DatabaseOptions {
  enum class Synchronous : uint8_t {
    kFull,    // a committed transaction survives a power cut
    kNormal,  // it survives a crash of the process; a power cut may undo the last ones, in order
  };

  Synchronous synchronous = Synchronous::kFull;
  // How long a call waits for another connection's lock before it is kBusy.
  Millis busy_timeout{5000};
  // How much of the file is kept in memory, by each connection; what a transaction writes past it
  // goes to the file before its end.
  int64_t cache_kib_max = 2000;
  // The file must exist already, and nothing can be changed.
  bool read_only = false;
  // The newest schema (user_version) this build knows; a file with a newer one is not opened.
  int64_t user_version_max = std::numeric_limits<int32_t>::max();
  // The name of a registered VFS; empty is the platform's. For tests (base/fault_vfs.h).
  std::string vfs;
};

// Bytes to be bound as a BLOB; text is bound as TEXT.
struct SqlBlob {
  std::string_view bytes;
};

struct DatabaseConnection;

// A prepared statement in use, given back to its Database's cache at the end. Must not outlive it.
// Indexes of parameters count from 1, those of columns from 0, as in SQLite's own interface; one
// out of range, and a column read where there is no row, end the process.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  // Values are copied. What cannot be bound (a text over 1 GB) is told by the next Step.
  void Bind(int index, int64_t value);
  void Bind(int index, double value);
  void Bind(int index, std::string_view text);
  void Bind(int index, SqlBlob blob);
  void Bind(int index, std::nullptr_t);
  void Bind(int index, const std::string& text) { Bind(index, std::string_view(text)); }
  void Bind(int index, const char* text) { Bind(index, std::string_view(text)); }
  template <std::integral T>
  void Bind(int index, T value) {
    FLEETMEDIC_CHECK(std::in_range<int64_t>(value));
    Bind(index, static_cast<int64_t>(value));
  }
  void Bind(int index, bool value) { Bind(index, int64_t{value}); }
  template <typename T>
  void Bind(int index, const std::optional<T>& value) {
    if (value) {
      Bind(index, *value);
    } else {
      Bind(index, nullptr);
    }
  }
  // All parameters from the first on.
  template <typename... Values>
  void BindAll(const Values&... values) {
    int index = 0;
    (Bind(++index, values), ...);
  }

  // True: there is a row, read it by the column functions. False: done; the next Step starts over.
  // Errors: kBusy, kFull, kCorrupt, kIo, kPermissionDenied, kAlreadyExists (a unique key or a
  // primary key is there), kInvalidArgument (another constraint, or an SQL error).
  Result<bool> Step();
  // Steps to the end, past any rows.
  Status Run();

  // Views are valid until the next Step, Reset or the end of the statement. A NULL reads as 0
  // and as an empty text.
  int64_t Int(int column) const;
  double Double(int column) const;
  std::string_view Text(int column) const;
  std::string_view Blob(int column) const;
  bool IsNull(int column) const;

  // Ends a walk through rows early and forgets the bound values.
  void Reset();

 private:
  friend class Database;
  Statement(DatabaseConnection* connection, sqlite3_stmt* statement)
      : connection_(connection), statement_(statement) {}
  void NoteBind(int index, int code);
  int CheckedColumn(int column) const;

  DatabaseConnection* connection_;
  sqlite3_stmt* statement_;
  int bind_code_ = 0;
  bool has_row_ = false;
};

class Database {
 public:
  // Opens the file, made when it is missing and not read_only, in WAL mode with foreign keys on,
  // and reads back that these settings hold. ":memory:" is a private database in memory.
  // Two processes that make the file at once are in each other's way where SQLite itself does not
  // wait, while it turns the new file to WAL: so what is busy is tried again, for half a second
  // beyond busy_timeout.
  // Errors: kNotFound, kPermissionDenied, kCorrupt (not a database), kUnsupported (schema newer
  // than user_version_max), kBusy, kIo.
  static Result<Database> Open(const std::string& path, const DatabaseOptions& options = {});

  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  const std::string& path() const;

  // One statement. Its text is the key of the cache: values go in by Bind, never into the text.
  Result<Statement> Prepare(std::string_view sql);

  // Prepare, BindAll, Run.
  template <typename... Values>
  Status Run(std::string_view sql, const Values&... values) {
    FLEETMEDIC_ASSIGN_OR_RETURN(Statement statement, Prepare(sql));
    statement.BindAll(values...);
    return statement.Run();
  }

  // Any number of statements without parameters, for schemas; stops at the first error, what came
  // before it stands (so run it inside a Transaction).
  Status RunScript(const std::string& sql);

  // A function of one text for SQL on this connection; it must depend on that text alone.
  Status AddFunction(const char* name, int64_t (*of)(std::string_view text));

  // How many rows the last insert, update or delete touched, and the last row id it inserted.
  int64_t ChangedRows() const;
  int64_t LastInsertId() const;

  // The version of the schema, kept in the file's header. Setting it is part of a transaction.
  Result<int64_t> UserVersion();
  Status SetUserVersion(int64_t version);

  // Moves what the write-ahead log holds into the file and empties it. kBusy when a reader is in
  // the way; what could be moved is moved.
  Status Checkpoint();

 private:
  friend class Transaction;
  explicit Database(std::unique_ptr<DatabaseConnection> connection);
  static Result<Database> OpenOnce(const std::string& path, const DatabaseOptions& options);

  std::unique_ptr<DatabaseConnection> connection_;
};

// One transaction, rolled back at the end unless it was committed. Transactions do not nest: a
// second Begin on the same Database is kInvalidArgument.
class Transaction {
 public:
  // Takes the write lock at once (BEGIN IMMEDIATE), so that no later statement can find it taken.
  static Result<Transaction> Begin(Database* database);
  // One unchanging view of the file for several reads.
  static Result<Transaction> BeginRead(Database* database);

  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  // After an error nothing of it is to be seen, with one ambiguity that no file system can spare
  // us: when a write or sync failed (kIo, kFull) and the machine stops before the next commit, the
  // transaction may be found done. Repeats must be harmless.
  Status Commit();

 private:
  explicit Transaction(Database* database) : database_(database) {}
  static Result<Transaction> Start(Database* database, std::string_view sql);
  void Rollback();

  Database* database_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_SQLITE_H_

#include "base/sqlite.h"

#include <poll.h>

#include <cerrno>
#include <map>

#include <fmt/format.h>
#include <sqlite3.h>

#include "base/text.h"

namespace fleetmedic {

struct DatabaseConnection {
  DatabaseConnection() = default;
  DatabaseConnection(const DatabaseConnection&) = delete;
  DatabaseConnection& operator=(const DatabaseConnection&) = delete;
  ~DatabaseConnection() {
    FLEETMEDIC_CHECK(statements_in_use == 0);
    for (const auto& [sql, statement] : idle) sqlite3_finalize(statement);
    FLEETMEDIC_CHECK(sqlite3_close(handle) == SQLITE_OK);
  }

  std::string path;
  sqlite3* handle = nullptr;
  std::map<std::string, sqlite3_stmt*, std::less<>> idle;
  int statements_in_use = 0;
};

namespace {

constexpr size_t kStatementsIdleMax = 128;
constexpr size_t kStatementCharsShownMax = 100;
// The write-ahead log is cut to this size when it starts over after a burst.
constexpr int64_t kWalKeptBytesMax = int64_t{64} << 20;

Code CodeOfConstraint(int extended) {
  const bool taken = extended == SQLITE_CONSTRAINT_UNIQUE ||
                     extended == SQLITE_CONSTRAINT_PRIMARYKEY ||
                     extended == SQLITE_CONSTRAINT_ROWID;
  return taken ? Code::kAlreadyExists : Code::kInvalidArgument;
}

Code CodeOfOpen(int error_number) {
  if (error_number == EACCES || error_number == EPERM || error_number == EROFS) {
    return Code::kPermissionDenied;
  }
  return Code::kNotFound;
}

// https://www.sqlite.org/rescode.html
Code CodeOf(int extended, int error_number) {
  switch (extended & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return Code::kBusy;
    case SQLITE_FULL:
    case SQLITE_TOOBIG:
      return Code::kFull;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Code::kCorrupt;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return Code::kPermissionDenied;
    case SQLITE_CANTOPEN:
      return CodeOfOpen(error_number);
    case SQLITE_CONSTRAINT:
      return CodeOfConstraint(extended);
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
      return Code::kInvalidArgument;
    case SQLITE_IOERR:
      if (extended == SQLITE_IOERR_CORRUPTFS) return Code::kCorrupt;
      return error_number == ENOSPC || error_number == EDQUOT ? Code::kFull : Code::kIo;
    default:
      return Code::kIo;
  }
}

tl::unexpected<Error> FailSql(const DatabaseConnection& connection, std::string_view what,
                              int code) {
  FLEETMEDIC_CHECK((code & 0xff) != SQLITE_MISUSE);
  // The connection knows more than the code, when the code is still its last one.
  const bool last = sqlite3_extended_errcode(connection.handle) == code;
  const int error_number = last ? sqlite3_system_errno(connection.handle) : 0;
  const char* message = last ? sqlite3_errmsg(connection.handle) : sqlite3_errstr(code);
  return Fail(CodeOf(code, error_number),
              fmt::format("database {}: {}: {} (SQLite code {})", Quote(connection.path, 256), what,
                          message, code));
}

std::string Shown(std::string_view sql) { return Quote(Trim(sql), kStatementCharsShownMax); }

Result<sqlite3_stmt*> PrepareNew(const DatabaseConnection& connection, std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const char* rest = nullptr;
  const int code = sqlite3_prepare_v3(connection.handle, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, &rest);
  if (code != SQLITE_OK) return FailSql(connection, Shown(sql), code);
  const std::string_view second = sql.substr(static_cast<size_t>(rest - sql.data()));
  FLEETMEDIC_CHECK(statement != nullptr && Trim(second).empty());
  return statement;
}

// Sets a pragma and checks that it took: SQLite ignores one that it cannot obey.
Status SetPragma(Database* database, std::string_view pragma, std::string_view wanted,
                 std::string_view also_fine = {}) {
  FLEETMEDIC_RETURN_IF_ERROR(database->RunScript(fmt::format("PRAGMA {} = {}", pragma, wanted)));
  FLEETMEDIC_ASSIGN_OR_RETURN(Statement statement,
                              database->Prepare(fmt::format("PRAGMA {}", pragma)));
  FLEETMEDIC_ASSIGN_OR_RETURN(const bool row, statement.Step());
  const std::string value = row ? std::string(statement.Text(0)) : "";
  if (value == wanted || (!also_fine.empty() && value == also_fine)) return {};
  return Fail(Code::kUnsupported,
              fmt::format("database {}: PRAGMA {} is {}, not {}: is the file on a file system "
                          "without shared memory or locks?",
                          Quote(database->path(), 256), pragma, Quote(value), wanted));
}

Status Configure(Database* database, const DatabaseOptions& options) {
  if (!options.read_only) {
    FLEETMEDIC_RETURN_IF_ERROR(SetPragma(database, "journal_mode", "wal", "memory"));
    FLEETMEDIC_RETURN_IF_ERROR(
        SetPragma(database, "journal_size_limit", std::to_string(kWalKeptBytesMax)));
  }
  const bool full = options.synchronous == DatabaseOptions::Synchronous::kFull;
  FLEETMEDIC_RETURN_IF_ERROR(SetPragma(database, "synchronous", full ? "2" : "1"));
  FLEETMEDIC_RETURN_IF_ERROR(
      SetPragma(database, "cache_size", std::to_string(-options.cache_kib_max)));
  FLEETMEDIC_RETURN_IF_ERROR(SetPragma(database, "foreign_keys", "1"));
  FLEETMEDIC_RETURN_IF_ERROR(SetPragma(database, "trusted_schema", "0"));
  FLEETMEDIC_ASSIGN_OR_RETURN(const int64_t version, database->UserVersion());
  if (version <= options.user_version_max) return {};
  return Fail(Code::kUnsupported,
              fmt::format("database {} has schema version {} and this build knows those up to {}: "
                          "run the newer build, or restore the backup made before the upgrade",
                          Quote(database->path(), 256), version, options.user_version_max));
}

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_),
      statement_(std::exchange(other.statement_, nullptr)),
      bind_code_(other.bind_code_),
      has_row_(other.has_row_) {}

Statement::~Statement() {
  if (statement_ == nullptr) return;
  Reset();
  --connection_->statements_in_use;
  const std::string_view sql = sqlite3_sql(statement_);
  const bool kept = connection_->idle.size() < kStatementsIdleMax &&
                    connection_->idle.try_emplace(std::string(sql), statement_).second;
  if (!kept) sqlite3_finalize(statement_);
}

void Statement::NoteBind(int index, int code) {
  FLEETMEDIC_CHECK(index >= 1 && index <= sqlite3_bind_parameter_count(statement_));
  FLEETMEDIC_CHECK(code != SQLITE_MISUSE);  // bound in the middle of a walk through rows
  if (bind_code_ == SQLITE_OK) bind_code_ = code;
}

void Statement::Bind(int index, int64_t value) {
  NoteBind(index, sqlite3_bind_int64(statement_, index, value));
}

void Statement::Bind(int index, double value) {
  NoteBind(index, sqlite3_bind_double(statement_, index, value));
}

void Statement::Bind(int index, std::string_view text) {
  // A null pointer would bind NULL: an empty text is a text.
  const char* data = text.empty() ? "" : text.data();
  NoteBind(index, sqlite3_bind_text64(statement_, index, data, text.size(), SQLITE_TRANSIENT,
                                      SQLITE_UTF8));
}

void Statement::Bind(int index, SqlBlob blob) {
  const char* data = blob.bytes.empty() ? "" : blob.bytes.data();
  NoteBind(index,
           sqlite3_bind_blob64(statement_, index, data, blob.bytes.size(), SQLITE_TRANSIENT));
}

void Statement::Bind(int index, std::nullptr_t) {
  NoteBind(index, sqlite3_bind_null(statement_, index));
}

Result<bool> Statement::Step() {
  has_row_ = false;
  const int code = bind_code_ == SQLITE_OK ? sqlite3_step(statement_) : bind_code_;
  if (code == SQLITE_ROW) {
    has_row_ = true;
    return true;
  }
  if (code == SQLITE_DONE) {
    sqlite3_reset(statement_);
    return false;
  }
  const auto error = FailSql(*connection_, Shown(sqlite3_sql(statement_)), code);
  sqlite3_reset(statement_);
  return error;
}

Status Statement::Run() {
  while (true) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const bool row, Step());
    if (!row) return {};
  }
}

int Statement::CheckedColumn(int column) const {
  FLEETMEDIC_CHECK(has_row_ && column >= 0 && column < sqlite3_column_count(statement_));
  return column;
}

int64_t Statement::Int(int column) const {
  return sqlite3_column_int64(statement_, CheckedColumn(column));
}

double Statement::Double(int column) const {
  return sqlite3_column_double(statement_, CheckedColumn(column));
}

std::string_view Statement::Text(int column) const {
  const unsigned char* text = sqlite3_column_text(statement_, CheckedColumn(column));
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text),
          static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

std::string_view Statement::Blob(int column) const {
  const void* blob = sqlite3_column_blob(statement_, CheckedColumn(column));
  if (blob == nullptr) return {};
  return {static_cast<const char*>(blob),
          static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_, CheckedColumn(column)) == SQLITE_NULL;
}

void Statement::Reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  bind_code_ = SQLITE_OK;
  has_row_ = false;
}

Result<Database> Database::Open(const std::string& path, const DatabaseOptions& options) {
  constexpr int kAttemptsMax = 100;
  constexpr int kPauseMillis = 5;
  for (int attempt = 1;; ++attempt) {
    Result<Database> database = OpenOnce(path, options);
    const bool busy = !database && database.error().code == Code::kBusy;
    if (!busy || attempt == kAttemptsMax) return database;
    (void)poll(nullptr, 0, kPauseMillis);
  }
}

Result<Database> Database::OpenOnce(const std::string& path, const DatabaseOptions& options) {
  auto connection = std::make_unique<DatabaseConnection>();
  connection->path = path;
  const int mode =
      options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int code = sqlite3_open_v2(path.c_str(), &connection->handle,
                                   mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                                   options.vfs.empty() ? nullptr : options.vfs.c_str());
  FLEETMEDIC_CHECK(connection->handle != nullptr);  // only out of memory
  if (code != SQLITE_OK) return FailSql(*connection, "open", code);
  sqlite3_busy_timeout(connection->handle, static_cast<int>(options.busy_timeout.count()));
  Database database(std::move(connection));
  FLEETMEDIC_RETURN_IF_ERROR(Configure(&database, options));
  return database;
}

Database::Database(std::unique_ptr<DatabaseConnection> connection)
    : connection_(std::move(connection)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

const std::string& Database::path() const { return connection_->path; }

Result<Statement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (const auto idle = connection_->idle.find(sql); idle != connection_->idle.end()) {
    statement = idle->second;
    connection_->idle.erase(idle);
  } else {
    FLEETMEDIC_ASSIGN_OR_RETURN(statement, PrepareNew(*connection_, sql));
  }
  ++connection_->statements_in_use;
  return Statement(connection_.get(), statement);
}

Status Database::RunScript(const std::string& sql) {
  const int code = sqlite3_exec(connection_->handle, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return FailSql(*connection_, Shown(sql), code);
  return {};
}

Status Database::AddFunction(const char* name, int64_t (*of)(std::string_view text)) {
  const auto call = [](sqlite3_context* context, int, sqlite3_value** arguments) {
    const auto* function = static_cast<int64_t (**)(std::string_view)>(sqlite3_user_data(context));
    const unsigned char* text = sqlite3_value_text(arguments[0]);
    const auto size = static_cast<size_t>(sqlite3_value_bytes(arguments[0]));
    const auto* data = reinterpret_cast<const char*>(text);
    sqlite3_result_int64(context, (*function)(text == nullptr ? "" : std::string_view(data, size)));
  };
  using Function = int64_t (*)(std::string_view);
  const int code = sqlite3_create_function_v2(
      connection_->handle, name, 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
      new Function(of), call, nullptr, nullptr,
      [](void* function) { delete static_cast<Function*>(function); });
  if (code != SQLITE_OK) return FailSql(*connection_, Shown(name), code);
  return {};
}

int64_t Database::ChangedRows() const { return sqlite3_changes64(connection_->handle); }

int64_t Database::LastInsertId() const { return sqlite3_last_insert_rowid(connection_->handle); }

Result<int64_t> Database::UserVersion() {
  FLEETMEDIC_ASSIGN_OR_RETURN(Statement statement, Prepare("PRAGMA user_version"));
  FLEETMEDIC_ASSIGN_OR_RETURN(const bool row, statement.Step());
  FLEETMEDIC_CHECK(row);
  return statement.Int(0);
}

Status Database::SetUserVersion(int64_t version) {
  FLEETMEDIC_CHECK(version >= 0 && std::in_range<int32_t>(version));
  return RunScript(fmt::format("PRAGMA user_version = {}", version));
}

Status Database::Checkpoint() {
  const int code = sqlite3_wal_checkpoint_v2(connection_->handle, nullptr,
                                             SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  if (code != SQLITE_OK) return FailSql(*connection_, "checkpoint", code);
  return {};
}

Result<Transaction> Transaction::Start(Database* database, std::string_view sql) {
  FLEETMEDIC_RETURN_IF_ERROR(database->Run(sql));
  return Transaction(database);
}

Result<Transaction> Transaction::Begin(Database* database) {
  return Start(database, "BEGIN IMMEDIATE");
}

Result<Transaction> Transaction::BeginRead(Database* database) {
  return Start(database, "BEGIN DEFERRED");
}

Transaction::~Transaction() { Rollback(); }

Status Transaction::Commit() {
  FLEETMEDIC_CHECK(database_ != nullptr);
  const Status committed = database_->Run("COMMIT");
  if (!committed) Rollback();
  database_ = nullptr;
  return committed;
}

void Transaction::Rollback() {
  // Some errors (full, I/O) have rolled it back already.
  if (database_ == nullptr) return;
  sqlite3* const handle = database_->connection_->handle;
  if (sqlite3_get_autocommit(handle) == 0) {
    // By exec, not by the cache: it must work when nothing else does. What it cannot undo in the
    // file, SQLite undoes at the next open.
    (void)sqlite3_exec(handle, "ROLLBACK", nullptr, nullptr, nullptr);
  }
  database_ = nullptr;
}

}  // namespace fleetmedic

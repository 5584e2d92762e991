#include "eventlog/sqlite_log_file.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "eventlog/append_limits.h"
#include "eventlog/partition_of.h"
#include "eventlog/sqlite_event_log.h"

namespace fleetmedic {
namespace {

constexpr int64_t kSchemaVersion = 3;  // 2: fleetmedic.evidence, 3: partitions
// About what SQLite keeps for a row besides its texts.
constexpr int64_t kRowOverheadBytes = 40;

// A topic's table has the topic's name, so that a person with any SQLite client finds it. `value`
// is last: what only looks at the columns before it never reads its pages.
constexpr char kTopicTable[] = R"(
CREATE TABLE IF NOT EXISTS "{0}" (
  offset INTEGER PRIMARY KEY,
  appended_us INTEGER NOT NULL,      -- by the log's clock, microseconds since 1970
  time_us INTEGER NOT NULL,          -- by the writer's
  bytes INTEGER NOT NULL,            -- what the row counts against the limits
  key TEXT NOT NULL,
  headers BLOB NOT NULL,             -- netstrings: name, value, name, value ...
  value BLOB NOT NULL
);
INSERT OR IGNORE INTO topics VALUES ('{0}', 0, 0);
)";

constexpr char kCommonTables[] = R"(
CREATE TABLE IF NOT EXISTS topics (
  name TEXT NOT NULL PRIMARY KEY,
  head INTEGER NOT NULL,             -- the offset that the next record gets
  bytes INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS groups (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  topic TEXT NOT NULL,
  name TEXT NOT NULL,
  next INTEGER,                      -- NULL: nothing committed so far
  UNIQUE (topic, name)
);
CREATE TABLE IF NOT EXISTS settings (
  name TEXT NOT NULL PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID;
)";

// A schema that stands already is left as it is, and one of an earlier version gets the tables of
// the topics that it lacks; two processes may come here at once. Readers keep their places by
// partition, so the number of partitions is for ever.
Status MakeSchema(Database* database, int32_t partitions) {
  FLEETMEDIC_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(database));
  FLEETMEDIC_ASSIGN_OR_RETURN(const int64_t version, database->UserVersion());
  if (version == kSchemaVersion) return {};
  FLEETMEDIC_RETURN_IF_ERROR(database->RunScript(kCommonTables));
  FLEETMEDIC_RETURN_IF_ERROR(database->Run(
      "INSERT OR IGNORE INTO settings VALUES ('partitions', ?)", version == 0 ? partitions : 1));
  for (const auto& [topic, name] : kTopics) {
    FLEETMEDIC_RETURN_IF_ERROR(database->RunScript(fmt::format(kTopicTable, name)));
    if (!IsCompacted(topic)) continue;
    FLEETMEDIC_RETURN_IF_ERROR(database->RunScript(
        fmt::format(R"(CREATE UNIQUE INDEX IF NOT EXISTS "{0}.newest" ON "{0}" (key))", name)));
  }
  FLEETMEDIC_RETURN_IF_ERROR(database->SetUserVersion(kSchemaVersion));
  return transaction.Commit();
}

void AppendNetstring(std::string_view text, std::string* out) {
  *out += fmt::format("{}:", text.size());
  *out += text;
  *out += ',';
}

std::string EncodeHeaders(const Record& record) {
  std::string out;
  for (const auto& [name, value] : record.headers) {
    AppendNetstring(name, &out);
    AppendNetstring(value, &out);
  }
  return out;
}

// Takes one netstring off the front.
std::optional<std::string_view> TakeNetstring(std::string_view* in) {
  size_t size = 0;
  const auto [end, error] = std::from_chars(in->data(), in->data() + in->size(), size);
  if (error != std::errc()) return std::nullopt;
  in->remove_prefix(static_cast<size_t>(end - in->data()));
  if (in->size() < 2 || size > in->size() - 2 || in->front() != ':' || (*in)[size + 1] != ',') {
    return std::nullopt;
  }
  const std::string_view text = in->substr(1, size);
  in->remove_prefix(size + 2);
  return text;
}

Status DecodeHeaders(std::string_view encoded, Record* record) {
  while (!encoded.empty()) {
    const auto name = TakeNetstring(&encoded);
    const auto value = name ? TakeNetstring(&encoded) : std::nullopt;
    if (!value) return Fail(Code::kCorrupt, "its headers cannot be read");
    record->headers.emplace_back(*name, *value);
  }
  return {};
}

int64_t MicrosOf(WallTime time) { return time.time_since_epoch().count(); }
WallTime WallOf(int64_t micros) { return WallTime(Micros(micros)); }

template <typename... More>
std::string Sql(std::string_view pattern, Topic topic, const More&... more) {
  return fmt::format(fmt::runtime(pattern), TopicName(topic), more...);
}

// The first column of the only row.
Result<int64_t> OnlyInt(Statement statement) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (!row) return Fail(Code::kCorrupt, "the event log lacks a row that it always has");
  return statement.Int(0);
}

}  // namespace

Result<SqliteLogFile> SqliteLogFile::Open(const std::string& path, const DatabaseOptions& options,
                                          int32_t partitions) {
  DatabaseOptions with_version = options;
  with_version.user_version_max = kSchemaVersion;
  FLEETMEDIC_ASSIGN_OR_RETURN(Database database, Database::Open(path, with_version));
  FLEETMEDIC_ASSIGN_OR_RETURN(const int64_t version, database.UserVersion());
  if (version != kSchemaVersion) FLEETMEDIC_RETURN_IF_ERROR(MakeSchema(&database, partitions));
  FLEETMEDIC_RETURN_IF_ERROR(database.AddFunction("key_hash", &KeyHash));
  int64_t has = 0;
  {
    FLEETMEDIC_ASSIGN_OR_RETURN(
        Statement select, database.Prepare("SELECT value FROM settings WHERE name = 'partitions'"));
    FLEETMEDIC_ASSIGN_OR_RETURN(has, OnlyInt(std::move(select)));
  }
  if (has < 1 || has > SqliteEventLogOptions::kPartitionsMax) {
    return Fail(Code::kCorrupt, fmt::format("event log {}: {} partitions", path, has));
  }
  return SqliteLogFile(std::move(database), static_cast<int32_t>(has));
}

int64_t SqliteLogFile::CountedBytes(const Record& record) {
  return static_cast<int64_t>(BytesOf(record)) + kRowOverheadBytes;
}

Result<int64_t> SqliteLogFile::EraseOlder(Topic topic, std::string_view key) {
  FLEETMEDIC_ASSIGN_OR_RETURN(
      Statement erase,
      database_.Prepare(Sql(R"(DELETE FROM "{}" WHERE key = ? RETURNING bytes)", topic)));
  erase.BindAll(key);
  FLEETMEDIC_ASSIGN_OR_RETURN(const bool found, erase.Step());
  if (!found) return 0;
  const int64_t bytes = erase.Int(0);
  FLEETMEDIC_RETURN_IF_ERROR(erase.Run());
  return bytes;
}

Result<int64_t> SqliteLogFile::Insert(Topic topic, std::span<const Record> records, WallTime now) {
  FLEETMEDIC_ASSIGN_OR_RETURN(int64_t head, Head(topic));
  FLEETMEDIC_ASSIGN_OR_RETURN(
      Statement insert,
      database_.Prepare(Sql(R"(INSERT INTO "{}" VALUES (?, ?, ?, ?, ?, ?, ?))", topic)));
  int64_t added_bytes = 0;
  for (const Record& record : records) {
    if (IsCompacted(topic)) {
      FLEETMEDIC_ASSIGN_OR_RETURN(const int64_t erased, EraseOlder(topic, record.key));
      added_bytes -= erased;
    }
    const int64_t bytes = CountedBytes(record);
    const WallTime time = record.timestamp == kWallNever ? now : record.timestamp;
    const std::string headers = EncodeHeaders(record);
    insert.BindAll(head++, MicrosOf(now), MicrosOf(time), bytes, record.key, SqlBlob{headers},
                   SqlBlob{record.value});
    FLEETMEDIC_RETURN_IF_ERROR(insert.Run());
    added_bytes += bytes;
  }
  FLEETMEDIC_RETURN_IF_ERROR(
      database_.Run("UPDATE topics SET head = ?, bytes = bytes + ? WHERE name = ?", head,
                    added_bytes, TopicName(topic)));
  return head;
}

Result<int64_t> SqliteLogFile::Trim(Topic topic, int64_t until, int64_t bytes_max, WallTime cutoff,
                                    int64_t rows_max) {
  if (IsCompacted(topic)) return 0;
  FLEETMEDIC_ASSIGN_OR_RETURN(Statement total,
                              database_.Prepare("SELECT bytes FROM topics WHERE name = ?"));
  total.BindAll(TopicName(topic));
  FLEETMEDIC_ASSIGN_OR_RETURN(const int64_t bytes, OnlyInt(std::move(total)));
  int64_t erased_bytes = 0;
  int64_t erased = 0;
  int64_t keep_from = 0;
  {
    FLEETMEDIC_ASSIGN_OR_RETURN(
        Statement oldest,
        database_.Prepare(Sql(R"(SELECT offset, bytes, appended_us FROM "{}" WHERE offset < ?
                                 ORDER BY offset LIMIT ?)",
                              topic)));
    oldest.BindAll(until, rows_max);
    while (true) {
      FLEETMEDIC_ASSIGN_OR_RETURN(const bool found, oldest.Step());
      if (!found) break;
      const bool over = bytes - erased_bytes > bytes_max || oldest.Int(2) < MicrosOf(cutoff);
      if (!over) break;
      keep_from = oldest.Int(0) + 1;
      erased_bytes += oldest.Int(1);
      ++erased;
    }
  }
  if (erased == 0) return 0;
  FLEETMEDIC_RETURN_IF_ERROR(
      database_.Run(Sql(R"(DELETE FROM "{}" WHERE offset < ?)", topic), keep_from));
  FLEETMEDIC_RETURN_IF_ERROR(database_.Run("UPDATE topics SET bytes = bytes - ? WHERE name = ?",
                                           erased_bytes, TopicName(topic)));
  return erased;
}

Status SqliteLogFile::SetGroupOffset(int64_t group_id, int64_t offset) {
  // Never back: a reader that was slow to end must not undo what its successor did.
  return database_.Run("UPDATE groups SET next = max(ifnull(next, 0), ?) WHERE id = ?", offset,
                       group_id);
}

Result<std::vector<int64_t>> SqliteLogFile::GroupIds(Topic topic, std::string_view group) {
  std::vector<int64_t> ids;
  for (int32_t partition = 0; partition < partitions_; ++partition) {
    const std::string name =
        partition == 0 ? std::string(group) : fmt::format("{}/{}", group, partition);
    FLEETMEDIC_ASSIGN_OR_RETURN(const int64_t id, GroupId(topic, name));
    ids.push_back(id);
  }
  return ids;
}

Result<int64_t> SqliteLogFile::GroupId(Topic topic, std::string_view name) {
  constexpr std::string_view kSelect = "SELECT id FROM groups WHERE topic = ? AND name = ?";
  {
    FLEETMEDIC_ASSIGN_OR_RETURN(Statement select, database_.Prepare(kSelect));
    select.BindAll(TopicName(topic), name);
    FLEETMEDIC_ASSIGN_OR_RETURN(const bool found, select.Step());
    if (found) return select.Int(0);
  }
  FLEETMEDIC_RETURN_IF_ERROR(
      database_.Run("INSERT INTO groups (topic, name) VALUES (?, ?) ON CONFLICT DO NOTHING",
                    TopicName(topic), name));
  FLEETMEDIC_ASSIGN_OR_RETURN(Statement select, database_.Prepare(kSelect));
  select.BindAll(TopicName(topic), name);
  return OnlyInt(std::move(select));
}

Result<int64_t> SqliteLogFile::Head(Topic topic) {
  FLEETMEDIC_ASSIGN_OR_RETURN(Statement select,
                              database_.Prepare("SELECT head FROM topics WHERE name = ?"));
  select.BindAll(TopicName(topic));
  return OnlyInt(std::move(select));
}

Result<std::map<Topic, int64_t>> SqliteLogFile::Heads() {
  FLEETMEDIC_ASSIGN_OR_RETURN(Statement select, database_.Prepare("SELECT name, head FROM topics"));
  std::map<Topic, int64_t> heads;
  while (true) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const bool found, select.Step());
    if (!found) return heads;
    if (const auto topic = ParseTopic(select.Text(0))) heads[*topic] = select.Int(1);
  }
}

Result<int64_t> SqliteLogFile::BytesOfAll() {
  FLEETMEDIC_ASSIGN_OR_RETURN(Statement select, database_.Prepare("SELECT sum(bytes) FROM topics"));
  return OnlyInt(std::move(select));
}

Result<std::optional<int64_t>> SqliteLogFile::GroupOffset(int64_t group_id) {
  FLEETMEDIC_ASSIGN_OR_RETURN(Statement select,
                              database_.Prepare("SELECT next FROM groups WHERE id = ?"));
  select.BindAll(group_id);
  FLEETMEDIC_ASSIGN_OR_RETURN(const bool found, select.Step());
  if (!found || select.IsNull(0)) return std::nullopt;
  return select.Int(0);
}

Result<SqliteLogFile::Slice> SqliteLogFile::Read(Topic topic, std::span<const int32_t> partitions,
                                                 int64_t from, size_t records_max,
                                                 size_t bytes_max) {
  // Read before the records: all that stand before it are to be seen.
  FLEETMEDIC_ASSIGN_OR_RETURN(const int64_t head, Head(topic));
  // The condition on the key comes before the value in a row, so values of others are not read.
  FLEETMEDIC_ASSIGN_OR_RETURN(
      Statement select,
      database_.Prepare(Sql(R"(SELECT offset, time_us, key, headers, value FROM "{}"
                               WHERE offset >= ? AND offset < ? AND {}
                               ORDER BY offset LIMIT ?)",
                            topic, InPartitions(partitions))));
  constexpr size_t kRecordsMax = size_t{std::numeric_limits<int32_t>::max()};
  const size_t rows_max = std::min(records_max, kRecordsMax);
  select.BindAll(from, head, rows_max);
  Slice slice;
  size_t bytes = 0;
  while (bytes < bytes_max) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const bool found, select.Step());
    if (!found) break;
    LogRecord& read = slice.records.emplace_back();
    read.offset = select.Int(0);
    read.record.timestamp = WallOf(select.Int(1));
    read.record.key = select.Text(2);
    read.record.value = select.Blob(4);
    read.partition = PartitionOf(read.record.key, partitions_);
    if (const Status decoded = DecodeHeaders(select.Blob(3), &read.record); !decoded) {
      return Fail(fmt::format("record {} of {}", read.offset, TopicName(topic)), decoded.error());
    }
    bytes += BytesOf(read.record);
  }
  slice.at_head = bytes < bytes_max && slice.records.size() < rows_max;
  slice.next = slice.at_head ? std::max(from, head) : slice.records.back().offset + 1;
  return slice;
}

Result<Reader::Lag> SqliteLogFile::Behind(Topic topic, std::span<const int32_t> partitions,
                                          int64_t from) {
  // One statement: one view of the file.
  FLEETMEDIC_ASSIGN_OR_RETURN(
      Statement select,
      database_.Prepare(Sql(R"(SELECT (SELECT head FROM topics WHERE name = '{0}') - offset,
                                      time_us FROM "{0}"
                               WHERE offset >= ? AND {1} ORDER BY offset LIMIT 1)",
                            topic, InPartitions(partitions))));
  select.BindAll(from);
  FLEETMEDIC_ASSIGN_OR_RETURN(const bool found, select.Step());
  if (!found) return Reader::Lag{};
  return Reader::Lag{select.Int(0), WallOf(select.Int(1))};
}

std::string SqliteLogFile::InPartitions(std::span<const int32_t> partitions) const {
  if (partitions.size() == static_cast<size_t>(partitions_)) return "1";
  return fmt::format("key_hash(key) % {} IN ({})", partitions_, fmt::join(partitions, ", "));
}

}  // namespace fleetmedic

// One connection to the file of a SqliteEventLog, and all the SQL about it.
#ifndef FLEETMEDIC_EVENTLOG_SQLITE_LOG_FILE_H_
#define FLEETMEDIC_EVENTLOG_SQLITE_LOG_FILE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/sqlite.h"
#include "eventlog/event_log.h"

namespace fleetmedic {

// Belongs to one thread at a time. Offsets count per topic from 0 and are never used twice: the
// head is a row of its own, so it stays when retention takes the last record.
class SqliteLogFile {
 public:
  // Makes the file and its schema where there is none, with so many partitions for each topic; a
  // file that is there keeps the number that it was made with.
  static Result<SqliteLogFile> Open(const std::string& path, const DatabaseOptions& options,
                                    int32_t partitions = 1);

  int32_t partitions() const { return partitions_; }

  // For transactions around the calls below.
  Database* database() { return &database_; }

  // The calls that write belong inside a Transaction.

  // What a record is counted as in bytes_max and bytes: key, value, headers and a row's overhead.
  static int64_t CountedBytes(const Record& record);
  // Puts the records at the head; of a compacted topic it takes away those that they replace.
  // Returns the new head.
  Result<int64_t> Insert(Topic topic, std::span<const Record> records, WallTime now);
  // Takes away, oldest first, at most rows_max records before offset `until` that were appended
  // before `cutoff` or that make the topic larger than bytes_max. Returns how many. Nothing for
  // compacted topics.
  Result<int64_t> Trim(Topic topic, int64_t until, int64_t bytes_max, WallTime cutoff,
                       int64_t rows_max);
  Status SetGroupOffset(int64_t group_id, int64_t offset);
  // The numbers of a group, one for each partition, which never change; makes the group where it is
  // new.
  Result<std::vector<int64_t>> GroupIds(Topic topic, std::string_view group);

  // The offset after the newest record.
  Result<int64_t> Head(Topic topic);
  Result<std::map<Topic, int64_t>> Heads();
  // The counted bytes of all topics.
  Result<int64_t> BytesOfAll();
  // Where readers of a group go on; nothing while none has committed.
  Result<std::optional<int64_t>> GroupOffset(int64_t group_id);
  // What one look at the topic found.
  struct Slice {
    std::vector<LogRecord> records;
    int64_t next = 0;      // all of these partitions before it was looked at
    bool at_head = false;  // nothing was left out for a limit
  };
  // Records of these partitions with offset >= from in order: at most records_max, and no more
  // after bytes_max.
  Result<Slice> Read(Topic topic, std::span<const int32_t> partitions, int64_t from,
                     size_t records_max, size_t bytes_max);
  // Offsets are the topic's: the count includes what lies between of other partitions.
  Result<Reader::Lag> Behind(Topic topic, std::span<const int32_t> partitions, int64_t from);

 private:
  SqliteLogFile(Database database, int32_t partitions)
      : database_(std::move(database)), partitions_(partitions) {}
  Result<int64_t> GroupId(Topic topic, std::string_view name);
  // As a condition of SQL; one for each set, so that statements are prepared once.
  std::string InPartitions(std::span<const int32_t> partitions) const;
  // Takes away the older record of a key; returns its counted bytes.
  Result<int64_t> EraseOlder(Topic topic, std::string_view key);

  Database database_;
  int32_t partitions_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_EVENTLOG_SQLITE_LOG_FILE_H_

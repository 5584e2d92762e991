// The readers of a SqliteEventLog, each with a connection of its own. Every read is one statement,
// so no reader holds back the checkpoint of the write-ahead log.
#ifndef FLEETMEDIC_EVENTLOG_SQLITE_LOG_READER_H_
#define FLEETMEDIC_EVENTLOG_SQLITE_LOG_READER_H_

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "eventlog/sqlite_group_claim.h"
#include "eventlog/sqlite_log_file.h"

namespace fleetmedic {

// One Poll ends after the record that passes this.
constexpr size_t kPollBytesMax = size_t{16} << 20;

// Where a reader goes on, by partition.
using PartitionOffsets = std::map<int32_t, int64_t>;

// For OpenAt and OpenPartition.
class SqliteOwnReader final : public Reader {
 public:
  SqliteOwnReader(SqliteLogFile file, Topic topic, PartitionOffsets next)
      : file_(std::move(file)), topic_(topic), next_(std::move(next)) {}

  Result<std::vector<LogRecord>> Poll(size_t records_max) override;
  Status Commit() override;
  std::vector<Position> Positions() const override;
  Result<Lag> Behind() const override;

 private:
  // Mutable as a file descriptor would be: to read changes the cache of statements.
  mutable SqliteLogFile file_;
  const Topic topic_;
  PartitionOffsets next_;
};

// For Open. It has the partitions that its claim holds, and none while others have them all.
class SqliteGroupReader final : public Reader {
 public:
  // How a commit is written, by the log's only writer: the offset of each group's number.
  using CommitOffsets = std::function<Status(const std::map<int64_t, int64_t>& offsets)>;

  // `ids` are the numbers of the group for each partition.
  SqliteGroupReader(SqliteLogFile file, Topic topic, std::vector<int64_t> ids, GroupClaim claim,
                    CommitOffsets commit)
      : file_(std::move(file)),
        topic_(topic),
        ids_(std::move(ids)),
        commit_(std::move(commit)),
        claim_(std::move(claim)) {}

  // Takes what is free of its share, from the group's last commits on, and gives up what is more
  // than its share and was not read since the last commit.
  Status Claim();

  Result<std::vector<LogRecord>> Poll(size_t records_max) override;
  Status Commit() override;
  std::vector<Position> Positions() const override;
  Result<Lag> Behind() const override;

 private:
  struct Held {
    int64_t committed = 0;
    bool read = false;  // records of it were handed out since the last commit
  };

  int64_t IdOf(int32_t partition) const { return ids_[static_cast<size_t>(partition)]; }

  mutable SqliteLogFile file_;
  const Topic topic_;
  const std::vector<int64_t> ids_;
  const CommitOffsets commit_;
  GroupClaim claim_;
  PartitionOffsets next_;
  std::map<int32_t, Held> held_;  // the same partitions
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_EVENTLOG_SQLITE_LOG_READER_H_

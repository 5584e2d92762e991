// The event log in one SQLite file, for all roles and all processes of one machine.
#ifndef FLEETMEDIC_EVENTLOG_SQLITE_EVENT_LOG_H_
#define FLEETMEDIC_EVENTLOG_SQLITE_EVENT_LOG_H_

#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "eventlog/event_log.h"

namespace fleetmedic {

// What a topic keeps. The newest append is kept whatever its size. Compacted topics keep the
// newest record of each key instead, and nothing else.
struct TopicRetention {
  int64_t bytes_max = int64_t{256} << 20;
  // Counted from the append, by the log's clock.
  Millis age_max = Hours{7 * 24};
};

struct SqliteEventLogOptions {
  enum class Synchronous : uint8_t {
    kFull,    // an acknowledged append survives a power cut
    kNormal,  // it survives a crash of the process; a power cut may undo the newest, in order
  };

  Synchronous synchronous = Synchronous::kFull;
  // Of all topics together; an append that would pass it is kFull. Where the file itself may grow
  // to a little more (its indexes, and a write-ahead log of some MB).
  int64_t bytes_max = int64_t{4} << 30;
  TopicRetention retention;
  // For topics that are to differ; logs keep 1 GiB and a day unless they are named here.
  std::map<Topic, TopicRetention> retention_by_topic = {
      {Topic::kLogs, {.bytes_max = int64_t{1} << 30, .age_max = Hours{24}}}};
  // How long an append waits for one of another process before it is kBusy.
  Millis busy_timeout{2'000};
  // Of each topic, in a file that is made; a file that is there keeps those that it has. Among so
  // many readers of one group can its records be divided.
  int32_t partitions = 1;
  static constexpr int32_t kPartitionsMax = 64;
  // The name of a registered VFS; empty is the platform's. For tests (base/fault_vfs.h).
  std::string vfs;
};

// Since the log was opened, by this process; for metrics.
struct SqliteEventLogStats {
  int64_t appends = 0;  // calls that succeeded
  int64_t records_appended = 0;
  int64_t transactions = 0;  // fewer than appends where threads shared one
  int64_t appends_failed = 0;
  int64_t appends_over_quota = 0;  // of those, refused by bytes_max
  int64_t records_trimmed = 0;     // by retention
};

// Thread-safe. Appends of several threads that come while one is being written go to the disk
// together, with one sync. One disk is one order: offsets count over all partitions of a topic, and
// a partition is those records of it whose keys fall to it.
//
// Several processes may open the same file. The readers of a group share the partitions evenly as
// they come and go; of one partition one of them has it, and the others wait as spares and take
// over, by Poll, when the holder ends or dies. Never put the file on a network file
// system. Beside the file stand FILE-wal and FILE-shm (SQLite's), FILE-bell (wakes other
// processes) and FILE-groups (locks); none of the last two holds anything to be kept.
//
// Retention runs within appends, in bounded slices: a topic that nobody writes to is trimmed as
// others are written to.
class SqliteEventLog final : public EventLog {
 public:
  using Options = SqliteEventLogOptions;
  using Stats = SqliteEventLogStats;

  // Makes the file where there is none. The clock is not owned and stays as long as the log.
  // Errors: kNotFound (no such folder), kPermissionDenied, kCorrupt, kUnsupported (a schema that a
  // newer build made), kBusy, kFull, kIo.
  static Result<std::unique_ptr<SqliteEventLog>> Open(const std::string& path, const Clock& clock,
                                                      const Options& options = {});
  // Those of the file.
  int32_t partitions() const;
  SqliteEventLog(const SqliteEventLog&) = delete;
  SqliteEventLog& operator=(const SqliteEventLog&) = delete;
  ~SqliteEventLog() override;

  Status Append(Topic topic, std::span<const Record> records) override;
  Result<std::unique_ptr<Reader>> Open(Topic topic, std::string_view group) override;
  Result<std::unique_ptr<Reader>> OpenAt(Topic topic, std::span<const Position> positions) override;
  Result<std::unique_ptr<Reader>> OpenPartition(Topic topic, Position from) override;
  // The first subscription starts a thread that waits for appends of other processes.
  std::unique_ptr<Subscription> Subscribe(std::span<const Topic> topics,
                                          std::function<void()> wake) override;

  // One slice of retention for every topic. True when there is more to do.
  Result<bool> Trim();

  Stats stats() const;

 private:
  class State;
  explicit SqliteEventLog(std::unique_ptr<State> state);

  const std::unique_ptr<State> state_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_EVENTLOG_SQLITE_EVENT_LOG_H_

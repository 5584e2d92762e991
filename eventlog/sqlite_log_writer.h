// The writing side of a SqliteEventLog: many threads, one connection, one sync for all that wait.
#ifndef FLEETMEDIC_EVENTLOG_SQLITE_LOG_WRITER_H_
#define FLEETMEDIC_EVENTLOG_SQLITE_LOG_WRITER_H_

#include <deque>
#include <functional>
#include <map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "eventlog/sqlite_event_log.h"
#include "eventlog/sqlite_log_file.h"

namespace fleetmedic {

// Thread-safe. Calls queue; the first in the queue leads: it writes what all of them want in one
// transaction while those that come meanwhile queue behind it.
class SqliteLogWriter {
 public:
  // `appended` is called on the leader's thread, without a lock, after each transaction that
  // brought records: the new head of each topic that got some.
  using Appended = std::function<void(const std::map<Topic, int64_t>& heads)>;

  SqliteLogWriter(SqliteLogFile file, const Clock& clock, const SqliteEventLogOptions& options,
                  Appended appended);

  // The records are checked already and stay until it returns.
  Status Append(Topic topic, std::span<const Record> records);
  // By the numbers of groups (GroupIds).
  Status CommitOffsets(const std::map<int64_t, int64_t>& offsets);
  Result<std::vector<int64_t>> GroupIds(Topic topic, std::string_view group);
  // See SqliteEventLog.
  Result<bool> Trim();
  SqliteEventLogStats stats() const;

 private:
  // What one call waits for.
  struct Waiting {
    // An append, or else the commit of a group.
    std::optional<Topic> topic;
    std::span<const Record> records;
    std::map<int64_t, int64_t> offsets;

    int64_t bytes = 0;
    bool over_quota = false;
    bool done = false;
    Status status;
  };
  using Group = std::vector<Waiting*>;

  // Queues, leads or waits, and returns what came of it.
  Status Write(Waiting* waiting);
  // Waits until somebody has done it or it is the first. The calls that it then leads, itself the
  // first of them; empty when it is done.
  Group WaitToLead(Waiting* waiting);
  void Finish(const Group& group, const Status& status);
  // One transaction for all of them; sets over_quota and `heads`.
  Status WriteGroup(const Group& group, std::map<Topic, int64_t>* heads)
      ABSL_LOCKS_EXCLUDED(file_mutex_);
  Status ApplyAppend(Waiting* waiting, std::map<Topic, int64_t>* heads)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(file_mutex_);
  // One slice for each topic written to and for one more in turn.
  Status TrimAfter(const Group& group) ABSL_EXCLUSIVE_LOCKS_REQUIRED(file_mutex_);
  // True when the slice was used up: there may be more to take away.
  Result<bool> TrimTopic(Topic topic, int64_t until, int64_t rows_max)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(file_mutex_);

  const Clock& clock_;
  const SqliteEventLogOptions options_;
  const Appended appended_;

  absl::Mutex file_mutex_;
  SqliteLogFile file_ ABSL_GUARDED_BY(file_mutex_);
  size_t next_trimmed_ ABSL_GUARDED_BY(file_mutex_) = 0;

  mutable absl::Mutex queue_mutex_;
  std::deque<Waiting*> queue_ ABSL_GUARDED_BY(queue_mutex_);
  SqliteEventLogStats stats_ ABSL_GUARDED_BY(queue_mutex_);
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_EVENTLOG_SQLITE_LOG_WRITER_H_

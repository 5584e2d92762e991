// The readers of a SqliteEventLog, each with a connection of its own. Every read is one statement,
// so no reader holds back the checkpoint of the write-ahead log.
#ifndef FLEETMEDIC_EVENTLOG_SQLITE_LOG_READER_H_
#define FLEETMEDIC_EVENTLOG_SQLITE_LOG_READER_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "eventlog/sqlite_log_file.h"

namespace fleetmedic {

// One Poll ends after the record that passes this.
constexpr size_t kPollBytesMax = size_t{16} << 20;

// The right to read for a group, given to one reader at a time over all processes: a lock on one
// byte of a file. The kernel takes it back when the process ends, however it ends, so nothing has
// to be renewed or to run out.
class GroupClaim {
 public:
  // `path` is the file of locks, made where there is none; `group_id` is the byte.
  static Result<GroupClaim> Open(const std::string& path, int64_t group_id);
  GroupClaim(GroupClaim&&) noexcept = default;

  // True when this one has it, from now on until its end. Does not wait.
  Result<bool> Try();
  bool held() const { return held_; }

 private:
  GroupClaim(UniqueFd fd, int64_t group_id) : fd_(std::move(fd)), group_id_(group_id) {}

  UniqueFd fd_;  // closed at the end, and the lock with it
  int64_t group_id_;
  bool held_ = false;
};

// For OpenAt.
class SqliteOwnReader final : public Reader {
 public:
  SqliteOwnReader(SqliteLogFile file, Topic topic, int64_t next)
      : file_(std::move(file)), topic_(topic), next_(next) {}

  Result<std::vector<LogRecord>> Poll(size_t records_max) override;
  Status Commit() override;
  std::vector<Position> Positions() const override { return {{0, next_}}; }
  Result<Lag> Behind() const override { return file_.Behind(topic_, next_); }

 private:
  // Mutable as a file descriptor would be: to read changes the cache of statements.
  mutable SqliteLogFile file_;
  const Topic topic_;
  int64_t next_;
};

// For Open. While another reader of the group has the claim it has no partition.
class SqliteGroupReader final : public Reader {
 public:
  // How a commit is written, by the log's only writer.
  using CommitOffset = std::function<Status(int64_t group_id, int64_t offset)>;

  SqliteGroupReader(SqliteLogFile file, Topic topic, int64_t group_id, GroupClaim claim,
                    CommitOffset commit)
      : file_(std::move(file)),
        topic_(topic),
        group_id_(group_id),
        commit_(std::move(commit)),
        claim_(std::move(claim)) {}

  // Takes the claim when it is free, and starts at the group's last commit.
  Result<bool> Claim();

  Result<std::vector<LogRecord>> Poll(size_t records_max) override;
  Status Commit() override;
  std::vector<Position> Positions() const override;
  Result<Lag> Behind() const override;

 private:
  mutable SqliteLogFile file_;
  const Topic topic_;
  const int64_t group_id_;
  const CommitOffset commit_;
  GroupClaim claim_;
  std::optional<int64_t> next_;  // set while the claim is held
  int64_t committed_ = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_EVENTLOG_SQLITE_LOG_READER_H_

#include "eventlog/sqlite_log_writer.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace fleetmedic {
namespace {

// What one leader writes at once.
constexpr int64_t kGroupBytesMax = static_cast<int64_t>(kAppendBytesMax);
constexpr size_t kGroupCallsMax = 256;
// A slice of retention: at least this many rows, and twice what was just written, so that it
// always gains on the writers.
constexpr int64_t kTrimRowsMin = 64;
// A slice that is asked for by itself.
constexpr int64_t kTrimRowsAlone = 1'000;

}  // namespace

SqliteLogWriter::SqliteLogWriter(SqliteLogFile file, const Clock& clock,
                                 const SqliteEventLogOptions& options, Appended appended)
    : clock_(clock), options_(options), appended_(std::move(appended)), file_(std::move(file)) {}

Status SqliteLogWriter::Append(Topic topic, std::span<const Record> records) {
  Waiting waiting;
  waiting.topic = topic;
  waiting.records = records;
  for (const Record& record : records) waiting.bytes += SqliteLogFile::CountedBytes(record);
  return Write(&waiting);
}

Status SqliteLogWriter::CommitOffsets(const std::map<int64_t, int64_t>& offsets) {
  Waiting waiting;
  waiting.offsets = offsets;
  return Write(&waiting);
}

Result<std::vector<int64_t>> SqliteLogWriter::GroupIds(Topic topic, std::string_view group) {
  absl::MutexLock lock(&file_mutex_);
  FLEETMEDIC_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(file_.database()));
  FLEETMEDIC_ASSIGN_OR_RETURN(std::vector<int64_t> ids, file_.GroupIds(topic, group));
  FLEETMEDIC_RETURN_IF_ERROR(transaction.Commit());
  return ids;
}

SqliteEventLogStats SqliteLogWriter::stats() const {
  absl::MutexLock lock(&queue_mutex_);
  return stats_;
}

Status SqliteLogWriter::Write(Waiting* waiting) {
  const Group group = WaitToLead(waiting);
  if (group.empty()) return waiting->status;
  std::map<Topic, int64_t> heads;
  const Status status = WriteGroup(group, &heads);
  Finish(group, status);
  // After Finish, so that the next leader writes while the readers wake.
  if (status && !heads.empty()) appended_(heads);
  return waiting->status;
}

SqliteLogWriter::Group SqliteLogWriter::WaitToLead(Waiting* waiting) {
  absl::MutexLock lock(&queue_mutex_);
  queue_.push_back(waiting);
  const auto mine = [this, waiting] {
    queue_mutex_.AssertHeld();
    return waiting->done || queue_.front() == waiting;
  };
  queue_mutex_.Await(absl::Condition(&mine));
  if (waiting->done) return {};
  Group group;
  int64_t bytes = 0;
  for (Waiting* next : queue_) {
    bytes += next->bytes;
    if (!group.empty() && (bytes > kGroupBytesMax || group.size() >= kGroupCallsMax)) break;
    group.push_back(next);
  }
  return group;
}

void SqliteLogWriter::Finish(const Group& group, const Status& status) {
  absl::MutexLock lock(&queue_mutex_);
  ++stats_.transactions;
  for (Waiting* waiting : group) {
    FLEETMEDIC_CHECK(queue_.front() == waiting);
    queue_.pop_front();
    waiting->status = status;
    if (status && waiting->over_quota) {
      waiting->status = Fail(
          Code::kFull, fmt::format("append to {}: the event log holds its {} bytes; retention or a "
                                   "larger quota makes room",
                                   TopicName(*waiting->topic), options_.bytes_max));
      ++stats_.appends_over_quota;
    }
    if (waiting->topic && waiting->status) {
      ++stats_.appends;
      stats_.records_appended += static_cast<int64_t>(waiting->records.size());
    } else if (waiting->topic) {
      ++stats_.appends_failed;
    }
    // Last: from here on its thread may go and take it along.
    waiting->done = true;
  }
}

Status SqliteLogWriter::WriteGroup(const Group& group, std::map<Topic, int64_t>* heads) {
  absl::MutexLock lock(&file_mutex_);
  FLEETMEDIC_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(file_.database()));
  FLEETMEDIC_RETURN_IF_ERROR(TrimAfter(group));
  for (Waiting* waiting : group) {
    if (waiting->topic) {
      FLEETMEDIC_RETURN_IF_ERROR(ApplyAppend(waiting, heads));
    }
    for (const auto& [group_id, offset] : waiting->offsets) {
      FLEETMEDIC_RETURN_IF_ERROR(file_.SetGroupOffset(group_id, offset));
    }
  }
  return transaction.Commit();
}

Status SqliteLogWriter::ApplyAppend(Waiting* waiting, std::map<Topic, int64_t>* heads) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const int64_t bytes, file_.BytesOfAll());
  waiting->over_quota = bytes + waiting->bytes > options_.bytes_max;
  if (waiting->over_quota) return {};
  FLEETMEDIC_ASSIGN_OR_RETURN((*heads)[*waiting->topic],
                              file_.Insert(*waiting->topic, waiting->records, clock_.Wall()));
  return {};
}

Status SqliteLogWriter::TrimAfter(const Group& group) {
  std::map<Topic, int64_t> rows;
  for (const Waiting* waiting : group) {
    if (waiting->topic) rows[*waiting->topic] += static_cast<int64_t>(waiting->records.size());
  }
  if (rows.empty()) return {};
  rows.try_emplace(kTopics[next_trimmed_++ % kTopics.size()].first, 0);
  for (const auto& [topic, added] : rows) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const int64_t head, file_.Head(topic));
    FLEETMEDIC_RETURN_IF_ERROR(TrimTopic(topic, head, std::max(kTrimRowsMin, 2 * added)));
  }
  return {};
}

Result<bool> SqliteLogWriter::TrimTopic(Topic topic, int64_t until, int64_t rows_max) {
  const auto special = options_.retention_by_topic.find(topic);
  const TopicRetention& retention =
      special == options_.retention_by_topic.end() ? options_.retention : special->second;
  FLEETMEDIC_ASSIGN_OR_RETURN(
      const int64_t trimmed,
      file_.Trim(topic, until, retention.bytes_max, clock_.Wall() - retention.age_max, rows_max));
  absl::MutexLock lock(&queue_mutex_);
  stats_.records_trimmed += trimmed;
  return trimmed == rows_max;
}

Result<bool> SqliteLogWriter::Trim() {
  absl::MutexLock lock(&file_mutex_);
  FLEETMEDIC_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(file_.database()));
  bool more = false;
  for (const auto& [topic, name] : kTopics) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const int64_t head, file_.Head(topic));
    FLEETMEDIC_ASSIGN_OR_RETURN(const bool used_up, TrimTopic(topic, head, kTrimRowsAlone));
    more = more || used_up;
  }
  FLEETMEDIC_RETURN_IF_ERROR(transaction.Commit());
  return more;
}

}  // namespace fleetmedic

#include "eventlog/sqlite_event_log.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/logging.h"
#include "base/text.h"
#include "eventlog/append_limits.h"
#include "eventlog/sqlite_log_bell.h"
#include "eventlog/sqlite_log_reader.h"
#include "eventlog/sqlite_log_writer.h"
#include "eventlog/wake_list.h"

namespace fleetmedic {
namespace {

DatabaseOptions DatabaseOptionsOf(const SqliteEventLogOptions& options) {
  DatabaseOptions of;
  switch (options.synchronous) {
    case SqliteEventLogOptions::Synchronous::kFull:
      of.synchronous = DatabaseOptions::Synchronous::kFull;
      break;
    case SqliteEventLogOptions::Synchronous::kNormal:
      of.synchronous = DatabaseOptions::Synchronous::kNormal;
      break;
  }
  of.busy_timeout = options.busy_timeout;
  of.vfs = options.vfs;
  return of;
}

}  // namespace

class SqliteEventLog::State {
 public:
  State(const std::string& path, const Options& options, const Clock& clock, SqliteLogFile writes,
        SqliteLogFile looks, LogBell bell)
      : writer(std::move(writes), clock, options,
               [this](const std::map<Topic, int64_t>& heads) { Appended(heads); }),
        path_(path),
        options_(DatabaseOptionsOf(options)),
        bell_(std::move(bell)),
        partitions_(looks.partitions()),
        look_file_(std::move(looks)) {}

  int32_t partitions() const { return partitions_; }

  std::string path_with(std::string_view suffix) const { return path_ + std::string(suffix); }
  Result<SqliteLogFile> OpenFile() const { return SqliteLogFile::Open(path_, options_); }
  std::unique_ptr<Subscription> Subscribe(std::span<const Topic> topics,
                                          std::function<void()> wake);

  SqliteLogWriter writer;

 private:
  // Records came by this process: always wakes, also when the watch was quicker to see them, so
  // that the subscribers have been called when Append returns.
  void Appended(const std::map<Topic, int64_t>& heads);
  // The watch saw or suspects that some came by another: wakes for topics with a new head.
  void Look();
  // Notes the heads; those of the topics that are new.
  std::vector<Topic> NoteHeads(const std::map<Topic, int64_t>& heads);

  const std::string path_;
  const DatabaseOptions options_;
  const LogBell bell_;
  const int32_t partitions_;
  WakeList wakes_;
  absl::Mutex mutex_;
  std::map<Topic, int64_t> heads_ ABSL_GUARDED_BY(mutex_);
  // The watch's thread alone uses it.
  SqliteLogFile look_file_;
  std::unique_ptr<LogBellWatch> watch_ ABSL_GUARDED_BY(mutex_);
};

std::unique_ptr<Subscription> SqliteEventLog::State::Subscribe(std::span<const Topic> topics,
                                                               std::function<void()> wake) {
  auto subscription = wakes_.Add(topics, std::move(wake));
  absl::MutexLock lock(&mutex_);
  if (watch_ == nullptr) {
    watch_ = std::make_unique<LogBellWatch>(path_with("-bell"), [this] { Look(); });
  }
  return subscription;
}

void SqliteEventLog::State::Appended(const std::map<Topic, int64_t>& heads) {
  (void)NoteHeads(heads);
  std::vector<Topic> topics;
  for (const auto& [topic, head] : heads) topics.push_back(topic);
  wakes_.Wake(topics);
  bell_.Ring();
}

void SqliteEventLog::State::Look() {
  const auto heads = look_file_.Heads();
  if (!heads) {
    LogWarning("cannot look for new records in the event log",
               {{"path", path_}, {"error", heads.error().message}});
    return;
  }
  if (const std::vector<Topic> topics = NoteHeads(*heads); !topics.empty()) wakes_.Wake(topics);
}

std::vector<Topic> SqliteEventLog::State::NoteHeads(const std::map<Topic, int64_t>& heads) {
  std::vector<Topic> topics;
  absl::MutexLock lock(&mutex_);
  for (const auto& [topic, head] : heads) {
    int64_t& noted = heads_[topic];
    if (head <= noted) continue;
    noted = head;
    topics.push_back(topic);
  }
  return topics;
}

SqliteEventLog::SqliteEventLog(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqliteEventLog::~SqliteEventLog() = default;

Result<std::unique_ptr<SqliteEventLog>> SqliteEventLog::Open(const std::string& path,
                                                             const Clock& clock,
                                                             const Options& options) {
  const DatabaseOptions database_options = DatabaseOptionsOf(options);
  FLEETMEDIC_ASSIGN_OR_RETURN(SqliteLogFile writes,
                              SqliteLogFile::Open(path, database_options, options.partitions));
  FLEETMEDIC_ASSIGN_OR_RETURN(SqliteLogFile looks, SqliteLogFile::Open(path, database_options));
  FLEETMEDIC_ASSIGN_OR_RETURN(LogBell bell, LogBell::Open(path + "-bell"));
  return std::unique_ptr<SqliteEventLog>(new SqliteEventLog(std::make_unique<State>(
      path, options, clock, std::move(writes), std::move(looks), std::move(bell))));
}

Status SqliteEventLog::Append(Topic topic, std::span<const Record> records) {
  FLEETMEDIC_RETURN_IF_ERROR(CheckAppend(topic, records));
  if (records.empty()) return {};
  return state_->writer.Append(topic, records);
}

int32_t SqliteEventLog::partitions() const { return state_->partitions(); }

Result<std::unique_ptr<Reader>> SqliteEventLog::Open(Topic topic, std::string_view group) {
  FLEETMEDIC_RETURN_IF_ERROR(CheckGroup(group));
  if (partitions() > 1 && group.find('/') != group.npos) {
    return Fail(Code::kInvalidArgument,
                fmt::format("a group of readers {}: '/' stands before a partition's number in "
                            "this log; name it without",
                            Quote(group)));
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(SqliteLogFile file, state_->OpenFile());
  FLEETMEDIC_ASSIGN_OR_RETURN(std::vector<int64_t> ids, state_->writer.GroupIds(topic, group));
  FLEETMEDIC_ASSIGN_OR_RETURN(GroupClaim claim,
                              GroupClaim::Open(state_->path_with("-groups"), ids));
  const auto commit = [state = state_.get()](const std::map<int64_t, int64_t>& offsets) {
    return state->writer.CommitOffsets(offsets);
  };
  auto reader = std::make_unique<SqliteGroupReader>(std::move(file), topic, std::move(ids),
                                                    std::move(claim), commit);
  FLEETMEDIC_RETURN_IF_ERROR(reader->Claim());
  return reader;
}

Result<std::unique_ptr<Reader>> SqliteEventLog::OpenAt(Topic topic,
                                                       std::span<const Position> positions) {
  FLEETMEDIC_ASSIGN_OR_RETURN(SqliteLogFile file, state_->OpenFile());
  FLEETMEDIC_ASSIGN_OR_RETURN(const int64_t head, file.Head(topic));
  PartitionOffsets next;
  for (int32_t partition = 0; partition < partitions(); ++partition) next[partition] = 0;
  for (const Position& position : positions) {
    const auto at = next.find(position.partition);
    if (at == next.end()) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("{} has {} partitions, none is number {}", TopicName(topic),
                              next.size(), position.partition));
    }
    if (position.offset <= head) at->second = std::max(at->second, position.offset);
  }
  return std::make_unique<SqliteOwnReader>(std::move(file), topic, std::move(next));
}

Result<std::unique_ptr<Reader>> SqliteEventLog::OpenPartition(Topic topic, Position from) {
  if (from.partition < 0 || from.partition >= partitions()) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} has {} partitions, none is number {}", TopicName(topic),
                            partitions(), from.partition));
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(SqliteLogFile file, state_->OpenFile());
  FLEETMEDIC_ASSIGN_OR_RETURN(const int64_t head, file.Head(topic));
  const int64_t next = from.offset <= head ? std::max(int64_t{0}, from.offset) : 0;
  return std::make_unique<SqliteOwnReader>(std::move(file), topic,
                                           PartitionOffsets{{from.partition, next}});
}

std::unique_ptr<Subscription> SqliteEventLog::Subscribe(std::span<const Topic> topics,
                                                        std::function<void()> wake) {
  return state_->Subscribe(topics, std::move(wake));
}

Result<bool> SqliteEventLog::Trim() { return state_->writer.Trim(); }

SqliteEventLogStats SqliteEventLog::stats() const { return state_->writer.stats(); }

}  // namespace fleetmedic

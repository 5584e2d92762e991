#include "eventlog/sqlite_event_log.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/logging.h"
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
        look_file_(std::move(looks)) {}

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
  FLEETMEDIC_ASSIGN_OR_RETURN(SqliteLogFile writes, SqliteLogFile::Open(path, database_options));
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

Result<std::unique_ptr<Reader>> SqliteEventLog::Open(Topic topic, std::string_view group) {
  FLEETMEDIC_RETURN_IF_ERROR(CheckGroup(group));
  FLEETMEDIC_ASSIGN_OR_RETURN(SqliteLogFile file, state_->OpenFile());
  FLEETMEDIC_ASSIGN_OR_RETURN(const int64_t group_id, state_->writer.GroupId(topic, group));
  FLEETMEDIC_ASSIGN_OR_RETURN(GroupClaim claim,
                              GroupClaim::Open(state_->path_with("-groups"), group_id));
  auto reader =
      std::make_unique<SqliteGroupReader>(std::move(file), topic, group_id, std::move(claim),
                                          [state = state_.get()](int64_t id, int64_t offset) {
                                            return state->writer.CommitOffset(id, offset);
                                          });
  FLEETMEDIC_RETURN_IF_ERROR(reader->Claim());
  return reader;
}

Result<std::unique_ptr<Reader>> SqliteEventLog::OpenAt(Topic topic,
                                                       std::span<const Position> positions) {
  FLEETMEDIC_ASSIGN_OR_RETURN(SqliteLogFile file, state_->OpenFile());
  FLEETMEDIC_ASSIGN_OR_RETURN(const int64_t head, file.Head(topic));
  int64_t next = 0;
  for (const Position& position : positions) {
    if (position.partition != 0) {
      return Fail(Code::kInvalidArgument, fmt::format("{} has one partition, none is number {}",
                                                      TopicName(topic), position.partition));
    }
    if (position.offset <= head) next = std::max(next, position.offset);
  }
  return std::make_unique<SqliteOwnReader>(std::move(file), topic, next);
}

Result<std::unique_ptr<Reader>> SqliteEventLog::OpenPartition(Topic topic, Position from) {
  return OpenAt(topic, {&from, 1});  // it is the only one
}

std::unique_ptr<Subscription> SqliteEventLog::Subscribe(std::span<const Topic> topics,
                                                        std::function<void()> wake) {
  return state_->Subscribe(topics, std::move(wake));
}

Result<bool> SqliteEventLog::Trim() { return state_->writer.Trim(); }

SqliteEventLogStats SqliteEventLog::stats() const { return state_->writer.stats(); }

}  // namespace fleetmedic

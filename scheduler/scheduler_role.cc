#include "scheduler/scheduler_role.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <span>

#include <fmt/format.h>

#include "absl/synchronization/mutex.h"
#include "base/logging.h"
#include "base/poll.h"
#include "base/text.h"
#include "base/unique_fd.h"

namespace fleetmedic {
namespace {

constexpr Topic kInputs[] = {Topic::kHosts, Topic::kTasks};
constexpr std::string_view kJobStatePrefix = "job-state/";
constexpr Seconds kOffsetsEvery{1};
constexpr Seconds kLeaseRetry{1};
constexpr size_t kCommandsPerAppend = 500;
constexpr size_t kDeadValueBytesMax = 64 << 10;

SchedulerOptions OptionsOf(const SchedulerConfig& config, std::string incarnation) {
  SchedulerOptions options;
  options.incarnation = std::move(incarnation);
  options.executor_silent_after = config.executor_silent_after;
  options.host_lost_after = config.host_lost_after;
  options.start_timeout = config.start_timeout;
  return options;
}

Table StoreTableOf(ClusterTable table) {
  switch (table) {
    case ClusterTable::kHosts:
      return Table::kHosts;
    case ClusterTable::kDirectives:
      return Table::kDirectives;
    case ClusterTable::kJobs:
      return Table::kJobs;
    case ClusterTable::kJobStates:
      return Table::kMeta;
    case ClusterTable::kTasks:
      return Table::kTasks;
  }
  return Table::kMeta;
}

std::string StoreKeyOf(ClusterTable table, const std::string& key) {
  return table == ClusterTable::kJobStates ? std::string(kJobStatePrefix) + key : key;
}

Result<std::vector<ClusterRow>> ReadRows(const Store& store) {
  std::vector<ClusterRow> rows;
  for (const ClusterTable table :
       {ClusterTable::kHosts, ClusterTable::kDirectives, ClusterTable::kJobs,
        ClusterTable::kJobStates, ClusterTable::kTasks}) {
    FLEETMEDIC_ASSIGN_OR_RETURN(std::vector<Row> found, ScanAll(store, StoreTableOf(table)));
    for (Row& row : found) {
      if (table == ClusterTable::kJobStates) {
        if (!row.key.starts_with(kJobStatePrefix)) continue;
        row.key.erase(0, kJobStatePrefix.size());
      }
      rows.push_back({table, std::move(row.key), std::move(row.value)});
    }
  }
  return rows;
}

std::string PositionsText(const std::vector<Position>& positions) {
  Json json(Json::Array{});
  for (const Position& position : positions) {
    Json entry;
    entry.Set("partition", int64_t{position.partition});
    entry.Set("offset", position.offset);
    json.Append(std::move(entry));
  }
  return json.Dump();
}

// Where nothing can be read, from the oldest record on: reading again is harmless.
std::vector<Position> PositionsOf(const std::optional<std::string>& text) {
  std::vector<Position> positions;
  if (!text) return positions;
  const Result<Json> json = Json::Parse(*text);
  if (!json || json->array() == nullptr) return positions;
  for (const Json& entry : *json->array()) {
    const std::optional<int64_t> partition = entry["partition"].integer();
    const std::optional<int64_t> offset = entry["offset"].integer();
    if (!partition || !offset) return {};
    positions.push_back({static_cast<int32_t>(*partition), *offset});
  }
  return positions;
}

// The meeting of a thread that waits and the turn that answers; outlives whoever leaves first.
struct Meeting {
  const UniqueFd answered{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  absl::Mutex mutex;
  std::optional<Result<Json>> answer ABSL_GUARDED_BY(mutex);
};

}  // namespace

SchedulerRole::SchedulerRole(SchedulerParts parts, const SchedulerConfig& config)
    : parts_(std::move(parts)), config_(config), inbox_(kRequestsMax, parts_.wake) {
  Metrics& metrics = *parts_.metrics;
  const auto gauge = [&](std::string_view name, std::string_view help) {
    return metrics.Gauge("fleetmedic_scheduler_" + std::string(name), help);
  };
  const auto counter = [&](std::string_view name, std::string_view help) {
    return metrics.Counter("fleetmedic_scheduler_" + std::string(name) + "_total", help);
  };
  counters_.leader = gauge("leader", "1 while this process leads");
  counters_.hosts = gauge("hosts", "Hosts that are known");
  counters_.hosts_connected = gauge("hosts_connected", "Hosts whose executor reports");
  counters_.jobs = gauge("jobs", "Jobs");
  counters_.tasks = gauge("tasks", "Tasks, ended ones that are kept included");
  counters_.unplaced = gauge("tasks_unplaced", "Tasks without a host after the last plan");
  counters_.unknown_tasks = gauge("tasks_unknown", "Reported tasks that no record has");
  counters_.frozen = gauge("frozen", "1 while too many hosts are silent at once to replace tasks");
  counters_.row_problems = gauge("rows_unreadable", "Rows of the store that could not be read");
  counters_.commits = counter("commits", "Transactions");
  counters_.commit_errors = counter("commit_errors", "Transactions that failed");
  counters_.commands = counter("commands", "Commands appended");
  counters_.append_errors = counter("append_errors", "Appends that failed");
  counters_.dead_letters = counter("dead_letters", "Records that could not be read");
  counters_.requests_refused = counter("requests_refused", "Requests past the inbox's limit");
  counters_.stale_reports = counter("stale_reports", "Repeated or late reports, ignored");
  counters_.evictions = counter("evictions", "Tasks that drains stopped");
  if (parts_.wake) subscription_ = parts_.log->Subscribe(kInputs, parts_.wake);
}

SchedulerRole::~SchedulerRole() {
  subscription_.reset();
  StepDown("the process ends");
  RunRequests({});
  AnswerAll({});
}

Status SchedulerRole::Post(Run run, Done done) {
  if (inbox_.Post({std::move(run), std::move(done)})) return {};
  counters_.requests_refused.Add();
  return Fail(Code::kBusy, fmt::format("{} requests wait already; try again", kRequestsMax));
}

Result<Json> SchedulerRole::Call(Run run, MonoTime deadline) {
  const auto meeting = std::make_shared<Meeting>();
  FLEETMEDIC_RETURN_IF_ERROR(Post(std::move(run), [meeting](Result<Json> result) {
    absl::MutexLock lock(&meeting->mutex);
    meeting->answer = std::move(result);
    ::eventfd_write(meeting->answered.get(), 1);
  }));
  pollfd answered{.fd = meeting->answered.get(), .events = POLLIN, .revents = 0};
  PollUntil(std::span(&answered, 1), *parts_.clock, deadline);
  absl::MutexLock lock(&meeting->mutex);
  if (!meeting->answer) {
    return Fail(Code::kDeadlineExceeded, "the scheduler did not answer in time; look again");
  }
  return *std::move(meeting->answer);
}

void SchedulerRole::Turn(MonoTime now) {
  next_wake_ = now + config_.turn_every;
  if (!Lead(now)) {
    RunRequests(now);
    AnswerAll({});
    return;
  }
  ReadInputs(now);
  RunRequests(now);
  std::vector<ExecutorCommand> commands;
  // Without the whole of the log before the head, a plan would go by an old world.
  const bool ready = std::ranges::all_of(inputs_, &Input::caught_up);
  if (ready && (now >= next_plan_ || !answers_.empty())) {
    next_plan_ = now + config_.turn_every;
    commands = core_->Plan(now);
    counters_.evictions.Add(core_->summary().evicted);
  }
  FlushDeadLetters();
  const Status committed = CommitChanges(now);
  AnswerAll(committed);
  if (!committed) {
    counters_.commit_errors.Add();
    LogError("cannot commit", {{"error", committed.error().message}});
    if (committed.error().code == Code::kFenced) StepDown("a newer leader exists");
    return;
  }
  AppendCommands(commands);
  ShowMetrics(now);
  if (more_) next_wake_ = now;
}

bool SchedulerRole::Lead(MonoTime now) {
  if (core_ != nullptr && now < next_lease_) {
    // The lease may have run out while the process stood still.
    if (parts_.clock->Wall() < lease_.expires_at) return true;
  }
  if (core_ == nullptr && now < next_lease_) return false;
  if (core_ != nullptr) {
    Result<Lease> renewed = parts_.store->Renew(lease_, config_.lease_ttl);
    if (renewed) {
      lease_ = *std::move(renewed);
      next_lease_ = now + config_.lease_ttl / 3;
      return true;
    }
    if (renewed.error().code != Code::kFenced && parts_.clock->Wall() < lease_.expires_at) {
      next_lease_ = now + kLeaseRetry;
      return true;
    }
    StepDown(renewed.error().message);
  }
  next_lease_ = now + kLeaseRetry;
  const Status taken = TakeOver(now);
  if (!taken) {
    counters_.leader.Set(0);
    LogWarning("not the leader", {{"why", taken.error().message}});
    core_.reset();
    return false;
  }
  next_lease_ = now + config_.lease_ttl / 3;
  return true;
}

Status SchedulerRole::TakeOver(MonoTime now) {
  FLEETMEDIC_ASSIGN_OR_RETURN(lease_, parts_.store->Acquire(parts_.owner, config_.lease_ttl));
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<ClusterRow> rows, ReadRows(*parts_.store));
  std::vector<Input> inputs;
  for (const Topic topic : kInputs) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const std::optional<std::string> text,
                                parts_.store->Get(Table::kOffsets, TopicName(topic)));
    Input input{.topic = topic, .reader = nullptr, .committed = PositionsOf(text)};
    FLEETMEDIC_ASSIGN_OR_RETURN(input.reader, parts_.log->OpenAt(topic, input.committed));
    inputs.push_back(std::move(input));
  }
  // The epoch makes ids differ between two terms of one process as well.
  core_ = std::make_unique<SchedulerCore>(
      OptionsOf(config_, fmt::format("{}.{}", parts_.incarnation, lease_.epoch)));
  const std::vector<std::string> problems = core_->Restore(rows, now);
  for (const std::string& problem : problems) {
    LogError("a row of the store was left out", {{"problem", problem}});
  }
  counters_.row_problems.Set(static_cast<double>(problems.size()));
  inputs_ = std::move(inputs);
  dead_letters_.clear();
  counters_.leader.Set(1);
  LogInfo("leads", {{"epoch", lease_.epoch}, {"rows", rows.size()}});
  return {};
}

void SchedulerRole::StepDown(std::string_view why) {
  if (core_ == nullptr) return;
  LogInfo("steps down", {{"why", why}});
  counters_.leader.Set(0);
  core_.reset();
  inputs_.clear();
  if (const Status released = parts_.store->Release(lease_); !released) {
    LogWarning("cannot release the lease", {{"error", released.error().message}});
  }
}

void SchedulerRole::ReadInputs(MonoTime now) {
  more_ = false;
  for (Input& input : inputs_) {
    // What cannot be put aside is not taken.
    if (dead_letters_.size() >= kDeadLettersMax) return;
    const Result<std::vector<LogRecord>> records = input.reader->Poll(kRecordsPerTurnMax);
    if (!records) {
      LogWarning("cannot read the log",
                 {{"topic", TopicName(input.topic)}, {"error", records.error().message}});
      // Nobody's silence means anything while we are deaf.
      input.caught_up = false;
      core_->cluster().WasDeaf(now);
      continue;
    }
    for (const LogRecord& record : *records) TakeRecord(input.topic, record, now);
    input.caught_up = records->size() < kRecordsPerTurnMax;
    more_ = more_ || !input.caught_up;
  }
}

void SchedulerRole::TakeRecord(Topic topic, const LogRecord& record, MonoTime now) {
  const auto take = [&]() -> Status {
    FLEETMEDIC_ASSIGN_OR_RETURN(const Json json, Json::Parse(record.record.value));
    if (topic == Topic::kHosts) {
      if (record.record.value.size() > kFactsBytesMax) {
        return Fail(Code::kInvalidArgument,
                    fmt::format("facts of more than {} bytes", kFactsBytesMax));
      }
      FLEETMEDIC_ASSIGN_OR_RETURN(const HostFacts facts, HostFactsFromJson(json));
      return core_->cluster().ObserveHost(facts, now);
    }
    FLEETMEDIC_ASSIGN_OR_RETURN(const ExecutorReport report, ExecutorReportFromJson(json));
    if (report.host.str() != record.record.key) {
      return Fail(Code::kInvalidArgument, "the report is of another host than its key");
    }
    // A clock that runs ahead of ours makes nothing fresher than now.
    const Micros age = std::max(Micros(0), parts_.clock->Wall() - report.observed_at);
    FLEETMEDIC_ASSIGN_OR_RETURN(
        const ReportOutcome outcome,
        core_->cluster().ObserveReport(report, now - std::min<Micros>(age, Hours(24)), now));
    if (outcome == ReportOutcome::kStale) counters_.stale_reports.Add();
    return {};
  };
  // Compacted topics hold empty values for keys that were erased.
  if (record.record.value.empty() && topic == Topic::kHosts) return;
  if (const Status taken = take(); !taken) DeadLetter(topic, record, taken.error().message);
}

void SchedulerRole::DeadLetter(Topic topic, const LogRecord& record, const std::string& reason) {
  counters_.dead_letters.Add();
  LogWarning("a record cannot be read",
             {{"topic", TopicName(topic)}, {"key", Quote(record.record.key)}, {"reason", reason}});
  Record letter;
  letter.key = fmt::format("{}/{}/{}", TopicName(topic), record.partition, record.offset);
  letter.value = record.record.value.substr(0, kDeadValueBytesMax);
  letter.headers = {{"reason", Quote(reason, 500)}, {"origin_key", Quote(record.record.key)}};
  letter.timestamp = parts_.clock->Wall();
  dead_letters_.push_back(std::move(letter));
}

void SchedulerRole::FlushDeadLetters() {
  if (dead_letters_.empty()) return;
  if (const Status appended = parts_.log->Append(Topic::kDeadLetter, dead_letters_); !appended) {
    counters_.append_errors.Add();
    LogWarning("cannot put records aside", {{"error", appended.error().message}});
    return;
  }
  dead_letters_.clear();
}

void SchedulerRole::RunRequests(MonoTime now) {
  for (Request& request : inbox_.TakeAll()) {
    Result<Json> result =
        core_ == nullptr
            ? Result<Json>(Fail(Code::kUnavailable, "this scheduler is not the leader"))
            : request.run(core_.get(), now);
    answers_.push_back({std::move(request.done), std::move(result)});
  }
}

Status SchedulerRole::WriteRows(const ChangeSet& changes,
                                const std::vector<std::vector<Position>>& positions,
                                StoreTransaction* transaction) const {
  for (const auto& [row, value] : changes) {
    const Table table = StoreTableOf(row.first);
    const std::string key = StoreKeyOf(row.first, row.second);
    FLEETMEDIC_RETURN_IF_ERROR(value ? transaction->Put(table, key, *value)
                                     : transaction->Erase(table, key));
  }
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (positions[i] == inputs_[i].committed) continue;
    FLEETMEDIC_RETURN_IF_ERROR(transaction->Put(Table::kOffsets, TopicName(inputs_[i].topic),
                                                PositionsText(positions[i])));
  }
  return {};
}

Status SchedulerRole::CommitChanges(MonoTime now) {
  const ChangeSet& changes = core_->cluster().changes();
  // While a record waits to be put aside, its topic is not passed: after a crash it is read again.
  const bool offsets_due = dead_letters_.empty() && (!changes.empty() || now >= next_offsets_);
  std::vector<std::vector<Position>> positions;
  bool moved = false;
  for (const Input& input : inputs_) {
    positions.push_back(offsets_due ? input.reader->Positions() : input.committed);
    moved = moved || positions.back() != input.committed;
  }
  if (changes.empty() && !moved) return {};
  FLEETMEDIC_RETURN_IF_ERROR(parts_.store->Commit(lease_.epoch, [&](StoreTransaction& transaction) {
    return WriteRows(changes, positions, &transaction);
  }));
  counters_.commits.Add();
  core_->cluster().ClearChanges();
  for (size_t i = 0; i < inputs_.size(); ++i) inputs_[i].committed = std::move(positions[i]);
  next_offsets_ = now + kOffsetsEvery;
  return {};
}

void SchedulerRole::AppendCommands(const std::vector<ExecutorCommand>& commands) {
  std::vector<Record> records;
  const auto flush = [&] {
    if (records.empty()) return;
    if (const Status appended = parts_.log->Append(Topic::kCommands, records); !appended) {
      // The plan makes them again as long as no report confirms them.
      counters_.append_errors.Add();
      LogWarning("cannot append commands", {{"error", appended.error().message}});
    } else {
      counters_.commands.Add(static_cast<double>(records.size()));
    }
    records.clear();
  };
  for (const ExecutorCommand& command : commands) {
    records.push_back({.key = command.host.str(),
                       .value = ToJson(command).Dump(),
                       .headers = {},
                       .timestamp = parts_.clock->Wall()});
    if (records.size() >= kCommandsPerAppend) flush();
  }
  flush();
}

void SchedulerRole::AnswerAll(const Status& committed) {
  for (Answer& answer : std::exchange(answers_, {})) {
    if (!committed && answer.result) {
      answer.done(Fail("the scheduler's store", committed.error()));
    } else {
      answer.done(std::move(answer.result));
    }
  }
}

void SchedulerRole::ShowMetrics(MonoTime now) {
  const Cluster& cluster = core_->cluster();
  int connected = 0;
  for (const auto& [id, host] : cluster.hosts()) connected += cluster.Connected(host, now) ? 1 : 0;
  counters_.hosts.Set(static_cast<double>(cluster.hosts().size()));
  counters_.hosts_connected.Set(connected);
  counters_.jobs.Set(static_cast<double>(cluster.jobs().size()));
  counters_.tasks.Set(static_cast<double>(cluster.tasks().size()));
  counters_.unplaced.Set(core_->summary().unplaced);
  counters_.unknown_tasks.Set(core_->summary().unknown_tasks);
  counters_.frozen.Set(core_->summary().frozen ? 1 : 0);
}

}  // namespace fleetmedic

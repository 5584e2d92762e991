#include "executor/executor_role.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <memory>

#include <fmt/format.h>

#include "base/logging.h"
#include "base/sha256.h"
#include "base/text.h"

namespace fleetmedic {
namespace {

constexpr Topic kInputs[] = {Topic::kCommands};
constexpr Millis kLookBusy{200};
constexpr Millis kLookIdle{1'000};
constexpr Seconds kSaveEvery{1};
constexpr Seconds kRetryEvery{1};
// Numbers that are set aside in one write: after a crash the rest of them is never used.
constexpr uint64_t kSequenceBlock = 10'000;
constexpr size_t kOffsetsBytesMax = 1 << 20;
constexpr size_t kDeadValueBytesMax = 64 << 10;

int64_t MemoryBytes(const FsRoot& root) {
  const Result<std::string> text = root.ReadFile("/proc/meminfo", 64 << 10);
  constexpr std::string_view kKey = "MemTotal:";
  if (text && text->starts_with(kKey)) {
    const std::string_view rest = Trim(std::string_view(*text).substr(kKey.size()));
    int64_t kibibytes = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), kibibytes);
    if (error == std::errc()) return kibibytes * 1024;
  }
  return int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE);
}

}  // namespace

ExecutorRole::ExecutorRole(ExecutorParts parts, const ExecutorConfig& config)
    : parts_(std::move(parts)), config_(config) {
  Metrics& metrics = *parts_.metrics;
  const auto counter = [&](std::string_view name, std::string_view help) {
    return metrics.Counter("fleetmedic_executor_" + std::string(name) + "_total", help);
  };
  counters_.tasks = metrics.Gauge("fleetmedic_executor_tasks", "Tasks that run here");
  counters_.unreadable_folders = metrics.Gauge("fleetmedic_executor_folders_unreadable",
                                               "Folders of tasks that are left alone");
  counters_.cgroups = metrics.Gauge("fleetmedic_executor_cgroups",
                                    "1 where tasks get cgroups of their own, else 0");
  counters_.commands = counter("commands", "Commands for this host");
  counters_.dead_letters = counter("dead_letters", "Records that could not be read");
  counters_.reports = counter("reports", "Reports written");
  counters_.report_errors = counter("report_errors", "Reports that could not be written");
  counters_.read_errors = counter("read_errors", "Reads of the log that failed");
  counters_.offset_errors = counter("offset_errors", "Writes of the own state that failed");
  if (parts_.wake) subscription_ = parts_.log->Subscribe(kInputs, parts_.wake);
}

ExecutorRole::~ExecutorRole() {
  subscription_.reset();
  if (driver_ != nullptr) SaveOffsets();
}

std::string ExecutorRole::File(std::string_view name) const {
  return fmt::format("{}/executor/{}", parts_.state_dir, name);
}

Status ExecutorRole::ReadBootId() {
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::string text,
                              parts_.host_root.ReadFile("/proc/sys/kernel/random/boot_id", 256));
  if (Trim(text).empty()) return Fail(Code::kCorrupt, "/proc/sys/kernel/random/boot_id is empty");
  boot_id_ = Trim(text);
  return {};
}

Resources ExecutorRole::Capacity() const {
  Resources capacity = config_.capacity;
  if (capacity.cpu_milli == 0) capacity.cpu_milli = int64_t{::sysconf(_SC_NPROCESSORS_ONLN)} * 1000;
  if (capacity.memory_bytes == 0) capacity.memory_bytes = MemoryBytes(parts_.host_root);
  return capacity;
}

Status ExecutorRole::OpenState() {
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(File(""), 0700));
  FLEETMEDIC_ASSIGN_OR_RETURN(lock_, FileLock::Acquire(File("lock")));
  FLEETMEDIC_RETURN_IF_ERROR(ReadBootId());
  auto repairs = std::make_unique<Repairs>(RepairsParts{.folder = File("repairs"),
                                                        .clock = parts_.clock,
                                                        .workers = parts_.workers,
                                                        .wake = parts_.wake},
                                           config_);
  FLEETMEDIC_RETURN_IF_ERROR(repairs->Open(boot_id_));
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(File("tasks"), 0700));
  if (!std::exchange(cgroups_sought_, true)) FindCgroups();
  auto driver = std::make_unique<ProcessDriver>(
      ProcessDriverOptions{.folder = File("tasks"),
                           .shim_argv = parts_.shim_argv,
                           .tasks_max = config_.tasks_max,
                           .restart_burst_max = config_.restart_burst_max,
                           .cgroup_parent = cgroup_parent_,
                           .executor = executor_id_,
                           .enforce_limits = config_.enforce_limits},
      parts_.clock);
  FLEETMEDIC_RETURN_IF_ERROR(driver->Open());
  ReadOffsets();
  repairs_ = std::move(repairs);
  driver_ = std::move(driver);
  counters_.unreadable_folders.Set(driver_->unreadable_folders());
  return {};
}

void ExecutorRole::FindCgroups() {
  // The machine's cgroups are not those of a host that is another folder.
  if (config_.cgroup_parent.empty() || parts_.host_root.root() != "/") return;
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(File("tasks").c_str(), nullptr),
                                                         &std::free);
  executor_id_ = Sha256Hex(real == nullptr ? File("tasks") : std::string(real.get()))
                     .substr(0, kCgroupExecutorChars);
  Result<CgroupFolders> found =
      FindCgroupParent("/sys/fs/cgroup", config_.cgroup_parent, executor_id_);
  if (!found) {
    LogWarning(
        "tasks get no cgroups of their own: their cpu and memory are not limited, and what "
        "the kernel says of them does not name them",
        {{"error", found.error().message}});
    return;
  }
  if (found->cpu.empty()) {
    LogWarning("the cpu of tasks is not limited: there is no cgroup hierarchy of it", {});
  }
  cgroup_parent_ = *std::move(found);
  counters_.cgroups.Set(1);
}

void ExecutorRole::ReadOffsets() {
  positions_.clear();
  sequence_reserved_ = 0;
  const Result<std::string> text = ReadFile(File("offsets.json"), kOffsetsBytesMax);
  const Json json = text ? Json::Parse(*text).value_or(Json()) : Json();
  JsonReader in(json, "offsets");
  in.Required("sequence_reserved", &sequence_reserved_);
  const Status read = in.Done();
  if (read && json["positions"].array() != nullptr) {
    for (const Json& entry : *json["positions"].array()) {
      const std::optional<int64_t> partition = entry["partition"].integer();
      const std::optional<int64_t> offset = entry["offset"].integer();
      if (partition && offset) positions_.push_back({static_cast<int32_t>(*partition), *offset});
    }
  } else if (text) {
    LogError("the log offsets cannot be read; starting at the head",
             {{"file", File("offsets.json")}});
    // Above what can have been used, so that no report looks old.
    sequence_reserved_ =
        static_cast<uint64_t>(std::max<int64_t>(0, MillisOf(parts_.clock->Wall())));
  }
  skip_to_head_ = positions_.empty();
  sequence_ = sequence_reserved_;
}

bool ExecutorRole::SaveOffsets() {
  const std::vector<Position> positions =
      reader_ != nullptr && dead_letters_.empty() && !skip_to_head_ ? reader_->Positions()
                                                                    : positions_;
  Json json;
  json.Set("sequence_reserved", sequence_reserved_);
  Json list(Json::Array{});
  for (const Position& position : positions) {
    Json entry;
    entry.Set("partition", int64_t{position.partition});
    entry.Set("offset", position.offset);
    list.Append(std::move(entry));
  }
  json.Set("positions", std::move(list));
  if (const Status saved = WriteFileAtomic(File("offsets.json"), json.Dump(), 0600); !saved) {
    counters_.offset_errors.Add();
    LogError("cannot save the log offsets", {{"error", saved.error().message}});
    return false;
  }
  positions_ = positions;
  return true;
}

uint64_t ExecutorRole::NextSequence() {
  if (sequence_ >= sequence_reserved_) {
    sequence_reserved_ = sequence_ + kSequenceBlock;
    // Where it cannot be saved a later executor of this boot may repeat numbers, and its first
    // reports are ignored as old ones: late, not wrong.
    SaveOffsets();
  }
  return ++sequence_;
}

Status ExecutorRole::OpenReader() {
  FLEETMEDIC_ASSIGN_OR_RETURN(reader_, parts_.log->OpenAt(Topic::kCommands, positions_));
  return {};
}

void ExecutorRole::Turn(MonoTime now) {
  next_wake_ = now + kLookIdle;
  if (driver_ == nullptr) {
    if (now < next_try_) return;
    next_try_ = now + kRetryEvery;
    if (const Status opened = OpenState(); !opened) {
      lock_.reset();
      LogError("cannot open the executor's state",
               {{"folder", File("")}, {"error", opened.error().message}});
      return;
    }
  }
  // A file that cannot be read just now is no new boot.
  if (const Status read = ReadBootId(); !read) {
    LogWarning("cannot read the boot id", {{"error", read.error().message}});
  }
  ReadCommands(now);
  repairs_->Poll(boot_id_);
  if (now >= next_look_) {
    driver_->Poll();
    next_look_ = now + (driver_->Busy() ? kLookBusy : kLookIdle);
  }
  Report(now);
  next_wake_ = std::min({next_wake_, next_look_, std::max(next_complete_, next_try_)});
}

void ExecutorRole::ReadCommands(MonoTime now) {
  if (!dead_letters_.empty() && parts_.log->Append(Topic::kDeadLetter, dead_letters_)) {
    dead_letters_.clear();
  }
  if (reader_ == nullptr) {
    if (const Status opened = OpenReader(); !opened) {
      counters_.read_errors.Add();
      return;
    }
  }
  // What cannot be put aside is not taken.
  if (dead_letters_.size() >= kDeadLettersMax) return;
  const Result<std::vector<LogRecord>> records = reader_->Poll(kRecordsPerTurnMax);
  if (!records) {
    counters_.read_errors.Add();
    LogWarning("cannot read commands", {{"error", records.error().message}});
    return;
  }
  const bool head = records->size() < kRecordsPerTurnMax;
  if (!skip_to_head_) {
    for (const LogRecord& record : *records) {
      if (record.record.key == parts_.host.str()) TakeCommand(record);
    }
  }
  if (!head) next_wake_ = now;
  const bool skipped = std::exchange(skip_to_head_, skip_to_head_ && !head) && head;
  if (skipped || (now >= next_save_ && reader_->Positions() != positions_)) {
    next_save_ = now + kSaveEvery;
    SaveOffsets();
  }
}

void ExecutorRole::TakeCommand(const LogRecord& record) {
  const Result<Json> json = Json::Parse(record.record.value);
  if (!json) return DeadLetter(record, json.error().message);
  const Result<ExecutorCommand> command = ExecutorCommandFromJson(*json);
  if (!command) return DeadLetter(record, command.error().message);
  if (command->host != parts_.host) return DeadLetter(record, "the host is not that of its key");
  counters_.commands.Add();
  next_look_ = {};
  switch (command->kind) {
    case CommandKind::kRun:
      driver_->Run(command->task, command->job);
      return;
    case CommandKind::kStop:
      driver_->Stop(command->task, command->job);
      return;
    case CommandKind::kRepair:
      repairs_->Take(command->repair, boot_id_);
      return;
    case CommandKind::kCollectEvidence:
      return;  // the agent's
  }
}

void ExecutorRole::DeadLetter(const LogRecord& record, const std::string& reason) {
  counters_.dead_letters.Add();
  LogWarning("a command cannot be read", {{"reason", reason}});
  Record letter;
  letter.key =
      fmt::format("{}/{}/{}", TopicName(Topic::kCommands), record.partition, record.offset);
  letter.value = record.record.value.substr(0, kDeadValueBytesMax);
  letter.headers = {{"reason", Quote(reason, 500)}, {"origin_key", Quote(record.record.key)}};
  letter.timestamp = parts_.clock->Wall();
  dead_letters_.push_back(std::move(letter));
}

void ExecutorRole::Report(MonoTime now) {
  for (TaskStatus& status : driver_->TakeChanged()) {
    unsent_.insert_or_assign(status.task, std::move(status));
  }
  for (RepairReport& report : repairs_->TakeReports()) {
    unsent_repairs_.insert_or_assign(report.id, std::move(report));
  }
  const bool complete = now >= next_complete_;
  if (!complete && unsent_.empty() && unsent_repairs_.empty()) return;
  if (now < next_try_) return;  // the log was away a moment ago

  ExecutorReport report;
  report.host = parts_.host;
  report.boot_id = boot_id_;
  report.sequence = NextSequence();
  report.observed_at = parts_.clock->Wall();
  report.capacity = Capacity();
  // A report has a limit; the rest comes with the next.
  std::map<TaskId, TaskStatus> tasks;
  for (const auto& [id, status] : unsent_) {
    if (tasks.size() < kTasksPerReportMax) tasks.emplace(id, status);
  }
  if (complete) {
    for (TaskStatus& status : driver_->Live()) tasks.insert_or_assign(status.task, status);
  }
  // Live tasks and unsent ends together are the whole; with unsent ends left out it would not be.
  report.complete = complete && unsent_.size() <= kTasksPerReportMax;
  for (const auto& [id, status] : tasks) report.tasks.push_back(status);
  for (const auto& [id, repair] : unsent_repairs_) report.repairs.push_back(repair);
  if (!Append(report)) {
    next_try_ = now + kRetryEvery;
    return;
  }
  for (const TaskStatus& status : report.tasks) unsent_.erase(status.task);
  unsent_repairs_.clear();
  driver_->Reported(report.tasks);
  counters_.tasks.Set(static_cast<double>(driver_->Live().size()));
  if (complete) next_complete_ = now + config_.report_every;
}

bool ExecutorRole::Append(const ExecutorReport& report) {
  const Record record{.key = parts_.host.str(),
                      .value = ToJson(report).Dump(),
                      .headers = {},
                      .timestamp = parts_.clock->Wall()};
  if (const Status appended = parts_.log->Append(Topic::kTasks, std::span(&record, 1)); !appended) {
    counters_.report_errors.Add();
    LogWarning("cannot report", {{"error", appended.error().message}});
    return false;
  }
  counters_.reports.Add();
  return true;
}

}  // namespace fleetmedic

#include "stream/fleet_role.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/logging.h"
#include "base/text.h"
#include "model/command.h"

namespace fleetmedic {
namespace {

constexpr size_t kLettersPerAppend = 100;
// Each is at most a mebibyte: within what one append takes.
constexpr size_t kIssuesPerAppend = 50;
constexpr size_t kLetterBytesMax = 4096;
constexpr Millis kCommitEvery = Seconds(1);
// Sets of rules that came since the last turn; the last of them counts.
constexpr size_t kRuleChangesMax = 16;

template <typename T>
Result<T> Decoded(const std::string& value, Result<T> (*from_json)(const Json&)) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const Json json, Json::Parse(value));
  return from_json(json);
}

// None where the partition is another's.
std::optional<int64_t> OffsetOf(const std::vector<Position>& positions, int32_t partition) {
  const auto at = std::ranges::find(positions, partition, &Position::partition);
  if (at == positions.end()) return std::nullopt;
  return at->offset;
}

}  // namespace

FleetRole::FleetRole(Parts parts)
    : parts_(std::move(parts)), new_rules_(kRuleChangesMax, parts_.wake), rules_(parts_.rules) {
  Metrics& metrics = *parts_.metrics;
  counts_read_ = metrics.Counter("fleetmedic_fleet_counts_total", "Counts of patterns read.");
  counts_unreadable_ = metrics.Counter("fleetmedic_fleet_counts_unreadable_total",
                                       "Counts that went to the dead letters.");
  issues_told_ = metrics.Counter("fleetmedic_fleet_issue_records_total",
                                 "Records of fleet issues written: opened, updated, closed.");
  issues_dropped_ = metrics.Counter("fleetmedic_fleet_issues_dropped_total",
                                    "Patterns that were flagged and not told, for a limit.");
  cohorts_unkept_ = metrics.Counter("fleetmedic_fleet_cohorts_unkept_total",
                                    "Cohorts of a pattern that were not kept, for a limit.");
  errors_ = metrics.Counter("fleetmedic_fleet_errors_total",
                            "Turns that could not do all; it is tried again.");
  issues_open_ = metrics.Gauge("fleetmedic_fleet_issues", "Fleet issues that are open here.");
  patterns_ = metrics.Gauge("fleetmedic_fleet_patterns", "Patterns that are watched here.");
  hosts_known_ = metrics.Gauge("fleetmedic_fleet_hosts", "Hosts that are known to the stream.");
  hosts_reporting_ =
      metrics.Gauge("fleetmedic_fleet_hosts_reporting", "Of these, heard of within the hour.");
  memory_ = metrics.Gauge("fleetmedic_fleet_memory_bytes", "Of windows, baselines and facts.");
  lag_seconds_ = metrics.Gauge("fleetmedic_fleet_lag_seconds", "Age of the oldest count not read.");
  constexpr std::array kReads = {Topic::kCounts};
  if (parts_.wake) subscription_ = parts_.log->Subscribe(kReads, parts_.wake);
}

FleetRole::~FleetRole() = default;

void FleetRole::Turn(MonoTime now) {
  next_wake_ = now + kPollEvery;
  TakeRules();
  const auto turn = [&]() -> Status {
    FLEETMEDIC_RETURN_IF_ERROR(OpenReaders());
    FLEETMEDIC_ASSIGN_OR_RETURN(bool more, ReadHosts());
    // What was kept names values of facts: they are known by then.
    if (!facts_read_) {
      next_wake_ = now;
      return {};
    }
    FLEETMEDIC_ASSIGN_OR_RETURN(const bool leading, TakePartitions(now));
    if (!leading) return {};
    for (auto& [partition, owned] : owned_) {
      FLEETMEDIC_ASSIGN_OR_RETURN(const bool done, Replay(partition, &owned));
      if (done) continue;
      next_wake_ = now;
      return {};
    }
    const WallTime wall = parts_.clock->Wall();
    EndMinutes(wall);
    FLEETMEDIC_ASSIGN_OR_RETURN(const bool more_counts, ReadCounts());
    more = more || more_counts;
    FLEETMEDIC_RETURN_IF_ERROR(Settle(wall));
    if (uncommitted_ && passed_over_.empty() && now >= commit_due_) {
      FLEETMEDIC_RETURN_IF_ERROR(CommitPlace());
      commit_due_ = now + kCommitEvery;
    }
    if (more || !passed_over_.empty()) next_wake_ = now;
    return {};
  };
  if (const Status done = turn(); !done) {
    errors_.Add();
    LogWarning("cannot watch the fleet; trying again", {{"error", done.error().message}});
  }
  Show();
}

Status FleetRole::CommitPlace() {
  const std::vector<Position> positions = counts_->Positions();
  FLEETMEDIC_RETURN_IF_ERROR(counts_->Commit());
  uncommitted_ = false;
  for (const Position& position : positions) {
    const auto owned = owned_.find(position.partition);
    if (owned != owned_.end()) owned->second.committed = position.offset;
  }
  return {};
}

void FleetRole::TakeRules() {
  std::vector<std::set<std::string>> changes = new_rules_.TakeAll();
  if (changes.empty()) return;
  rules_ = std::move(changes.back());
  for (auto& [partition, owned] : owned_) {
    if (owned.shard != nullptr) owned.shard->UseRules(rules_);
  }
}

Status FleetRole::OpenReaders() {
  if (facts_ == nullptr) {
    FLEETMEDIC_ASSIGN_OR_RETURN(facts_, parts_.log->OpenAt(Topic::kHosts, {}));
  }
  if (tasks_ == nullptr) {
    FLEETMEDIC_ASSIGN_OR_RETURN(tasks_, parts_.log->OpenAt(Topic::kTasks, {}));
  }
  if (counts_ == nullptr) {
    FLEETMEDIC_ASSIGN_OR_RETURN(counts_, parts_.log->Open(Topic::kCounts, kGroup));
  }
  return {};
}

Result<bool> FleetRole::ReadHosts() {
  bool more = false;
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<LogRecord> facts, facts_->Poll(kRecordsPerTurn));
  facts_read_ = facts_read_ || facts.size() < kRecordsPerTurn;
  for (const LogRecord& record : facts) {
    // Those that cannot be read are the remediator's to tell.
    const auto read = Decoded(record.record.value, &HostFactsFromJson);
    if (read) hosts_.TakeFacts(*read, record.record.timestamp);
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<LogRecord> tasks, tasks_->Poll(kRecordsPerTurn));
  for (const LogRecord& record : tasks) {
    const auto read = Decoded(record.record.value, &ExecutorReportFromJson);
    if (read) hosts_.TakeWork(*read, record.record.timestamp);
  }
  more = facts.size() == kRecordsPerTurn || tasks.size() == kRecordsPerTurn;
  // Where a predecessor stood is known with its first partition.
  if (beats_ == nullptr) return more;
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<LogRecord> beats, beats_->Poll(kRecordsPerTurn));
  for (const LogRecord& record : beats) {
    if (ValidId(record.record.key)) {
      hosts_.Heard(HostId(record.record.key),
                   std::min(record.record.timestamp, parts_.clock->Wall()));
    }
  }
  return more || beats.size() == kRecordsPerTurn;
}

Result<bool> FleetRole::TakePartitions(MonoTime now) {
  const std::vector<Position> positions = counts_->Positions();
  const auto gone = [&](const auto& entry) { return !OffsetOf(positions, entry.first); };
  std::erase_if(owned_, gone);
  std::erase_if(passed_over_, gone);
  bool leading = true;
  for (const Position& position : positions) {
    Owned& owned = owned_[position.partition];
    if (owned.shard == nullptr) {
      owned.committed = position.offset;
      FLEETMEDIC_ASSIGN_OR_RETURN(std::unique_ptr<Store> store,
                                  parts_.open_store(position.partition));
      owned.shard = std::make_unique<FleetShard>(position.partition, std::move(store),
                                                 FleetShard::Parts{.clock = parts_.clock,
                                                                   .hosts = &hosts_,
                                                                   .owner = parts_.owner,
                                                                   .rules = rules_,
                                                                   .watch = parts_.watch,
                                                                   .lease_ttl = parts_.lease_ttl});
    }
    const bool led = owned.shard->leading();
    const Result<bool> leads = owned.shard->Lead(now);
    if (!leads) {
      leading = false;
      owned.replayed = false;
      owned.replay.reset();
      if (leads.error().code != Code::kBusy) return Fail(leads.error().code, leads.error().message);
      continue;
    }
    if (led) continue;
    // Its windows are empty, whatever was read before.
    owned.replayed = false;
    owned.replay.reset();
    passed_over_.try_emplace(position.partition, owned.committed);
    if (beats_ == nullptr) {
      FLEETMEDIC_ASSIGN_OR_RETURN(beats_, parts_.log->OpenAt(Topic::kHealth, owned.shard->beats()));
    }
  }
  return leading;
}

Result<bool> FleetRole::Replay(int32_t partition, Owned* owned) {
  if (owned->replayed) return true;
  if (owned->replay == nullptr) {
    const int64_t to = OffsetOf(counts_->Positions(), partition).value_or(0);
    const auto passed = passed_over_.find(partition);
    int64_t from = passed == passed_over_.end() ? to : passed->second;
    from = std::min(from, owned->shard->replay_from().value_or(from));
    if (from >= to) {
      passed_over_.erase(partition);
      return owned->replayed = true;
    }
    FLEETMEDIC_ASSIGN_OR_RETURN(owned->replay,
                                parts_.log->OpenPartition(Topic::kCounts, {partition, from}));
    owned->replay_to = to;
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<LogRecord> records,
                              owned->replay->Poll(kRecordsPerTurn));
  for (const LogRecord& record : records) {
    if (record.offset < owned->replay_to) TakeCount(record, owned->shard.get());
  }
  const auto at = OffsetOf(owned->replay->Positions(), partition);
  if (at && *at < owned->replay_to && !records.empty()) return false;
  owned->replay.reset();
  passed_over_.erase(partition);
  return owned->replayed = true;
}

Result<bool> FleetRole::ReadCounts() {
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<LogRecord> records, counts_->Poll(kRecordsPerTurn));
  for (const LogRecord& record : records) {
    const auto owned = owned_.find(record.partition);
    if (owned == owned_.end() || !owned->second.replayed) {
      // Of a partition that came to us just now: read again when its shard leads.
      passed_over_.try_emplace(record.partition, record.offset);
    } else {
      TakeCount(record, owned->second.shard.get());
    }
  }
  uncommitted_ = uncommitted_ || !records.empty();
  return records.size() == kRecordsPerTurn;
}

void FleetRole::TakeCount(const LogRecord& record, FleetShard* shard) {
  counts_read_.Add();
  Result<PatternCount> count = Decoded(record.record.value, &PatternCountFromJson);
  if (count && count->pattern != record.record.key) {
    count = Fail(Code::kInvalidArgument, "the key names another pattern than the value");
  }
  if (count) {
    InheritFromOthers(*count, &shard->watch());
    return shard->watch().Take(*count, parts_.clock->Wall());
  }
  counts_unreadable_.Add();
  const std::string origin =
      fmt::format("{}/{}@{}", TopicName(Topic::kCounts), record.partition, record.offset);
  LogWarning("a count that cannot be read", {{"origin", origin}, {"error", count.error().message}});
  Record letter;
  letter.key = origin;
  letter.value = record.record.value.substr(0, kLetterBytesMax);
  letter.timestamp = parts_.clock->Wall();
  letter.headers = {{"origin", origin},
                    {"topic", std::string(TopicName(Topic::kCounts))},
                    {"reason", count.error().message.substr(0, 512)}};
  dead_letters_.push_back(std::move(letter));
}

void FleetRole::InheritFromOthers(const PatternCount& count, FleetWatch* watch) {
  for (const std::string& alias : count.aliases) {
    if (watch->detect().Find(alias)) continue;
    for (const auto& [partition, owned] : owned_) {
      if (owned.shard == nullptr || !owned.shard->leading()) continue;
      const FleetDetect& detect = owned.shard->watch().detect();
      const std::optional<PatternIndex> index = detect.Find(alias);
      if (index) watch->Inherit(count, alias, detect.State(*index));
    }
  }
}

void FleetRole::EndMinutes(WallTime now) {
  const WallTime minute = std::chrono::floor<std::chrono::minutes>(now);
  if (minute == minute_ended_) return;
  minute_ended_ = minute;
  const std::vector<HostIndex> forgotten = hosts_.EndOfMinute(now);
  size_t patterns = 0;
  for (auto& [partition, owned] : owned_) {
    owned.shard->watch().Forget(forgotten);
    patterns += owned.shard->watch().detect().patterns();
  }
  for (auto& [partition, owned] : owned_) owned.shard->watch().SetPatternsTotal(patterns);
}

Status FleetRole::Settle(WallTime now) {
  const std::vector<Position> positions = counts_->Positions();
  const std::vector<Position> beats =
      beats_ == nullptr ? std::vector<Position>() : beats_->Positions();
  FLEETMEDIC_RETURN_IF_ERROR(TellDeadLetters());
  for (auto& [partition, owned] : owned_) {
    FleetShard& shard = *owned.shard;
    const std::optional<int64_t> offset = OffsetOf(positions, partition);
    // Gone with this turn's reading; what is not kept is its successor's to find.
    if (!offset) continue;
    shard.watch().Advance(now);
    shard.NotePlace(*offset, now);
    FLEETMEDIC_RETURN_IF_ERROR(shard.Commit(now, hosts_.reporting(now), beats));
    FLEETMEDIC_RETURN_IF_ERROR(Tell(&shard));
    const WallTime due = shard.watch().NextDue();
    const MonoTime mono = parts_.clock->Mono();
    if (due > now) next_wake_ = std::min(next_wake_, mono + (due - now));
  }
  return {};
}

Status FleetRole::Tell(FleetShard* shard) {
  std::vector<Record>& records = shard->to_tell();
  while (!records.empty()) {
    const size_t count = std::min(records.size(), kIssuesPerAppend);
    FLEETMEDIC_RETURN_IF_ERROR(parts_.log->Append(Topic::kIssues, std::span(records).first(count)));
    issues_told_.Add(static_cast<double>(count));
    records.erase(records.begin(), records.begin() + static_cast<std::ptrdiff_t>(count));
  }
  return {};
}

Status FleetRole::TellDeadLetters() {
  while (!dead_letters_.empty()) {
    const size_t count = std::min(dead_letters_.size(), kLettersPerAppend);
    FLEETMEDIC_RETURN_IF_ERROR(
        parts_.log->Append(Topic::kDeadLetter, std::span(dead_letters_).first(count)));
    dead_letters_.erase(dead_letters_.begin(),
                        dead_letters_.begin() + static_cast<std::ptrdiff_t>(count));
  }
  return {};
}

void FleetRole::Show() {
  size_t issues = 0;
  size_t patterns = 0;
  size_t bytes = hosts_.table().MemoryBytes();
  uint64_t dropped = 0;
  uint64_t unkept = 0;
  for (const auto& [partition, owned] : owned_) {
    if (!owned.shard->leading()) continue;
    const FleetWatch& watch = owned.shard->watch();
    issues += watch.open_issues();
    patterns += watch.detect().patterns();
    bytes += watch.detect().MemoryBytes();
    dropped += watch.issues_dropped();
    unkept += watch.cohorts_unkept();
  }
  issues_open_.Set(static_cast<double>(issues));
  patterns_.Set(static_cast<double>(patterns));
  memory_.Set(static_cast<double>(bytes));
  hosts_known_.Set(static_cast<double>(hosts_.table().hosts()));
  hosts_reporting_.Set(static_cast<double>(hosts_.reporting(parts_.clock->Wall())));
  if (dropped > issues_dropped_told_) {
    issues_dropped_.Add(static_cast<double>(dropped - issues_dropped_told_));
    issues_dropped_told_ = dropped;
  }
  if (unkept > cohorts_unkept_told_) {
    cohorts_unkept_.Add(static_cast<double>(unkept - cohorts_unkept_told_));
    cohorts_unkept_told_ = unkept;
  }
  if (counts_ == nullptr) return;
  const Result<Reader::Lag> lag = counts_->Behind();
  if (!lag) return errors_.Add();
  const Micros age = lag->oldest == kWallNever ? Micros(0) : parts_.clock->Wall() - lag->oldest;
  lag_seconds_.Set(static_cast<double>(std::max(age, Micros(0)).count()) / 1e6);
}

const FleetWatch* FleetRole::watch(int32_t partition) const {
  const auto owned = owned_.find(partition);
  const bool ours = owned != owned_.end() && owned->second.shard->leading();
  return ours && owned->second.replayed ? &owned->second.shard->watch() : nullptr;
}

}  // namespace fleetmedic

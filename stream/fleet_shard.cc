#include "stream/fleet_shard.h"

#include <algorithm>

#include "base/logging.h"

namespace fleetmedic {
namespace {

// Beyond the longest window, and a minute that may be under way.
constexpr Millis kReplayed = Minutes(62);
constexpr Millis kKeptEvery = Minutes(1);
// So long after a start the predecessor's count of reporting hosts is believed: most hosts beat
// within it.
constexpr Millis kReportingBelieved = Minutes(2);
constexpr std::string_view kWholeKey = "fleet";

Record RecordOf(const FleetIssue& issue, WallTime now) {
  Record record;
  record.key = issue.id;
  record.value = ToJson(issue).Dump();
  record.timestamp = now;
  record.headers = {{"content-type", "application/json"},
                    {"ce_specversion", "1.0"},
                    {"ce_type", "fleetmedic.issue"},
                    {"ce_source", "/stream"},
                    {"ce_id", issue.id + "@" + FormatWall(issue.updated_at)},
                    {"ce_time", FormatWall(issue.updated_at)}};
  return record;
}

}  // namespace

FleetShard::FleetShard(int32_t partition, std::unique_ptr<Store> store, Parts parts)
    : partition_(partition), store_(std::move(store)), parts_(std::move(parts)) {}

FleetShard::~FleetShard() {
  if (lease_) (void)store_->Release(*lease_);
}

void FleetShard::StepDown() {
  lease_.reset();
  watch_.reset();
  replay_from_.reset();
  places_.clear();
  unkept_.clear();
  unkept_patterns_.clear();
  unkept_removed_.clear();
  closed_.clear();
  to_tell_.clear();
}

Result<bool> FleetShard::Lead(MonoTime now) {
  if (lease_ && now < renew_at_) return true;
  // Taken before the call: a slow store shortens it and never lengthens.
  const MonoTime until = now + parts_.lease_ttl;
  Result<Lease> lease = lease_ ? store_->Renew(*lease_, parts_.lease_ttl)
                               : store_->Acquire(parts_.owner, parts_.lease_ttl);
  if (!lease) {
    const bool lost = lease.error().code == Code::kFenced || now >= lost_at_;
    if (!lease_ || lost) {
      StepDown();
      return Fail(lease.error().code, lease.error().message);
    }
    renew_at_ = now + parts_.lease_ttl / 10;
    return true;
  }
  const bool fresh = !lease_;
  lease_ = *std::move(lease);
  renew_at_ = now + parts_.lease_ttl / 3;
  lost_at_ = until;
  if (!fresh) return true;
  if (const Status loaded = Load(); !loaded) {
    (void)store_->Release(*lease_);
    StepDown();
    return Fail(loaded.error().code, loaded.error().message);
  }
  return true;
}

Status FleetShard::Load() {
  const WallTime now = parts_.clock->Wall();
  auto watch = std::make_unique<FleetWatch>(parts_.watch, parts_.hosts, now);
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::optional<std::string> whole,
                              store_->Get(Table::kMeta, kWholeKey));
  if (whole) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const Json json, Json::Parse(*whole));
    int64_t from = 0;
    int64_t reporting = 0;
    JsonReader in(json, "saved fleet");
    in.Required("replay_from", &from);
    in.Required("hosts_reporting", &reporting);
    in.ListAs("beats", &beats_, PositionFromJson);
    FLEETMEDIC_RETURN_IF_ERROR(in.Done());
    replay_from_ = from;
    parts_.hosts->AssumeReporting(static_cast<uint32_t>(std::clamp<int64_t>(reporting, 0, 1 << 24)),
                                  now + kReportingBelieved);
    FLEETMEDIC_RETURN_IF_ERROR(watch->RestoreWhole(json["watch"]));
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<Row> patterns, ScanAll(*store_, Table::kBaselines));
  std::vector<std::pair<int64_t, std::pair<std::string, Json>>> by_hit;
  std::vector<std::pair<std::string, const Row*>> cohorts;
  for (const Row& row : patterns) {
    if (std::optional<std::string> of = FleetWatch::CohortRowOf(row.key)) {
      cohorts.emplace_back(*std::move(of), &row);
      continue;
    }
    Result<Json> json = Json::Parse(row.value);
    if (!json) continue;
    const int64_t last_hit = (*json)["last_hit"].integer().value_or(0);
    by_hit.push_back({last_hit, {row.key, *std::move(json)}});
  }
  // Those that were hit longest ago first: they give room where there is too little.
  std::ranges::stable_sort(by_hit, {}, [](const auto& entry) { return entry.first; });
  for (const auto& [last_hit, pattern] : by_hit) {
    if (const Status restored = watch->RestorePattern(pattern.first, pattern.second); !restored) {
      LogWarning("a pattern's baseline is lost",
                 {{"pattern", pattern.first}, {"error", restored.error().message}});
    }
  }
  FLEETMEDIC_RETURN_IF_ERROR(LoadIssues(watch.get(), now));
  for (const auto& [pattern, row] : cohorts) {
    // One at a time: as text they take a fifth of the room.
    const Result<Json> json = Json::Parse(row->value);
    if (!json) continue;
    if (const Status restored = watch->RestoreCohorts(pattern, *json); !restored) {
      LogWarning("what is known of a pattern's cohorts is lost",
                 {{"pattern", pattern}, {"error", restored.error().message}});
    }
  }
  watch->UseRules(parts_.rules, now);
  watch_ = std::move(watch);
  LogInfo("watches the fleet", {{"partition", partition_},
                                {"patterns", watch_->detect().patterns()},
                                {"issues", watch_->open_issues()}});
  return {};
}

Status FleetShard::LoadIssues(FleetWatch* watch, WallTime now) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<Row> issues, ScanAll(*store_, Table::kIssues));
  for (const Row& row : issues) {
    const Result<Json> json = Json::Parse(row.value);
    if (!json) continue;
    auto saved = FleetWatch::SavedIssueFrom(*json);
    if (!saved) {
      LogWarning("a fleet issue is lost", {{"id", row.key}, {"error", saved.error().message}});
      continue;
    }
    // Whether the predecessor told it is not known; to tell it again is harmless.
    to_tell_.push_back(RecordOf(saved->first, now));
    if (saved->first.state == IssueState::kClosed) {
      closed_.push_back(row.key);
      continue;
    }
    if (const Status restored = watch->RestoreIssue(std::move(saved->first), saved->second, now);
        !restored) {
      LogWarning("a fleet issue is lost", {{"id", row.key}, {"error", restored.error().message}});
    }
  }
  return {};
}

void FleetShard::UseRules(const std::set<std::string>& rules) {
  parts_.rules = rules;
  if (watch_ != nullptr) watch_->UseRules(rules, parts_.clock->Wall());
}

void FleetShard::NotePlace(int64_t offset, WallTime now) {
  if (places_.empty() && replay_from_) places_.push_back({now, *replay_from_});
  if (!places_.empty() && places_.back().at + kKeptEvery > now) return;
  places_.push_back({now, offset});
  // The one before stands for everything since: it must be kept until it is too old itself.
  while (places_.size() > 1 && places_[1].at + kReplayed <= now) places_.pop_front();
}

Status FleetShard::Commit(WallTime now, uint32_t hosts_reporting,
                          const std::vector<Position>& beats) {
  for (FleetIssue& issue : watch_->TakeChanged()) {
    std::erase_if(unkept_, [&](const FleetIssue& old) { return old.id == issue.id; });
    unkept_.push_back(std::move(issue));
  }
  const bool patterns = now >= patterns_due_;
  if (unkept_.empty() && !patterns) return {};
  if (patterns) {
    for (FleetWatch::Saved& saved : watch_->TakeChangedPatterns(&unkept_removed_)) {
      std::erase_if(unkept_patterns_, [&](const auto& old) { return old.key == saved.key; });
      unkept_removed_.erase(saved.key);
      unkept_patterns_.push_back(std::move(saved));
    }
  }
  const Status kept = CommitRows(unkept_, patterns, hosts_reporting, beats);
  if (!kept) {
    if (kept.error().code == Code::kFenced) StepDown();
    return kept;
  }
  for (const FleetIssue& issue : std::exchange(unkept_, {})) {
    to_tell_.push_back(RecordOf(issue, now));
    if (issue.state == IssueState::kClosed) closed_.push_back(issue.id);
  }
  if (patterns) {
    patterns_due_ = now + kKeptEvery;
    unkept_patterns_.clear();
    unkept_removed_.clear();
  }
  return {};
}

Status FleetShard::CommitRows(const std::vector<FleetIssue>& issues, bool patterns,
                              uint32_t hosts_reporting, const std::vector<Position>& beats) {
  // Closed issues that were told are not needed any more.
  const std::vector<std::string> told = to_tell_.empty() ? closed_ : std::vector<std::string>();
  const auto write = [&](StoreTransaction& transaction) -> Status {
    for (const std::string& id : told) {
      FLEETMEDIC_RETURN_IF_ERROR(transaction.Erase(Table::kIssues, id));
    }
    for (const FleetIssue& issue : issues) {
      FLEETMEDIC_RETURN_IF_ERROR(
          transaction.Put(Table::kIssues, issue.id, watch_->SavedIssue(issue).Dump()));
    }
    if (!patterns) return {};
    for (const FleetWatch::Saved& saved : unkept_patterns_) {
      FLEETMEDIC_RETURN_IF_ERROR(transaction.Put(Table::kBaselines, saved.key, saved.value.Dump()));
    }
    for (const std::string& key : unkept_removed_) {
      FLEETMEDIC_RETURN_IF_ERROR(transaction.Erase(Table::kBaselines, key));
    }
    Json whole;
    whole.Set("replay_from", places_.empty() ? replay_from_.value_or(0) : places_.front().offset);
    whole.Set("hosts_reporting", int64_t{hosts_reporting});
    Json places(Json::Array{});
    for (const Position& position : beats) places.Append(ToJson(position));
    whole.Set("beats", std::move(places));
    whole.Set("watch", watch_->SavedWhole());
    return transaction.Put(Table::kMeta, kWholeKey, whole.Dump());
  };
  FLEETMEDIC_RETURN_IF_ERROR(store_->Commit(lease_->epoch, write));
  if (!told.empty()) closed_.clear();
  return {};
}

}  // namespace fleetmedic

#include "notify/notifier.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/logging.h"
#include "base/text.h"

namespace fleetmedic {
namespace {

constexpr Millis kLookEvery = Seconds(1);
constexpr Millis kLeaseTtl = Seconds(10);
constexpr size_t kEntriesMax = 1000;
constexpr size_t kOutcomesMax = 4 * kNotifyChannelsMax;
constexpr size_t kReasonBytesMax = 512;
constexpr size_t kDeadLettersMax = 1000;
// The position alone is not worth a commit until so many entries that nobody is told of.
constexpr uint64_t kPositionEvery = 10'000;
constexpr Millis kFirstLook = Minutes(10);
constexpr std::string_view kPositionKey = "notify.position";
constexpr std::string_view kGroupsKey = "notify.groups";
// What is kept of the groups is cut where one row would not take it.
constexpr size_t kGroupsPartBytes = kStoreValueBytesMax / 4;

std::string GroupsKey(size_t part) {
  return part == 0 ? std::string(kGroupsKey) : fmt::format("{}.{}", kGroupsKey, part);
}

// The parts go up to the first that is not there.
Status PutGroups(std::string_view text, StoreTransaction* tx) {
  size_t part = 0;
  while (!text.empty()) {
    size_t end = std::min(text.size(), kGroupsPartBytes);
    // Never within a character.
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    FLEETMEDIC_RETURN_IF_ERROR(tx->Put(Table::kMeta, GroupsKey(part++), text.substr(0, end)));
    text.remove_prefix(end);
  }
  return tx->Erase(Table::kMeta, GroupsKey(part));
}

Result<std::string> ReadGroups(const Store& store) {
  std::string text;
  for (size_t part = 0; text.size() <= Json::kTextBytesMax; ++part) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const std::optional<std::string> row,
                                store.Get(Table::kMeta, GroupsKey(part)));
    if (!row) break;
    text += *row;
  }
  return text;
}

}  // namespace

Notifier::Notifier(NotifyConfig config, NotifierParts parts)
    : config_(std::move(config)),
      parts_(std::move(parts)),
      random_(parts_.seed),
      outcomes_(kOutcomesMax, parts_.wake),
      grouping_(config_) {
  const auto outcome = [this](const std::string& channel, const char* word) {
    return parts_.metrics.Counter("fleetmedic_notifications_total",
                                  "Tries at sending a message, by channel and what came of them.",
                                  {{"channel", channel}, {"outcome", word}});
  };
  for (const NotifyChannel& each : config_.channels) {
    Channel channel;
    channel.config = each;
    channel.state.name = each.name;
    channel.state.kind = each.kind;
    channel.delivered = outcome(each.name, "delivered");
    channel.retried = outcome(each.name, "retried");
    channel.failed = outcome(each.name, "failed");
    channel.queued =
        parts_.metrics.Gauge("fleetmedic_notifications_queued", "Messages that wait to be sent.",
                             {{"channel", each.name}});
    channel.failing =
        parts_.metrics.Gauge("fleetmedic_notify_channel_failing",
                             "1 where the last try at sending failed.", {{"channel", each.name}});
    channels_.emplace(each.name, std::move(channel));
  }
  turns_failed_ = parts_.metrics.Counter("fleetmedic_notifier_turns_failed_total",
                                         "Passes that ended in an error and changed nothing.");
  leading_ = parts_.metrics.Gauge("fleetmedic_notifier_leading",
                                  "1 where this process is the one that tells people.");
  delay_ = parts_.metrics.Histogram("fleetmedic_notification_delay_seconds",
                                    "From the newest event of a message until it was delivered.",
                                    DurationBuckets());
  Publish();
}

Notifier::~Notifier() {
  if (lease_) (void)parts_.store.Release(*lease_);
}

void Notifier::Turn(MonoTime now) {
  if (anchor_wall_ == kWallNever) {
    anchor_wall_ = parts_.clock.Wall();
    anchor_mono_ = now;
  }
  now_ = anchor_wall_ + (now - anchor_mono_);
  next_wake_ = now + kLookEvery;
  if (!Lead(now)) return Publish();
  TakeOutcomes(now);
  if (const Status read = ReadAudit(now); !read) {
    turns_failed_.Add();
    LogWarning("the audit cannot be read; it is tried again", {{"error", read.error().message}});
  }
  QueueDue();
  GiveUpOnTheOld();
  FlushDeadLetters();
  if (const Status committed = Commit(); !committed) {
    StepDown(committed.error());
    return Publish();
  }
  Send(now);
  SetNextWake(now);
  Publish();
}

void Notifier::StepDown(const Error& error) {
  turns_failed_.Add();
  LogWarning("the notifier steps down", {{"error", error.message}});
  lease_.reset();
}

bool Notifier::Lead(MonoTime now) {
  if (lease_ && now < lease_renew_at_) return true;
  Result<Lease> lease = lease_ ? parts_.store.Renew(*lease_, kLeaseTtl)
                               : parts_.store.Acquire(parts_.owner, kLeaseTtl);
  if (!lease) {
    const bool busy = lease.error().code == Code::kBusy;
    if (!busy) StepDown(lease.error());
    lease_.reset();
    return false;
  }
  const bool fresh = !lease_;
  lease_ = *lease;
  lease_renew_at_ = now + kLeaseTtl / 3;
  if (!fresh) return true;
  if (const Status loaded = Load(); !loaded) {
    StepDown(loaded.error());
    return false;
  }
  LogInfo("the notifier leads", {{"epoch", lease_->epoch}, {"position", position_}});
  return true;
}

Status Notifier::Load() {
  queue_ = NotifyQueue();
  grouping_ = Grouping(config_);
  dead_letters_.clear();
  touched_.clear();
  dirty_ = false;
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::string groups, ReadGroups(parts_.store));
  // What cannot be read is left behind: a page too many is better than nobody who is told.
  if (!groups.empty()) {
    const Result<Json> json = Json::Parse(groups);
    const Status restored =
        json ? grouping_.Restore(*json) : Status(tl::unexpected<Error>(json.error()));
    if (!restored) {
      LogError("what was told cannot be read; it is begun anew",
               {{"error", restored.error().message}});
    }
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<Row> rows, ScanAll(parts_.store, Table::kOutbox));
  for (const Row& row : rows) {
    const Result<Json> json = Json::Parse(row.value);
    Result<QueuedMessage> queued = QueuedMessageFromJson(json.value_or(Json()));
    if (queued) {
      queue_.Restore(row.key, *std::move(queued));
      continue;
    }
    LogError("a message that waits cannot be read; it is dropped",
             {{"row", row.key}, {"error", queued.error().message}});
    touched_.insert(row.key);
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::optional<std::string> position,
                              parts_.store.Get(Table::kMeta, kPositionKey));
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<AuditEntry> newest,
                              parts_.audit.NewestAudit("", 1));
  const uint64_t end = newest.empty() ? 0 : newest.front().seq;
  if (position) {
    std::from_chars(position->data(), position->data() + position->size(), position_);
    if (position_ <= end) return {};
    LogWarning("the audit is shorter than what was told of it; it is begun anew",
               {{"position", position_}, {"end", end}});
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(position_, FirstPosition());
  dirty_ = true;
  return {};
}

Result<uint64_t> Notifier::FirstPosition() const {
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<AuditEntry> newest,
                              parts_.audit.NewestAudit("", kEntriesMax));
  for (const AuditEntry& entry : newest) {
    if (entry.at < now_ - kFirstLook) return entry.seq;
  }
  return newest.empty() ? uint64_t{0} : newest.back().seq - 1;
}

Status Notifier::ReadAudit(MonoTime now) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<AuditEntry> entries,
                              parts_.audit.ReadAudit(position_, "", kEntriesMax));
  for (const AuditEntry& entry : entries) {
    const std::optional<NotifyEvent> event = EventOf(entry);
    if (event) grouping_.Take(*event, now_);
    dirty_ = dirty_ || event.has_value() || entry.seq % kPositionEvery == 0;
    position_ = entry.seq;
  }
  if (entries.size() == kEntriesMax) next_wake_ = now;
  return {};
}

void Notifier::QueueDue() {
  for (const NotifyMessage& message : grouping_.Due(now_)) {
    dirty_ = true;
    for (const auto& [name, channel] : channels_) {
      if (!Takes(channel.config, message)) continue;
      touched_.insert(queue_.Add({name, message, now_}));
      const auto max = static_cast<size_t>(config_.queue_messages_max);
      if (queue_.Count(name) <= max) continue;
      if (const std::optional<std::string> oldest = queue_.Oldest(name)) {
        GiveUp(*oldest, fmt::format("more than {} messages wait", max));
      }
    }
  }
}

void Notifier::TakeOutcomes(MonoTime now) {
  for (const Tried& tried : outcomes_.TakeAll()) {
    // Of an earlier time as the leader: the queue was read anew, and it is tried again.
    if (tried.epoch != lease_->epoch || !queue_.items().contains(tried.row)) continue;
    TakeOutcome(tried.row, tried.outcome, now);
  }
}

void Notifier::TakeOutcome(const std::string& row, const TryOutcome& outcome, MonoTime now) {
  const NotifyQueue::Item& item = queue_.items().at(row);
  const auto at = channels_.find(item.queued.channel);
  FLEETMEDIC_CHECK(at != channels_.end());
  Channel& channel = at->second;
  if (outcome.verdict == TryVerdict::kDelivered) {
    channel.delivered.Add();
    channel.state.failing_since = kWallNever;
    channel.state.error.clear();
    channel.state.delivered_at = now_;
    delay_.Observe(std::chrono::duration<double>(now_ - item.queued.message.last_at).count());
    touched_.insert(row);
    queue_.Erase(row);
    return;
  }
  if (!channel.state.failing()) channel.state.failing_since = now_;
  channel.state.error = outcome.reason.substr(0, kReasonBytesMax);
  LogWarning("a message could not be sent", {{"channel", channel.state.name},
                                             {"message", item.queued.message.id},
                                             {"why", channel.state.error}});
  if (outcome.verdict == TryVerdict::kFinal) return GiveUp(row, outcome.reason);
  channel.retried.Add();
  const Millis back_off = BackOff(item.failures + 1, random_.Unit());
  queue_.Failed(row, outcome.reason, now + back_off);
  if (outcome.retry_after) queue_.Rest(channel.state.name, now + *outcome.retry_after);
}

void Notifier::GiveUpOnTheOld() {
  std::vector<std::pair<std::string, std::string>> old;
  for (const auto& [row, item] : queue_.items()) {
    if (item.in_flight) continue;
    if (!channels_.contains(item.queued.channel)) {
      old.emplace_back(row, "the channel is not in the config any more");
    } else if (item.queued.queued_at + config_.give_up_after <= now_) {
      old.emplace_back(row,
                       fmt::format("not sent within {}: {}", FormatDuration(config_.give_up_after),
                                   item.reason.empty() ? "there was no try" : item.reason));
    }
  }
  for (const auto& [row, reason] : old) GiveUp(row, reason);
}

void Notifier::GiveUp(const std::string& row, const std::string& reason) {
  const QueuedMessage queued = queue_.items().at(row).queued;
  queue_.Erase(row);
  if (const auto channel = channels_.find(queued.channel); channel != channels_.end()) {
    channel->second.failed.Add();
  }
  LogError("a message is given up", {{"channel", queued.channel},
                                     {"message", queued.message.id},
                                     {"title", queued.message.title},
                                     {"why", reason.substr(0, kReasonBytesMax)}});
  // The log line above is what is left of it where even the dead letters cannot be written.
  if (dead_letters_.size() >= kDeadLettersMax) {
    touched_.insert(row);
    return;
  }
  Record letter;
  letter.key = queued.channel;
  letter.value = ToJson(queued.message).Dump();
  letter.headers = {{"origin", "notify/" + queued.channel},
                    {"kind", "undeliverable"},
                    {"reason", reason.substr(0, kReasonBytesMax)}};
  letter.timestamp = queued.queued_at;
  dead_letters_.emplace_back(row, std::move(letter));
}

void Notifier::FlushDeadLetters() {
  if (dead_letters_.empty()) return;
  std::vector<Record> letters;
  for (const auto& [row, letter] : dead_letters_) letters.push_back(letter);
  if (const Status kept = parts_.log.Append(Topic::kDeadLetter, letters); !kept) {
    LogWarning("dead letters cannot be written; they are tried again",
               {{"error", kept.error().message}});
    return;
  }
  for (const auto& [row, letter] : dead_letters_) touched_.insert(row);
  dead_letters_.clear();
}

Status Notifier::WriteTo(StoreTransaction* tx) const {
  FLEETMEDIC_RETURN_IF_ERROR(tx->Put(Table::kMeta, kPositionKey, fmt::format("{}", position_)));
  if (dirty_) {
    FLEETMEDIC_RETURN_IF_ERROR(PutGroups(grouping_.ToJson().Dump(), tx));
  }
  for (const std::string& row : touched_) {
    const auto item = queue_.items().find(row);
    if (item == queue_.items().end()) {
      FLEETMEDIC_RETURN_IF_ERROR(tx->Erase(Table::kOutbox, row));
    } else {
      FLEETMEDIC_RETURN_IF_ERROR(tx->Put(Table::kOutbox, row, ToJson(item->second.queued).Dump()));
    }
  }
  return {};
}

Status Notifier::Commit() {
  if (!dirty_ && touched_.empty()) return {};
  FLEETMEDIC_RETURN_IF_ERROR(
      parts_.store.Commit(lease_->epoch, [this](StoreTransaction& tx) { return WriteTo(&tx); }));
  dirty_ = false;
  touched_.clear();
  return {};
}

void Notifier::Send(MonoTime now) {
  for (const auto& [name, channel] : channels_) {
    const std::optional<std::string> row = queue_.Next(name, now);
    if (!row) continue;
    const NotifyMessage& message = queue_.items().at(*row).queued.message;
    const Status submitted = parts_.workers.Submit(
        "notify", [this, row = *row, epoch = lease_->epoch, config = channel.config, message] {
          (void)outcomes_.Post({row, epoch, parts_.send(config, message)});
        });
    if (!submitted) {  // the workers are busy
      queue_.Rest(name, now + kLookEvery);
      continue;
    }
    queue_.Sent(*row);
  }
}

void Notifier::SetNextWake(MonoTime now) {
  if (const WallTime due = grouping_.NextDue(now_); due != kWallNever) {
    next_wake_ = std::min(next_wake_, now + std::max(due - now_, Micros(0)));
  }
  for (const auto& [name, channel] : channels_) {
    next_wake_ = std::min(next_wake_, queue_.NextDue(name));
  }
  if (!outcomes_.empty()) next_wake_ = now;
  next_wake_ = std::max(next_wake_, now + Millis(1));
}

void Notifier::Publish() {
  leading_.Set(lease_ ? 1 : 0);
  std::vector<NotifyChannelState> states;
  for (auto& [name, channel] : channels_) {
    channel.state.queued = queue_.Count(name);
    channel.queued.Set(static_cast<double>(channel.state.queued));
    channel.failing.Set(channel.state.failing() ? 1 : 0);
    states.push_back(channel.state);
  }
  absl::MutexLock lock(&mutex_);
  published_ = std::move(states);
}

std::vector<NotifyChannelState> Notifier::Channels() const {
  absl::MutexLock lock(&mutex_);
  return published_;
}

}  // namespace fleetmedic

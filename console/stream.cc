#include "console/stream.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "base/logging.h"

namespace fleetmedic {
namespace {

constexpr Millis kAuditEvery{200};
constexpr size_t kAuditEntriesPerRead = 500;
constexpr size_t kEventsPerWrite = 512;

// JSON has no raw line break, so one data line holds it all.
std::string EventText(std::string_view event, std::string_view data) {
  return fmt::format("event: {}\ndata: {}\n\n", event, data);
}

// What makes it worth telling a host again at once.
size_t DigestOf(Json summary) {
  summary.object()->erase("seen_at");
  if (Json::Array* conditions = summary.Set("conditions", summary["conditions"]).array()) {
    for (Json& condition : *conditions) condition.object()->erase("observed_at");
  }
  return std::hash<std::string>()(summary.Dump());
}

}  // namespace

StreamHub::StreamHub(const RemediatorService& service, const Store& store, ApiView view,
                     std::string epoch, Metrics* metrics, StreamLimits limits,
                     const PatternBook* patterns)
    : service_(service),
      store_(store),
      epoch_(std::move(epoch)),
      limits_(limits),
      patterns_(patterns),
      view_(std::move(view)) {
  if (metrics != nullptr) {
    audit_errors_ = metrics->Counter("fleetmedic_api_audit_read_errors_total",
                                     "Reads of the audit for the live stream that failed.");
  }
}

void StreamHub::Advance(MonoTime now) {
  ReadAudit(now);
  absl::MutexLock lock(&mutex_);
  TakeSnapshot(now);
}

StreamHub::Look StreamHub::Newest() const {
  absl::MutexLock lock(&mutex_);
  FLEETMEDIC_CHECK(snapshot_ != nullptr);
  return {snapshot_, view_, {recent_.begin(), recent_.end()}, Cursor(head_)};
}

void StreamHub::ReadAudit(MonoTime now) {
  if (!audit_mutex_.TryLock()) return;
  if (now >= next_audit_) {
    next_audit_ = now + kAuditEvery;
    const bool first = !audit_begun_;
    Result<std::vector<AuditEntry>> entries =
        first ? store_.NewestAudit("", kRecentAuditMax)
              : store_.ReadAudit(audit_seq_, "", kAuditEntriesPerRead);
    if (!entries) {
      audit_errors_.Add();
      LogWarning("cannot read the audit", {{"error", entries.error().message}});
    } else {
      audit_begun_ = true;
      if (first) std::ranges::reverse(*entries);
      absl::MutexLock lock(&mutex_);
      for (AuditEntry& entry : *entries) {
        audit_seq_ = entry.seq;
        if (!first) Push("audit", "", AuditJson(entry).Dump());
        entry.detail = Json();
        recent_.push_front(std::move(entry));
        if (recent_.size() > kRecentAuditMax) recent_.pop_back();
      }
    }
  }
  audit_mutex_.Unlock();
}

void StreamHub::TakeSnapshot(MonoTime now) {
  std::shared_ptr<const FleetSnapshot> snapshot = service_.Snapshot();
  const bool first = snapshot_ == nullptr;
  const bool same = !first && snapshot == snapshot_;
  snapshot_ = std::move(snapshot);
  if (!same || hosts_waiting_) CompareHosts(now, !first);
  if (trouble_ != snapshot_->trouble) {
    trouble_ = snapshot_->trouble;
    view_.trouble_since = trouble_.empty() ? kWallNever : snapshot_->now;
  }
  if (!same) {
    TellIfNew("mode", ModeJson(*snapshot_), !first);
    TellIfNew("limits", LimitsJson(*snapshot_), !first);
  }
  TakePatterns(now, !first);
  if (now < next_freshness_ || freshness_of_ == snapshot_) return;
  next_freshness_ = now + kFreshnessEvery;
  freshness_of_ = snapshot_;
  TellIfNew("freshness", FreshnessJson(*snapshot_, view_), !first);
  TellIfNew("needs_you", ItemsJson(NeedsYou(*snapshot_, view_)), !first);
}

void StreamHub::TakePatterns(MonoTime now, bool tell) {
  if (patterns_ == nullptr) return;
  const PatternNews news = patterns_->News();
  if (now >= next_patterns_) {
    next_patterns_ = now + kPatternsEvery;
    Json body;
    body.Set("change", news.counts);
    TellIfNew("patterns", body, tell);
  }
  if (now >= next_issues_) {
    next_issues_ = now + kIssuesEvery;
    Json body;
    body.Set("change", news.issues);
    body.Set("open", news.issues_open);
    TellIfNew("issues", body, tell);
  }
}

void StreamHub::CompareHosts(MonoTime now, bool tell) {
  hosts_waiting_ = false;
  bool left = false;
  for (auto it = told_.begin(); it != told_.end();) {
    const bool gone = !snapshot_->hosts.contains(it->first);
    if (gone) newest_.erase("host:" + it->first.str());  // a reset follows
    it = gone ? told_.erase(it) : std::next(it);
    left = left || gone;
  }
  for (const auto& [host, record] : snapshot_->hosts) {
    Told& told = told_[host];
    const bool silent = IsSilent(*record, snapshot_->now, view_.silent_after);
    if (told.record == record && told.silent == silent) continue;
    const bool fresh = told.record == nullptr;
    if (tell && !fresh && now < told.at + kHostEventEvery) {
      hosts_waiting_ = true;
      continue;
    }
    const Json summary = HostSummaryJson(*record, silent);
    const size_t digest = DigestOf(summary);
    told.record = record;
    told.silent = silent;
    if (!fresh && told.digest == digest && now < told.at + kSeenEvery) continue;
    told.digest = digest;
    told.at = now;
    if (tell) Push("host", "host:" + host.str(), summary.Dump());
  }
  // No event says that a host is gone: the state does, by not holding it.
  if (left && tell) Push("reset", "reset", "{}");
}

void StreamHub::TellIfNew(std::string_view event, const Json& body, bool tell) {
  std::string text = body.Dump();
  std::string& told = bodies_[std::string(event)];
  if (told == text) return;
  told = std::move(text);
  if (tell) Push(event, std::string(event), told);
}

void StreamHub::Push(std::string_view event, std::string key, std::string_view data) {
  ++head_;
  if (!key.empty()) {
    uint64_t& newest = newest_[key];
    // Nobody is sent the one before any more: its text can go.
    if (!events_.empty() && newest >= events_.front().seq) {
      std::string& text = events_[newest - events_.front().seq].text;
      bytes_ -= text.size();
      text = std::string();
    }
    newest = head_;
  }
  events_.push_back({head_, std::move(key), EventText(event, data)});
  bytes_ += events_.back().text.size();
  while (events_.size() > limits_.events_max || bytes_ > limits_.bytes_max) {
    bytes_ -= events_.front().text.size();
    events_.pop_front();
  }
}

StreamHub::Batch StreamHub::After(uint64_t after, size_t events_max) const {
  absl::MutexLock lock(&mutex_);
  Batch batch;
  batch.seq = head_;
  const uint64_t oldest = events_.empty() ? head_ + 1 : events_.front().seq;
  if (after > head_ || after + 1 < oldest) {
    batch.reset = true;
    return batch;
  }
  size_t told = 0;
  for (size_t i = after + 1 - oldest; i < events_.size(); ++i) {
    const Event& event = events_[i];
    if (event.text.empty()) continue;
    if (told == events_max) {
      batch.seq = event.seq - 1;
      batch.more = true;
      return batch;
    }
    ++told;
    batch.text += fmt::format("id: {}\n{}", Cursor(event.seq), event.text);
  }
  return batch;
}

std::optional<uint64_t> StreamHub::ParseCursor(std::string_view cursor) const {
  const size_t colon = cursor.rfind(':');
  if (colon == std::string_view::npos || cursor.substr(0, colon) != epoch_) return std::nullopt;
  const std::string_view digits = cursor.substr(colon + 1);
  uint64_t seq = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), seq);
  if (error != std::errc() || end != digits.end()) return std::nullopt;
  return seq;
}

std::string StreamHub::Cursor(uint64_t seq) const { return fmt::format("{}:{}", epoch_, seq); }

uint64_t StreamHub::head() const {
  absl::MutexLock lock(&mutex_);
  return head_;
}

void RunStream(StreamHub* hub, const Clock& clock, std::string_view cursor, HttpStream* stream) {
  hub->Advance(clock.Mono());
  const std::optional<uint64_t> given = hub->ParseCursor(cursor);
  uint64_t seq = given.value_or(hub->head());
  bool reset = !given && !cursor.empty();
  MonoTime next_beat = clock.Mono();
  while (true) {
    const MonoTime now = clock.Mono();
    hub->Advance(now);
    const StreamHub::Batch batch = hub->After(seq, kEventsPerWrite);
    seq = batch.seq;
    const std::string id = fmt::format("id: {}\n", hub->Cursor(seq));
    std::string text = batch.text;
    if (batch.reset || reset) text = id + EventText("reset", "{}");
    reset = false;
    if (now >= next_beat) {
      next_beat = now + kBeatEvery;
      text += id + EventText("beat", "{}");
    }
    if (!text.empty() && !stream->Write(text)) return;
    if (!batch.more && !stream->Wait(std::min(now + kLookEvery, next_beat))) return;
  }
}

}  // namespace fleetmedic

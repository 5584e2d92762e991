#include "notify/grouping.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace fleetmedic {
namespace {

using Act = NotifyMessage::Act;
using Severity = NotifyMessage::Severity;
using Kind = NotifyEvent::Kind;

constexpr Millis kMinute = Minutes(1);
constexpr std::string_view kStormPrefix = "storm:";

Severity SeverityOf(Kind kind) {
  switch (kind) {
    case Kind::kBrake:
      return Severity::kCritical;
    case Kind::kIssue:
    case Kind::kHost:
      return Severity::kError;
    case Kind::kHold:
    case Kind::kOther:
      return Severity::kWarning;
  }
  return Severity::kError;
}

void MergeNames(const BlastRadius& from, BlastRadius* to) {
  AddNames(from.pools, &to->pools);
  AddNames(from.cells, &to->cells);
  to->unnamed_part = to->unnamed_part || from.unnamed_part || !from.named();
}

// The newer word on the same.
void Merge(const BlastRadius& from, BlastRadius* to) {
  if (from.hosts >= 0) to->hosts = std::max(from.hosts, to->hosts);
  if (from.tasks >= 0) to->tasks = from.tasks;
  MergeNames(from, to);
}

void Sum(int64_t from, int64_t* to) {
  if (from >= 0) *to = std::max<int64_t>(*to, 0) + from;
}

}  // namespace

// With the time, so that a store that begins anew gives none that a receiver has seen.
std::string Grouping::NextId(WallTime now) {
  return fmt::format("N-{}-{}", MillisOf(now) / 1000, ++last_number_);
}

void Grouping::Take(const NotifyEvent& event, WallTime now) {
  switch (event.act) {
    case NotifyEvent::Act::kPage:
      return TakePage(event, now);
    case NotifyEvent::Act::kNote:
      return TakeNote(event, now);
    case NotifyEvent::Act::kAcknowledge:
      return TakeAcknowledgement(event, now);
    case NotifyEvent::Act::kEnd:
      return TakeEnd(event, now);
  }
}

bool Grouping::MakeRoom() {
  if (groups_.size() < kGroupsMax) return true;
  const auto victim = std::ranges::min_element(groups_, {}, [](const auto& entry) {
    return std::tuple(!entry.second.told, entry.second.newest.at);
  });
  if (!victim->second.told) return false;
  LeaveStorm(&victim->second, victim->second.newest.at);
  groups_.erase(victim);
  return true;
}

void Grouping::LeaveStorm(Group* group, WallTime now) {
  if (!group->storm.empty()) MemberEnded(std::exchange(group->storm, ""), now);
}

void Grouping::TakePage(const NotifyEvent& event, WallTime now) {
  if (!groups_.contains(event.key) && !MakeRoom()) {
    ++untracked_;
    return;
  }
  Group& group = groups_[event.key];
  if (group.events == 0) group.first_at = event.at;
  ++group.events;
  group.newest = event;
  group.ended = false;
  Merge(event.blast, &group.blast);
  if (group.untold) return;
  group.untold = true;
  group.due_at = now + config_.gather;
  if (group.told) group.due_at = std::max(group.due_at, group.told_at + config_.window);
}

void Grouping::TakeEnd(const NotifyEvent& event, WallTime now) {
  if (event.noted) TakeNote(event, now);
  const auto at = groups_.find(event.key);
  if (at == groups_.end()) return;
  Group& group = at->second;
  if (group.told && group.storm.empty()) {
    group.ended = true;
    group.newest = event;
    group.due_at = now;
    return;
  }
  // Nobody was called for it alone. What was never told is over before it was, and is worth a line.
  if (!group.told && !event.noted) TakeNote(group.newest, now);
  LeaveStorm(&group, now);
  groups_.erase(at);
}

void Grouping::MemberEnded(const std::string& storm, WallTime now) {
  const auto at = groups_.find(storm);
  if (at == groups_.end() || at->second.members == 0) return;
  if (--at->second.members > 0) return;
  at->second.ended = true;
  at->second.due_at = now;
}

void Grouping::TakeAcknowledgement(const NotifyEvent& event, WallTime now) {
  for (auto at = groups_.lower_bound(event.key);
       at != groups_.end() && at->first.starts_with(event.key); ++at) {
    Group& group = at->second;
    if (!group.told || !group.storm.empty() || group.acknowledged || group.ended) continue;
    group.acknowledge = true;
    group.due_at = now;
    group.newest.why = event.title + (event.why.empty() ? "" : ": " + event.why);
  }
}

void Grouping::TakeNote(const NotifyEvent& event, WallTime now) {
  if (config_.digest_every == Millis(0)) return;
  if (digest_.empty()) digest_first_at_ = now;
  const std::string key = event.key + "\n" + event.title;
  const auto at = digest_.find(key);
  if (at == digest_.end() && digest_.size() >= kDigestLinesMax) {
    ++digest_more_;
    return;
  }
  DigestLine& line = digest_[key];
  line.text = event.title + (event.why.empty() ? "" : ": " + event.why);
  ++line.count;
}

bool Grouping::IsDue(const Group& group, WallTime now) const {
  const bool something =
      group.untold || group.acknowledge || (group.ended && group.told && group.storm.empty());
  // Where the clock went back, what waits would wait for ever.
  const bool unlikely = group.due_at > now + config_.window + config_.gather;
  return something && (group.due_at <= now || unlikely);
}

size_t Grouping::Budget(WallTime now) const {
  const auto counted =
      std::ranges::count_if(told_, [now](WallTime at) { return at > now - kMinute && at <= now; });
  const auto max = static_cast<size_t>(config_.messages_per_minute_max);
  return max - std::min(max, static_cast<size_t>(counted));
}

NotifyMessage Grouping::Tell(Groups::iterator at, WallTime now) {
  Group& group = at->second;
  if (!group.storm.empty()) group.told = false;  // not in its own name
  LeaveStorm(&group, now);
  NotifyMessage message;
  message.id = NextId(now);
  message.key = at->first;
  message.act = group.ended         ? Act::kResolve
                : group.acknowledge ? Act::kAcknowledge
                : group.told        ? Act::kUpdate
                                    : Act::kTrigger;
  message.severity = SeverityOf(group.newest.kind);
  message.title = group.newest.title;
  message.why = group.newest.why;
  message.blast = group.blast;
  message.events = group.events;
  message.path = ConsolePath(group.newest.object);
  message.first_at = group.first_at;
  message.last_at = group.newest.at;
  told_.push_back(now);
  if (message.act == Act::kAcknowledge) {
    group.acknowledge = false;
    group.acknowledged = true;
    if (group.untold) group.due_at = std::max(now, group.told_at + config_.window);
    return message;
  }
  group.untold = false;
  group.told = true;
  group.told_at = now;
  if (group.ended) groups_.erase(at);
  return message;
}

NotifyMessage Grouping::TellStorm(const std::vector<Groups::iterator>& folded, WallTime now) {
  NotifyMessage message;
  message.id = NextId(now);
  message.key = std::string(kStormPrefix) + message.id;
  message.severity = Severity::kInfo;
  message.events = untracked_;
  message.more = untracked_;
  message.blast.unnamed_part = untracked_ > 0;
  message.title = fmt::format("And {} more need a person", folded.size() + untracked_);
  message.why = fmt::format("too many at once to tell each: at most {} messages a minute",
                            config_.messages_per_minute_max);
  message.path = ConsolePath("");
  for (const auto& at : folded) {
    Group& group = at->second;
    message.severity = std::max(message.severity, SeverityOf(group.newest.kind));
    message.events += group.events;
    Sum(group.blast.hosts, &message.blast.hosts);
    Sum(group.blast.tasks, &message.blast.tasks);
    MergeNames(group.blast, &message.blast);
    if (message.lines.size() < NotifyMessage::kLinesMax) {
      message.lines.push_back(group.newest.title + ": " + group.newest.why);
    } else {
      ++message.more;
    }
    if (message.first_at == kWallNever || group.first_at < message.first_at) {
      message.first_at = group.first_at;
    }
    message.last_at = std::max(message.last_at, group.newest.at);
    LeaveStorm(&group, now);
    group.untold = false;
    group.told = true;
    group.told_at = now;
    group.storm = message.key;
  }
  Group storm;
  storm.newest.at = message.last_at;
  storm.newest.title = "Over, or told anew: " + message.title;
  storm.first_at = message.first_at;
  storm.events = message.events;
  storm.blast = message.blast;
  storm.told = true;
  storm.told_at = now;
  storm.members = folded.size();
  groups_[message.key] = std::move(storm);
  untracked_ = 0;
  told_.push_back(now);
  return message;
}

NotifyMessage Grouping::Digest(WallTime now) {
  NotifyMessage message;
  message.id = NextId(now);
  message.act = Act::kDigest;
  message.key = "digest";
  message.events = digest_more_;
  message.more = digest_more_;
  for (const auto& [key, line] : digest_) {
    message.events += line.count;
    if (message.lines.size() < NotifyMessage::kLinesMax) {
      message.lines.push_back(
          line.count == 1 ? line.text : fmt::format("{} ({} times)", line.text, line.count));
    } else {
      message.more += line.count;
    }
  }
  message.title = fmt::format("Digest: {} events", message.events);
  message.path = ConsolePath("");
  message.first_at = digest_first_at_;
  message.last_at = now;
  digest_.clear();
  digest_more_ = 0;
  digest_first_at_ = kWallNever;
  return message;
}

std::vector<NotifyMessage> Grouping::Due(WallTime now) {
  std::erase_if(told_, [now](WallTime at) { return at <= now - kMinute || at > now; });
  std::vector<NotifyMessage> messages;
  std::vector<Groups::iterator> due;
  for (auto at = groups_.begin(); at != groups_.end(); ++at) {
    if (IsDue(at->second, now)) due.push_back(at);
  }
  std::ranges::stable_sort(due, {}, [](const Groups::iterator& at) {
    return std::tuple(at->second.newest.kind, at->second.first_at);
  });
  const size_t budget = Budget(now);
  std::vector<Groups::iterator> folded;
  if (due.size() > budget && budget > 0) {
    // Who was called by name waits for the next minute with what follows.
    std::vector<Groups::iterator> kept;
    for (const auto& at : due) {
      const bool named = at->second.told && at->second.storm.empty();
      (kept.size() < budget - 1 || named ? kept : folded).push_back(at);
    }
    due = std::move(kept);
  }
  due.resize(std::min(due.size(), folded.empty() ? budget : budget - 1));
  for (const auto& at : due) messages.push_back(Tell(at, now));
  if (folded.size() == 1) {
    messages.push_back(Tell(folded.front(), now));
  } else if (!folded.empty()) {
    messages.push_back(TellStorm(folded, now));
  }
  // Where the clock went back, it would wait for as long as the clock did.
  const bool unlikely = digest_first_at_ > now;
  if (!digest_.empty() && (digest_first_at_ + config_.digest_every <= now || unlikely)) {
    messages.push_back(Digest(now));
  }
  return messages;
}

WallTime Grouping::NextDue(WallTime now) const {
  WallTime next = kWallNever;
  const auto sooner = [&next](WallTime at) {
    if (next == kWallNever || at < next) next = at;
  };
  for (const auto& [key, group] : groups_) {
    if (group.untold || group.acknowledge || (group.ended && group.told)) sooner(group.due_at);
  }
  if (next != kWallNever && Budget(now) == 0) next = std::max(next, told_.front() + kMinute);
  if (!digest_.empty()) sooner(digest_first_at_ + config_.digest_every);
  return next;
}

}  // namespace fleetmedic

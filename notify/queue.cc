#include "notify/queue.h"

#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>

namespace fleetmedic {

Json ToJson(const QueuedMessage& queued) {
  Json json;
  json.Set("channel", queued.channel);
  json.Set("message", ToJson(queued.message));
  json.Set("queued_at", queued.queued_at);
  return json;
}

Result<QueuedMessage> QueuedMessageFromJson(const Json& json) {
  QueuedMessage queued;
  JsonReader in(json, "queued");
  in.Required("channel", &queued.channel);
  in.RequiredAs("message", &queued.message, NotifyMessageFromJson);
  in.Required("queued_at", &queued.queued_at);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return queued;
}

std::string NotifyQueue::Add(QueuedMessage queued) {
  std::string row = fmt::format("{:020}", ++last_number_);
  items_[row].queued = std::move(queued);
  return row;
}

void NotifyQueue::Restore(const std::string& row, QueuedMessage queued) {
  uint64_t number = 0;
  std::from_chars(row.data(), row.data() + row.size(), number);
  last_number_ = std::max(last_number_, number);
  items_[row].queued = std::move(queued);
}

std::optional<std::string> NotifyQueue::Next(const std::string& channel, MonoTime now) const {
  const auto rest = rest_.find(channel);
  if (rest != rest_.end() && rest->second > now) return std::nullopt;
  std::optional<std::string> next;
  std::set<std::string_view> before;
  for (const auto& [row, item] : items_) {
    if (item.queued.channel != channel) continue;
    if (item.in_flight) return std::nullopt;
    const bool first = before.insert(item.queued.message.key).second;
    if (!next && first && item.due <= now) next = row;
  }
  return next;
}

MonoTime NotifyQueue::NextDue(const std::string& channel) const {
  MonoTime due = kMonoForever;
  std::set<std::string_view> before;
  for (const auto& [row, item] : items_) {
    if (item.queued.channel != channel) continue;
    if (item.in_flight) return kMonoForever;
    if (before.insert(item.queued.message.key).second) due = std::min(due, item.due);
  }
  const auto rest = rest_.find(channel);
  return due == kMonoForever || rest == rest_.end() ? due : std::max(due, rest->second);
}

bool NotifyQueue::Failed(const std::string& row, std::string reason, MonoTime due) {
  const auto at = items_.find(row);
  if (at == items_.end()) return false;
  ++at->second.failures;
  at->second.reason = std::move(reason);
  at->second.due = due;
  at->second.in_flight = false;
  return true;
}

size_t NotifyQueue::Count(const std::string& channel) const {
  return static_cast<size_t>(std::ranges::count_if(
      items_, [&](const auto& entry) { return entry.second.queued.channel == channel; }));
}

std::optional<std::string> NotifyQueue::Oldest(const std::string& channel) const {
  for (const auto& [row, item] : items_) {
    if (item.queued.channel == channel && !item.in_flight) return row;
  }
  return std::nullopt;
}

}  // namespace fleetmedic

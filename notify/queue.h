// What is decided to be sent and is not sent yet: in order for each channel and key, bounded, with
// the waits between tries. Its rows are kept in a store by its owner.
#ifndef FLEETMEDIC_NOTIFY_QUEUE_H_
#define FLEETMEDIC_NOTIFY_QUEUE_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "notify/message.h"

namespace fleetmedic {

struct QueuedMessage {
  std::string channel;
  NotifyMessage message;
  WallTime queued_at = kWallNever;

  bool operator==(const QueuedMessage&) const = default;
};
Json ToJson(const QueuedMessage& queued);
Result<QueuedMessage> QueuedMessageFromJson(const Json& json);

// Pure; not synchronised.
class NotifyQueue {
 public:
  struct Item {
    QueuedMessage queued;
    int failures = 0;
    std::string reason;  // of the last of them
    MonoTime due{};
    bool in_flight = false;
  };
  // By row: its order is that of their coming.
  using Items = std::map<std::string, Item>;

  // The row that it has now.
  std::string Add(QueuedMessage queued);
  // A row that a store kept.
  void Restore(const std::string& row, QueuedMessage queued);
  void Erase(const std::string& row) { items_.erase(row); }

  // The first of the channel that may be sent now: it is due, and of its key none is before it.
  // Nothing while one of the channel is in flight or the channel is to rest.
  std::optional<std::string> Next(const std::string& channel, MonoTime now) const;
  // When Next may have something, kMonoForever for never.
  MonoTime NextDue(const std::string& channel) const;

  void Sent(const std::string& row) { items_.at(row).in_flight = true; }
  // It was tried in vain: not again before `due`. False where the row is gone.
  bool Failed(const std::string& row, std::string reason, MonoTime due);
  // The channel takes nothing before this.
  void Rest(const std::string& channel, MonoTime until) { rest_[channel] = until; }

  const Items& items() const { return items_; }
  size_t Count(const std::string& channel) const;
  // The first of the channel that is not in flight.
  std::optional<std::string> Oldest(const std::string& channel) const;

 private:
  Items items_;
  std::map<std::string, MonoTime> rest_;
  uint64_t last_number_ = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_NOTIFY_QUEUE_H_

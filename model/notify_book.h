// What people may ask of the channels that messages go out by: between who sends and who shows.
#ifndef FLEETMEDIC_MODEL_NOTIFY_BOOK_H_
#define FLEETMEDIC_MODEL_NOTIFY_BOOK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"

namespace fleetmedic {

struct NotifyChannelState {
  std::string name;
  std::string kind;
  WallTime failing_since = kWallNever;  // kWallNever: the last try was well, or there was none
  std::string error;                    // of the last try, where it failed; never a secret
  WallTime delivered_at = kWallNever;
  uint64_t queued = 0;

  bool failing() const { return failing_since != kWallNever; }
  bool operator==(const NotifyChannelState&) const = default;
};

// Thread-safe.
class NotifyBook {
 public:
  virtual ~NotifyBook() = default;
  virtual std::vector<NotifyChannelState> Channels() const = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_MODEL_NOTIFY_BOOK_H_

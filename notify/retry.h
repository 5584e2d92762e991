// What a receiver's answer means for the next try. Pure.
#ifndef FLEETMEDIC_NOTIFY_RETRY_H_
#define FLEETMEDIC_NOTIFY_RETRY_H_

#include <optional>
#include <string_view>

#include "base/time.h"

namespace fleetmedic {

enum class TryVerdict : uint8_t { kDelivered, kRetry, kFinal };

// 2xx is delivered. 408, 429 and 5xx may be better later. Anything else will be the same again:
// redirects are not followed.
TryVerdict JudgeStatus(int status);

// How long to wait after so many failures in turn (1 and more): a second, twice as long each time,
// at most a minute; of that between a half and the whole, by `unit` in [0, 1), so that channels do
// not try in step.
Millis BackOff(int failures, double unit);

// What Retry-After says, in seconds or as a date, at most an hour; nothing where it says nothing
// that can be read.
std::optional<Millis> RetryAfter(std::string_view header, WallTime now);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_NOTIFY_RETRY_H_

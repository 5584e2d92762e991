// Two kinds of time that do not mix. MonoTime measures: deadlines, intervals, ages inside one
// process. WallTime is what is written down and shown. Neither type converts to the other, and
// nothing outside base/clock.cc asks the machine for either.
#ifndef FLEETMEDIC_BASE_TIME_H_
#define FLEETMEDIC_BASE_TIME_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace fleetmedic {

using Micros = std::chrono::microseconds;
using Millis = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;
using Minutes = std::chrono::minutes;
using Hours = std::chrono::hours;

// Tags in the shape of a standard clock, without now(): only base/clock.h tells the time.
struct MonoClockTag {
  using rep = int64_t;
  using period = std::micro;
  using duration = Micros;
  using time_point = std::chrono::time_point<MonoClockTag, Micros>;
  static constexpr bool is_steady = true;
};
struct WallClockTag {
  using rep = int64_t;
  using period = std::micro;
  using duration = Micros;
  using time_point = std::chrono::time_point<WallClockTag, Micros>;
  static constexpr bool is_steady = false;
};

// Microseconds since an arbitrary start; never goes back, counts on through suspend.
using MonoTime = MonoClockTag::time_point;
// Microseconds since 1970-01-01T00:00:00Z; may jump either way. WallTime{} means "never".
using WallTime = WallClockTag::time_point;

constexpr WallTime kWallNever{};
constexpr MonoTime kMonoForever = MonoTime::max();

constexpr WallTime WallFromMillis(int64_t millis) { return WallTime(Millis(millis)); }
constexpr int64_t MillisOf(WallTime time) {
  return std::chrono::duration_cast<Millis>(time.time_since_epoch()).count();
}

// RFC 3339 in UTC with microseconds: "2026-03-01T02:03:04.567890Z".
std::string FormatWall(WallTime time);
// For people, the next whole second: "2026-03-01T02:03:05Z".
std::string FormatWallSecond(WallTime time);
// Reads RFC 3339 (any offset, 0 to 9 digits of a second; more than six are cut). A leap second
// (":60") is read as the second after. Errors: kInvalidArgument with the text quoted.
Result<WallTime> ParseWall(std::string_view text);

// "1h30m", "90s", "250ms", "5m", "2d". Errors: kInvalidArgument.
Result<Millis> ParseDuration(std::string_view text);
// The shortest such text that is exact: "1h30m", "90ms", "0s".
std::string FormatDuration(Millis duration);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_TIME_H_

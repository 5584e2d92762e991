// By how much counters grew within a window of time. Pure.
#ifndef FLEETMEDIC_DETECTORS_COUNTER_WINDOW_H_
#define FLEETMEDIC_DETECTORS_COUNTER_WINDOW_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "base/time.h"

namespace fleetmedic {

// Any number of named counters that only grow, at most kCountersMax of them; looks older than the
// window are forgotten, and of what is within it at most kLooksMax are kept. The first look at a
// counter is where it starts: what it counted before is nobody's news. A counter that fell was
// reset and starts again there. Owned by one thread.
class CounterWindow {
 public:
  static constexpr size_t kCountersMax = 4096;
  static constexpr size_t kLooksMax = 128;

  explicit CounterWindow(Millis window) : window_(window) {}

  void Add(std::string_view name, uint64_t value, MonoTime now);

  // Between the oldest look within the window and the newest; 0 for a name that was seen once or
  // never.
  uint64_t Growth(std::string_view name) const;

  // The time that Growth is over; 0 with fewer than two looks.
  Micros Span(std::string_view name) const;

  // Growth a second; 0 with fewer than two looks.
  double PerSecond(std::string_view name) const;

  // Forgets the counters that were not added to since `before`: devices that are gone.
  void ForgetOlderThan(MonoTime before);

  Millis window() const { return window_; }

 private:
  struct Look {
    MonoTime at{};
    uint64_t value = 0;
  };

  const Millis window_;
  std::map<std::string, std::deque<Look>, std::less<>> counters_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_COUNTER_WINDOW_H_

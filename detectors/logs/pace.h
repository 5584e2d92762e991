// How often a log source is read: at once after a quiet time, in batches while it is busy. Pure.
#ifndef FLEETMEDIC_DETECTORS_LOGS_PACE_H_
#define FLEETMEDIC_DETECTORS_LOGS_PACE_H_

#include <cstddef>

#include "base/time.h"

namespace fleetmedic {

// What a line costs is mostly the wake-up that reads it. A source that was quiet may be read a few
// times in a row, so that a first line and what belongs to it are shipped within milliseconds;
// after that it rests, and its lines gather where they are written: in the file, the journal, the
// ring.
class Pace {
 public:
  // Reads in a row that found lines, after as many rests without one.
  static constexpr int kBurst = 4;
  // A source that has more to say at each rest is read sooner: the kernel's ring holds some
  // thousand lines.
  static constexpr size_t kLinesPerRest = 1024;

  explicit Pace(Millis rest_max) : rest_max_(rest_max) {}

  // A read at `now` found so many lines.
  void Read(size_t lines, MonoTime now);

  // Is not to be read before; at most rest_max after the last read.
  MonoTime due() const { return due_; }

 private:
  const Micros rest_max_;
  MonoTime paid_until_{};  // each read costs a rest; kBurst of them are given ahead
  MonoTime due_{};
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_LOGS_PACE_H_

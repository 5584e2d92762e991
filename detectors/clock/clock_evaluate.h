// What the state of the kernel's clock means for a host. Pure.
#ifndef FLEETMEDIC_DETECTORS_CLOCK_CLOCK_EVALUATE_H_
#define FLEETMEDIC_DETECTORS_CLOCK_CLOCK_EVALUATE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/condition.h"

namespace fleetmedic {

// What adjtimex(2) says when it is asked and changes nothing.
struct KernelTime {
  bool synchronised = false;  // STA_UNSYNC is not set
  Micros offset{0};           // what is still to be slewed
  Micros estimated_error{0};
  Micros maximum_error{0};  // grows by 500 ppm from the last update on

  bool operator==(const KernelTime&) const = default;
};

struct ClockSample {
  Result<KernelTime> time = Fail(Code::kUnavailable, "not asked");
  // The time service that left a file in /run ("chrony"); empty where there is none.
  std::string service;
  // A file says that the clock was synchronised in this boot.
  bool was_synchronised = false;
  std::string source;                  // "tsc"; empty where it cannot be read
  std::vector<std::string> available;  // the sources that the kernel would take
  // The processor promises a time-stamp counter that never stops nor changes its pace. Only looked
  // at where a slow source is used.
  bool steady_tsc = false;
};

struct ClockThresholds {
  // True: a clock that is not synchronised is wrong on every host.
  bool required = false;
  Millis grace = Minutes(10);
  Millis offset_max = Millis(50);
  Millis maximum_error_max = Seconds(5);
};

// What was seen before. Owned by one thread.
class ClockHistory {
 public:
  void Add(const ClockSample& sample, MonoTime now);

  // Since this agent looks, or by a file of this boot.
  bool was_synchronised() const { return was_synchronised_; }
  // For how long every look found the clock unsynchronised; 0 while it is not.
  Micros UnsynchronisedFor() const { return last_ - unsynchronised_since_; }
  // The first source that was not slow; empty: there was none.
  const std::string& fast_source() const { return fast_source_; }

 private:
  bool was_synchronised_ = false;
  bool unsynchronised_ = false;
  MonoTime unsynchronised_since_{};
  MonoTime last_{};
  std::string fast_source_;
};

// Sources that a read of the clock has to leave the processor for. The kernel falls back to them
// when it marks the time-stamp counter unstable.
bool IsSlowClockSource(std::string_view source);

// `history` holds `sample` already.
//
// Whether a clock is to be synchronised is not written anywhere on a host: the kernel's flag is
// also set where nobody ever meant to (a virtual machine on its host's clock, a container). So one
// that is not synchronised is bad where the config requires it, where it was synchronised earlier
// in this boot, or where a time service is there and has not managed it within `grace`.
std::vector<Condition> EvaluateClock(const ClockSample& sample, const ClockHistory& history,
                                     const ClockThresholds& thresholds);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_CLOCK_CLOCK_EVALUATE_H_

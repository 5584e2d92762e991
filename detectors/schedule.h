// When to probe which detector, and what to say of one that does not come back. Pure.
#ifndef FLEETMEDIC_DETECTORS_SCHEDULE_H_
#define FLEETMEDIC_DETECTORS_SCHEDULE_H_

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/condition.h"

namespace fleetmedic {

struct ProbeAction {
  enum class Kind : uint8_t {
    kStart,    // call Probe now; it counts as outstanding until Finished
    kOverdue,  // the outstanding one has not come back in time: say so
  };
  Kind kind = Kind::kStart;
  size_t detector = 0;
  // kOverdue: how long the probe has been under way.
  Millis running{0};
  // When the probe that this is about was started.
  MonoTime started_at{};

  bool operator==(const ProbeAction&) const = default;
};

// Never more than one outstanding probe per detector. Owned by one thread.
class ProbeSchedule {
 public:
  // A start brings those along that would be due so soon after it: one waking of the host for all.
  static constexpr Millis kTogether{100};

  // A probe is overdue when it is not back `overdue_after` from its start.
  explicit ProbeSchedule(Millis overdue_after) : overdue_after_(overdue_after) {}

  // The next detector, numbered from 0; its first probe is due at `first`. Requires interval > 0.
  // `overdue_after` of 0: the schedule's.
  size_t Add(Millis interval, MonoTime first, Millis overdue_after = Millis(0));

  // What is to be done at `now`, each once: starts that are due, and one kOverdue per interval for
  // each probe that is overdue.
  std::vector<ProbeAction> Due(MonoTime now);

  // The outstanding probe came back. True when it was in time. A late one is followed by a fresh
  // probe at once: what it saw may be as old as its start. The start after one in time is its
  // interval away, or `rest` where that is longer. Requires an outstanding probe.
  bool Finished(size_t detector, MonoTime now, Millis rest = Millis(0));

  bool Overdue(size_t detector) const { return slots_[detector].overdue; }
  bool Outstanding(size_t detector) const { return slots_[detector].outstanding; }
  MonoTime StartedAt(size_t detector) const { return slots_[detector].started_at; }

  // When Due has something to do next; kMonoForever without detectors.
  MonoTime NextWake() const;

 private:
  struct Slot {
    Millis interval{0};
    Millis overdue_after{0};
    MonoTime due{};  // of the next start, or of the next kOverdue while outstanding
    MonoTime started_at{};
    bool outstanding = false;
    bool overdue = false;
  };

  const Millis overdue_after_;
  std::vector<Slot> slots_;
};

// One unknown condition for each (type, unit) that was last reported, and for each declared type
// of which nothing was. Sorted by type, then unit.
std::vector<Condition> UnknownConditions(std::span<const std::string> types,
                                         std::span<const Condition> last, std::string_view reason,
                                         std::string_view message);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_SCHEDULE_H_

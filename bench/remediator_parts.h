// What the parts of bench_remediator share: hosts that are not there, and the figures of each part.
#ifndef FLEETMEDIC_BENCH_REMEDIATOR_PARTS_H_
#define FLEETMEDIC_BENCH_REMEDIATOR_PARTS_H_

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "bench/figures.h"
#include "config/remediator_config.h"
#include "eventlog/event_log.h"
#include "model/health_event.h"

namespace fleetmedic {

// Hosts as their agents and executors tell of them: a dozen detectors each, all well, in racks of
// forty, four pools and two cells.
class ToldFleet {
 public:
  // The detectors that every host runs.
  static constexpr int kDetectors = 12;

  ToldFleet(int hosts, WallTime now)
      : booted_at_(now - kUpFor), sequences_(static_cast<size_t>(hosts), 1) {}

  int size() const { return static_cast<int>(sequences_.size()); }
  static std::string NameOf(int host);

  // fleetmedic.hosts: what the host is.
  Record Facts(int host, WallTime now) const;
  // fleetmedic.tasks: an executor with room and no task.
  Record Executor(int host, WallTime now) const;
  // fleetmedic.health: one detector's word, all ok; the whole of a host is kDetectors of them.
  Record Well(int host, int detector, WallTime now) const;
  // ... the word of the first detector anew, as good as before; and with a condition that is bad.
  Record Changed(int host, WallTime now);
  Record Sick(int host, WallTime now);
  // ... nothing changed.
  Record Beat(int host, WallTime now) const;

 private:
  static constexpr Millis kUpFor = Hours(100);

  HealthEvent EventOf(int host, int detector, WallTime now) const;
  Condition ConditionOf(std::string type, Verdict verdict) const;

  // The same in all that a host says: its agent reads it once a boot.
  const WallTime booted_at_;
  std::vector<uint64_t> sequences_;  // of the first detector
};

// A remediator with nothing to confirm and no limit in the way.
RemediatorConfig NothingInTheWay();

// event_to_acknowledged_*: health event appended until the scheduler's acknowledgement is durable,
// one host at a time; mass_taint: `hosts` of them at once, until the scheduler has the last taint.
Result<std::vector<Figure>> MeasureActs(int rounds);
// health_events: how many the remediator takes in within a second.
Result<std::vector<Figure>> MeasureIntake(int events);
// What the state of many hosts costs: memory, and the time from a start to the first decision.
Result<std::vector<Figure>> MeasureState(int hosts);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BENCH_REMEDIATOR_PARTS_H_

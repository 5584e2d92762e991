// Gives each detector a worker of its own and a deadline, so that a subsystem that hangs delays
// nobody but its own detector.
#ifndef FLEETMEDIC_DETECTORS_RUNNER_H_
#define FLEETMEDIC_DETECTORS_RUNNER_H_

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/workers.h"
#include "detectors/detector.h"
#include "detectors/schedule.h"

namespace fleetmedic {

// The newest word of one detector.
struct DetectorReport {
  std::string detector;
  // When the probe started: nothing it saw is older.
  WallTime observed_at = kWallNever;
  std::vector<Condition> conditions;

  bool operator==(const DetectorReport&) const = default;
};

// Makes the workers of one detector: a pool of one thread in production, inline in tests. They
// need to hold one piece of work at a time.
using MakeWorkers = std::function<std::unique_ptr<Workers>(std::string_view name)>;

// Owned by one thread.
class Runner {
 public:
  // A subsystem that is not here is looked for again after this long at the soonest.
  static constexpr Seconds kAbsentRest{10};
  // Answers of probes that were started together are taken together, in one turn: when all are
  // there, or after this long. Later ones are taken at once.
  static constexpr Millis kGather{20};

  struct Options {
    // Handed to Probe where the detector has no deadline of its own; the runner itself waits a
    // quarter longer before it says "overdue", so that a detector that uses its whole time can
    // still tell what it saw.
    Millis probe_deadline = Seconds(5);
    // How long the destructor waits for probes under way.
    Millis stop_wait = Seconds(10);
    std::string host;  // for metrics
  };

  // `wake` is called from the workers when a probe came back. `metrics` may be null.
  Runner(const Clock* clock, Metrics* metrics, MakeWorkers make_workers, std::function<void()> wake,
         Options options);
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  // Waits for probes under way. One that does not come back even then is left to itself, with its
  // thread and its detector: a call that hangs in the kernel cannot be ended.
  ~Runner();

  // The first probe is due at once.
  void Add(std::unique_ptr<Detector> detector);

  // Starts what is due and returns what is new: the conditions of probes that came back in time,
  // all-unknown with reason ProbeFailed for those that came back with an error, and all-unknown
  // with reason ProbeOverdue, once per interval, for those that did not come back.
  std::vector<DetectorReport> Turn(MonoTime now, WallTime wall);

  MonoTime NextWake() const { return std::min(schedule_.NextWake(), gather_until_); }

  // The detectors that have a subsystem here or have not answered yet, with their intervals.
  std::map<std::string, Millis> Running() const;

  struct OverdueProbe {
    std::string detector;
    MonoTime started_at{};
  };
  std::vector<OverdueProbe> Overdue() const;

 private:
  struct Shared;
  struct Lane {
    std::shared_ptr<Detector> detector;
    Millis probe_deadline{0};
    std::unique_ptr<Workers> workers;
    WallTime started_wall = kWallNever;
    std::vector<Condition> last;
    bool supported = true;  // as far as it has answered
    MetricHistogram duration;
    MetricCounter overdue;
    MetricCounter failed;
    MetricCounter late;
  };

  void Start(size_t index, MonoTime now, WallTime wall);
  void TakeAnswers(WallTime wall, MonoTime now, std::vector<DetectorReport>* reports);

  const Clock* const clock_;
  Metrics* const metrics_;
  const MakeWorkers make_workers_;
  const Options options_;
  const std::shared_ptr<Shared> shared_;
  ProbeSchedule schedule_;
  std::vector<Lane> lanes_;
  MonoTime gather_until_ = kMonoForever;  // ... when answers are outstanding since the last start
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_RUNNER_H_

// A scenario: a fleet, what befalls it over time, what people do, and what must be seen. Text
// becomes this by scenario_load.h; docs/simulation.md has every key.
#ifndef FLEETMEDIC_SIMULATION_SCENARIO_H_
#define FLEETMEDIC_SIMULATION_SCENARIO_H_

#include <optional>
#include <string>
#include <vector>

#include "config/remediator_config.h"
#include "config/rule.h"
#include "simulation/fleet.h"
#include "simulation/scheduler_truth.h"

namespace fleetmedic::sim {

// Which hosts. What is named must all hold; of those that are left, `hosts` or `share` many are
// drawn. One that names nothing selects nothing.
struct Selector {
  bool all = false;
  std::vector<std::string> names;  // "h003"
  std::string cell;
  std::string pool;
  std::string rack;
  std::string fact;  // "kernel=6.1.99"
  int hosts = 0;
  double share = 0;

  bool empty() const;
};

enum class FaultKind : uint8_t {
  kCondition,  // a detector says that the host is bad
  kFinding,    // a rule matched its log lines
  kSilence,    // its agent says nothing
  kCut,        // nobody reaches the host, and it reaches nobody
  kReboot,
  kGarbage,   // records that are no events
  kSkew,      // its clock is wrong by `by`
  kSickens,   // hosts on which a task of `job` runs become bad
  kDelivery,  // health events arrive `duplicates` times more, and up to `late` late
  kReplay,    // the log tells the last `span` of health events again
  kLogAway,
  kStoreAway,
  kSchedulerAway,
  kSchedulerFlaky,  // its answers are lost and its calls come twice, one of them `late`
  kSlowWorkers,     // calls are made up to `late` after they were decided
  kCrash,           // of the remediator, kill -9; it is back after `lasts`
  kSchedulerCrash,
  kPause,         // the leader stands still for `lasts`
  kRestoreStore,  // the remediator's store is what it was `span` before
  kResizeJob,     // `job` wants `tasks` tasks
};

struct FaultSpec {
  SourcePlace place;
  FaultKind kind = FaultKind::kCondition;
  Millis at{0};
  Millis every{0};   // 0: once
  Millis until{0};   // no further one after this; 0: the end of the run
  Millis lasts{0};   // 0: until it is cured
  Millis spread{0};  // each host begins within this
  Selector on;
  std::string type = "DockerUnresponsive";
  std::string detector = "docker";
  Severity severity = Severity::kHard;
  std::string rule;
  bool until_boot = false;  // of a finding: only a boot ends it
  bool real = true;         // false: nothing is wrong, and who acts on it is wrong
  bool curable = true;      // by a repair
  Millis by{0};
  bool back = false;  // of a skew: the clock is behind by `by`
  double duplicates = 0;
  Millis late{0};
  Millis span{0};
  bool marked = true;  // of a store that was put back: by `fleetmedic restore`
  std::string job;
  int tasks = 0;
};

enum class ActKind : uint8_t {
  kHold,
  kRelease,
  kProtect,
  kDrain,
  kReturn,
  kReleaseBrake,
  kAcceptReconcile,
};

struct PersonSpec {
  SourcePlace place;
  ActKind act = ActKind::kHold;
  Millis at{0};
  Millis every{0};
  Millis until{0};
  Millis lasts{0};
  std::string scope;  // "fleet", "pool:web"
  Selector on;        // of drain, return and protect: these hosts
};

// What must be seen. A negative number, and nothing, ask for nothing.
struct Expectation {
  SourcePlace place;
  int acts_max = -1;
  int acts_min = -1;
  int hosts_acted_on_max = -1;
  int out_max = -1;  // hosts out at once
  double out_share_max = -1;
  int drains_max = -1;
  int drains_while_braked_max = -1;
  int wrong_acts_max = -1;
  double wrong_acts_per_1000_max = -1;
  int pages_max = -1;
  int pages_min = -1;
  int brake_trips_max = -1;
  std::optional<Millis> brake_within;  // it trips, and so soon after the first fault
  double healed_share_min = -1;
  int episodes_min = -1;
  std::optional<Millis> taint_p99_max;
  std::optional<Millis> true_again_within;  // after a person accepted the store that was put back
  int host_taints_per_hour_max = -1;
  int host_drains_max = -1;
  int retired_max = -1;
  int retired_min = -1;
  int tasks_killed_max = -1;
  std::string blocked_by;            // what some refusal or blocked drain names
  bool all_well = false;             // at the end: in service, or retired and in a person's hands
  bool same_hosts_acted_on = false;  // as without the faults of kind "delivery"
};

struct Scenario {
  std::string name;  // of its file, without the folder and .toml
  std::string file;
  std::string title;
  Millis lasts = Hours(1);
  bool rival = false;
  FleetOptions fleet;
  std::vector<JobShape> jobs;
  RemediatorConfig remediator;
  std::vector<FaultSpec> faults;
  std::vector<PersonSpec> people;
  Expectation expect;
};

}  // namespace fleetmedic::sim

#endif  // FLEETMEDIC_SIMULATION_SCENARIO_H_

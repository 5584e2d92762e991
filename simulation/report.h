// What a scenario's runs came to together, for people and for machines.
#ifndef FLEETMEDIC_SIMULATION_REPORT_H_
#define FLEETMEDIC_SIMULATION_REPORT_H_

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "simulation/scenario_run.h"

namespace fleetmedic::sim {

// Of one scenario over its seeds. Every run's figures go in; of the runs that failed, the first few
// are kept whole.
class Report {
 public:
  static constexpr size_t kFailedRunsMax = 5;

  explicit Report(const Scenario& scenario)
      : name_(scenario.name), file_(scenario.file), title_(scenario.title) {}

  void Add(RunResult run);

  bool ok() const { return failed_ == 0; }
  int runs() const { return runs_; }
  // {"scenario": ..., "runs": ..., "figures": {...}, "failed": [...]}
  Json ToJson() const;
  // A row of figures, by their names, for a table.
  std::vector<std::pair<std::string, std::string>> Row() const;
  // For people: which seeds failed, what was not so, the end of the trace, and what replays it.
  // Empty where none did.
  std::string FailureText(const std::string& command) const;
  // Host hours that were simulated.
  double host_hours() const { return host_hours_; }
  uint64_t events() const { return events_; }

 private:
  const std::string name_;
  const std::string file_;
  const std::string title_;
  int runs_ = 0;
  int failed_ = 0;
  int broken_ = 0;  // runs in which an invariant broke
  uint64_t first_seed_ = 0;
  uint64_t last_seed_ = 0;
  int hosts_ = 0;
  double host_hours_ = 0;
  uint64_t events_ = 0;
  FigureCounts counts_;
  int out_max_ = 0;
  size_t acted_on_max_ = 0;
  int64_t pages_max_ = 0;
  std::vector<Micros> brake_after_;
  std::vector<Micros> to_taint_;
  std::vector<Micros> to_give_back_;
  std::vector<RunResult> failures_;
};

}  // namespace fleetmedic::sim

#endif  // FLEETMEDIC_SIMULATION_REPORT_H_

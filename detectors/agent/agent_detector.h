// What the agent tells about itself. Pure.
#ifndef FLEETMEDIC_DETECTORS_AGENT_AGENT_DETECTOR_H_
#define FLEETMEDIC_DETECTORS_AGENT_AGENT_DETECTOR_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "detectors/agent/own_usage.h"
#include "detectors/logs/frame_builder.h"
#include "model/condition.h"

namespace fleetmedic {

struct AgentSample {
  MonoTime mono{};
  WallTime wall = kWallNever;
  // Log sources that cannot be read, and why.
  std::map<std::string, Error> unreadable;
  // Lines lost before the agent had them, by source.
  LostBySource lost;
  // Lines that the spool's limit cost, and lines that the log refused, since the agent's start.
  uint64_t spool_dropped_lines = 0;
  uint64_t refused_lines = 0;
  int64_t spool_bytes = 0;
  bool log_away = false;
  // Where the agent has a process of its own; nothing where it shares one or cannot tell.
  std::optional<OwnUsage> usage;
  std::string disk_error;
  // Detectors that have not come back, and for how long.
  std::map<std::string, Millis> overdue;
};

struct AgentThresholds {
  // A loss and a jump are told of this long after they were seen last.
  Millis told_for = Minutes(10);
  // The event log must be away this long to be told of.
  Millis log_away_for = Minutes(1);
  // Of the agent's own process: AgentConfig's limits.
  int64_t memory_bytes_max = int64_t{64} << 20;
  double cpu_share_max = 0.05;  // of one core, over ...
  Millis cpu_window = Minutes(5);
  // The wall clock against the other, between two looks.
  Millis clock_jump = Seconds(5);
};

// Remembers between looks. Owned by one thread.
class AgentDetector {
 public:
  explicit AgentDetector(AgentThresholds thresholds = {}) : thresholds_(thresholds) {}

  std::vector<Condition> Evaluate(const AgentSample& sample);

 private:
  void EvaluateSources(const AgentSample& sample, std::vector<Condition>* conditions);
  void EvaluateLosses(const AgentSample& sample, std::vector<Condition>* conditions);
  void EvaluateLog(const AgentSample& sample, std::vector<Condition>* conditions);
  void EvaluateUsage(const AgentSample& sample, std::vector<Condition>* conditions);
  void EvaluateClock(const AgentSample& sample, std::vector<Condition>* conditions);

  const AgentThresholds thresholds_;
  uint64_t spool_lost_ = 0;
  std::optional<MonoTime> spool_lost_at_;
  std::optional<MonoTime> log_away_since_;
  std::optional<MonoTime> log_was_away_until_;
  Millis log_was_away_{0};
  // The CPU time at the start of the window.
  std::optional<std::pair<MonoTime, Micros>> window_start_;
  double cpu_share_ = 0;  // of the last whole window
  // Wall less monotonic time at the last look.
  std::optional<Micros> clock_offset_;
  std::optional<MonoTime> jumped_at_;
  Micros jump_{0};
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_AGENT_AGENT_DETECTOR_H_

#include "detectors/agent/agent_detector.h"

#include <algorithm>

#include <fmt/format.h>

#include "detectors/condition_types.h"

namespace fleetmedic {

std::vector<Condition> AgentDetector::Evaluate(const AgentSample& sample) {
  std::vector<Condition> conditions;
  EvaluateLosses(sample, &conditions);
  if (sample.disk_error.empty()) {
    conditions.push_back(MakeCondition("AgentSpoolFull", "", Verdict::kOk, "Writable",
                                       fmt::format("{} bytes spooled{}", sample.spool_bytes,
                                                   sample.log_away ? ", the log is away" : "")));
  } else {
    conditions.push_back(
        MakeCondition("AgentSpoolFull", "", Verdict::kBad, "NotWritable", sample.disk_error));
  }
  for (const auto& [detector, running] : sample.overdue) {
    conditions.push_back(MakeCondition("AgentDetectorOverdue", detector, Verdict::kBad,
                                       "ProbeOverdue",
                                       fmt::format("the {} detector has not come back for {}",
                                                   detector, FormatDuration(running))));
  }
  if (sample.overdue.empty()) {
    conditions.push_back(MakeCondition("AgentDetectorOverdue", "", Verdict::kOk, "InTime",
                                       "every detector is back in time"));
  }
  EvaluateClock(sample, &conditions);
  return conditions;
}

void AgentDetector::EvaluateLosses(const AgentSample& sample, std::vector<Condition>* conditions) {
  bool any = false;
  for (const auto& [source, lost] : sample.lost) {
    if (sample.mono - lost.last > thresholds_.told_for) continue;
    any = true;
    conditions->push_back(MakeCondition(
        "LogsDropped", source, Verdict::kBad, "RateOrOverrun",
        fmt::format("{} lines of {} lost since the agent started", lost.lines, source)));
  }
  const uint64_t spool_lost = sample.spool_dropped_lines + sample.refused_lines;
  if (spool_lost > spool_lost_) spool_lost_at_ = sample.mono;
  spool_lost_ = spool_lost;
  if (spool_lost_at_.has_value() && sample.mono - *spool_lost_at_ <= thresholds_.told_for) {
    any = true;
    conditions->push_back(MakeCondition(
        "LogsDropped", "spool", Verdict::kBad, "SpoolLimit",
        fmt::format("{} lines dropped at the spool's limit and {} refused by the event log since "
                    "the agent started",
                    sample.spool_dropped_lines, sample.refused_lines)));
  }
  if (!any) {
    conditions->push_back(
        MakeCondition("LogsDropped", "", Verdict::kOk, "NoneLost", "no line was lost of late"));
  }
}

void AgentDetector::EvaluateClock(const AgentSample& sample, std::vector<Condition>* conditions) {
  const Micros offset = sample.wall.time_since_epoch() - sample.mono.time_since_epoch();
  if (clock_offset_.has_value()) {
    const Micros jump = offset - *clock_offset_;
    if (std::chrono::abs(jump) >= thresholds_.clock_jump) {
      jumped_at_ = sample.mono;
      jump_ = jump;
    }
  }
  clock_offset_ = offset;
  if (jumped_at_.has_value() && sample.mono - *jumped_at_ <= thresholds_.told_for) {
    const auto by = std::chrono::duration_cast<Millis>(std::chrono::abs(jump_));
    conditions->push_back(
        MakeCondition("AgentClockJumped", "", Verdict::kBad, "ClockSet",
                      fmt::format("the wall clock was set {} by {}",
                                  jump_ > Micros(0) ? "forward" : "back", FormatDuration(by))));
  } else {
    conditions->push_back(
        MakeCondition("AgentClockJumped", "", Verdict::kOk, "Steady", "the wall clock keeps pace"));
  }
}

}  // namespace fleetmedic

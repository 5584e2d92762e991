#include "detectors/agent/agent_detector.h"

#include <algorithm>

#include <fmt/format.h>

#include "detectors/condition_types.h"

namespace fleetmedic {

std::vector<Condition> AgentDetector::Evaluate(const AgentSample& sample) {
  std::vector<Condition> conditions;
  EvaluateSources(sample, &conditions);
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
  EvaluateLog(sample, &conditions);
  if (sample.usage.has_value()) EvaluateUsage(sample, &conditions);
  EvaluateClock(sample, &conditions);
  return conditions;
}

void AgentDetector::EvaluateSources(const AgentSample& sample, std::vector<Condition>* conditions) {
  for (const auto& [source, error] : sample.unreadable) {
    // A right that the agent was not given and a device that a container does not have say nothing
    // of the host.
    const bool no_right = error.code == Code::kPermissionDenied;
    const bool absent = error.code == Code::kNotFound;
    const std::string_view reason = no_right ? "NoPermission" : absent ? "NotThere" : "ReadFailed";
    conditions->push_back(MakeCondition("LogSourceUnreadable", source,
                                        no_right || absent ? Verdict::kUnknown : Verdict::kBad,
                                        reason, error.message));
  }
  if (sample.unreadable.empty()) {
    conditions->push_back(MakeCondition("LogSourceUnreadable", "", Verdict::kOk, "Readable",
                                        "every log source can be read"));
  }
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

// While the log is away nobody hears of it; so it is told for a while after it came back.
void AgentDetector::EvaluateLog(const AgentSample& sample, std::vector<Condition>* conditions) {
  const auto away_for = [&](MonoTime since) {
    return std::chrono::duration_cast<Millis>(sample.mono - since);
  };
  if (sample.log_away) {
    if (!log_away_since_.has_value()) log_away_since_ = sample.mono;
    log_was_away_ = away_for(*log_away_since_);
  } else if (log_away_since_.has_value()) {
    log_was_away_ = away_for(*log_away_since_);
    log_away_since_.reset();
    if (log_was_away_ >= thresholds_.log_away_for) log_was_away_until_ = sample.mono;
  }
  const std::string span = FormatDuration(std::chrono::floor<Seconds>(log_was_away_));
  if (log_away_since_.has_value() && log_was_away_ >= thresholds_.log_away_for) {
    conditions->push_back(MakeCondition("AgentLogAway", "", Verdict::kBad, "Away",
                                        "the event log has not answered for " + span));
  } else if (log_was_away_until_.has_value() &&
             sample.mono - *log_was_away_until_ <= thresholds_.told_for) {
    conditions->push_back(MakeCondition("AgentLogAway", "", Verdict::kBad, "WasAway",
                                        "the event log did not answer for " + span));
  } else {
    conditions->push_back(
        MakeCondition("AgentLogAway", "", Verdict::kOk, "Answers", "the event log answers"));
  }
}

void AgentDetector::EvaluateUsage(const AgentSample& sample, std::vector<Condition>* conditions) {
  const OwnUsage& usage = *sample.usage;
  if (!window_start_.has_value()) window_start_ = {sample.mono, usage.cpu};
  if (const Micros window = sample.mono - window_start_->first; window >= thresholds_.cpu_window) {
    cpu_share_ = static_cast<double>((usage.cpu - window_start_->second).count()) /
                 static_cast<double>(window.count());
    window_start_ = {sample.mono, usage.cpu};
  }
  constexpr double kMebibyte = 1 << 20;
  const std::string memory =
      fmt::format("{:.1f} MiB resident (limit {:.0f} MiB)",
                  static_cast<double>(usage.resident_bytes) / kMebibyte,
                  static_cast<double>(thresholds_.memory_bytes_max) / kMebibyte);
  const std::string cpu =
      fmt::format("{:.1f} % of a core over {} (limit {:.1f} %)", 100 * cpu_share_,
                  FormatDuration(thresholds_.cpu_window), 100 * thresholds_.cpu_share_max);
  const bool much_memory = usage.resident_bytes > thresholds_.memory_bytes_max;
  const bool much_cpu = cpu_share_ > thresholds_.cpu_share_max;
  if (much_memory) {
    conditions->push_back(
        MakeCondition("AgentOverLimit", "memory", Verdict::kBad, "MemoryOverLimit", memory));
  }
  if (much_cpu) {
    conditions->push_back(
        MakeCondition("AgentOverLimit", "cpu", Verdict::kBad, "CpuOverLimit", cpu));
  }
  if (!much_memory && !much_cpu) {
    conditions->push_back(
        MakeCondition("AgentOverLimit", "", Verdict::kOk, "WithinLimits", memory + ", " + cpu));
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

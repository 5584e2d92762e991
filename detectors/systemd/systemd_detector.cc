#include "detectors/systemd/systemd_detector.h"

#include <utility>

#include "detectors/condition_types.h"
#include "detectors/schedule.h"

namespace fleetmedic {
namespace {

constexpr std::string_view kUnresponsive = "SystemdUnresponsive";

}  // namespace

SystemdDetector::SystemdDetector(std::unique_ptr<SystemdSource> source, const SystemdConfig& config)
    : config_(config),
      thresholds_{config.restart_loop_count,
                  config.restart_loop_within,
                  config.boot_grace,
                  config.ignore,
                  config.required,
                  config.required_if_enabled,
                  config.required_grace,
                  config.job_max,
                  config.boot_max},
      source_(std::move(source)) {}

std::vector<std::string> SystemdDetector::types() const { return ConditionTypesOf("systemd"); }

Result<std::vector<Condition>> SystemdDetector::Probe(MonoTime deadline) {
  const Result<SystemdSample> sample = source_->Sample(deadline);
  if (sample) {
    history_.Add(*sample, config_.restart_loop_within);
    last_ = EvaluateSystemd(*sample, thresholds_, &history_);
    return last_;
  }
  const Code code = sample.error().code;
  const bool silent = code == Code::kDeadlineExceeded;
  if (!silent && code != Code::kUnavailable) return tl::unexpected<Error>(sample.error());
  std::vector<Condition> conditions =
      UnknownConditions(types(), last_, kUnresponsive, "systemd does not answer");
  std::erase_if(conditions, [](const Condition& c) { return c.type == kUnresponsive; });
  conditions.push_back(MakeCondition(kUnresponsive, "", Verdict::kBad,
                                     silent ? "NoAnswer" : "BusUnavailable",
                                     sample.error().message));
  return conditions;
}

}  // namespace fleetmedic

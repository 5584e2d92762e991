// Which of systemd's jobs are stuck.
#include <fmt/format.h>

#include "base/text.h"
#include "detectors/systemd/systemd_evaluate.h"

namespace fleetmedic {
namespace {

constexpr std::string_view kType = "SystemdJobStuck";

// Ids are used again after a restart of systemd, for other units.
std::string Key(const SystemdJob& job) { return fmt::format("{} {}", job.id, job.unit); }

// Why a job may run for so long, or empty.
std::string_view MayRun(const SystemdJob& job) {
  if (job.unit.ends_with(".device")) return "DeviceAwaited";
  if (job.type == "stop") return "";
  if (job.oneshot) return "OneshotRuns";
  return job.no_timeout ? "NoTimeout" : "";
}

}  // namespace

void EvaluateJobs(const SystemdSample& sample, const SystemdThresholds& thresholds,
                  SystemdSince* since, ConditionList* list) {
  if (!*sample.jobs) {
    since->Set({}, sample.at);
    list->Unknown(kType, "", "NotAsked", sample.jobs->error().message);
    return;
  }
  std::set<std::string> keys;
  for (const SystemdJob& job : **sample.jobs) keys.insert(Key(job));
  since->Set(keys, sample.at);
  const std::string longer = "for longer than " + FormatDuration(thresholds.job_max);
  std::vector<const SystemdJob*> running;  // that are stuck
  std::vector<const SystemdJob*> waiting;
  for (const SystemdJob& job : **sample.jobs) {
    if (since->For(Key(job), sample.at) < thresholds.job_max) continue;
    (job.state == "running" ? running : waiting).push_back(&job);
  }
  const auto what = [](const SystemdJob& job) {
    return fmt::format("job {} ({})", job.id, VisibleText(job.type));
  };
  // Those that are acted on before those that are only told, of which there may be more than the
  // list takes.
  for (const bool may : {false, true}) {
    for (const SystemdJob* job : running) {
      const std::string_view why = MayRun(*job);
      if (why.empty() == may) continue;
      list->Bad(kType, job->unit, may ? Severity::kInfo : Severity::kSoft, may ? why : "Runs",
                fmt::format("{} runs {}", what(*job), longer));
    }
  }
  for (const SystemdJob* job : waiting) {
    if (running.empty()) {
      list->Bad(kType, job->unit, Severity::kSoft, "Waits",
                fmt::format("{} waits {}, and no job runs as long", what(*job), longer));
    } else {
      list->Bad(kType, job->unit, Severity::kInfo, "WaitsForAnother",
                fmt::format("{} waits {}; {} of {} runs as long", what(*job), longer,
                            what(*running.front()), VisibleText(running.front()->unit)));
    }
  }
  list->Fine(kType, "NoneStuck", fmt::format("no job waits or runs {}", longer));
}

}  // namespace fleetmedic

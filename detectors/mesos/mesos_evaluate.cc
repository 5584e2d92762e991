#include "detectors/mesos/mesos_evaluate.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <span>

#include <fmt/format.h>

#include "base/text.h"
#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

using Kind = MesosAnswer::Kind;

constexpr int kUnavailableStatus = 503;
constexpr const char* kErrorCounters[] = {"slave/container_launch_errors",
                                          "containerizer/mesos/container_destroy_errors",
                                          "containerizer/fetcher/task_fetches_failed"};
// All the ways in which a task ends that the agent counts.
constexpr const char* kFailedCounters[] = {"slave/tasks_failed", "slave/tasks_lost"};
constexpr const char* kOtherEnds[] = {"slave/tasks_finished", "slave/tasks_killed",
                                      "slave/tasks_gone"};

std::string For(Micros time) { return FormatDuration(std::chrono::duration_cast<Seconds>(time)); }

std::optional<double> Metric(const MesosSample& sample, std::string_view name) {
  const auto found = sample.metrics.find(name);
  if (found == sample.metrics.end()) return std::nullopt;
  return found->second;
}

std::string Describe(std::string_view request, const MesosAnswer& answer) {
  switch (answer.kind) {
    case Kind::kNotAsked:
      return fmt::format("{} was not asked", request);
    case Kind::kReplied:
      return fmt::format("{} answers {}", request, answer.status);
    case Kind::kTimedOut:
      return fmt::format("{} does not answer in time", request);
    case Kind::kNobody:
      return fmt::format("{}: nobody listens: {}", request, answer.error);
    case Kind::kBroken:
      return fmt::format("{}: {}", request, answer.error);
  }
  return "";
}

std::string_view UnknownReason(const MesosAnswer& answer) {
  const bool refused =
      answer.kind == Kind::kReplied && (answer.status == 401 || answer.status == 403);
  return refused ? "NoPermission" : "CouldNotTell";
}

Condition Unknown(std::string_view type, std::string_view request, const MesosAnswer& answer) {
  return MakeCondition(type, "", Verdict::kUnknown, UnknownReason(answer),
                       Describe(request, answer));
}

Condition Health(const MesosSample& sample) {
  const auto told = [&](Verdict verdict, std::string_view reason, std::string message) {
    return MakeCondition("MesosAgentUnresponsive", "", verdict, reason, std::move(message));
  };
  switch (sample.health.kind) {
    case Kind::kTimedOut:
      return told(Verdict::kBad, "TimedOut",
                  "/health does not answer within " + FormatDuration(sample.limit));
    case Kind::kNobody:
      // Where it never answered, it may listen elsewhere: detectors.mesos.address.
      return told(sample.seen ? Verdict::kBad : Verdict::kUnknown, "Refused",
                  Describe("/health", sample.health));
    case Kind::kReplied:
      if (sample.health.ok()) return told(Verdict::kOk, "Answers", "/health answers");
      if (UnknownReason(sample.health) == "NoPermission") break;
      return told(Verdict::kBad, "NotHealthy", Describe("/health", sample.health));
    case Kind::kNotAsked:
    case Kind::kBroken:
      break;
  }
  return Unknown("MesosAgentUnresponsive", "/health", sample.health);
}

Condition Registered(const MesosSample& sample, const MesosHistory& history,
                     const MesosThresholds& thresholds) {
  constexpr std::string_view kType = "MesosAgentNotRegistered";
  const std::optional<double> registered = Metric(sample, "slave/registered");
  if (!registered.has_value()) return Unknown(kType, "/metrics/snapshot", sample.metrics_answer);
  if (*registered != 0) {
    return MakeCondition(kType, "", Verdict::kOk, "Registered", "slave/registered is 1");
  }
  const Micros lasted = history.held.For(MesosHistory::kNotRegistered, sample.at);
  const std::string message = fmt::format("slave/registered is 0 for {} (limit {})", For(lasted),
                                          FormatDuration(thresholds.register_max));
  if (lasted < thresholds.register_max) {
    return MakeCondition(kType, "", Verdict::kOk, "Registering", message);
  }
  const bool known = sample.state.has_value() && !sample.state->id.empty();
  return MakeCondition(kType, "", Verdict::kBad, known ? "ReRegistering" : "NeverRegistered",
                       message);
}

Condition Recovery(const MesosSample& sample, const MesosHistory& history,
                   const MesosThresholds& thresholds) {
  constexpr std::string_view kType = "MesosRecoveryStuck";
  const Micros lasted = history.held.For(MesosHistory::kRecovering, sample.at);
  if (history.held.all().contains(MesosHistory::kRecovering) && lasted >= thresholds.recovery_max) {
    return MakeCondition(kType, "", Verdict::kBad, "Recovering",
                         fmt::format("/state answers 503, recovery is not finished, for {} "
                                     "(limit {})",
                                     For(lasted), FormatDuration(thresholds.recovery_max)));
  }
  if (!sample.metrics_answer.ok()) {
    return Unknown(kType, "/metrics/snapshot", sample.metrics_answer);
  }
  const double errors = Metric(sample, "slave/recovery_errors").value_or(0);
  if (errors > 0) {
    // What it could not recover it goes on without: tasks are lost, the agent is not.
    Condition condition = MakeCondition(
        kType, "", Verdict::kBad, "RecoveryErrors",
        fmt::format("slave/recovery_errors is {:.0f} since the agent's start", errors));
    condition.severity = Severity::kInfo;
    return condition;
  }
  const std::optional<double> seconds = Metric(sample, "slave/recovery_time_secs");
  return MakeCondition(kType, "", Verdict::kOk, "Recovered",
                       seconds.has_value() ? fmt::format("recovered in {:.1f} s", *seconds)
                                           : "no recovery error is counted");
}

uint64_t Grown(const MesosHistory& history, std::span<const char* const> counters) {
  uint64_t grown = 0;
  for (const char* counter : counters) grown += history.growth.Growth(counter);
  return grown;
}

void AddFailures(const MesosSample& sample, const MesosHistory& history,
                 const MesosThresholds& thresholds, std::vector<Condition>* conditions) {
  constexpr std::string_view kLaunch = "MesosContainerErrors";
  constexpr std::string_view kTasks = "MesosExecutorsFailing";
  if (!sample.metrics_answer.ok()) {
    conditions->push_back(Unknown(kLaunch, "/metrics/snapshot", sample.metrics_answer));
    conditions->push_back(Unknown(kTasks, "/metrics/snapshot", sample.metrics_answer));
    return;
  }
  const std::string window = FormatDuration(history.growth.window());
  bool any = false;
  for (const char* counter : kErrorCounters) {
    const uint64_t grown = history.growth.Growth(counter);
    if (grown < static_cast<uint64_t>(thresholds.launch_errors)) continue;
    any = true;
    conditions->push_back(MakeCondition(kLaunch, counter, Verdict::kBad, "Grows",
                                        fmt::format("{} grew by {} within {} (limit {})", counter,
                                                    grown, window, thresholds.launch_errors)));
  }
  if (!any) conditions->push_back(MakeCondition(kLaunch, "", Verdict::kOk, "Few", "few or none"));
  const uint64_t failed = Grown(history, kFailedCounters);
  const uint64_t ended = failed + Grown(history, kOtherEnds);
  const double share = ended == 0 ? 0 : static_cast<double>(failed) / static_cast<double>(ended);
  const bool bad =
      failed >= static_cast<uint64_t>(thresholds.tasks_failed) && share >= thresholds.failed_share;
  conditions->push_back(MakeCondition(
      kTasks, "", bad ? Verdict::kBad : Verdict::kOk, bad ? "TasksFail" : "Few",
      fmt::format("{} of {} tasks that ended within {} failed or were lost, {} executors ended "
                  "(limits {} and {:.0f} %)",
                  failed, ended, window, history.growth.Growth("slave/executors_terminated"),
                  thresholds.tasks_failed, thresholds.failed_share * 100)));
}

Condition Disk(const MesosSample& sample) {
  constexpr std::string_view kType = "MesosDiskOverGcThreshold";
  const std::string unit = sample.state.has_value() ? sample.state->work_dir : "";
  const std::optional<double> age = Metric(sample, "slave/executor_directory_max_allowed_age_secs");
  const double headroom = sample.state.has_value() ? sample.state->gc_disk_headroom : 0.1;
  const double used = sample.disk_used_share.value_or(0);
  const std::string message = fmt::format(
      "{} of the disk below the work folder is used, of {:.0f} % that gc_disk_headroom leaves; "
      "slave/executor_directory_max_allowed_age_secs is {}",
      sample.disk_used_share.has_value() ? fmt::format("{:.1f} %", used * 100) : "unknown",
      (1 - headroom) * 100, age.has_value() ? fmt::format("{:.0f}", *age) : "not told");
  if ((sample.disk_used_share.has_value() && used >= 1 - headroom) ||
      (age.has_value() && *age <= 0)) {
    return MakeCondition(kType, unit, Verdict::kBad, "OverThreshold", message);
  }
  if (!sample.disk_used_share.has_value() && !age.has_value()) {
    return MakeCondition(kType, unit, Verdict::kUnknown, "CouldNotTell", message);
  }
  return MakeCondition(kType, unit, Verdict::kOk, "Within", message);
}

Condition Checkpoint(const MesosSample& sample) {
  const MesosCheckpoint& checkpoint = sample.checkpoint;
  const auto told = [&](Verdict verdict, std::string_view reason, std::string message) {
    return MakeCondition("MesosCheckpointUnreadable", checkpoint.path, verdict, reason,
                         std::move(message));
  };
  switch (checkpoint.kind) {
    case MesosCheckpoint::Kind::kNotLooked:
      break;
    case MesosCheckpoint::Kind::kNone:
      return told(Verdict::kOk, "None", "no checkpoint yet: the agent has never registered");
    case MesosCheckpoint::Kind::kReadable:
      return told(Verdict::kOk, "Readable", "its first bytes are read");
    case MesosCheckpoint::Kind::kUnreadable:
      return told(Verdict::kBad, "Unreadable", checkpoint.error);
    case MesosCheckpoint::Kind::kNoRight:
      return told(Verdict::kUnknown, "NoPermission",
                  "no permission (CAP_DAC_READ_SEARCH): " + checkpoint.error);
  }
  return told(Verdict::kUnknown, "CouldNotTell", "the agent's work folder is not known");
}

Condition Master(const MesosSample& sample) {
  const auto told = [&](Verdict verdict, std::string_view reason, std::string message) {
    return MakeCondition("MesosMasterUnreachable", sample.master, verdict, reason,
                         std::move(message));
  };
  switch (sample.master_answer.kind) {
    case Kind::kTimedOut:
      return told(Verdict::kBad, "TimedOut", "the master's /health does not answer in time");
    case Kind::kNobody:
      return told(Verdict::kBad, "Refused", Describe("the master", sample.master_answer));
    case Kind::kNotAsked:
      return told(Verdict::kUnknown, "CouldNotTell", "the master was not asked");
    case Kind::kReplied:
    case Kind::kBroken:  // it took the connection: TLS, or what else it speaks
      break;
  }
  return told(Verdict::kOk, "Reached", "the master takes connections");
}

}  // namespace

void MesosHistory::Add(const MesosSample& sample) {
  std::set<std::string> now;
  // Where it was not asked, or not answered, what held before holds.
  const auto keep = [&](std::string_view name, bool told, bool holds) {
    if (told ? holds : held.all().contains(name)) now.insert(std::string(name));
  };
  const std::optional<double> registered = Metric(sample, "slave/registered");
  keep(kNotRegistered, registered.has_value(), registered == 0.0);
  keep(kRecovering, sample.state_answer.kind == Kind::kReplied,
       sample.state_answer.status == kUnavailableStatus);
  held.Replace(now, sample.at);
  if (!sample.metrics_answer.ok()) return;
  const auto add = [&](std::string_view name) {
    const std::optional<double> value = Metric(sample, name);
    // Beyond 2^53 a double counts no more.
    if (!value.has_value() || *value < 0 || *value > 9e15) return;
    growth.Add(name, static_cast<uint64_t>(std::llround(*value)), sample.at);
  };
  for (const char* counter : kErrorCounters) add(counter);
  for (const char* counter : kFailedCounters) add(counter);
  for (const char* counter : kOtherEnds) add(counter);
  add("slave/executors_terminated");
}

std::vector<Condition> EvaluateMesos(const MesosSample& sample, const MesosHistory& history,
                                     const MesosThresholds& thresholds) {
  std::vector<Condition> conditions;
  conditions.push_back(Health(sample));
  conditions.push_back(Registered(sample, history, thresholds));
  conditions.push_back(Recovery(sample, history, thresholds));
  AddFailures(sample, history, thresholds, &conditions);
  conditions.push_back(Disk(sample));
  conditions.push_back(Checkpoint(sample));
  if (!sample.master.empty()) conditions.push_back(Master(sample));
  return conditions;
}

}  // namespace fleetmedic

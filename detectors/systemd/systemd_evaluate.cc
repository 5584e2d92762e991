#include "detectors/systemd/systemd_evaluate.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

constexpr size_t kUnitsNamedMax = 5;
// In one report; the count in SystemdDegraded tells of the others.
constexpr size_t kUnitConditionsMax = 200;

Condition Degraded(const SystemdSample& sample, const std::vector<const SystemdUnit*>& failed,
                   size_t ignored) {
  std::string message = "systemd says " + Quote(sample.state);
  for (size_t i = 0; i < failed.size() && i < kUnitsNamedMax; ++i) {
    message += (i == 0 ? "; failed: " : ", ") + VisibleText(failed[i]->name);
  }
  if (failed.size() > kUnitsNamedMax) {
    message += fmt::format(" and {} more", failed.size() - kUnitsNamedMax);
  }
  if (ignored > 0) message += fmt::format("; {} failed units are ignored", ignored);
  Verdict verdict = Verdict::kOk;
  std::string_view reason = "Running";
  if (sample.state == "degraded") {
    // Degraded by nothing but units that do not matter is not degraded.
    const bool matters = !failed.empty() || ignored == 0;
    verdict = matters ? Verdict::kBad : Verdict::kOk;
    reason = matters ? "UnitsFailed" : "OnlyIgnoredUnits";
  } else if (sample.state == "maintenance") {
    verdict = Verdict::kBad;
    reason = "Maintenance";
  } else if (sample.state == "initializing" || sample.state == "starting") {
    reason = "Starting";
  } else if (sample.state != "running") {
    verdict = Verdict::kUnknown;  // "stopping", "offline", or a word of a later version
    reason = sample.state == "stopping" ? "Stopping" : "NotRunning";
  }
  Condition condition = MakeCondition("SystemdDegraded", "", verdict, reason, message);
  if (sample.state == "maintenance") condition.severity = Severity::kHard;
  return condition;
}

// systemd calls itself starting until its queue of jobs was empty once.
Condition BootUnfinished(const SystemdSample& sample, const SystemdThresholds& thresholds) {
  constexpr std::string_view kType = "SystemdBootUnfinished";
  const bool starting = sample.state == "initializing" || sample.state == "starting";
  if (!starting) {
    return MakeCondition(kType, "", Verdict::kOk, "Finished",
                         "systemd says " + Quote(sample.state));
  }
  if (sample.uptime < thresholds.boot_max) {
    return MakeCondition(kType, "", Verdict::kOk, "Starting", "the host boots");
  }
  std::string message = fmt::format("still {} for longer than {} after the boot",
                                    Quote(sample.state), FormatDuration(thresholds.boot_max));
  if (sample.jobs.has_value() && *sample.jobs) {
    size_t named = 0;
    for (const SystemdJob& job : **sample.jobs) {
      if (job.state != "running" || named == kUnitsNamedMax) continue;
      message += fmt::format("{}{} {}", named++ == 0 ? "; runs: " : ", ", VisibleText(job.type),
                             VisibleText(job.unit));
    }
  }
  return MakeCondition(kType, "", Verdict::kBad, "NotFinished", message);
}

}  // namespace

void SystemdSince::Set(const std::set<std::string>& keys, MonoTime at) {
  std::erase_if(since_, [&](const auto& entry) { return !keys.contains(entry.first); });
  for (const std::string& key : keys) {
    if (since_.size() < kMax) since_.try_emplace(key, at);
  }
}

Micros SystemdSince::For(const std::string& key, MonoTime at) const {
  const auto found = since_.find(key);
  return found == since_.end() ? Micros(0) : at - found->second;
}

bool MissedWatchdog(const SystemdUnit& unit) {
  return unit.result == "watchdog" || unit.sub_state == "stop-watchdog" ||
         unit.sub_state == "final-watchdog";
}

std::string RequiredPattern(std::string pattern) {
  // The types of systemd.unit(5).
  constexpr std::string_view kTypes[] = {".service",   ".socket", ".device", ".mount",
                                         ".automount", ".swap",   ".target", ".path",
                                         ".timer",     ".slice",  ".scope"};
  const bool typed =
      std::ranges::any_of(kTypes, [&](std::string_view type) { return pattern.ends_with(type); });
  if (!typed && pattern.find_first_of("*?") == std::string::npos) pattern += ".service";
  return pattern;
}

bool AnyGlobMatches(const std::vector<std::string>& globs, std::string_view text) {
  return std::ranges::any_of(globs,
                             [&](const std::string& glob) { return GlobMatches(glob, text); });
}

bool SystemdHistory::WatchdogMissed(const std::string& unit) const {
  const auto found = units_.find(unit);
  return found != units_.end() &&
         std::ranges::any_of(found->second, [](const Look& look) { return look.watchdog; });
}

void SystemdHistory::Add(const SystemdSample& sample, Millis within) {
  for (const SystemdUnit& unit : sample.units) {
    auto found = units_.find(unit.name);
    if (found == units_.end()) {
      if (units_.size() >= kUnitsMax) continue;
      found = units_.try_emplace(unit.name).first;
    }
    std::deque<Look>& looks = found->second;
    if (!looks.empty() && unit.restarts < looks.back().restarts) {
      // Its restarts since then are all within the window.
      looks.assign(1, {looks.back().at, 0, false});
    }
    looks.push_back({sample.at, unit.restarts, MissedWatchdog(unit)});
    if (looks.size() > kLooksMax) looks.pop_front();
  }
  for (auto it = units_.begin(); it != units_.end();) {
    std::deque<Look>& looks = it->second;
    while (!looks.empty() && sample.at - looks.front().at > within) looks.pop_front();
    it = looks.empty() ? units_.erase(it) : std::next(it);
  }
}

uint32_t SystemdHistory::Growth(const std::string& unit) const {
  const auto found = units_.find(unit);
  if (found == units_.end()) return 0;
  return found->second.back().restarts - found->second.front().restarts;
}

bool GlobMatches(std::string_view glob, std::string_view text) {
  size_t g = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;
  size_t star_text = 0;
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      star_text = t;
    } else if (g < glob.size() && (glob[g] == '?' || glob[g] == text[t])) {
      ++g;
      ++t;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

std::vector<Condition> EvaluateSystemd(const SystemdSample& sample,
                                       const SystemdThresholds& thresholds,
                                       SystemdHistory* history) {
  std::vector<Condition> conditions;
  conditions.push_back(MakeCondition("SystemdUnresponsive", "", Verdict::kOk, "Answers",
                                     "systemd answers on its bus"));
  std::vector<const SystemdUnit*> failed;
  size_t ignored = 0;
  bool looping = false;
  const bool early = sample.uptime < thresholds.boot_grace;
  for (const SystemdUnit& unit : sample.units) {
    const bool is_failed = unit.active_state == "failed";
    if (AnyGlobMatches(thresholds.ignore, unit.name)) {
      if (is_failed) ++ignored;
      continue;
    }
    if (is_failed) {
      failed.push_back(&unit);
      if (conditions.size() < kUnitConditionsMax) {
        conditions.push_back(MakeCondition(
            "SystemdUnitFailed", unit.name, Verdict::kBad,
            MissedWatchdog(unit) ? "Watchdog" : "Failed",
            fmt::format("result {}, {} restarts", Quote(unit.result), unit.restarts)));
      }
    }
    const uint32_t growth = history->Growth(unit.name);
    if (!early && growth >= static_cast<uint32_t>(std::max(thresholds.restart_loop_count, 1))) {
      looping = true;
      if (conditions.size() >= kUnitConditionsMax) continue;
      conditions.push_back(MakeCondition(
          "SystemdRestartLoop", unit.name, Verdict::kBad,
          history->WatchdogMissed(unit.name) ? "Watchdog"
          : unit.sub_state == "auto-restart" ? "AutoRestart"
                                             : "Restarts",
          fmt::format("restarted {} times within {}, {} times in all", growth,
                      FormatDuration(thresholds.restart_loop_within), unit.restarts)));
    }
  }
  if (failed.empty()) {
    conditions.push_back(
        MakeCondition("SystemdUnitFailed", "", Verdict::kOk, "NoneFailed", "no unit is failed"));
  }
  if (!looping) {
    conditions.push_back(MakeCondition(
        "SystemdRestartLoop", "", Verdict::kOk, "NoneLoops",
        early ? "the host has booted only just now" : "no unit restarts again and again"));
  }
  ConditionList list;
  if (sample.required.has_value()) {
    EvaluateRequired(sample, thresholds, &history->required_down, &list);
  }
  if (sample.jobs.has_value()) EvaluateJobs(sample, thresholds, &history->jobs, &list);
  for (Condition& condition : std::move(list).Take()) conditions.push_back(std::move(condition));
  conditions.push_back(BootUnfinished(sample, thresholds));
  conditions.push_back(Degraded(sample, failed, ignored));
  return conditions;
}

}  // namespace fleetmedic

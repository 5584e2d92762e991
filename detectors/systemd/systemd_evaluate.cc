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

bool Ignored(const SystemdUnit& unit, const SystemdThresholds& thresholds) {
  return std::ranges::any_of(thresholds.ignore,
                             [&](const std::string& glob) { return GlobMatches(glob, unit.name); });
}

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
    verdict = Verdict::kUnknown;  // "stopping", or a word of a later version
    reason = "NotRunning";
  }
  Condition condition = MakeCondition("SystemdDegraded", "", verdict, reason, message);
  if (sample.state == "maintenance") condition.severity = Severity::kHard;
  return condition;
}

}  // namespace

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
      looks.assign(1, {looks.back().at, 0});
    }
    looks.push_back({sample.at, unit.restarts});
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

std::vector<Condition> EvaluateSystemd(const SystemdSample& sample, const SystemdHistory& history,
                                       const SystemdThresholds& thresholds) {
  std::vector<Condition> conditions;
  conditions.push_back(MakeCondition("SystemdUnresponsive", "", Verdict::kOk, "Answers",
                                     "systemd answers on its bus"));
  std::vector<const SystemdUnit*> failed;
  size_t ignored = 0;
  bool looping = false;
  const bool early = sample.uptime < thresholds.boot_grace;
  for (const SystemdUnit& unit : sample.units) {
    const bool is_failed = unit.active_state == "failed";
    if (Ignored(unit, thresholds)) {
      if (is_failed) ++ignored;
      continue;
    }
    if (is_failed) {
      failed.push_back(&unit);
      if (conditions.size() < kUnitConditionsMax) {
        conditions.push_back(MakeCondition(
            "SystemdUnitFailed", unit.name, Verdict::kBad, "Failed",
            fmt::format("result {}, {} restarts", Quote(unit.result), unit.restarts)));
      }
    }
    const uint32_t growth = history.Growth(unit.name);
    if (!early && growth >= static_cast<uint32_t>(std::max(thresholds.restart_loop_count, 1))) {
      looping = true;
      if (conditions.size() >= kUnitConditionsMax) continue;
      conditions.push_back(MakeCondition(
          "SystemdRestartLoop", unit.name, Verdict::kBad,
          unit.sub_state == "auto-restart" ? "AutoRestart" : "Restarts",
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
  conditions.push_back(Degraded(sample, failed, ignored));
  return conditions;
}

}  // namespace fleetmedic

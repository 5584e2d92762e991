// Which of the required units are down, and which are not there.
#include <fmt/format.h>

#include "base/text.h"
#include "detectors/systemd/systemd_evaluate.h"

namespace fleetmedic {
namespace {

constexpr std::string_view kDown = "SystemdRequiredUnitDown";
constexpr std::string_view kMissing = "SystemdRequiredUnitMissing";

bool Masked(const SystemdRequiredUnit& unit) {
  return unit.load_state == "masked" || unit.file_state.starts_with("masked");
}

// Something of the unit is on this host: a reference to a unit that nobody installed is listed too.
bool Exists(const SystemdRequiredUnit& unit) {
  return !unit.file_state.empty() || unit.load_state == "loaded" || Masked(unit);
}

// Whether the host means to run it: what a generator made of an init script is loaded only where
// the script is switched on.
bool Enabled(const SystemdRequiredUnit& unit) {
  return unit.file_state == "enabled" || unit.file_state == "enabled-runtime" ||
         (unit.file_state == "generated" && unit.load_state == "loaded");
}

// A job that starts it counts as a start; one that hangs is SystemdJobStuck's.
bool UpOrStarting(const SystemdRequiredUnit& unit) {
  return unit.active_state == "active" || unit.active_state == "reloading" ||
         unit.active_state == "refreshing" || unit.active_state == "activating" ||
         unit.job == "start" || unit.job == "restart";
}

struct Judged {
  std::set<std::string> down;
  std::set<std::string> missing;  // patterns, and units that are masked
  size_t up = 0;
};

std::vector<std::string> Patterns(const std::vector<std::string>& configured) {
  std::vector<std::string> patterns;
  for (const std::string& pattern : configured) patterns.push_back(RequiredPattern(pattern));
  return patterns;
}

Judged Judge(const std::vector<SystemdRequiredUnit>& units, const SystemdThresholds& thresholds) {
  const std::vector<std::string> required = Patterns(thresholds.required);
  const std::vector<std::string> if_enabled = Patterns(thresholds.required_if_enabled);
  Judged judged;
  judged.missing.insert(required.begin(), required.end());
  for (const SystemdRequiredUnit& unit : units) {
    if (!Exists(unit)) continue;
    const bool by_operator = AnyGlobMatches(required, unit.name);
    std::erase_if(judged.missing,
                  [&](const std::string& pattern) { return GlobMatches(pattern, unit.name); });
    if (AnyGlobMatches(thresholds.ignore, unit.name)) continue;
    if (!by_operator && !(AnyGlobMatches(if_enabled, unit.name) && Enabled(unit))) continue;
    if (UpOrStarting(unit) || unit.skipped || unit.finished) {
      ++judged.up;
    } else if (!Masked(unit)) {
      judged.down.insert(unit.name);
    }
  }
  for (const SystemdRequiredUnit& unit : units) {
    if (Masked(unit) && !UpOrStarting(unit) && AnyGlobMatches(required, unit.name) &&
        !AnyGlobMatches(thresholds.ignore, unit.name)) {
      judged.missing.insert(unit.name);
    }
  }
  std::erase_if(judged.missing, [&](const std::string& pattern) {
    return AnyGlobMatches(thresholds.ignore, pattern);
  });
  return judged;
}

const SystemdRequiredUnit* Find(const std::vector<SystemdRequiredUnit>& units,
                                const std::string& name) {
  for (const SystemdRequiredUnit& unit : units) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

void TellDown(const SystemdRequiredUnit& unit, const std::string& grace, ConditionList* list) {
  std::string message = fmt::format("{}", VisibleText(unit.active_state));
  if (!unit.sub_state.empty()) message += fmt::format(" ({})", VisibleText(unit.sub_state));
  message += fmt::format(" for longer than {}", grace);
  if (!unit.file_state.empty()) message += "; its file is " + VisibleText(unit.file_state);
  list->Bad(kDown, unit.name, Severity::kSoft,
            unit.active_state == "failed" ? "Failed" : "Inactive", message);
}

}  // namespace

void EvaluateRequired(const SystemdSample& sample, const SystemdThresholds& thresholds,
                      SystemdSince* down, ConditionList* list) {
  // A system that shuts down or is in rescue has stopped its units by intent.
  const bool intent = sample.state == "stopping" || sample.state == "maintenance";
  if (intent || !*sample.required) {
    down->Set({}, sample.at);
    for (const std::string_view type : {kDown, kMissing}) {
      list->Unknown(
          type, "", intent ? "NotRunning" : "NotAsked",
          intent ? "systemd says " + Quote(sample.state) : sample.required->error().message);
    }
    return;
  }
  const std::vector<SystemdRequiredUnit>& units = **sample.required;
  const Judged judged = Judge(units, thresholds);
  std::set<std::string> all = judged.down;
  all.insert(judged.missing.begin(), judged.missing.end());
  down->Set(all, sample.at);
  const bool early = sample.uptime < thresholds.boot_grace;
  const auto lasts = [&](const std::string& key) {
    return !early && down->For(key, sample.at) >= thresholds.required_grace;
  };
  const std::string grace = FormatDuration(thresholds.required_grace);
  for (const std::string& name : judged.down) {
    if (lasts(name)) TellDown(*Find(units, name), grace, list);
  }
  for (const std::string& name : judged.missing) {
    if (!lasts(name)) continue;
    const bool masked = Find(units, name) != nullptr && Masked(*Find(units, name));
    list->Bad(kMissing, name, Severity::kSoft, masked ? "Masked" : "Missing",
              masked ? "the unit is required and masked"
                     : fmt::format("no unit matches for longer than {}", grace));
  }
  list->Fine(kDown, "AllRun", fmt::format("{} required units run", judged.up));
  list->Fine(kMissing, "AllThere", "each required pattern matches a unit");
}

}  // namespace fleetmedic
